package forebay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
)

// Options configure a Server.
type Options struct {
	// Config is the configuration, from config.Load or written in Go. Required.
	Config *config.Config

	// Targets are functions that hooks deliver to with func: NAME. They are
	// called at least once per job, from several goroutines; the job's id tells
	// copies apart. ctx ends after a minute. An error is tried again for a day,
	// see [Permanent] and [RetryAfter]; so is a panic.
	Targets map[string]func(ctx context.Context, job event.Job) error

	// Gather are functions that hooks gather with func: NAME, called from
	// several goroutines; templates see what they return under the part's name.
	// ctx ends after a minute. An error, or a panic, is tried again as often as
	// the hook's retry allows, see [Permanent] and [RetryAfter]; one that wraps
	// the end of ctx for as long as the job may live, as where a server is down.
	Gather map[string]func(ctx context.Context, e event.Event) (any, error)

	// Role is "all" (default), "receive" or "work": receive takes webhooks and
	// calls nobody, work calls and delivers and takes none.
	Role string

	// Listener and AdminListener replace the listeners of the configuration.
	Listener, AdminListener net.Listener

	// Dial replaces the network for outbound requests, and with it the guard of
	// addresses, for programs that run everything in memory. nil: the network.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Version and Revision are what the program was built from, for metrics.
	Version, Revision string

	Log *slog.Logger // default: none
}

// Roles of a server.
const (
	RoleAll     = "all"
	RoleReceive = "receive"
	RoleWork    = "work"
)

// A Server is one Forebay. Make it with New, run it once, with Run or with
// Start and Stop.
type Server struct {
	parts
	opts Options
	log  *slog.Logger

	mu       sync.Mutex // guards the fields below
	started  bool
	stopped  bool
	public   net.Listener
	operator net.Listener

	stopWork context.CancelFunc
	working  sync.WaitGroup // worker, dispatcher, upkeep, reconcilers
	serving  sync.WaitGroup // the HTTP servers
	broken   chan error     // the first fault that ends the server
	draining chan struct{}  // closed when Stop begins: nobody waits for results any more
	halted   chan struct{}  // closed when Stop has ended
}

// New checks the options, opens the store and wires all parts. It listens
// nowhere and calls nobody. Call Close on a server that is never started.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Config == nil {
		return nil, errors.New("forebay: a configuration is required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	switch o.Role {
	case "":
		o.Role = RoleAll
	case RoleAll, RoleReceive, RoleWork:
	default:
		return nil, fmt.Errorf("forebay: role %q is unknown; write all, receive or work", o.Role)
	}
	if o.Config.File == "" {
		if err := o.Config.Complete(); err != nil {
			return nil, err
		}
	}
	s := &Server{opts: o, log: o.Log, broken: make(chan error, 4), draining: make(chan struct{}), halted: make(chan struct{})}
	if err := s.wire(ctx); err != nil {
		s.cleanUp()
		return nil, err
	}
	return s, nil
}

// Start listens and begins to work. It returns once webhooks are taken, and then
// ctx ends nothing: Stop does. After an error, call Close.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.started:
		return errors.New("forebay: the server was started before")
	case s.stopped:
		return errors.New("forebay: the server is closed; make another with New")
	case ctx.Err() != nil:
		return fmt.Errorf("forebay: not started: %w", context.Cause(ctx))
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	s.started = true
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopWork = stop
	s.work(work)
	s.serve(s.publicServer, s.public)
	if s.operator != nil {
		s.serve(s.adminServer, s.operator)
	}
	attrs := []any{"addr", s.public.Addr().String(), "role", s.opts.Role}
	if s.operator != nil {
		attrs = append(attrs, "admin", s.operator.Addr().String())
	}
	s.log.Info("forebay is listening", attrs...)
	return nil
}

// listen opens the listeners, or neither.
func (s *Server) listen(ctx context.Context) error {
	var lc net.ListenConfig
	s.public = s.opts.Listener
	if s.public == nil {
		l, err := lc.Listen(ctx, "tcp", s.opts.Config.Listen)
		if err != nil {
			return fmt.Errorf("listen: %w; choose another address in listen", err)
		}
		s.public = l
	}
	s.operator = s.opts.AdminListener
	if s.operator == nil && s.opts.Config.Admin.Listen != "off" {
		l, err := lc.Listen(ctx, "tcp", s.opts.Config.Admin.Listen)
		if err != nil {
			_ = s.public.Close()
			return fmt.Errorf("admin.listen: %w; choose another address, or off", err)
		}
		s.operator = l
	}
	return nil
}

// maxConnections is how many connections a listener has open at once. Each
// takes some 4 KiB even if it says nothing; past it they wait to be accepted.
const maxConnections = 10_000

// serve serves HTTP in a goroutine that Stop waits for.
func (s *Server) serve(h *http.Server, l net.Listener) {
	s.serving.Go(func() {
		if err := h.Serve(newAnteroom(netutil.LimitListener(l, maxConnections), maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("serve %s: %w", l.Addr(), err))
		}
	})
}

// work starts what the role asks for, in goroutines that Stop waits for.
func (s *Server) work(ctx context.Context) {
	s.working.Go(func() { s.watchStore(ctx) })
	s.working.Go(func() { s.upkeep(ctx) })
	if s.opts.Role == RoleReceive {
		return
	}
	s.working.Go(func() { s.worker.Run(ctx) })
	if s.adminClaude != nil {
		s.working.Go(func() { s.followRateLimits(ctx) })
	}
	s.reconcile(ctx)
	s.working.Go(func() {
		if err := s.dispatcher.Run(ctx); err != nil && ctx.Err() == nil {
			s.fail(fmt.Errorf("deliveries stopped: %w", err))
		}
	})
}

// watchStore ends the server when the store has failed for good: nothing may
// be acknowledged any more, and a restart reads what is really on disk.
func (s *Server) watchStore(ctx context.Context) {
	select {
	case <-ctx.Done():
	case err := <-s.store.Failed():
		s.fail(fmt.Errorf("the store failed: %w", err))
	}
}

// fail ends Run with err; the first one counts.
func (s *Server) fail(err error) {
	s.log.Error("forebay cannot go on", "error", err)
	select {
	case s.broken <- err:
	default:
	}
}

// Addr is where webhooks are taken; nil before Start.
func (s *Server) Addr() net.Addr { return s.addr(&s.public) }

// AdminAddr is where the admin listener is; nil before Start or without one.
func (s *Server) AdminAddr() net.Addr { return s.addr(&s.operator) }

func (s *Server) addr(l *net.Listener) net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *l == nil || !s.started {
		return nil
	}
	return (*l).Addr()
}

// Run starts the server and stops it when ctx ends, or when it cannot go on;
// only then the error is not nil.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Start(ctx); err != nil {
		s.Close()
		return err
	}
	var cause error
	select {
	case <-ctx.Done():
	case cause = <-s.broken:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Config.Shutdown.Grace.D()+10*time.Second)
	defer cancel()
	return errors.Join(cause, s.Stop(stopping))
}

// Stop drains: webhooks are answered 503, /readyz says not_ready, streams are
// ended, no job is taken; calls in flight finish within shutdown.grace or go back
// to the queue, without a cost in attempts. Then the listeners are closed. It
// returns when all is stored, or ctx ends. Who calls it while it is under way
// waits along.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	started, first := s.started, !s.stopped
	s.stopped = s.stopped || started
	s.mu.Unlock()
	switch {
	case !started:
		return nil
	case !first:
		select {
		case <-s.halted:
		case <-ctx.Done():
		}
		return nil
	}
	defer close(s.halted)
	s.log.Info("forebay is stopping")
	close(s.draining)
	s.receiver.Drain()
	s.api.Drain()
	s.stopWork() // first: a slow sender must not keep the worker taking jobs
	worked := s.worked(ctx)
	// Only now: while work ends, senders and proxies hear a 503 that says when to
	// come back, and /readyz that the server is leaving, not a refused connection.
	err := errors.Join(shutDown(ctx, s.publicServer), shutDown(ctx, s.adminServer))
	s.serving.Wait()
	closed := within(ctx, func() { s.working.Wait(); s.cleanUp() })
	if !worked || !closed {
		return errors.Join(err, errors.New("the store did not answer in time: what it has not taken is worked again after the next start"))
	}
	s.log.Info("forebay has stopped")
	return err
}

// lastMoment is how long a part may take to let go once the time to stop is over.
const lastMoment = 500 * time.Millisecond

// worked waits for the work to end, and reports whether it did. Work that
// outlasts ctx is abandoned.
func (s *Server) worked(ctx context.Context) bool {
	defer context.AfterFunc(ctx, s.worker.Abandon)()
	return within(ctx, s.working.Wait)
}

// within runs f and reports whether it returned before ctx ended and the last
// moment passed. Where it did not, nobody waits for it any more: it hangs in a
// store, and no call of Go's can be taken back from there.
func within(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	last := time.NewTimer(lastMoment)
	defer last.Stop()
	select {
	case <-done:
		return true
	case <-last.C:
		return false
	}
}

// shutDown lets requests in flight end, and cuts off those that outlast ctx.
func shutDown(ctx context.Context, h *http.Server) error {
	err := h.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, h.Close())
	}
	return err
}

// Close frees what New opened. It is for servers that were not started; Stop
// does it for the others.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started && !s.stopped {
		s.stopped = true
		s.cleanUp()
	}
}
