package config

import (
	"strings"
	"testing"
	"time"
)

// TestBounded shows that small hostile files cost little.
func TestBounded(t *testing.T) {
	t.Parallel()
	var laughs strings.Builder
	laughs.WriteString("a: &a [x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c < 'k'; c++ {
		p := string(c - 1)
		laughs.WriteString(string(c) + ": &" + string(c) + " [*" + strings.Join(strings.Split(strings.Repeat(p, 9), ""), ",*") + "]\n")
	}
	for name, data := range map[string]string{
		"deep lists":       strings.Repeat("[", maxConfig/2),
		"deep mappings":    strings.Repeat("{a: ", maxConfig/8),
		"many keys":        "hooks: {" + strings.Repeat("a: {}, ", maxConfig/8) + "}",
		"many lines":       strings.Repeat("x: [1\n", maxConfig/8),
		"billion laughs":   laughs.String(),
		"many variables":   "listen: \"" + strings.Repeat("${A}", maxConfig/8) + "\"",
		"one long unknown": strings.Repeat("k", maxConfig/2) + ": 1",
		"many documents":   strings.Repeat("---\na: b\n", maxConfig/16),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, err := Parse("f.yaml", []byte(data), t.TempDir(), lookup(nil))
			if err == nil {
				t.Error("accepted")
			} else if len(err.Error()) > 64<<10 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
