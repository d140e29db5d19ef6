package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/internal/githubtest"
)

// A stand is where the real binary is mistreated: it runs between a simulated
// Claude and a simulated GitHub that outlive it, on a store that must.
type stand struct {
	t      *testing.T
	opts   standOptions
	dir    string
	config string
	public string // address of the listener for webhooks
	admin  string // address of the admin listener
	store  string // path of the database
	claude *claudetest.Server
	github *githubtest.Server
	sink   *sink
	client *http.Client // of the senders
	proc   *process

	// doubted are the calls, by case, that left in the instant of a power cut, when
	// an fsync may lie: their rows may be gone.
	doubted map[string]int
}

type standOptions struct {
	storeDir string        // default: the stand's own
	slots    int           // claude.max_in_flight; default 32
	latency  time.Duration // of a call, give or take a half; default 80ms
	config   string        // more lines of the configuration
}

const (
	standKey    = "an-admin-key-of-the-test"
	standSecret = "a-secret-of-the-test"
	standRepo   = "octo-org/shop"
	standPulls  = 200 // pull requests of the repository
)

const standConfig = `listen: "%s"
admin: {listen: "%s", keys: [` + standKey + `]}
store: sqlite:%s
claude:
  api_key: test-key
  base_url: "%s"
  max_in_flight: %d
  limits: {haiku: {requests_per_minute: 1000000, input_tokens_per_minute: 10000000000, output_tokens_per_minute: 1000000000}}
github: {api_url: "%s", token: test-token-test-token}
egress: {allow: ["127.0.0.1"]}
shutdown: {grace: 5s}
%s
hooks:
  callback:` + standHook + `
    deliver: [{callback: {url: "%s", secret: a-secret-of-the-callbacks-of-the-test}}]
  comment:` + standHook + `
    deliver: [{github_comment: {sticky: false}}]
`

const standHook = `
    source: {type: github, secrets: [` + standSecret + `]}
    match: event.type == "pull_request" && payload.action == "opened"
    gather: {files: {github_pull_files: {max_tokens: 5000}}}
    model: haiku
    system: You review.
    prompt: |
      {{ .payload.pull_request.title }}
      {{ .files }}`

// casePattern finds the name of a case wherever it got to: into the title of a
// pull request, from there into the prompt, the answer and the comment.
var casePattern = regexp.MustCompile(`case-[0-9]{7}`)

// newStand sets the simulators up and writes the configuration. Nothing of
// ours runs yet.
func newStand(t *testing.T, o standOptions) *stand {
	t.Helper()
	if o.slots == 0 {
		o.slots = 32
	}
	if o.latency == 0 {
		o.latency = 80 * time.Millisecond
	}
	s := &stand{t: t, opts: o, dir: t.TempDir(), public: freeAddr(t), admin: freeAddr(t)}
	if o.storeDir == "" {
		s.opts.storeDir = s.dir
	}
	s.store = filepath.Join(s.opts.storeDir, "forebay.db")
	s.config = filepath.Join(s.dir, "forebay.yaml")
	s.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	t.Cleanup(s.client.CloseIdleConnections)
	at := s.simulate()
	s.write(s.config, fmt.Sprintf(standConfig, s.public, s.admin, s.store, at.claude, s.opts.slots, at.github, o.config, at.sink))
	t.Cleanup(s.kill)
	return s
}

// peers are the addresses of the simulators.
type peers struct{ claude, github, sink string }

// simulate starts Claude, who repeats the name of the case after a while, and
// GitHub and a receiver of callbacks, who do their work at once but take their
// time to say so: that is when a kill hurts.
func (s *stand) simulate() peers {
	none := claudetest.Limits{RequestsPerMinute: -1, InputTokensPerMinute: -1, OutputTokensPerMinute: -1}
	server, err := claudetest.New(claudetest.Options{
		Limits: map[string]claudetest.Limits{"": none}, JournalSize: 1 << 20,
		Reply: func(r claudetest.Request) claudetest.Reply {
			part := time.Duration(r.Hash % 1000)
			return claudetest.Reply{
				Text:    "I have looked at " + casePattern.FindString(r.Prompt()) + ".",
				Latency: s.opts.latency/2 + s.opts.latency*part/1000,
			}
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.claude, s.github, s.sink = server, &githubtest.Server{}, &sink{posts: map[string]map[string]int{}}
	for n := range standPulls {
		s.github.AddPull(standRepo, n+1, githubtest.File{Name: "cart/total.go", Status: "modified", Additions: 1, Deletions: 1, Changes: 2, Patch: "@@ -1 +1 @@\n-a\n+b"})
	}
	c, g, k := httptest.NewServer(s.claude), httptest.NewServer(slow(s.github)), httptest.NewServer(slow(s.sink))
	s.t.Cleanup(func() {
		s.kill()
		s.claude.Close()
		c.CloseClientConnections()
		c.Close()
		g.Close()
		k.Close()
	})
	return peers{c.URL, g.URL, k.URL}
}

// slow keeps what was posted, and answers a little later.
func slow(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if r.Method == http.MethodPost {
			time.Sleep(20 * time.Millisecond) // the answer is on its way
		}
	})
}

// A sink receives callbacks and counts them by case and webhook-id.
type sink struct {
	mu    sync.Mutex
	posts map[string]map[string]int
}

func (k *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name, id := casePattern.Find(body), r.Header.Get("Webhook-Id")
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.posts[string(name)] == nil {
		k.posts[string(name)] = map[string]int{}
	}
	k.posts[string(name)][id]++
	w.WriteHeader(http.StatusNoContent)
}

func (s *stand) write(path, text string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// freeAddr is an address of the loopback interface where nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A process is one life of the server.
type process struct {
	cmd   *exec.Cmd
	since time.Time
	ended chan struct{}
	err   error // after ended
}

// launch starts the server and does not wait for it to be ready.
func (s *stand) launch() {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	p := &process{cmd: exec.Command(builtBinary(s.t), "serve", "--config", s.config, "--log-level", "warn"), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.since = time.Now()
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	s.proc = p
}

// start starts the server and returns how long it took to be ready.
func (s *stand) start() time.Duration {
	s.t.Helper()
	s.launch()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		select {
		case <-s.proc.ended:
			s.t.Fatalf("the server ended as it started: %v\n%s", s.proc.err, s.log())
		default:
		}
		resp, err := s.client.Get("http://" + s.public + "/readyz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return time.Since(s.proc.since)
		}
	}
	s.t.Fatalf("the server is not ready after 30 s\n%s", s.log())
	return 0
}

// kill ends the server with SIGKILL, if it runs, and waits for its end.
func (s *stand) kill() {
	if s.proc == nil {
		return
	}
	_ = s.proc.cmd.Process.Kill() // it may have ended by itself
	<-s.proc.ended
}

// stop ends the server with SIGTERM; it must end well.
func (s *stand) stop() {
	s.t.Helper()
	if err := s.proc.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.proc.ended:
	case <-time.After(30 * time.Second):
		s.t.Fatalf("the server has not stopped 30 s after SIGTERM\n%s", s.log())
	}
	if s.proc.err != nil {
		s.t.Errorf("the server stopped with %v, want exit code 0\n%s", s.proc.err, s.log())
	}
}

// log is the end of what the server wrote.
func (s *stand) log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "serve.log"))
	return string(text[max(0, len(text)-4000):])
}

// checkStore lets the command audit a store that no server runs on.
func (s *stand) checkStore(config string) {
	s.t.Helper()
	out, err := exec.Command(builtBinary(s.t), "check-store", "--config", config).CombinedOutput()
	if err != nil {
		s.t.Errorf("check-store: %v\n%s", err, out)
	}
}

// checkCopy audits the store as a kill left it: a copy, since a server that
// opens it tidies up.
func (s *stand) checkCopy() {
	s.t.Helper()
	dir := s.t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(s.store + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			s.t.Fatal(err)
		}
		s.write(filepath.Join(dir, "forebay.db"+suffix), string(data))
	}
	config, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(dir, "forebay.yaml")
	s.write(path, strings.Replace(string(config), "sqlite:"+s.store, "sqlite:"+filepath.Join(dir, "forebay.db"), 1))
	s.checkStore(path)
	_ = os.RemoveAll(dir)
}

// get reads a document of the admin API, or says why not.
func (s *stand) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+standKey)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, resp.Status, raw)
	}
	return raw, err
}

var (
	buildOnce   sync.Once
	buildDir    string
	errBuilding error
)

// builtBinary is the command, built as make build does once per run of the tests, or the one that
// FOREBAY_BINARY names.
func builtBinary(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("FOREBAY_BINARY"); given != "" {
		return given
	}
	buildOnce.Do(func() {
		if buildDir, errBuilding = os.MkdirTemp("", "forebay-torture-"); errBuilding != nil {
			return
		}
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(buildDir, "forebay.exe"), ".")
		if out, err := cmd.CombinedOutput(); err != nil {
			errBuilding = fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
		}
	})
	if errBuilding != nil {
		t.Fatal(errBuilding)
	}
	return filepath.Join(buildDir, "forebay.exe")
}

// A swept run of the tests leaves no built binary behind.
type swept struct{ m *testing.M }

func (s swept) Run() int {
	code := s.m.Run()
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
	return code
}

// tortured is how often the torture asks to do something, or the small number
// for an ordinary run.
func tortured(t *testing.T, ordinary int) int {
	t.Helper()
	text := os.Getenv("FOREBAY_TORTURE")
	if text == "" {
		return ordinary
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("FOREBAY_TORTURE is %q, want a number", text)
	}
	return n
}

// dice are random, and the same again for the same FOREBAY_TORTURE_SEED.
func dice(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FOREBAY_TORTURE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return rand.New(rand.NewPCG(seed, 0)), seed
}
