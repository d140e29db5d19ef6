package forebay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/githubtest"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/verify"
)

// A world is a whole server between a simulated Claude and a simulated GitHub,
// in one bubble of fake time.
type world struct {
	t      *testing.T
	net    *memnet
	claude *claudetest.Server
	github *githubtest.Server
	server *forebay.Server
	client *http.Client
	start  time.Time
	dir    string
	opts   forebay.Options
	stop   []func()
}

const worldClaude = `claude: {api_key: test-key, base_url: "http://claude.test"}
`

const worldConfig = `store: sqlite:ledger.db
` + worldClaude + `github: {api_url: "http://github.test", token: test-token-test-token}
egress: {allow: ["claude.test:80", "github.test:80", "sink.test:80"]}
admin: {keys: [an-admin-key-of-the-test]}
`

const prHook = `hooks:
  pr:
    source: {type: github, secrets: [the-secret]}
    match: event.type == "pull_request" && payload.action in ["opened", "synchronize"]
    gather: {files: {github_pull_files: {max_tokens: 5000}}}
    model: haiku
    system: You review.
    prompt: |
      Pull request {{ .payload.number }}: {{ .payload.pull_request.title }}
      {{ .files }}
    deliver:
      - github_comment: {sticky: true}
`

// bubble runs f in fake time with a world that takes the hooks.
func bubble(t *testing.T, hooks string, o claudetest.Options, f func(w *world)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, hooks, o)
		defer w.end()
		f(w)
	})
}

func newWorld(t *testing.T, dir, hooks string, o claudetest.Options) *world {
	t.Helper()
	time.Sleep(time.Until(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))) // bubbles begin in 2000, before there were prices
	claude, err := claudetest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, net: newMemnet(), claude: claude, github: &githubtest.Server{}, start: time.Now(), dir: dir}
	w.github.AddPull("octo/repo", 7, githubtest.File{Name: "main.go", Status: "modified", Additions: 1, Changes: 1, Patch: "@@ -1 +1 @@\n-a\n+b"})
	w.serve("claude.test:80", claude)
	w.serve("github.test:80", w.github)
	w.client = &http.Client{Transport: &http.Transport{DialContext: w.net.dial, DisableKeepAlives: true}}
	w.github.Client = w.client
	file := filepath.Join(dir, "forebay.yaml")
	cfg, err := config.Parse(file, []byte(settings(hooks)), dir, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	w.opts = forebay.Options{Config: cfg, Dial: w.net.dial, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	w.boot()
	return w
}

// settings are those of every world, and the hooks. Hooks that bring settings of
// claude with them replace those.
func settings(hooks string) string {
	common := worldConfig
	if strings.HasPrefix(hooks, "claude:") {
		common = strings.Replace(common, worldClaude, "", 1)
	}
	return common + hooks
}

// boot starts a server on the world's store.
func (w *world) boot() {
	w.t.Helper()
	w.opts.Listener, w.opts.AdminListener = w.net.listen("forebay.test:80"), w.net.listen("127.0.0.1:81")
	var err error
	if w.server, err = forebay.New(context.Background(), w.opts); err != nil {
		w.t.Fatal(err)
	}
	if err := w.server.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) serve(addr string, h http.Handler) {
	srv, l := &http.Server{Handler: h}, w.net.listen(addr)
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	w.stop = append(w.stop, func() { _ = srv.Close(); <-done })
}

func (w *world) end() {
	if err := w.server.Stop(context.Background()); err != nil {
		w.t.Error(err)
	}
	w.audit()
	w.github.Wait()
	w.claude.Close()
	w.client.CloseIdleConnections()
	for _, f := range w.stop {
		f()
	}
}

// audit examines the ledger that a world left behind, its money too.
func (w *world) audit() {
	w.t.Helper()
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(w.dir, "ledger.db")})
	if err != nil {
		w.t.Error(err)
		return
	}
	found, err := db.Check(context.Background())
	if err != nil || len(found) > 0 {
		w.t.Errorf("audit: %v %v", found, err)
	}
	if err := db.Close(); err != nil {
		w.t.Error(err)
	}
}

// push sends a signed event to a hook and returns the answer.
func (w *world) push(hook, kind, body string) (int, map[string]any) {
	w.t.Helper()
	signed, err := verify.Sign(verify.Config{Type: "github", Secrets: []string{"the-secret"}}, verify.SignInput{Body: []byte(body), Now: time.Now(), Type: kind, ID: "delivery-of-" + body})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://forebay.test/hooks/"+hook, bytes.NewReader(signed.Body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = signed.Header
	return w.do(req)
}

func (w *world) do(req *http.Request) (int, map[string]any) {
	w.t.Helper()
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		w.t.Fatalf("%s: answer %d is not JSON: %q", req.URL, resp.StatusCode, raw)
	}
	return resp.StatusCode, doc
}

// admin calls the admin listener.
func (w *world) admin(method, path string) (int, map[string]any) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://127.0.0.1:81"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer an-admin-key-of-the-test")
	return w.do(req)
}

// accepted pushes an event that must become a job, and returns its id.
func (w *world) accepted(hook, kind, body string) string {
	w.t.Helper()
	status, doc := w.push(hook, kind, body)
	if status != http.StatusAccepted {
		w.t.Fatalf("got %d %v, want 202", status, doc)
	}
	return doc["job"].(string)
}

// job reads a job by the API.
func (w *world) job(id string) map[string]any {
	w.t.Helper()
	status, doc := w.admin(http.MethodGet, "/v1/jobs/"+id)
	if status != http.StatusOK {
		w.t.Fatalf("got %d %v, want 200", status, doc)
	}
	return doc
}

// until waits in fake time for a job to be in a state.
func (w *world) until(id, state string, limit time.Duration) map[string]any {
	w.t.Helper()
	for end := time.Now().Add(limit); ; {
		doc := w.job(id)
		if doc["state"] == state {
			return doc
		}
		if time.Now().After(end) {
			w.t.Fatalf("job is %v after %v, want %s: %v", doc["state"], limit, state, doc)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (w *world) elapsed() time.Duration { return time.Since(w.start) }

const pull = `{"action":"opened","number":7,"repository":{"full_name":"octo/repo","name":"repo","owner":{"login":"octo"}},"pull_request":{"number":7,"title":"Fix it","head":{"sha":"abc"},"base":{"ref":"main"}}}`

func again(s string) string { return strings.Replace(pull, "Fix it", s, 1) }
