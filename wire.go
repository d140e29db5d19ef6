package forebay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/confirm"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/keys"
	"github.com/forebayhq/forebay/internal/metrics"
	"github.com/forebayhq/forebay/internal/offers"
	"github.com/forebayhq/forebay/internal/reconcile"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/internal/web"
	"github.com/forebayhq/forebay/internal/work"
)

// parts are what New wires together.
type parts struct {
	lanes       lanes
	store       *sqlite.DB
	egress      *egress.Egress
	keys        *keys.Cache
	confirm     *confirm.Confirmer
	github      *github.Client
	claude      *claude.Client
	adminClaude *claude.Client // reads the account's limits; nil without a key for that
	governor    *governor.Governor
	metrics     *metrics.Metrics
	receiver    *ingest.Receiver
	worker      *work.Worker
	dispatcher  *deliver.Dispatcher
	api         *api.API
	web         *web.Web

	reconcilers []*reconcile.Reconciler

	publicServer, adminServer *http.Server

	cleanups []func() // last in, first out
}

// wire makes every part, in the order in which they need one another: one
// straight line.
func (s *Server) wire(ctx context.Context) error {
	cfg := s.opts.Config
	worker := workerName()

	store, err := sqlite.Open(ctx, sqlite.Options{
		Path: storePath(cfg), Log: s.log,
		MaxJobs: cfg.Queue.MaxJobs, MinFree: int64(cfg.Queue.MinFreeDisk),
	})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	s.store = store
	s.onStop(func() {
		if err := store.Close(); err != nil {
			s.log.Error("store not closed cleanly", "error", err)
		}
	})

	if err := s.wireClients(); err != nil {
		return err
	}

	s.metrics = metrics.New(metrics.Options{Hooks: hookNames(cfg), Version: s.opts.Version, Revision: s.opts.Revision})
	s.metrics.Watch(store, time.Now)

	hooks, err := s.buildHooks()
	if err != nil {
		return err
	}
	if s.governor, err = governor.New(governorOptions(cfg, s.lanes, hooks)); err != nil {
		return fmt.Errorf("governor: %w", err)
	}
	if s.receiver, err = ingest.New(ingest.Options{
		Ledger: store, Hooks: hooks.receive, Await: s.await, Confirm: s.confirm, Offers: shelf{offers.New(storePath(cfg) + "-offered")}, Observe: s.metrics.ObserveIngest, Log: s.log,
	}); err != nil {
		return err
	}
	if s.worker, err = work.New(work.Options{
		Queue: store, Ledger: store, Signals: store, Claude: s.claude, Governor: s.governor,
		Batch: newBatch(cfg, store, s.claude, s.lanes),
		Hooks: hooks.work, Name: worker, Slots: cfg.Claude.MaxInFlight, Grace: cfg.Shutdown.Grace.D(),
		Price: price, CacheSaved: cacheSaved, Observe: s.metrics.ObserveCall, Log: s.log,
	}); err != nil {
		return err
	}
	if s.dispatcher, err = deliver.New(deliver.Options{
		Outbox: store, Signals: store, Targets: hooks.target, Worker: worker,
		Observe: s.metrics.ObserveDelivery, Log: s.log,
	}); err != nil {
		return err
	}
	if s.reconcilers, err = s.newReconcilers(); err != nil {
		return err
	}
	return s.wireViews(hooks)
}

// wireClients makes what reaches outside, and the lanes.
func (s *Server) wireClients() (err error) {
	cfg := s.opts.Config
	s.lanes = newLanes(cfg)
	if s.egress, err = egress.New(egress.Options{Allow: cfg.Egress.Allow, Proxy: cfg.Egress.Proxy, Dial: s.opts.Dial}); err != nil {
		return fmt.Errorf("egress: %w", err)
	}
	s.onStop(s.egress.Close)
	if s.keys, err = keys.New(keys.Options{Egress: s.egress, Log: s.log}); err != nil {
		return err
	}
	if s.confirm, err = confirm.New(s.egress); err != nil {
		return err
	}
	if s.github, err = newGitHub(cfg, s.egress); err != nil {
		return fmt.Errorf("github: %w", err)
	}
	if s.claude, err = newClaude(cfg, s.egress); err != nil {
		return fmt.Errorf("claude: %w", err)
	}
	if s.adminClaude, err = newAdminClaude(cfg, s.egress); err != nil {
		return fmt.Errorf("claude.admin_key: %w", err)
	}
	return nil
}

// wireViews makes what people look at, and the servers.
func (s *Server) wireViews(hooks *hookSet) (err error) {
	keys := reveal(s.opts.Config.Admin.Keys)
	if s.api, err = api.New(api.Options{
		Reader: s.store, Admin: operator{s.store, s.governor}, Signals: s.store, Keys: keys, Respec: hooks.respec,
		Lanes: laneNames(s.opts.Config, s.lanes), Look: s.look(hooks), LaneOf: s.lanes.of, Metrics: s.metrics.Handler(), Log: s.log,
		Batches: func(ctx context.Context) ([]event.MessageBatch, error) { return s.store.Batches(ctx, 0) },
		Checks:  map[string]func(context.Context) error{"store": s.storeAnswers},
	}); err != nil {
		return err
	}
	if s.web, err = web.New(web.Options{Reader: s.store, API: s.api, Keys: keys, Log: s.log}); err != nil {
		return err
	}
	s.publicServer = s.newServer(s.publicRoutes())
	s.adminServer = s.newServer(s.adminRoutes())
	return nil
}

const readHeaderTimeout = 5 * time.Second

// newServer bounds what a slow or hostile peer can hold. Long polls, streams
// and sync answers move their own write deadlines.
func (s *Server) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           inTurn(h),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      90 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ConnState:         answered,
		ConnContext:       withGuest,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

func (s *Server) onStop(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *Server) cleanUp() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
	s.cleanups = nil
}

// await waits for a job to end, for senders that want the result at once.
func (s *Server) await(ctx context.Context, job string, wait time.Duration) ([]byte, bool) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	endTurn(ctx)
	changed, stop := s.store.Watch(job)
	defer stop()
	for {
		j, err := s.store.Job(ctx, job)
		if err == nil && j.State.Terminal() {
			body, err := api.EncodeJob(j)
			return body, err == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, false
		case <-s.draining:
			return nil, false
		}
	}
}

// upkeep forgets what is past its retention, a little at a time.
func (s *Server) upkeep(ctx context.Context) {
	const each, batch = time.Hour, 500
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	keep := s.opts.Config.Retention
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now().UTC()
		n, err := s.store.Purge(ctx, event.Purge{
			Now: now, EventsBefore: now.Add(-keep.Events.D()), ResultsBefore: now.Add(-keep.Results.D()), Limit: batch,
		})
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.Error("nothing purged", "error", err)
			timer.Reset(each)
		case n > 0:
			timer.Reset(time.Second) // there may be more
		default:
			timer.Reset(each)
		}
	}
}

// price is what a call cost, by the catalogue's prices of that day.
func price(model string, u event.Usage, at time.Time) (event.NanoUSD, bool) {
	return catalog.Cost(model, u, at, u.ServiceTier == "batch")
}

// cacheSaved is what the prompt cache saved a call, at the prices of live calls.
func cacheSaved(model string, u event.Usage, at time.Time) event.NanoUSD {
	saved, _ := catalog.CacheSaving(model, u, at, false)
	return saved
}

// workerName tells this process from others in leases and logs.
func workerName() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "worker"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

// storePath is the file of the store; a relative one starts at the
// configuration's directory.
func storePath(c *config.Config) string {
	path := strings.TrimPrefix(c.Store, "sqlite:")
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.Dir, path)
}

// storeAnswers is a probe of /readyz.
func (s *Server) storeAnswers(ctx context.Context) error {
	_, err := s.store.Lanes(ctx)
	return err
}

// A shelf tells the receiver whose fault it is that an offer is not kept.
type shelf struct{ *offers.Shelf }

// Keep is that of [offers.Shelf].
func (s shelf) Keep(hook, secret string) (string, error) {
	where, err := s.Shelf.Keep(hook, secret)
	if errors.Is(err, offers.ErrUnfit) || errors.Is(err, offers.ErrFull) {
		err = fmt.Errorf("%w: %w", ingest.ErrOfferRefused, err)
	}
	return where, err
}
