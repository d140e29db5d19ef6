package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemoStays runs the demo as a person does who then types the commands
// that it suggests, and ends it with Ctrl-C.
func TestDemoStays(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	said, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		a := &app{stdin: strings.NewReader(""), stdout: out, stderr: io.Discard, getenv: os.LookupEnv}
		ended <- run(ctx, []string{"demo"}, a)
		_ = out.Close()
	}()

	var suggested [][]string
	var folder string
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Press Ctrl-C") {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) > 0 && words[0] == "forebay":
			suggested = append(suggested, words[1:])
		case len(words) == 2 && words[0] == "config":
			folder = filepath.Dir(words[1])
		}
	}
	if len(suggested) != 2 {
		t.Fatalf("the demo suggests %q, want two commands", suggested)
	}
	for i, want := range []string{"202 accepted job_", "pr-summary"} {
		code, stdout, stderr := typed(t, nil, suggested[i]...)
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("forebay %q: exit %d, %s%s", suggested[i], code, stdout, stderr)
		}
	}
	interrupt()
	if _, err := io.Copy(io.Discard, said); err != nil {
		t.Error(err)
	}
	if code := <-ended; code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder %s of the demo stays: %v", folder, err)
	}
}
