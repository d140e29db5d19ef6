package forebay_test

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/githubtest"
)

// A flood is a whole server under a spike of webhooks, with a simulated Claude
// that enforces its limits and counts output as it writes it.
type flood struct {
	*world
	plan  spike
	rng   *rand.Rand
	sent  int
	came  map[int]time.Time // by number of the event
	empty *moment           // when the last job had been sent
	dials atomic.Uint64
	extra func() // stops the other workers
}

// A spike says what comes and what the account allows.
type spike struct {
	seed    uint64
	burst   time.Duration // of the API's buckets; the server is not told
	limits  claudetest.Limits
	told    bool // the limits are configured; else they are learned
	workers int  // on one ledger
	hooks   string
	claude  claudetest.Options
	admin   string    // Admin API key; empty: none
	log     io.Writer // of warnings and errors; nil: the test's output
}

// small is the account of all spikes: 1,000 requests, 500,000 input and 100,000
// output tokens a minute.
var small = claudetest.Limits{RequestsPerMinute: 1000, InputTokensPerMinute: 500_000, OutputTokensPerMinute: 100_000}

const floodConfig = `store: sqlite:ledger.db
claude:
  api_key: test-key
  ADMIN
  base_url: "http://claude.test"
  limits: {LIMITS}
egress: {allow: ["claude.test:80"]}
admin: {keys: [an-admin-key-of-the-test]}
hooks:
`

// floodHook is one hook; its prompt is the text of the event.
const floodHook = `  NAME:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    max_tokens: 1024
    cache: off
    prompt: "{{ .payload.text }}"
`

const floodClass = "haiku-5-5"

// inFlood runs f with a server under the spike, in fake time.
func inFlood(t *testing.T, p spike, f func(w *flood)) {
	t.Helper()
	dir := fastDir(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)))
		w := newFlood(t, dir, p)
		defer w.end()
		f(w)
	})
}

// fastDir is a folder in memory where there is one: fake time does not count
// what a disk takes.
func fastDir(t *testing.T) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "forebay-flood-"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

func newFlood(t *testing.T, dir string, p spike) *flood {
	t.Helper()
	o := p.claude
	p.limits = cmp.Or(p.limits, small)
	limits := p.limits
	limits.Burst = p.burst
	o.JournalSize = 1 << 16
	o.Seed, o.Limits = p.seed, map[string]claudetest.Limits{floodClass: limits}
	o.Latency = cmp.Or(o.Latency, 600*time.Millisecond)
	o.TokensPerSecond, o.Jitter, o.PieceEvery = cmp.Or(o.TokensPerSecond, 70), 0.3, 200*time.Millisecond
	o.InputEstimateError = 0.1
	if o.Output == (claudetest.Lengths{}) {
		o.Output = claudetest.Lengths{Median: 203, Sigma: 0.8, Max: 1024} // a mean of about 280
	}
	claude, err := claudetest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &flood{world: &world{t: t, net: newMemnet(), claude: claude, github: &githubtest.Server{}, start: time.Now(), dir: dir}, plan: p, came: map[int]time.Time{}, rng: rand.New(rand.NewPCG(p.seed, 11))}
	w.serve("claude.test:80", claude)
	w.client = &http.Client{Transport: &http.Transport{DialContext: w.net.dial, MaxIdleConnsPerHost: 64}}
	told := ""
	if p.told {
		told = fmt.Sprintf("haiku: {requests_per_minute: %d, input_tokens_per_minute: %d, output_tokens_per_minute: %d}",
			p.limits.RequestsPerMinute, p.limits.InputTokensPerMinute, p.limits.OutputTokensPerMinute)
	}
	admin := ""
	if p.admin != "" {
		admin = "admin_key: " + p.admin
	}
	text := strings.NewReplacer("LIMITS", told, "ADMIN", admin).Replace(floodConfig) + cmp.Or(p.hooks, strings.Replace(floodHook, "NAME", "flood", 1))
	cfg, err := config.Parse(filepath.Join(dir, "forebay.yaml"), []byte(text), dir, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	w.opts = forebay.Options{Config: cfg, Dial: w.slowDial, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	if p.log != nil {
		w.opts.Log = slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	w.boot()
	w.extra = func() {}
	if p.workers > 1 {
		if w.extra, err = w.server.MoreWorkers(p.workers - 1); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// slowDial connects to the simulated Claude by a line on which a request takes
// from 20 to 200 ms to arrive, so that requests arrive closer together and in
// another order than they were sent.
func (w *flood) slowDial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := w.net.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &slowConn{Conn: conn, seed: w.dials.Add(1)}, nil
}

// A slowConn delays the first bytes of each request.
type slowConn struct {
	net.Conn
	seed uint64
	n    uint64
	last time.Time
}

func (c *slowConn) Write(b []byte) (int, error) {
	if time.Since(c.last) > 50*time.Millisecond {
		c.n++
		time.Sleep(time.Duration(20+rand.New(rand.NewPCG(c.seed, c.n)).IntN(180)) * time.Millisecond)
	}
	c.last = time.Now()
	return c.Conn.Write(b)
}

func (w *flood) end() {
	w.extra()
	w.world.end()
}

// text returns a prompt of about so many tokens.
func (w *flood) text(tokens int) string {
	const words = "order refund invoice parcel delay address customer answer "
	return strings.Repeat(words, tokens*3/len(words)+1)[:max(tokens*3, 8)]
}

// size draws a lognormal size; with what is around it the mean is about 1,500
// tokens.
func (w *flood) size() int {
	const mean, sigma = 1290, 0.8
	return int(min(max(mean*math.Exp(sigma*w.rng.NormFloat64()-sigma*sigma/2), 8), 50_000))
}

// send lets n events come to a hook at once, from 32 senders.
func (w *flood) send(hook string, n int) {
	w.t.Helper()
	bodies := make(chan string)
	var senders sync.WaitGroup
	for range min(n, 32) {
		senders.Go(func() {
			for body := range bodies {
				w.post(hook, body)
			}
		})
	}
	for range n {
		w.sent++
		w.came[w.sent] = time.Now()
		bodies <- fmt.Sprintf(`{"n":%d,"text":"%d %s"}`, w.sent, w.sent, w.text(w.size()))
	}
	close(bodies)
	senders.Wait()
}

// post sends one signed event, which must be accepted.
func (w *flood) post(hook, body string) {
	mac := hmac.New(sha256.New, []byte("the-secret"))
	mac.Write([]byte(body))
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://forebay.test/hooks/"+hook, strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-GitHub-Delivery", body[:min(len(body), 24)])
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		w.t.Errorf("got %d, want 202", resp.StatusCode)
	}
}

// drain waits until every job has ended, and notes when the last one had been
// sent to Claude.
func (w *flood) drain(limit time.Duration) event.Stats {
	w.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(250 * time.Millisecond) {
		s, err := w.server.Stats(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		if s.Jobs[event.Queued] == 0 && w.empty == nil {
			w.empty = &moment{time.Since(w.start), w.claude.Total()}
		}
		if s.Jobs[event.Queued]+s.Jobs[event.Running] == 0 || time.Now().After(end) {
			return s
		}
	}
}

// A moment is what the simulator had served by then.
type moment struct {
	at     time.Duration
	served claudetest.ClassStats
}

// figures are what a drain came to.
type figures struct {
	took    time.Duration // from the first event to the last answer
	ratio   float64       // of that to the fluid lower bound
	bound   string        // the limit that binds
	used    float64       // share of it that was used until the last answer
	waiting float64       // share of it that was used while jobs were waiting
	over    float64       // 429s per job
	calls   int
	lost    int
	dead    int
}

func (f figures) String() string {
	return fmt.Sprintf("T %.1fs, T/T_min %.3f, %s used %.3f while jobs wait and %.3f to the last answer, 429/job %.4f, calls %d, lost %d, dead %d",
		f.took.Seconds(), f.ratio, f.bound, f.waiting, f.used, f.over, f.calls, f.lost, f.dead)
}

// figures compares what was served with what the limits allow. The least time
// is that of a fluid and the shortest call: max over the limits of
// (sum - burst) / rate, plus the shortest call.
func (w *flood) figures(s event.Stats) figures {
	var sum [3]float64
	var last time.Time
	shortest, over := time.Hour, 0
	calls := w.claude.MessageCalls()
	for _, c := range calls {
		if c.Status == http.StatusTooManyRequests {
			over++
		}
		if c.Outcome != "ok" {
			continue
		}
		sum[0]++
		sum[1] += float64(c.InputTokens + c.CacheWriteTokens)
		sum[2] += float64(c.OutputTokens)
		shortest = min(shortest, c.End.Sub(c.At))
		if c.End.After(last) {
			last = c.End
		}
	}
	f := figures{
		took: last.Sub(w.start), calls: len(calls), over: float64(over) / float64(w.sent),
		lost: w.sent - s.Jobs[event.Succeeded] - s.Jobs[event.Dead], dead: s.Jobs[event.Dead],
	}
	if w.empty == nil {
		w.empty = &moment{f.took, w.claude.Total()}
	}
	e := w.empty.served
	by := [3]float64{float64(e.Admitted), float64(e.InputTokens), float64(e.OutputTokens)}
	least, burst := 0.0, cmp.Or(w.plan.burst, time.Minute).Minutes()
	for d, perMinute := range []int64{w.plan.limits.RequestsPerMinute, w.plan.limits.InputTokensPerMinute, w.plan.limits.OutputTokensPerMinute} {
		limit := float64(perMinute)
		if seconds := (sum[d]/limit - burst) * 60; seconds > least {
			least, f.bound = seconds, []string{"requests", "input", "output"}[d]
			f.used = sum[d] / (limit * (burst + f.took.Minutes()))
			f.waiting = by[d] / (limit * (burst + w.empty.at.Minutes()))
		}
	}
	f.ratio = f.took.Seconds() / (least + shortest.Seconds())
	return f
}

// An answer is how long after its event a call arrived at Claude, and ended.
type answer struct{ began, ended time.Duration }

// answered returns the answers by the number of their event. The text in a
// prompt begins with that.
func (w *flood) answered() map[int]answer {
	all := map[int]answer{}
	for _, c := range w.claude.MessageCalls() {
		var n int
		_, text, _ := strings.Cut(c.Prompt, ">")
		if _, err := fmt.Sscanf(text, "%d ", &n); err == nil && c.Outcome == "ok" {
			all[n] = answer{c.At.Sub(w.came[n]), c.End.Sub(w.came[n])}
		}
	}
	return all
}

// percentile returns the value below which a share of all lies.
func percentile(all []time.Duration, share float64) time.Duration {
	slices.Sort(all)
	return all[int(float64(len(all)-1)*share)]
}
