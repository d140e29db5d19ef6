package ingest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Options configure a Receiver.
type Options struct {
	Ledger Ledger           // required
	Hooks  map[string]*Hook // by name

	// Await waits for the end of a job, at most so long, and returns the job as
	// JSON; ok is false if it was not over in time. Needed where a hook waits.
	Await func(ctx context.Context, job string, wait time.Duration) (body []byte, ok bool)

	// Confirm answers senders that want their subscription confirmed; nil: people
	// are told to do it.
	Confirm Confirmer

	// Offers keeps secrets that senders bring; nil: people are told to look for
	// them elsewhere.
	Offers Offers

	// Observe counts one request; nil: nobody counts.
	Observe func(hook, outcome, code string, took time.Duration, bytes int)

	// Memory bounds the bytes of all requests that are being received at once:
	// the first 64 KiB of their bodies, and a little for each. LargeMemory bounds
	// those of larger bodies; the largest that a hook takes always fits. Past
	// either, requests wait at most MemoryWait and are then answered 503.
	// Defaults 64 MiB, 64 MiB and 5s.
	Memory, LargeMemory int64
	MemoryWait          time.Duration

	// RetryAfter is what a 503 tells the sender. Default 5s.
	RetryAfter time.Duration

	Log *slog.Logger     // default: none
	Now func() time.Time // default time.Now
}

// A Receiver answers POST /hooks/{hook}. It is safe for concurrent use.
type Receiver struct {
	opts    Options
	memory  *semaphore.Weighted // of Options.Memory
	large   *semaphore.Weighted // of Options.LargeMemory
	buffers buffers
	hush    hush
	closed  atomic.Bool
}

// New checks the options and makes a Receiver. It starts nothing.
func New(o Options) (*Receiver, error) {
	if o.Ledger == nil {
		return nil, errors.New("ingest: a ledger is required")
	}
	for name, h := range o.Hooks {
		if h.Verifier == nil || h.Choose == nil || h.BodyLimit <= 0 {
			return nil, errors.New("ingest: hook " + name + " lacks a verifier, a body limit or a choice of model")
		}
		if h.Wait > 0 && o.Await == nil {
			return nil, errors.New("ingest: hook " + name + " waits for results, but nothing awaits them")
		}
	}
	o.Memory = max(cmp.Or(o.Memory, 64<<20), perVisit+maxPooled)
	o.LargeMemory = cmp.Or(o.LargeMemory, 64<<20)
	for _, h := range o.Hooks {
		o.LargeMemory = max(o.LargeMemory, h.BodyLimit+1)
	}
	o.MemoryWait = cmp.Or(o.MemoryWait, 5*time.Second)
	o.RetryAfter = cmp.Or(o.RetryAfter, 5*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, string, string, time.Duration, int) {}
	}
	return &Receiver{opts: o, memory: semaphore.NewWeighted(o.Memory), large: semaphore.NewWeighted(o.LargeMemory)}, nil
}

// Drain makes every further request answer 503, so that senders come back when
// another process listens.
func (rc *Receiver) Drain() { rc.closed.Store(true) }

// ServeHTTP answers one webhook. The path parameter is named hook.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := rc.opts.Now()
	v := &visit{
		rc:   rc,
		r:    r,
		now:  started.UTC(),
		name: r.PathValue("hook"),
	}
	defer v.release()
	a := v.run()
	rc.record(v, a, rc.opts.Now().Sub(started))
	a.write(w, r)
}

// record counts the request and notes its verdict for people. Requests to hooks
// that do not exist are strangers' and leave no row.
func (rc *Receiver) record(v *visit, a answer, took time.Duration) {
	rc.opts.Observe(v.name, a.outcome, a.code, took, v.size)
	if v.hook == nil || v.noted {
		return
	}
	v.verdict.At, v.verdict.Hook, v.verdict.Source = v.now, v.name, v.hook.Source
	v.verdict.Outcome, v.verdict.Code, v.verdict.Bytes = a.outcome, a.code, int64(v.size)
	v.verdict.EventID, v.verdict.JobID = a.event, a.job
	rc.opts.Ledger.Note(v.verdict)
	if a.outcome == outcomeRefused {
		level, hushed := rc.hush.level(refusal{v.name, a.code}, v.now)
		rc.opts.Log.LogAttrs(v.r.Context(), level, "webhook refused",
			slog.String("hook", v.name), slog.String("code", a.code), slog.Int("status", a.status), slog.Int64("hushed", hushed))
		return
	}
	rc.opts.Log.LogAttrs(v.r.Context(), slog.LevelDebug, "webhook "+a.outcome,
		slog.String("hook", v.name), slog.String("event_id", a.event), slog.String("job_id", a.job))
}

// allow formats an Allow header.
func allow(h *Hook) string { return strings.Join(h.methods(), ", ") }
