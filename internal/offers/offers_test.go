package offers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "offered")
	s := New(dir)
	first, err := s.Keep("pr", "secret-1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(first); err != nil || string(got) != "secret-1" {
		t.Errorf("got %q, %v", got, err)
	}
	if info, err := os.Stat(first); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("got %v, %v: others can read it", info.Mode(), err)
	}
	if again, err := New(dir).Keep("pr", "secret-1"); err != nil || again != first {
		t.Errorf("the same again: got %s, %v, want %s", again, err, first)
	}
	for i := 2; i <= maxPerHook; i++ {
		if _, err := s.Keep("pr", fmt.Sprintf("secret-%d", i)); err != nil {
			t.Errorf("offer %d: %v", i, err)
		}
	}
	if _, err := s.Keep("pr", "one too many"); !errors.Is(err, ErrUnfit) {
		t.Errorf("spaces: got %v, want ErrUnfit", err)
	}
	if _, err := s.Keep("pr", "one-too-many"); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if again, err := s.Keep("pr", "secret-1"); err != nil || again != first {
		t.Errorf("a known one when full: got %s, %v, want %s", again, err, first)
	}
	if _, err := s.Keep("other", "secret-1"); err != nil {
		t.Errorf("another hook: %v", err)
	}
	for _, bad := range []string{"", "a\nb", "ümlaut", strings.Repeat("x", maxSecret+1)} {
		if _, err := s.Keep("pr", bad); !errors.Is(err, ErrUnfit) {
			t.Errorf("%.10q: got %v, want ErrUnfit", bad, err)
		}
	}
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Keep("pr", "one-too-many"); err != nil || got != first {
		t.Errorf("once there is room: got %s, %v", got, err)
	}
}
