package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/internal/githubtest"
	"github.com/forebayhq/forebay/verify"
)

// demoConfig is what the demo runs: a real configuration, whose Claude and
// GitHub are simulated on this machine.
const demoConfig = `listen: "%[1]s"
admin: {listen: "%[2]s"}
store: sqlite:demo.db
claude: {api_key: demo-key, base_url: "http://%[3]s"}
github: {api_url: "http://%[4]s", token: demo-token-for-the-simulated-github}
egress: {allow: ["%[3]s", "%[4]s"]}
hooks:
  pr-summary:
    source: {type: github, secrets: ["%[5]s"]}
    match: event.type == "pull_request" && payload.action in ["opened", "reopened", "synchronize", "ready_for_review"]
    gather: {files: {github_pull_files: {max_tokens: 20000}}}
    model: haiku
    system: |
      You are a senior code reviewer. Summarise the change in at most five bullets and name its risks.
    prompt: |
      Pull request {{ .payload.number }}: {{ .payload.pull_request.title }}
      {{ .payload.pull_request.body }}
      {{ .files }}
    deliver:
      - github_comment: {sticky: true}
`

const (
	demoSecret  = "a-secret-of-the-demo"
	demoTimeout = 60 * time.Second
)

// newDemoCommand runs the whole journey on this machine.
func newDemoCommand(a *app) *cobra.Command {
	var once, verbose bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole journey on this machine, without a key",
		Long: "Start a simulated Claude and a simulated GitHub, run the real server between them, send it\n" +
			"a signed pull_request event, and show the comment that comes of it.\n" +
			"Without --once the server stays, to be looked at and sent more.",
		GroupID: groupStart,
		Args:    argCount(0, 0, "run forebay demo"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.DiscardHandler)
			if verbose {
				log = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
			}
			return a.demo(cmd.Context(), once, log)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "exit when the comment is there")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the server's log")
	return cmd
}

// A stage is the world of the demo: two simulators and the server between them.
type stage struct {
	app    *app
	dir    string
	github *githubtest.Server
	config *config.Config
	server *forebay.Server
	close  []func()
}

func (a *app) demo(ctx context.Context, once bool, log *slog.Logger) error {
	s := &stage{app: a}
	defer s.drop()
	if err := s.set(ctx, log); err != nil {
		return err
	}
	if err := s.server.Start(ctx); err != nil {
		return failBecause(err, "the demo's server cannot start", "try again")
	}
	defer s.stop(ctx)
	a.printf("%s\n", a.paint(bold, "1. A server is running, between a simulated Claude and a simulated GitHub."))
	a.printf("   webhooks     http://%s/hooks/pr-summary\n   status page  http://%s/\n   config       %s\n\n", s.server.Addr(), s.server.AdminAddr(), s.config.File)
	if err := s.play(ctx); err != nil {
		return err
	}
	if once {
		return nil
	}
	a.printf("\nIn another terminal:\n   forebay trigger github.pull_request.synchronize --config %[1]s\n   forebay jobs list --config %[1]s\n\nPress Ctrl-C to end it.\n", s.config.File)
	<-ctx.Done()
	return nil
}

// set builds the stage.
func (s *stage) set(ctx context.Context, log *slog.Logger) (err error) {
	if s.dir, err = os.MkdirTemp("", "forebay-demo-"); err != nil {
		return failBecause(err, "no folder for the demo", "set TMPDIR to a folder that can be written to")
	}
	s.close = append(s.close, func() { _ = os.RemoveAll(s.dir) })
	claude, err := claudetest.New(claudetest.Options{Latency: 300 * time.Millisecond, TokensPerSecond: 150, Magic: true})
	if err != nil {
		return err
	}
	s.close = append(s.close, claude.Close)
	s.github = demoGitHub()
	claudeAddr, err := s.serve(ctx, claude)
	if err != nil {
		return err
	}
	githubAddr, err := s.serve(ctx, s.github)
	if err != nil {
		return err
	}
	s.github.HTML = "http://" + githubAddr
	hooks, err := listenNear(ctx, 8080)
	if err != nil {
		return err
	}
	admin, err := listenNear(ctx, 8081)
	if err != nil {
		return errors.Join(err, hooks.Close())
	}
	s.close = append(s.close, func() { _ = hooks.Close(); _ = admin.Close() }) // a server that ran has closed them
	path := filepath.Join(s.dir, "forebay.yaml")
	text := fmt.Sprintf(demoConfig, hooks.Addr(), admin.Addr(), claudeAddr, githubAddr, demoSecret)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	if s.config, err = config.Load(path, s.app.getenv); err != nil {
		return err
	}
	s.server, err = forebay.New(ctx, forebay.Options{Config: s.config, Listener: hooks, AdminListener: admin, Log: log})
	return err
}

// demoGitHub knows the pull request of the fixture and its changed files.
func demoGitHub() *githubtest.Server {
	g := &githubtest.Server{}
	g.AddPull("octo-org/shop", 1347,
		githubtest.File{Name: "cart/total.go", Status: "modified", Additions: 9, Deletions: 2, Changes: 11, Patch: "@@ -14,6 +14,13 @@ func Total(items []Item) int {\n \tsum := 0\n \tfor _, it := range items {\n-\t\tsum += it.Price\n-\t}\n+\t\tsum += it.Price * it.Count\n+\t}\n \treturn sum\n }"},
		githubtest.File{Name: "cart/total_test.go", Status: "added", Additions: 21, Changes: 21, Patch: "@@ -0,0 +1,4 @@\n+func TestTotal(t *testing.T) {\n+\tif got := Total(two); got != 40 {\n+\t\tt.Errorf(\"got %d, want 40\", got)\n+\t}\n+}"},
		githubtest.File{Name: "go.sum", Status: "modified", Additions: 40, Deletions: 12, Changes: 52, Patch: "@@ -1 +1 @@\n-a\n+b"},
	)
	return g
}

// serve serves h on a free port of the loopback interface.
func (s *stage) serve(ctx context.Context, h http.Handler) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", failBecause(err, "the demo cannot listen on 127.0.0.1", "allow it to")
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	s.close = append(s.close, func() { _ = srv.Close(); <-ended })
	return l.Addr().String(), nil
}

// listenNear listens on want if nobody else does, else on any free port.
func listenNear(ctx context.Context, want int) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", want))
	if err != nil {
		l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, failBecause(err, "the demo cannot listen on 127.0.0.1", "allow it to")
	}
	return l, nil
}

// play sends the event and shows what comes of it.
func (s *stage) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	status, answer, err := s.send(ctx)
	if err != nil {
		return err
	}
	a := s.app
	a.printf("%s\n   %d %s\n\n", a.paint(bold, "2. GitHub sends a signed pull_request event. It is on disk before the answer:"), status, strings.TrimSpace(answer))
	if status != http.StatusAccepted {
		return fail("the event was not accepted", "run forebay demo --verbose to see why")
	}
	for len(s.github.Comments("octo-org/shop", 1347)) == 0 {
		select {
		case <-ctx.Done():
			return fail("no comment came within a minute", "run forebay demo --verbose to see why")
		case <-time.After(50 * time.Millisecond):
		}
	}
	c := s.github.Comments("octo-org/shop", 1347)[0]
	a.printf("%s\n", a.paint(bold, "3. Claude's answer is a comment on the pull request:"))
	a.printf("   %s\n\n", c.URL)
	for line := range strings.Lines(escapeHidden(c.Body)) {
		if !strings.HasPrefix(line, "<!--") { // GitHub does not show it either
			a.printf("   │ %s\n", strings.TrimRight(line, "\n"))
		}
	}
	return nil
}

// send signs the fixture as GitHub does and posts it.
func (s *stage) send(ctx context.Context) (int, string, error) {
	f, err := fixture.Get("github.pull_request.opened")
	if err != nil {
		return 0, "", err
	}
	body, err := f.Body()
	if err != nil {
		return 0, "", err
	}
	hook := s.config.Hooks["pr-summary"]
	signed, err := verify.Sign(hook.Source.Verification(), verify.SignInput{Header: f.Header(), Body: body, Now: time.Now()})
	if err != nil {
		return 0, "", err
	}
	out, err := egress.New(egress.Options{Allow: []string{s.server.Addr().String()}})
	if err != nil {
		return 0, "", err
	}
	defer out.Close()
	client, err := out.Client(egress.Policy{Timeout: 10 * time.Second})
	if err != nil {
		return 0, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.server.Addr().String()+"/hooks/pr-summary", bytes.NewReader(signed.Body))
	if err != nil {
		return 0, "", err
	}
	req.Header = signed.Header
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", failBecause(err, "the demo cannot reach its own server", "run forebay demo --verbose to see why")
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

// stop stops the server within a few seconds.
func (s *stage) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := s.server.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.app.errorf("forebay: %v\n", err)
	}
}

// drop takes the stage down, last things first.
func (s *stage) drop() {
	for i := len(s.close) - 1; i >= 0; i-- {
		s.close[i]()
	}
}
