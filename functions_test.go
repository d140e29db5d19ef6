package forebay_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/githubtest"
)

const functionHook = `hooks:
  orders:
    source: {type: token, secrets: [a-token-of-the-test]}
    gather: {stock: {func: stock}}
    model: haiku
    prompt: "{{ .stock }}"
    deliver: [func: tell]
`

// withFunctions starts the world's server anew, with a hook of functions that
// fail as told; nil: never.
func withFunctions(w *world, gather, target func(call int) error) {
	w.t.Helper()
	if err := w.server.Stop(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(w.dir, "forebay.yaml"), []byte(settings(functionHook)), w.dir, os.LookupEnv)
	if err != nil {
		w.t.Fatal(err)
	}
	fails := func(f func(int) error) func() error {
		calls := 0 // one job: nobody calls twice at once
		return func() error {
			calls++
			if f == nil {
				return nil
			}
			return f(calls)
		}
	}
	step, tell := fails(gather), fails(target)
	w.opts.Config = cfg
	w.opts.Gather = map[string]func(context.Context, event.Event) (any, error){
		"stock": func(context.Context, event.Event) (any, error) { return "41 left", step() },
	}
	w.opts.Targets = map[string]func(context.Context, event.Job) error{
		"tell": func(context.Context, event.Job) error { return tell() },
	}
	w.boot()
}

// order sends one and returns its job.
func (w *world) order() string {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://forebay.test/hooks/orders", strings.NewReader(`{"id":7}`))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer a-token-of-the-test")
	req.Header.Set("Content-Type", "application/json")
	status, body := w.do(req)
	if status != http.StatusAccepted {
		w.t.Fatalf("got %d %v", status, body)
	}
	return body["job"].(string)
}

func TestFunctionsSayWhatTheirErrorsMean(t *testing.T) {
	broken, hour := errors.New("no such order"), 40*time.Minute
	for name, tc := range map[string]struct {
		gather, target func(call int) error
		job, delivery  string
		least, most    time.Duration
	}{
		"fine":             {nil, nil, "succeeded", "done", 0, time.Minute},
		"step fails once":  {func(n int) error { return map[int]error{1: broken}[n] }, nil, "succeeded", "done", 0, time.Minute},
		"step panics":      {func(n int) error { return map[bool]error{true: nil}[n > 1 || explode()] }, nil, "succeeded", "done", 0, time.Minute},
		"step gives up":    {func(int) error { return forebay.Permanent(broken) }, nil, "dead", "", 0, time.Second},
		"step waits":       {func(n int) error { return map[int]error{1: forebay.RetryAfter(broken, hour)}[n] }, nil, "succeeded", "done", hour, hour + time.Minute},
		"target gives up":  {nil, func(int) error { return forebay.Permanent(broken) }, "succeeded", "dead", 0, time.Minute},
		"target waits":     {nil, func(n int) error { return map[int]error{1: forebay.RetryAfter(broken, hour)}[n] }, "succeeded", "done", hour, hour + time.Minute},
		"target goes on":   {nil, func(n int) error { return map[bool]error{true: broken}[n < 5] }, "succeeded", "done", 10 * time.Minute, 20 * time.Minute},
		"no error at all":  {func(int) error { return forebay.Permanent(nil) }, func(int) error { return forebay.RetryAfter(nil, hour) }, "succeeded", "done", 0, time.Minute},
		"wrapped, however": {func(int) error { return errors.Join(errors.New("stock"), forebay.Permanent(broken)) }, nil, "dead", "", 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, prHook, claudetest.Options{}, func(w *world) {
				withFunctions(w, tc.gather, tc.target)
				began, id := time.Now(), w.order()
				time.Sleep(tc.least)
				job := w.until(id, tc.job, 2*time.Hour)
				state := func() string {
					all, _ := w.job(id)["deliveries"].([]any)
					if len(all) != 1 {
						return ""
					}
					return all[0].(map[string]any)["state"].(string)
				}
				for state() != tc.delivery && time.Since(began) < 2*time.Hour {
					time.Sleep(10 * time.Second)
				}
				if took := time.Since(began); state() != tc.delivery || took < tc.least || took > tc.most {
					t.Errorf("the delivery is %q after %v, want %q after %v to %v: %v", state(), took, tc.delivery, tc.least, tc.most, job)
				}
			})
		})
	}
}

func explode() bool { panic("a bug in the function") }

func TestServersThatCannotStart(t *testing.T) {
	bubble(t, prHook, claudetest.Options{}, func(w *world) {
		withFunctions(w, nil, nil)
		if err := w.server.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(o *forebay.Options){
			"no configuration": func(o *forebay.Options) { o.Config = nil },
			"an odd role":      func(o *forebay.Options) { o.Role = "both" },
			"no target":        func(o *forebay.Options) { o.Targets = nil },
			"no function":      func(o *forebay.Options) { o.Targets = map[string]func(context.Context, event.Job) error{"tell": nil} },
			"no step":          func(o *forebay.Options) { o.Gather = nil },
			"no step's function": func(o *forebay.Options) {
				o.Gather = map[string]func(context.Context, event.Event) (any, error){"stock": nil}
			},
		} {
			o := w.opts
			change(&o)
			if _, err := forebay.New(context.Background(), o); err == nil {
				t.Errorf("%s: it was taken", name)
			}
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := forebay.New(ended, w.opts); !errors.Is(err, context.Canceled) {
			t.Errorf("New with an ended context: got %v", err)
		}
		s, err := forebay.New(context.Background(), w.opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(ended); !errors.Is(err, context.Canceled) || s.Addr() != nil {
			t.Errorf("Start with an ended context: got %v, at %v", err, s.Addr())
		}
		s.Close()
		s.Close()
		if err := s.Start(context.Background()); err == nil {
			t.Error("a closed server was started")
		}
		w.boot()
		if err := w.server.Start(context.Background()); err == nil {
			t.Error("a server was started twice")
		}
	})
}

// TestGatherWaitsForGitHub: an hour of a rate limit outlasts every attempt of a
// job, and costs it none.
func TestGatherWaitsForGitHub(t *testing.T) {
	bubble(t, prHook, claudetest.Options{}, func(w *world) {
		reset := time.Now().Add(50 * time.Minute)
		w.github.Fail(githubtest.Fault{Method: http.MethodGet, Path: "/files", Status: http.StatusForbidden, Header: http.Header{
			"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {strconv.FormatInt(reset.Unix(), 10)},
		}})
		id := w.accepted("pr", "pull_request", pull)
		time.Sleep(time.Until(reset.Add(-time.Second)))
		job := w.until(id, "succeeded", 2*time.Hour)
		if now := time.Now(); now.Before(reset) || now.After(reset.Add(time.Minute)) {
			t.Errorf("worked at %v, want soon after %v", now, reset)
		}
		if got := job["attempts"]; got != 1.0 {
			t.Errorf("got %v attempts, want 1", got)
		}
	})
}
