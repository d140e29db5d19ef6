package claudetest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

func haiku(l claudetest.Limits) map[string]claudetest.Limits {
	return map[string]claudetest.Limits{"haiku-5-5": l}
}

func TestRequestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{Limits: haiku(claudetest.Limits{RequestsPerMinute: 30, Burst: 10 * time.Second})})
		client := raw(api)
		for i := range 5 { // a burst of 10 s of 30 a minute
			got := client.post(t.Context(), body("claude-haiku-5-5", "x", ""))
			if got.status != 200 || got.header.Get("Anthropic-Ratelimit-Requests-Remaining") != strconv.Itoa(4-i) {
				t.Fatalf("request %d: %d, %v", i, got.status, got.header)
			}
		}
		got := client.post(t.Context(), body("claude-haiku-5-5", "x", ""))
		if got.status != 429 || got.header.Get("Retry-After") != "2" || got.header.Get("X-Should-Retry") != "true" ||
			!strings.Contains(got.body, "30 requests per minute (org: simulated, model: claude-haiku-5-5)") {
			t.Errorf("got %d %v %s", got.status, got.header, got.body)
		}
		if other := client.post(t.Context(), body("claude-opus-5-5", "x", "")); other.status != 200 {
			t.Errorf("another class is refused too: %s", other.body)
		}
		time.Sleep(time.Second)
		if early := client.post(t.Context(), body("claude-haiku-5-5", "x", "")); early.status != 429 {
			t.Errorf("a retry before its time: %d", early.status)
		}
		time.Sleep(time.Second)
		if later := client.post(t.Context(), body("claude-haiku-5-5", "x", "")); later.status != 200 {
			t.Errorf("a retry after its time: %d", later.status)
		}
		stats := api.Stats()["haiku-5-5"]
		if stats.OverRequests != 2 || stats.Early != 1 || stats.Admitted != 6 || stats.Succeeded != 6 {
			t.Errorf("stats %+v", stats)
		}
		if calls := api.MessageCalls(); calls[7].Early != time.Second || calls[7].Over != "requests" || calls[0].Over != "" {
			t.Errorf("calls %+v", calls)
		}
	})
}

func TestHeadersOfLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{
			Limits: haiku(claudetest.Limits{RequestsPerMinute: 4000, InputTokensPerMinute: 200_000, OutputTokensPerMinute: 80_000}),
		})
		got := raw(api).post(t.Context(), body("claude-haiku-5-5", strings.Repeat("x", 1150), "")) // 395 tokens
		for name, want := range map[string]string{
			"Requests-Limit": "4000", "Requests-Remaining": "3999", "Requests-Reset": "2000-01-01T00:00:01Z",
			"Input-Tokens-Limit": "200000", "Input-Tokens-Remaining": "199000", "Input-Tokens-Reset": "2000-01-01T00:00:01Z",
			"Output-Tokens-Limit": "80000", "Output-Tokens-Remaining": "80000", "Output-Tokens-Reset": "2000-01-01T00:00:00Z",
			"Tokens-Limit": "280000", "Tokens-Remaining": "279000", "Tokens-Reset": "2000-01-01T00:00:01Z",
		} {
			if got := got.header.Get("Anthropic-Ratelimit-" + name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		api.SetLimits("haiku-5-5", claudetest.Limits{RequestsPerMinute: 10, InputTokensPerMinute: -1})
		changed := raw(api).post(t.Context(), body("claude-haiku-5-5", "x", ""))
		if h := changed.header; h.Get("Anthropic-Ratelimit-Requests-Limit") != "10" || h.Get("Anthropic-Ratelimit-Requests-Remaining") != "9" ||
			h.Get("Anthropic-Ratelimit-Input-Tokens-Limit") != "" {
			t.Errorf("after the change: %v", h)
		}
	})
}

// Output is charged while it is written: a second call may start while the
// first has debts to come, a third may not once they have come.
func TestOutputIsChargedInRealTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{
			Limits:          haiku(claudetest.Limits{OutputTokensPerMinute: 600}),
			TokensPerSecond: 100, Output: claudetest.Lengths{Median: 1000},
		})
		client := raw(api)
		var calls sync.WaitGroup
		status := make([]int, 3)
		for i, wait := range []time.Duration{0, time.Second, 8 * time.Second} {
			calls.Go(func() {
				time.Sleep(wait)
				status[i] = client.post(t.Context(), body("claude-haiku-5-5", fmt.Sprint(i), `,"stream":true`)).status
			})
		}
		calls.Wait()
		if status[0] != 200 || status[1] != 200 || status[2] != 429 {
			t.Errorf("got %v, want 200 200 429", status)
		}
		if got := api.MessageCalls()[2].Over; got != "output tokens" {
			t.Errorf("over %q", got)
		}
	})
}

// What the limiter serves never exceeds its burst and rate, and a client that
// keeps asking gets nearly all of it; whatever the sizes and however the
// limits bind.
func TestLimiterProperty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limits := claudetest.Limits{
			RequestsPerMinute: 60 + rng.Int64N(600), InputTokensPerMinute: 20_000 + rng.Int64N(100_000), OutputTokensPerMinute: -1,
			Burst: time.Duration(1+rng.IntN(60)) * time.Second,
		}
		synctest.Test(t, func(t *testing.T) {
			const span = 2 * time.Minute
			api := claudetest.StartPipe(t, claudetest.Options{Seed: seed, Limits: haiku(limits), InputEstimateError: 0.2})
			client := raw(api)
			start := time.Now()
			var senders sync.WaitGroup
			for i := range 6 {
				sizes := rand.New(rand.NewPCG(seed, uint64(i)))
				senders.Go(func() {
					for time.Since(start) < span {
						got := client.post(t.Context(), body("claude-haiku-5-5", strings.Repeat("x", 3+sizes.IntN(900)), ""))
						if got.status == http.StatusTooManyRequests {
							time.Sleep(time.Duration(200+sizes.IntN(100)) * time.Millisecond) // greedy: does not wait for retry-after
						}
					}
				})
			}
			senders.Wait()
			minutes := time.Since(start).Minutes()
			stats := api.Stats()["haiku-5-5"]
			burst := min(limits.Burst, time.Minute).Minutes()
			requests := float64(stats.Admitted) / (float64(limits.RequestsPerMinute) * (burst + minutes))
			input := float64(stats.InputTokens) / (float64(limits.InputTokensPerMinute) * (burst + minutes))
			slack := 310 * 0.2 * 6 / float64(limits.InputTokensPerMinute) // estimates not yet corrected
			if requests > 1 || input > 1+slack {
				t.Errorf("seed %d: served %.4f of the requests and %.4f of the input tokens that the limits allow", seed, requests, input)
			}
			if max(requests, input) < 0.93 {
				t.Errorf("seed %d: only %.4f and %.4f of the limits were served to clients that never rest", seed, requests, input)
			}
			if stats.OverRequests+stats.OverInput == 0 {
				t.Errorf("seed %d: greedy clients were never refused", seed)
			}
		})
	}
}

func TestRamp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{Ramp: claudetest.RampLimit{Floor: 3}})
		client := raw(api)
		var served []int
		for range 4 {
			n := 0
			for range 50 {
				got := client.post(t.Context(), body("claude-haiku-5-5", "x", ""))
				if got.status == 200 {
					n++
				} else if got.status != 429 || !strings.Contains(got.body, "ramp_limit_exceeded") || got.header.Get("Retry-After") != "60" {
					t.Fatalf("got %d %v %s", got.status, got.header, got.body)
				}
			}
			served = append(served, n)
			time.Sleep(time.Minute)
		}
		if got, want := fmt.Sprint(served), "[3 6 12 24]"; got != want {
			t.Errorf("minute by minute %s were served, want %s", got, want)
		}
	})
}

func TestScriptedRetryAfterIsWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{Script: []claudetest.Step{
			{Fail: &claudetest.Failure{Kind: claudetest.RateLimited, RetryAfter: time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)}},
		}})
		client := raw(api)
		client.post(t.Context(), body("claude-haiku-5-5", "x", ""))
		client.post(t.Context(), body("claude-sonnet-5-5", "x", "")) // another class may go on
		time.Sleep(4 * time.Second)
		client.post(t.Context(), body("claude-haiku-5-5", "x", ""))
		time.Sleep(5 * time.Second)
		client.post(t.Context(), body("claude-haiku-5-5", "x", ""))
		var early []time.Duration
		for _, c := range api.MessageCalls() {
			early = append(early, c.Early)
		}
		if got, want := fmt.Sprint(early), "[0s 0s 5s 0s]"; got != want {
			t.Errorf("early by %s, want %s", got, want)
		}
	})
}

func TestCountTokensHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{CountTokensPerMinute: 1, Limits: haiku(claudetest.Limits{RequestsPerMinute: 1})})
		client := raw(api)
		count := `{"model":"claude-haiku-5-5","messages":[{"role":"user","content":"x"}]}`
		if got := read(client.open(t.Context(), "/v1/messages/count_tokens", count)); got.status != 200 || got.body != `{"input_tokens":12}` {
			t.Errorf("got %d %s", got.status, got.body)
		}
		if got := read(client.open(t.Context(), "/v1/messages/count_tokens", count)); got.status != 429 || got.header.Get("Retry-After") != "60" {
			t.Errorf("got %d %s", got.status, got.body)
		}
		if got := client.post(t.Context(), body("claude-haiku-5-5", "x", "")); got.status != 200 {
			t.Errorf("counting took from the messages: %s", got.body)
		}
	})
}

// Output binds: what is written exceeds burst and rate by no more than the
// calls that were running, and greedy clients get nearly all.
func TestOutputLimitProperty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const span, senders, length = 4 * time.Minute, 10, 300
		limits := claudetest.Limits{RequestsPerMinute: -1, InputTokensPerMinute: -1, OutputTokensPerMinute: 20_000, Burst: 5 * time.Second}
		api := claudetest.StartPipe(t, claudetest.Options{
			Limits: haiku(limits), Latency: time.Second, TokensPerSecond: 100, PieceEvery: 500 * time.Millisecond,
			Output: claudetest.Lengths{Median: length},
		})
		client := raw(api)
		start := time.Now()
		var running sync.WaitGroup
		for i := range senders {
			running.Go(func() {
				for n := 0; time.Since(start) < span; n++ {
					if got := client.post(t.Context(), body("claude-haiku-5-5", fmt.Sprint(i, n), `,"stream":true`)); got.status != 200 {
						time.Sleep(500 * time.Millisecond)
					}
				}
			})
		}
		running.Wait()
		minutes := time.Since(start).Minutes()
		allowed := float64(limits.OutputTokensPerMinute) * (minutes + limits.Burst.Minutes())
		written := float64(api.Total().OutputTokens)
		if written > allowed+senders*length || written < 0.93*allowed || api.Total().OverOutput == 0 {
			t.Errorf("%.0f tokens were written, %.0f allowed, %d refused", written, allowed, api.Total().OverOutput)
		}
	})
}

// Each organisation has buckets of its own.
func TestOrganisations(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{
		Keys:   map[string]string{"k": "one", "k1": "one", "k2": "two"},
		Limits: haiku(claudetest.Limits{RequestsPerMinute: 1}),
	})
	client := raw(api)
	var got []string
	for _, key := range []string{"k", "k1", "k2", "k3"} {
		a := client.post(t.Context(), body("claude-haiku-5-5", "x", ""), "Authorization", "Bearer "+key)
		got = append(got, fmt.Sprintf("%d %s", a.status, a.header.Get("Anthropic-Organization-Id")))
	}
	if want := "[200 one 429 one 200 two 401 ]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
