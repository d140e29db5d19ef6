package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

// Options configure an API.
type Options struct {
	Reader  Reader  // required
	Admin   Admin   // required
	Signals Signals // required

	// Keys are the API keys, sent as "Authorization: Bearer KEY". Without any,
	// only a loopback admin listener answers.
	Keys []string

	// Respec says with what a rerun of job starts: the hook's lane and model as
	// they are configured now. An error means that it cannot run again, in
	// words for people. nil: nothing can be rerun.
	Respec func(job event.Job) (event.JobSpec, error)

	// Lanes names the lanes that the configuration knows; lanes that have a row
	// in the ledger are known too.
	Lanes []string

	// Look is the governor's view of a lane's row, which may be a new one, at a
	// time. nil: lanes show no levels, and jobs wait for their turn.
	Look func(l event.Lane, now time.Time) LaneLook

	// LaneOf names the lane of a model id. nil: lanes show no use of the cache.
	LaneOf func(model string) string

	// Batches lists the Message Batches that have not ended. nil: none are shown.
	Batches func(ctx context.Context) ([]event.MessageBatch, error)

	// Checks are the probes of /readyz by name ("store"). Whether the server is
	// draining is checked without being listed.
	Checks map[string]func(ctx context.Context) error

	// Metrics answers /metrics; nil: 404.
	Metrics http.Handler

	// MaxWaiting bounds the streams and long polls that are open at once; past
	// it they are answered 503. Default 1000.
	MaxWaiting int

	// Log gets faults of ours. Default: none.
	Log *slog.Logger

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// An API answers those who look and carries out the operator's verbs. Its
// methods of the form func(http.ResponseWriter, *http.Request) are the handlers
// of one URL each; the path parameters are named in openapi.json.
type API struct {
	reader  Reader
	admin   Admin
	signals Signals
	respec  func(event.Job) (event.JobSpec, error)
	lanes   []string
	look    func(event.Lane, time.Time) LaneLook
	laneOf  func(string) string
	batches func(context.Context) ([]event.MessageBatch, error)
	metrics http.Handler
	log     *slog.Logger
	now     func() time.Time

	keys    [][sha256.Size]byte // digests, so that all comparisons take equal time
	waiting chan struct{}       // one token per open stream or long poll
	ready   readiness

	drain     chan struct{} // closed when the server stops
	drainOnce sync.Once
}

// New checks the options and makes an API. It starts nothing.
func New(o Options) (*API, error) {
	if o.Reader == nil || o.Admin == nil || o.Signals == nil {
		return nil, errors.New("api: Reader, Admin and Signals are required")
	}
	a := &API{
		reader:  o.Reader,
		admin:   o.Admin,
		signals: o.Signals,
		respec:  o.Respec,
		lanes:   o.Lanes,
		look:    o.Look,
		laneOf:  o.LaneOf,
		batches: o.Batches,
		metrics: o.Metrics,
		log:     o.Log,
		now:     o.Now,
		waiting: make(chan struct{}, positive(o.MaxWaiting, 1000)),
		drain:   make(chan struct{}),
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.now == nil {
		a.now = time.Now
	}
	for _, key := range o.Keys {
		if key == "" {
			return nil, errors.New("api: an API key is empty")
		}
		a.keys = append(a.keys, sha256.Sum256([]byte(key)))
	}
	a.ready.checks = o.Checks
	return a, nil
}

// Drain ends streams and long polls, so that a stopping server need not wait
// for them, and makes the server unready. Streams can be resumed elsewhere.
func (a *API) Drain() { a.drainOnce.Do(func() { close(a.drain) }) }

func (a *API) draining() bool {
	select {
	case <-a.drain:
		return true
	default:
		return false
	}
}

// Metrics answers GET /metrics.
func (a *API) Metrics(w http.ResponseWriter, r *http.Request) {
	if a.metrics == nil {
		a.refuse(w, notFound("there are no metrics here", ""))
		return
	}
	a.metrics.ServeHTTP(w, r)
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
