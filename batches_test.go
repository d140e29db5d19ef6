package forebay_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
)

const batchHook = `hooks:
  bulk:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    system: You judge.
    prompt: 'Event {{ .payload.n }}'
    max_tokens: 300
    lane: batch
    deliver:
      - callback: {url: "http://sink.test/x", secret: "0123456789abcdef0123456789"}
`

// A till counts what the simulated API is paid for in batches, by prompt.
type till struct {
	mu   sync.Mutex
	paid map[string]int
	seen map[string]int // how often each custom id came
}

func newTill() *till { return &till{paid: map[string]int{}, seen: map[string]int{}} }

func (t *till) reply(r claudetest.Request) claudetest.Reply {
	if r.Endpoint == "batches.create" {
		t.mu.Lock()
		t.paid[r.Prompt()]++
		t.mu.Unlock()
	}
	return claudetest.Reply{}
}

// total is how many requests were paid for, and most how often the same one was.
func (t *till) total() (total, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.paid {
		total, most = total+n, max(most, n)
	}
	return total, most
}

// again counts the times that a request is seen.
func (t *till) again(id string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[id]++
	return t.seen[id]
}

// A sink takes callbacks and counts them by job.
type sink struct {
	mu   sync.Mutex
	jobs map[string]int
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.jobs[r.Header.Get("Webhook-Id")]++
	s.mu.Unlock()
}

// counts returns how many deliveries came, and the most of one.
func (s *sink) counts() (n, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.jobs {
		most = max(most, c)
	}
	return len(s.jobs), most
}

// batched runs f in a world whose hook bulk goes through batches.
func batched(t *testing.T, hooks string, o claudetest.Options, f func(w *world, paid *till, out *sink)) {
	t.Helper()
	paid, out := newTill(), &sink{jobs: map[string]int{}}
	if o.Reply == nil {
		o.Reply = paid.reply
	}
	bubble(t, hooks, o, func(w *world) {
		w.serve("sink.test:80", out)
		f(w, paid, out)
	})
}

// pushes sends n events and returns their jobs.
func (w *world) pushes(hook string, from, n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = w.accepted(hook, "push", fmt.Sprintf(`{"n":%d}`, from+i))
	}
	return ids
}

// batches counts how many batches were asked for.
func (w *world) batches() (asked int) {
	for _, c := range w.claude.Calls() {
		if c.Endpoint == "batches.create" {
			asked++
		}
	}
	return asked
}

// halfPrice checks that each call of a job cost exactly half of what a live call
// would have, rounded up to a nano-dollar, and returns the sum.
func (w *world) halfPrice(doc map[string]any) (sum event.NanoUSD) {
	w.t.Helper()
	for _, c := range doc["calls"].([]any) {
		call := c.(map[string]any)
		if call["outcome"] != "ok" {
			continue
		}
		u := call["usage"].(map[string]any)
		count := func(name string) int64 { n, _ := u[name].(float64); return int64(n) }
		usage := event.Usage{
			InputTokens: count("input_tokens"), CacheWrite5m: count("cache_write_5m_tokens"), CacheWrite1h: count("cache_write_1h_tokens"),
			CacheRead: count("cache_read_tokens"), OutputTokens: count("output_tokens"),
		}
		full, known := catalog.Cost("claude-haiku-5-5", usage, time.Now(), false)
		want := (full + 1) / 2
		got := event.NanoUSD(math.Round(call["cost_usd"].(float64) * 1e9))
		if !known || want == 0 || got != want || u["service_tier"] != "batch" {
			w.t.Errorf("job %v: got %d nano-dollars at tier %v, want %d, half of %d", doc["id"], got, u["service_tier"], want, full)
		}
		sum += got
	}
	return sum
}

// TestBatchLane: three hundred jobs through batches. Results come in no order;
// some requests fail and some expire, and find the next batch. Each job is
// answered, delivered and paid for once, at half the price.
func TestBatchLane(t *testing.T) {
	tries := newTill()
	fails := func(id string, r claudetest.Request) *claudetest.Failure {
		switch n := tries.again(id); {
		case n > 1:
			return nil
		case strings.HasSuffix(r.Prompt(), "3"):
			return &claudetest.Failure{Kind: claudetest.Expired}
		case strings.HasSuffix(r.Prompt(), "7"):
			return &claudetest.Failure{Kind: claudetest.Overloaded}
		}
		return nil
	}
	batched(t, batchHook, claudetest.Options{BatchDuration: 40 * time.Minute, BatchFail: fails}, func(w *world, paid *till, out *sink) {
		var jobs []string
		for wave := range 3 {
			jobs = append(jobs, w.pushes("bulk", 100*wave, 100)...)
			time.Sleep(2 * time.Minute)
		}
		doc := w.job(jobs[0])
		until, err := time.Parse(time.RFC3339, fmt.Sprint(doc["until"]))
		if doc["state"] != "queued" || doc["reason"] != "batch" || doc["lane"] != "batch" || err != nil || until.Before(time.Now()) {
			t.Errorf("got %v %v in lane %v until %v, want queued, batch and a time to come", doc["state"], doc["reason"], doc["lane"], doc["until"])
		}
		w.shown("running", 100)
		var sum event.NanoUSD
		for _, id := range jobs {
			sum += w.halfPrice(w.eventually(id, 4*time.Hour))
		}
		time.Sleep(time.Minute)
		if total, most := paid.total(); total != 300 || most != 1 {
			t.Errorf("%d requests were paid for, one of them %d times; want 300, once each", total, most)
		}
		if n, most := out.counts(); n != 300 || most != 1 {
			t.Errorf("%d deliveries, one of them %d times; want 300, once each", n, most)
		}
		if n := len(w.claude.MessageCalls()); n != 0 {
			t.Errorf("%d live calls, want none", n)
		}
		if n := w.batches(); n < 4 || n > 6 {
			t.Errorf("%d batches, want three and a few for the 60 that failed", n)
		}
		got, saved := w.spent()
		if got != sum {
			t.Errorf("costs say %d nano-dollars, the jobs %d", got, sum)
		}
		if off := saved - sum; off > 0 || off < -300 { // half of an odd price is rounded up
			t.Errorf("batches saved %d nano-dollars, want as much as they cost: %d", saved, sum)
		}
	})
}

// eventually waits long, in large steps, for a job to succeed.
func (w *world) eventually(id string, limit time.Duration) map[string]any {
	w.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(30 * time.Second) {
		if doc := w.job(id); doc["state"] == "succeeded" || time.Now().After(end) {
			if doc["state"] != "succeeded" {
				w.t.Fatalf("job is %v after %v: %v", doc["state"], limit, doc)
			}
			return doc
		}
	}
}

// resumed checks that the batch lane is paused for a reason that a person has to
// remove, and removes it.
func (w *world) resumed(job, reason string) {
	w.t.Helper()
	_, doc := w.admin(http.MethodGet, "/v1/lanes")
	for _, l := range doc["lanes"].([]any) {
		lane := l.(map[string]any)
		if lane["name"] == "batch" && (lane["paused"] != true || lane["reason"] != reason || lane["queued"] != 25.0) {
			w.t.Errorf("got lane %v, want it paused for %s with 25 jobs", lane, reason)
		}
	}
	if status, doc := w.admin(http.MethodPost, "/v1/lanes/batch/resume"); status != http.StatusOK {
		w.t.Fatalf("got %d %v, want 200", status, doc)
	}
}

// shown checks that the lanes show a batch in a state with so many requests.
func (w *world) shown(state string, requests int) {
	w.t.Helper()
	_, doc := w.admin(http.MethodGet, "/v1/lanes")
	if text := fmt.Sprint(doc); !strings.Contains(text, "name:batch") || !strings.Contains(text, "state:"+state) || !strings.Contains(text, fmt.Sprint("requests:", requests)) {
		w.t.Errorf("lanes show %s, want a batch of %d that is %s", text, requests, state)
	}
}

// spent is what the costs of the day sum up to, and what batches saved of them.
func (w *world) spent() (cost, saved event.NanoUSD) {
	w.t.Helper()
	_, doc := w.admin(http.MethodGet, "/v1/costs")
	nano := func(v any) event.NanoUSD { return event.NanoUSD(math.Round(v.(float64) * 1e9)) }
	for _, v := range doc["rows"].([]any) {
		row := v.(map[string]any)
		cost, saved = cost+nano(row["cost_usd"]), saved+nano(row["batch_saved_usd"])
	}
	return cost, saved
}

// TestBatchMadeOnce: whatever happens to the request that makes a batch or to
// the answer to it, the jobs are paid for once.
func TestBatchMadeOnce(t *testing.T) {
	for _, tt := range []struct {
		name, failure string
		asked         int
		restart       bool
	}{
		{"the answer is lost", "drop_body", 1, false},
		{"the answer is lost and the server stops", "drop_body", 1, true},
		{"the request is lost", "cut_before_headers", 2, false},
		{"the request is lost and the server stops", "cut_before_headers", 2, true},
		{"nobody answers", "hang", 2, false},
		{"an error on their side", "server_error", 2, false},
		{"overloaded", "overloaded", 2, false},
		{"rate limited", "rate_limited retry_after=120", 2, false},
		{"rate limited and the server stops", "rate_limited retry_after=120", 2, true},
		{"spend limit", "own_limit", 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := step(t, tt.failure)
			s.Endpoint = "batches.create"
			batched(t, batchHook, claudetest.Options{Script: []claudetest.Step{s}, BatchDuration: 30 * time.Minute}, func(w *world, paid *till, out *sink) {
				jobs := w.pushes("bulk", 0, 25)
				time.Sleep(65 * time.Second)
				if n := w.batches(); n != 1 {
					t.Fatalf("%d batches were asked for after a minute, want 1", n)
				}
				if tt.failure == "drop_body" {
					w.shown("in_doubt", 25)
				}
				if tt.failure == "own_limit" {
					w.resumed(jobs[0], "own_spend_limit")
				}
				if tt.restart {
					w.reboot(func(*config.Config) {})
				}
				for _, id := range jobs {
					doc := w.eventually(id, 3*time.Hour)
					if doc["attempts"] != 1.0 {
						t.Fatalf("got %v attempts, want 1", doc["attempts"])
					}
				}
				if n := w.batches(); n != tt.asked {
					t.Errorf("%d batches were asked for, want %d", n, tt.asked)
				}
				if total, most := paid.total(); total != 25 || most != 1 {
					t.Errorf("%d requests were paid for, one of them %d times; want 25, once each", total, most)
				}
			})
		})
	}
}

// TestBatchSurvivesRestart: a stop leaves the batch at the API, and the next
// start picks it up. Results that break off are read again, and nothing is
// settled or delivered twice.
func TestBatchSurvivesRestart(t *testing.T) {
	cut := claudetest.Step{Endpoint: "batches.results", Fail: &claudetest.Failure{Kind: claudetest.Cut}, Times: 2}
	batched(t, batchHook, claudetest.Options{Script: []claudetest.Step{cut}, BatchDuration: time.Hour}, func(w *world, paid *till, out *sink) {
		jobs := w.pushes("bulk", 0, 60)
		time.Sleep(30 * time.Minute)
		w.reboot(func(*config.Config) {})
		if doc := w.job(jobs[0]); doc["reason"] != "batch" {
			t.Errorf("got %v after the restart, want batch", doc["reason"])
		}
		for _, id := range jobs {
			w.halfPrice(w.eventually(id, 3*time.Hour))
		}
		time.Sleep(time.Minute)
		if n := w.batches(); n != 1 {
			t.Errorf("%d batches were asked for, want 1", n)
		}
		if total, most := paid.total(); total != 60 || most != 1 {
			t.Errorf("%d requests were paid for, one of them %d times; want 60, once each", total, most)
		}
		if n, most := out.counts(); n != 60 || most != 1 {
			t.Errorf("%d deliveries, one of them %d times; want 60, once each", n, most)
		}
	})
}

// TestBatchCancel: a job that is cancelled while its batch runs gets nothing;
// what it cost is shown. A batch that nobody waits for is cancelled.
func TestBatchCancel(t *testing.T) {
	batched(t, batchHook, claudetest.Options{BatchDuration: time.Hour}, func(w *world, paid *till, out *sink) {
		jobs := w.pushes("bulk", 0, 2)
		time.Sleep(10 * time.Minute)
		if status, doc := w.admin(http.MethodPost, "/v1/jobs/"+jobs[0]+"/cancel"); status != http.StatusOK {
			t.Fatalf("got %d %v, want 200", status, doc)
		}
		w.eventually(jobs[1], 2*time.Hour)
		time.Sleep(time.Minute)
		doc := w.job(jobs[0])
		call := doc["calls"].([]any)[0].(map[string]any)
		if doc["state"] != "cancelled" || doc["result"] != nil || call["outcome"] != "ok" || call["code"] != "cancelled" || w.halfPrice(doc) == 0 {
			t.Errorf("got %v, want it cancelled, without a result, its call paid", doc)
		}
		if n, _ := out.counts(); n != 1 {
			t.Errorf("%d deliveries, want 1", n)
		}
		alone := w.pushes("bulk", 10, 1)[0]
		time.Sleep(5 * time.Minute)
		w.admin(http.MethodPost, "/v1/jobs/"+alone+"/cancel")
		time.Sleep(30 * time.Minute)
		cancels := 0
		for _, c := range w.claude.Calls() {
			if c.Endpoint == "batches.cancel" {
				cancels++
			}
		}
		if total, _ := paid.total(); cancels == 0 || total != 2 {
			t.Errorf("%d cancels and %d requests paid for; want the batch cancelled and 2", cancels, total)
		}
	})
}

// TestSpill: jobs that wait too long for a call leave the full lane for a
// batch; the others are called at once.
func TestSpill(t *testing.T) {
	hooks := strings.Replace(batchHook, "lane: batch", "spill: {after: 3m}", 1)
	o := claudetest.Options{BatchDuration: 20 * time.Minute, Limits: map[string]claudetest.Limits{"haiku-5-5": {RequestsPerMinute: 10}}}
	batched(t, hooks, o, func(w *world, paid *till, out *sink) {
		jobs := w.pushes("bulk", 0, 120)
		lanes := map[any]int{}
		for _, id := range jobs {
			doc := w.eventually(id, 2*time.Hour)
			calls := doc["calls"].([]any)
			lanes[calls[len(calls)-1].(map[string]any)["lane"]]++
		}
		total, most := paid.total()
		if total != lanes["batch"] || most != 1 || lanes["batch"] < 60 || lanes["haiku"] < 20 {
			t.Errorf("%d jobs went through batches (%d paid for), %d were called; want the first three minutes' called and the rest spilled", lanes["batch"], total, lanes["haiku"])
		}
		if late := w.elapsed(); late > time.Hour {
			t.Errorf("drained in %v", late)
		}
		doc := w.job(w.pushes("bulk", 1000, 1)[0])
		time.Sleep(10 * time.Second)
		if doc = w.job(doc["id"].(string)); doc["state"] != "succeeded" || doc["lane"] != "haiku" {
			t.Errorf("got %v in lane %v, want a call once the lane has room", doc["state"], doc["lane"])
		}
	})
}
