package deliver

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/egress"
)

// maxError bounds the error that is stored with a delivery, in bytes.
const maxError = 500

// attempt carries out one delivery and settles it, whatever comes of it.
func (d *Dispatcher) attempt(ctx context.Context, l event.LeasedDelivery) {
	began := time.Now()
	attemptCtx, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	receipt, err := d.carryOut(attemptCtx, l)
	cancel()
	s, outcome := settlement(l, receipt, err, time.Now())
	if ctx.Err() != nil && outcome == "retry" {
		s.NextAt = s.Now // it was cut off by the stop, not by the receiver: whoever comes next goes on
	}
	d.opts.Observe(l.Delivery.Target, outcome, time.Since(began))
	d.log(l, s, outcome, err)
	d.settle(context.WithoutCancel(ctx), s)
}

// carryOut calls the target. A panic of it is a failure of this attempt.
func (d *Dispatcher) carryOut(ctx context.Context, l event.LeasedDelivery) (r Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			d.opts.Log.Error("a target panicked", "delivery_id", l.Delivery.ID, "job_id", l.Job.ID, "target", l.Delivery.Target, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = &Error{Code: "target_panic", Message: "the target panicked; the log has the stack"}
		}
	}()
	target, ok := d.opts.Targets(l.Job.Hook, l.Delivery.Index)
	if !ok {
		return Receipt{}, &Error{
			Code: "target_missing", Permanent: true,
			Message: fmt.Sprintf("hook %q has no target at place %d of its deliver list any more", l.Job.Hook, l.Delivery.Index),
		}
	}
	return target.Deliver(ctx, Parcel{Delivery: l.Delivery, Job: l.Job, Now: time.Now(), Anchors: d.opts.Outbox})
}

// settlement says what became of an attempt.
func settlement(l event.LeasedDelivery, r Receipt, err error, now time.Time) (s event.DeliverySettlement, outcome string) {
	s = event.DeliverySettlement{Lease: l.Lease, Now: now, URL: r.URL, Anchor: r.Anchor}
	if err == nil {
		s.State = event.DeliveryDone
		return s, "done"
	}
	failed := asError(err)
	s.Error = clip(failed.Error(), maxError)
	at, again := next(l, failed, now)
	if !again {
		s.State = event.DeliveryDead
		return s, "dead"
	}
	s.State, s.NextAt = event.DeliveryPending, at
	return s, "retry"
}

// asError makes an *Error of any error.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Error{Code: "timeout", Message: "the attempt took too long", Err: err}
	}
	return &Error{Code: "failed", Message: err.Error(), Err: err}
}

func (d *Dispatcher) log(l event.LeasedDelivery, s event.DeliverySettlement, outcome string, err error) {
	log := d.opts.Log.With("delivery_id", l.Delivery.ID, "job_id", l.Job.ID, "event_id", l.Job.EventID, "hook", l.Job.Hook,
		"target", l.Delivery.Target, "attempt", l.Delivery.Attempts)
	if e, ok := errors.AsType[*Error](err); ok && e.Err != nil {
		log = log.With("cause", clip(egress.Detail(e.Err), maxError))
	}
	switch outcome {
	case "done":
		log.Info("delivered", "url", s.URL)
	case "dead":
		log.Error("delivery is dead", "error", s.Error)
	default:
		log.Warn("delivery failed", "error", s.Error, "again_at", s.NextAt)
	}
}

// settle stores the outcome. While the store fails it tries again until the
// lease is over: then the delivery goes out once more, which targets stand.
func (d *Dispatcher) settle(ctx context.Context, s event.DeliverySettlement) {
	ctx, cancel := context.WithDeadline(ctx, s.Lease.Until)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		err := d.opts.Outbox.SettleDelivery(ctx, s)
		if err == nil {
			return
		}
		lost := errors.Is(err, event.ErrLeaseLost) || errors.Is(err, event.ErrClosed) || ctx.Err() != nil
		d.opts.Log.Warn("a delivery cannot be settled", "delivery_id", s.Lease.ID, "error", err, "given_up", lost)
		if lost {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// clip bounds a text to n bytes without cutting a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	cut := n - len("...")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.TrimRight(text[:cut], " ") + "..."
}
