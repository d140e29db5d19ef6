package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/claudetest"
)

const simulateHelp = `Run a server that behaves like the Claude API: limits, headers, streams, caching,
batches and failures. Point claude.base_url or any SDK at it, with any key.

A request may choose its own failure, by the header "Claudetest-Fail: overloaded times=2"
or by the same words in its prompt, [[simulate: overloaded times=2]]. An options file
says it for all, and all else:

  {
    "magic": true, "latency": "300ms", "tokens_per_second": 150, "tier": "start",
    "limits": {"haiku-5-5": {"requests_per_minute": 60, "input_tokens_per_minute": 50000,
               "output_tokens_per_minute": 8000}},
    "script": [{"kind": "rate_limited", "retry_after": "7", "times": 3}, {"kind": "cut", "after": 2}],
    "faults": [{"kind": "overloaded", "rate": 0.01}]
  }

Without one, magic, latency and tokens_per_second are as above, limits are those of the
tier, and nothing fails. A kind that is not known is answered with the list of all.
Every field is told at https://pkg.go.dev/github.com/forebayhq/forebay/claudetest#ParseOptions`

// newSimulateCommand runs the Claude API simulator as a server of its own.
func newSimulateCommand(a *app) *cobra.Command {
	var listen, options string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the Claude API simulator",
		Long:  simulateHelp,
		Example: "  forebay simulate --listen 127.0.0.1:9100\n" +
			"  forebay simulate --options sim.json\n" +
			`  curl http://127.0.0.1:9100/v1/messages -H "x-api-key: any" -H "anthropic-version: 2023-06-01" \` + "\n" +
			`    -d '{"model": "claude-haiku-5-5", "max_tokens": 300, "messages": [{"role": "user", "content": "[[simulate: overloaded]]"}]}'`,
		GroupID: groupRun,
		Args:    argCount(0, 0, "run forebay simulate --listen 127.0.0.1:9100"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.simulate(cmd.Context(), listen, options)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9100", "the `address` to listen on")
	cmd.Flags().StringVar(&options, "options", "", "a JSON `file` with limits, latency and failures, in place of the defaults")
	return cmd
}

func (a *app) simulate(ctx context.Context, listen, file string) error {
	o := claudetest.Options{Latency: 300 * time.Millisecond, TokensPerSecond: 150, Magic: true}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return failBecause(err, "the options cannot be read", "name a JSON file with --options")
		}
		if o, err = claudetest.ParseOptions(data); err != nil {
			return failBecause(err, file, "see forebay help simulate for the options")
		}
	}
	sim, err := claudetest.New(o)
	if err != nil {
		return failBecause(err, "the simulator cannot start", "correct the options")
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return failBecause(err, "the simulator cannot listen", "choose another address with --listen")
	}
	a.printf("The simulated Claude API listens on http://%s\n", l.Addr())
	return serveUntil(ctx, l, sim, sim.Close)
}

// serveUntil serves h on l until ctx ends; drop makes open exchanges end.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler, drop func()) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return failBecause(err, "the server ended", "start it again")
	case <-ctx.Done():
	}
	drop()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := srv.Shutdown(stop)
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // somebody held a connection; nothing is lost by that
	}
	return err
}
