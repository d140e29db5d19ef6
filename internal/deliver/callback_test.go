package deliver_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/egress"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA"

// receiver verifies callbacks with the reference library and answers as told.
type receiver struct {
	mu     sync.Mutex
	answer func(n int, w http.ResponseWriter)
	got    []*http.Request
	bodies []string
	errs   []error
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	hook, hookErr := standardwebhooks.NewWebhook(secret)
	if hookErr == nil {
		hookErr = hook.Verify(body, req.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.bodies, r.errs = append(r.got, req), append(r.bodies, string(body)), append(r.errs, errors.Join(err, hookErr))
	if r.answer != nil {
		r.answer(len(r.got), w)
	}
}

func TestACallbackIsSignedAndKeepsItsID(t *testing.T) {
	inWorld(t, func(w *world) {
		r := &receiver{answer: func(n int, w http.ResponseWriter) {
			if n < 3 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}}
		stopServer := w.serve(r)
		defer stopServer()
		c, err := deliver.NewCallback(deliver.CallbackOptions{Egress: w.egress, URL: "http://example.test/claude", Secret: secret, JobJSON: api.EncodeJob})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := c.Plan(event.Event{})
		if err != nil || strings.Contains(string(plan.Spec), "claude") {
			t.Fatalf("plan %s, %v; want one without the configured path", plan.Spec, err)
		}
		stop := w.dispatch(c, deliver.Options{})
		j := w.job(`{}`, "the answer", event.Delivery{Target: "callback", Spec: plan.Spec})
		w.pass(10 * time.Minute)
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryDone || d.Attempts != 3 {
			t.Errorf("got %+v, want done at the third attempt", d)
		}
		stamps := map[string]bool{}
		for i, req := range r.got {
			if r.errs[i] != nil {
				t.Errorf("attempt %d: %v", i, r.errs[i])
			}
			if got, want := req.Header.Get("webhook-id"), w.delivery(j.ID).ID; got != want {
				t.Errorf("attempt %d: webhook-id %q, want %q", i, got, want)
			}
			stamps[req.Header.Get("webhook-timestamp")] = true
		}
		if len(stamps) != 3 {
			t.Errorf("%d different timestamps, want one per attempt", len(stamps))
		}
		if len(r.bodies) == 0 || !strings.Contains(r.bodies[0], "the answer") || !strings.Contains(r.bodies[0], j.ID) {
			t.Errorf("the body is not the job: %q", r.bodies)
		}
	})
}

func TestAnswersToCallbacks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		header string
		code   string // empty: done
		dead   bool
		wait   time.Duration
	}{
		"ok":             {200, "", "", false, 0},
		"no content":     {204, "", "", false, 0},
		"gone":           {410, "", "callback_gone", true, 0},
		"redirect":       {302, "", "redirect_refused", true, 0},
		"permanent one":  {308, "", "redirect_refused", true, 0},
		"bad request":    {400, "", "callback_refused", false, 0},
		"unauthorized":   {401, "", "callback_refused", false, 0},
		"not found":      {404, "", "callback_refused", false, 0},
		"limited":        {429, "120", "callback_refused", false, 2 * time.Minute},
		"limited, date":  {503, "Wed, 25 Nov 2099 12:00:00 GMT", "callback_refused", false, 24 * time.Hour},
		"limited, odd":   {429, "-5", "callback_refused", false, 0},
		"error":          {500, "", "callback_refused", false, 0},
		"error, ignored": {500, "120", "callback_refused", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elsewhere := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					elsewhere++
				}
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", tc.header)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, strings.Repeat("ghp_0123456789abcdefghijABCDEFGHIJ012345 \x1b[31m", 9000))
			}))
			defer srv.Close()
			c := newCallback(t, srv.URL+"/x", nil)
			_, err := c.Deliver(t.Context(), deliver.Parcel{Delivery: event.Delivery{ID: "dlv_1"}, Now: time.Now()})
			if tc.code == "" {
				if err != nil {
					t.Errorf("got %v, want done", err)
				}
				return
			}
			e, ok := errors.AsType[*deliver.Error](err)
			if !ok || e.Code != tc.code || e.Permanent != tc.dead || e.RetryAfter != tc.wait {
				t.Errorf("got %#v, want %s, dead %v, wait %v", err, tc.code, tc.dead, tc.wait)
			}
			if len(err.Error()) > 500 || strings.Contains(err.Error(), "ghp_0") || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("the error shows too much: %q", err)
			}
			if elsewhere != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// newCallback makes a callback to a test server.
func newCallback(t *testing.T, target string, render func(event.Event) (string, error)) *deliver.Callback {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	e, err := egress.New(egress.Options{Allow: []string{u.Host}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	o := deliver.CallbackOptions{Egress: e, Secret: secret, JobJSON: api.EncodeJob}
	if render == nil {
		o.URL = target
	} else {
		o.Render, o.AllowHosts = render, []string{"Hooks.Example.com", u.Hostname()}
	}
	c, err := deliver.NewCallback(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnEventsURLIsHeldToTheAllowedHosts(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"https://hooks.example.com/x?y=z":          true,
		" https://hooks.example.com/x\n":           true,
		"https://HOOKS.example.com/x":              true,
		"https://hooks.example.com:443/x":          true,
		"http://127.0.0.1:7070/x":                  true, // listed in egress.allow
		"https://evil.example/x":                   false,
		"https://hooks.example.com.evil.example/":  false,
		"https://x.hooks.example.com/":             false,
		"https://hooks.example.com@evil.example/":  false,
		"https://evil.example/#@hooks.example.com": false,
		"https://evil.example\\@hooks.example.com": false,
		"http://hooks.example.com/x":               false,
		"https://hooks.example.com:8443/x":         false,
		"https://127.0.0.1/x":                      false,
		"//hooks.example.com/x":                    false,
		"javascript:alert(1)":                      false,
		"":                                         false,
	} {
		c := newCallback(t, "http://127.0.0.1:7070", func(event.Event) (string, error) { return raw, nil })
		plan, err := c.Plan(event.Event{})
		if (err == nil) != ok {
			t.Errorf("%q: got %s, %v; want allowed %v", raw, plan.Spec, err, ok)
		}
		if e, is := errors.AsType[*deliver.Error](err); err != nil && (!is || !e.Permanent) {
			t.Errorf("%q: %v should be permanent", raw, err)
		}
	}
}

func TestAPlannedURLIsCheckedAgain(t *testing.T) {
	t.Parallel()
	c := newCallback(t, "http://127.0.0.1:7070", func(event.Event) (string, error) { return "", nil })
	for _, spec := range []string{`{"url":"https://evil.example/"}`, `{}`, `{"owner":"o","repo":"r","number":1}`, `x`} {
		_, err := c.Deliver(t.Context(), deliver.Parcel{Delivery: event.Delivery{ID: "dlv_1", Spec: []byte(spec)}, Now: time.Now()})
		if e, ok := errors.AsType[*deliver.Error](err); !ok || !e.Permanent {
			t.Errorf("%s: got %v, want a permanent error", spec, err)
		}
	}
}

// Whether an address is blocked, closed or not there, an outsider learns the
// same.
func TestAnEventsURLIsNoPortScanner(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	closed := srv.URL
	srv.Close()
	c := newCallback(t, closed, func(event.Event) (string, error) { return closed + "/x", nil })
	plan, err := c.Plan(event.Event{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Deliver(t.Context(), deliver.Parcel{Delivery: event.Delivery{ID: "dlv_1", Spec: plan.Spec}, Now: time.Now()})
	if want := "callback_unreachable: destination blocked or unreachable"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestCallbackOptions(t *testing.T) {
	t.Parallel()
	e, err := egress.New(egress.Options{})
	if err != nil {
		t.Fatal(err)
	}
	render := func(event.Event) (string, error) { return "", nil }
	good := deliver.CallbackOptions{Egress: e, URL: "https://example.com/x", Secret: secret, JobJSON: api.EncodeJob}
	for name, change := range map[string]func(*deliver.CallbackOptions){
		"no secret":          func(o *deliver.CallbackOptions) { o.Secret = "" },
		"short secret":       func(o *deliver.CallbackOptions) { o.Secret = strings.Repeat("x", 23) },
		"short whsec":        func(o *deliver.CallbackOptions) { o.Secret = "whsec_c2hvcnQ=" },
		"bad whsec":          func(o *deliver.CallbackOptions) { o.Secret = "whsec_***" },
		"both":               func(o *deliver.CallbackOptions) { o.Render = render },
		"neither":            func(o *deliver.CallbackOptions) { o.URL = "" },
		"no hosts":           func(o *deliver.CallbackOptions) { o.URL, o.Render = "", render },
		"plain http":         func(o *deliver.CallbackOptions) { o.URL = "http://example.com/x" },
		"not a URL":          func(o *deliver.CallbackOptions) { o.URL = "example.com" },
		"nothing to send":    func(o *deliver.CallbackOptions) { o.JobJSON = nil },
		"nobody to send for": func(o *deliver.CallbackOptions) { o.Egress = nil },
	} {
		o := good
		change(&o)
		if _, err := deliver.NewCallback(o); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	raw := good
	raw.Secret = strings.Repeat("x", 24)
	for _, o := range []deliver.CallbackOptions{good, raw} {
		if _, err := deliver.NewCallback(o); err != nil {
			t.Error(err)
		}
	}
}
