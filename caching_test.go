package forebay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
)

// cachedHook shares a system prompt of about 3,000 tokens among its jobs; plain
// has none to speak of.
func cachedHook(cache string) string {
	return fmt.Sprintf(`hooks:
  cached:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    cache: %s
    system: %q
    prompt: 'Event {{ .payload.n }}'
    max_tokens: 300
  plain:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    cache: "off"
    system: You answer.
    prompt: 'Event {{ .payload.n }}'
    max_tokens: 300
`, cache, strings.Repeat("You judge events with care. ", 330))
}

// flood sends n events to a hook, and waits until all have been worked.
func (w *world) flood(hook string, from, n int) {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = w.accepted(hook, "push", fmt.Sprintf(`{"n":%d}`, from+i))
	}
	for _, id := range ids {
		w.until(id, "succeeded", 10*time.Minute)
	}
}

// reboot starts the server again on its store, with another configuration.
func (w *world) reboot(change func(*config.Config)) {
	w.t.Helper()
	if err := w.server.Stop(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	change(w.opts.Config)
	w.boot()
}

// use sums what the calls of the simulator wrote to and read from the cache.
func (w *world) use() (calls, writes, reads int, most int64) {
	for _, c := range w.claude.MessageCalls() {
		calls++
		if c.CacheWriteTokens > 0 {
			writes++
		}
		if c.CacheReadTokens > 0 {
			reads++
		}
		most = max(most, c.CacheWriteTokens)
	}
	return calls, writes, reads, most
}

// TestCacheWarming: 300 jobs that share a prefix of 3,000 tokens and come at
// once, while the lane is wide open, write it to the prompt cache once. Without
// the gate all that are let go before the first answer begins write it.
func TestCacheWarming(t *testing.T) {
	for _, tt := range []struct {
		name, warming, cache string
		jobs                 int
		fewest, most         int // writes
	}{
		{"one warms", "one", "5m", 300, 1, 2},
		{"for an hour", "one", "1h", 70, 1, 2},
		{"control: nobody waits", "all", "5m", 300, 20, 300},
		{"control: no caching", "one", `"off"`, 70, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, cachedHook(tt.cache), claudetest.Options{Latency: time.Second}, func(w *world) {
				w.reboot(func(c *config.Config) { c.Claude.CacheWarming = tt.warming })
				w.flood("plain", 0, 150) // opens the lane
				_, before, _, _ := w.use()
				w.flood("cached", 1000, tt.jobs)
				calls, writes, reads, size := w.use()
				if before != 0 || calls != 150+tt.jobs {
					t.Fatalf("got %d calls and %d writes before, want %d and none", calls, before, 150+tt.jobs)
				}
				if writes < tt.fewest || writes > tt.most {
					t.Errorf("got %d writes, want %d to %d", writes, tt.fewest, tt.most)
				}
				if tt.most > 0 && (reads != tt.jobs-writes || size < 2500 || size > 3500) {
					t.Errorf("got %d reads of %d tokens, want the other %d and about 3000", reads, size, tt.jobs-writes)
				}
				t.Logf("%d writes, %d reads, %v", writes, reads, w.elapsed())
			})
		})
	}
}

// TestWarmerGivesWay: when the call that was to write the prefix fails, the next
// job writes it, and a restart forgets nothing of what is warm; past its time it
// is written again, once.
func TestWarmerGivesWay(t *testing.T) {
	o := claudetest.Options{Latency: time.Second, Script: []claudetest.Step{step(t, "server_error")}}
	bubble(t, cachedHook("5m"), o, func(w *world) {
		w.flood("cached", 0, 10)
		if calls, writes, reads, _ := w.use(); calls != 11 || writes != 1 || reads != 9 {
			t.Errorf("got %d calls, %d writes, %d reads; want 11, 1 and 9", calls, writes, reads)
		}
		time.Sleep(4 * time.Minute)
		w.reboot(func(*config.Config) {})
		began := time.Now()
		w.flood("cached", 100, 10)
		if calls, writes, _, _ := w.use(); calls != 21 || writes != 1 {
			t.Errorf("after a restart: got %d calls and %d writes, want 21 and 1", calls, writes)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("10 jobs with a warm prefix took %v, want no wait", took)
		}
		time.Sleep(6 * time.Minute)
		w.flood("cached", 200, 10)
		if calls, writes, _, _ := w.use(); calls != 31 || writes != 2 {
			t.Errorf("past its time: got %d calls and %d writes, want 31 and 2", calls, writes)
		}
	})
}
