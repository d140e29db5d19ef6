package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/config"
)

// documents are what people read first, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, "../../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	return texts
}

// TestConfigurationsInDocuments: whole configurations in the documents pass the
// check, without a warning.
func TestConfigurationsInDocuments(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	getenv := func(string) (string, bool) { return "0123456789abcdef0123456789abcdef", true }
	checked := 0
	for path, text := range documents(t) {
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "\nhooks:\n") {
				continue
			}
			checked++
			cfg, err := config.Parse(path, []byte(m[1]), t.TempDir(), getenv)
			if err != nil {
				t.Errorf("%s: %v in\n%s", path, err, m[1])
			} else if len(cfg.Warnings) > 0 {
				t.Errorf("%s: %v in\n%s", path, cfg.Warnings, m[1])
			}
		}
	}
	if checked < 2 {
		t.Errorf("found %d configurations, want those of the README at least", checked)
	}
}

// TestCommandsInDocuments: every command line of the documents names a command
// that there is, with flags that it has.
func TestCommandsInDocuments(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile("`(forebay [a-z][^`]*)`")
	checked := 0
	for path, text := range documents(t) {
		var lines []string
		for line := range strings.Lines(text) {
			if line, ok := strings.CutPrefix(strings.TrimSpace(line), "forebay "); ok {
				line, _, _ = strings.Cut(line, "#")
				lines = append(lines, "forebay "+line)
			}
		}
		for _, m := range inline.FindAllStringSubmatch(text, -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			checked++
			if err := understood(strings.Fields(line)[1:]); err != nil {
				t.Errorf("%s: %q: %v", path, line, err)
			}
		}
	}
	if checked < 20 {
		t.Errorf("found %d commands, want those of the README at least", checked)
	}
	for _, wrong := range []string{"jbs list", "jobs lst", "jobs list --colour red"} {
		if understood(strings.Fields(wrong)) == nil {
			t.Errorf("%s passes for a command", wrong)
		}
	}
}

// understood says what is wrong with a command line, as far as that can be told
// without running it.
func understood(args []string) error {
	root := newRoot(&app{})
	root.InitDefaultHelpCmd()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() {
		if err := knownCommand(cmd, words(rest)); err != nil {
			return err
		}
	}
	return cmd.ParseFlags(rest)
}

// words are the arguments before the first flag.
func words(args []string) []string {
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") {
			return args[:i]
		}
	}
	return args
}

// TestLinksInDocuments: what a document links to in this tree is there.
func TestLinksInDocuments(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	found := 0
	for path, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: links to %s, which is not there", path, m[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d links, want those of the README at least", found)
	}
}
