package deliver_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/deliver"
)

// recorder is a target that fails as told and remembers when it was called.
type recorder struct {
	mu    sync.Mutex
	at    []time.Time
	ids   []string
	fails func(attempt int) error
}

func (r *recorder) Plan(event.Event) (deliver.Plan, error) { return deliver.Plan{}, nil }

func (r *recorder) Deliver(_ context.Context, p deliver.Parcel) (deliver.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.ids = append(r.at, p.Now), append(r.ids, p.Delivery.MessageID())
	if r.fails == nil {
		return deliver.Receipt{URL: "https://example.com/1"}, nil
	}
	return deliver.Receipt{URL: "https://example.com/1"}, r.fails(len(r.at))
}

func (r *recorder) times() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Time(nil), r.at...)
}

func one() event.Delivery { return event.Delivery{Target: "test", Spec: []byte(`{}`)} }

func TestADeliveryIsDoneOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		r := &recorder{}
		var seen atomic.Value
		stop := w.dispatch(r, deliver.Options{Observe: func(target, outcome string, _ time.Duration) { seen.Store(target + " " + outcome) }})
		w.pass(time.Second) // it waits already: the signal must wake it
		began := time.Now()
		j := w.job(`{}`, "x", one())
		w.pass(time.Hour)
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryDone || d.URL != "https://example.com/1" || d.Attempts != 1 {
			t.Errorf("got %+v, want done after one attempt", d)
		}
		if at := r.times(); len(at) != 1 || at[0].Sub(began) > time.Second {
			t.Errorf("called at %v, want once, at once", at)
		}
		if seen.Load() != "test done" {
			t.Errorf("observed %v", seen.Load())
		}
	})
}

func TestTheScheduleLastsADay(t *testing.T) {
	inWorld(t, func(w *world) {
		r := &recorder{fails: func(int) error { return errors.New("down") }}
		stop := w.dispatch(r, deliver.Options{})
		j := w.job(`{}`, "x", one())
		w.pass(72 * time.Hour)
		stop()
		d := w.delivery(j.ID)
		if d.State != event.DeliveryDead || d.LastError != "failed: down" {
			t.Errorf("got %+v, want dead of the last error", d)
		}
		at := r.times()
		want := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 10 * time.Hour}
		for i, wait := range want {
			if i+1 >= len(at) {
				t.Fatalf("%d attempts, want at least %d", len(at), len(want)+1)
			}
			if got := at[i+1].Sub(at[i]); got < wait*8/10 || got > wait*12/10+time.Second {
				t.Errorf("wait %d is %v, want about %v", i+1, got, wait)
			}
		}
		if total := at[len(at)-1].Sub(at[0]); total < 18*time.Hour || total > 30*time.Hour {
			t.Errorf("given up after %v, want about a day", total)
		}
	})
}

func TestARetryAfterIsKept(t *testing.T) {
	inWorld(t, func(w *world) {
		r := &recorder{fails: func(n int) error {
			if n <= 20 { // more often than the schedule has attempts
				return &deliver.Error{Code: "busy", RetryAfter: time.Hour}
			}
			return nil
		}}
		stop := w.dispatch(r, deliver.Options{})
		j := w.job(`{}`, "x", one())
		w.pass(48 * time.Hour)
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryDone {
			t.Errorf("got %+v, want done: waits that were asked for do not use up the schedule", d)
		}
		at := r.times()
		for i := range len(at) - 1 {
			if got := at[i+1].Sub(at[i]); got < time.Hour || got > time.Hour+11*time.Second {
				t.Errorf("wait %d is %v, want an hour and never less", i, got)
			}
		}
	})
}

// A proxy whose service is down asks for a second, every time.
func TestAShortRetryAfterDoesNotUseUpTheDay(t *testing.T) {
	inWorld(t, func(w *world) {
		r := &recorder{fails: func(int) error { return &deliver.Error{Code: "busy", RetryAfter: time.Second} }}
		stop := w.dispatch(r, deliver.Options{})
		j := w.job(`{}`, "x", one())
		w.pass(72 * time.Hour)
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryDead {
			t.Errorf("got %+v, want dead in the end", d)
		}
		at := r.times()
		if total := at[len(at)-1].Sub(at[0]); total < 18*time.Hour || total > 30*time.Hour || len(at) > 100 {
			t.Errorf("given up after %v and %d attempts, want about a day and at most 100", total, len(at))
		}
		if first := at[1].Sub(at[0]); first > 7*time.Second {
			t.Errorf("the first wait is %v, want seconds", first)
		}
	})
}

func TestOneOutcomePerKindOfFailure(t *testing.T) {
	for name, tc := range map[string]struct {
		fails func(int) error
		state event.DeliveryState
		calls int
		last  string
	}{
		"permanent":   {func(int) error { return &deliver.Error{Code: "gone", Message: "away", Permanent: true} }, event.DeliveryDead, 1, "gone: away"},
		"panic":       {func(n int) error { return map[bool]error{true: nil}[n > 1 || panicking()] }, event.DeliveryDone, 2, ""},
		"then passes": {func(n int) error { return map[int]error{1: errors.New("x"), 2: errors.New("y")}[n] }, event.DeliveryDone, 3, ""},
		"absurd wait": {func(n int) error {
			if n == 1 {
				return &deliver.Error{Code: "busy", RetryAfter: 1000 * time.Hour}
			}
			return nil
		}, event.DeliveryDone, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				r := &recorder{fails: tc.fails}
				stop := w.dispatch(r, deliver.Options{})
				j := w.job(`{}`, "x", one())
				w.pass(26 * time.Hour)
				stop()
				d := w.delivery(j.ID)
				if d.State != tc.state || len(r.times()) != tc.calls || tc.last != "" && d.LastError != tc.last {
					t.Errorf("got state %s, %d calls, error %q; want %s, %d, %q", d.State, len(r.times()), d.LastError, tc.state, tc.calls, tc.last)
				}
			})
		})
	}
}

func panicking() bool { panic("a bug in the target") }

func TestAHookWithoutTheTargetIsDead(t *testing.T) {
	inWorld(t, func(w *world) {
		stop := w.dispatch(nil, deliver.Options{})
		j := w.job(`{}`, "x", one())
		w.pass(time.Second)
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryDead || d.Attempts != 1 {
			t.Errorf("got %+v, want dead at once", d)
		}
	})
}

func TestTheNumberInFlightIsBounded(t *testing.T) {
	inWorld(t, func(w *world) {
		var now, most, total atomic.Int32
		target := deliver.Func(func(ctx context.Context, _ event.Job) error {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			total.Add(1)
			time.Sleep(3 * time.Second)
			return nil
		})
		stop := w.dispatch(target, deliver.Options{Concurrency: 4, PerTarget: 4})
		for range 21 {
			w.job(`{}`, "x", one())
		}
		w.pass(time.Minute)
		stop()
		if most.Load() != 4 || total.Load() != 21 {
			t.Errorf("at most %d at once, %d in all; want 4 and 21", most.Load(), total.Load())
		}
	})
}

// TestATargetThatHangsHoldsUpNoOther: the one has a queue and each of its attempts
// lasts as long as it may.
func TestATargetThatHangsHoldsUpNoOther(t *testing.T) {
	inWorld(t, func(w *world) {
		var hanging atomic.Int32
		prompt := &recorder{}
		hangs := deliver.Func(func(ctx context.Context, _ event.Job) error {
			hanging.Add(1)
			defer hanging.Add(-1)
			<-ctx.Done()
			return ctx.Err()
		})
		stop := w.dispatchTo(w.store, []deliver.Target{hangs, prompt}, deliver.Options{Concurrency: 8})
		for range 40 {
			w.job(`{}`, "x", one())
		}
		w.pass(time.Second)
		if got := hanging.Load(); got != 2 {
			t.Errorf("%d attempts at the target that hangs, want a quarter of 8", got)
		}
		second := one()
		second.Index = 1
		j := w.job(`{}`, "y", second)
		w.pass(time.Second)
		if d := w.delivery(j.ID); d.State != event.DeliveryDone {
			t.Errorf("got %+v, want the other target's done within a second", d)
		}
		stop()
	})
}

func TestAStopLetsAttemptsEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		target := deliver.Func(func(ctx context.Context, _ event.Job) error {
			select {
			case <-time.After(5 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		stop := w.dispatch(target, deliver.Options{Grace: 10 * time.Second})
		j := w.job(`{}`, "x", one())
		w.pass(time.Second)
		began := time.Now()
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryDone {
			t.Errorf("got %+v, want done", d)
		}
		if took := time.Since(began); took < 3*time.Second || took > 5*time.Second {
			t.Errorf("the stop took %v, want as long as the attempt", took)
		}
	})
}

func TestAStopCutsWhatOutlivesTheGrace(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls atomic.Int32
		target := deliver.Func(func(ctx context.Context, _ event.Job) error {
			if calls.Add(1) > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		stop := w.dispatch(target, deliver.Options{Grace: 2 * time.Second})
		j := w.job(`{}`, "x", one())
		w.pass(time.Second)
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryPending || d.NextAt.After(time.Now()) {
			t.Errorf("got %+v, want pending and due", d)
		}
		again := w.dispatch(target, deliver.Options{})
		w.pass(time.Second)
		again()
		if d := w.delivery(j.ID); d.State != event.DeliveryDone {
			t.Errorf("got %+v, want done by the next process", d)
		}
	})
}

func TestAHangingTargetIsCut(t *testing.T) {
	inWorld(t, func(w *world) {
		target := deliver.Func(func(ctx context.Context, _ event.Job) error {
			<-ctx.Done()
			return ctx.Err()
		})
		stop := w.dispatch(target, deliver.Options{Timeout: 7 * time.Second})
		j := w.job(`{}`, "x", one())
		w.pass(8 * time.Second)
		if d := w.delivery(j.ID); d.State != event.DeliveryPending || d.LastError != "timeout: the attempt took too long" {
			t.Errorf("got %+v, want a retry after the timeout", d)
		}
		stop()
	})
}

// leaky is an outbox whose store fails now and then.
type leaky struct {
	deliver.Outbox
	settles atomic.Int32
}

func (l *leaky) SettleDelivery(ctx context.Context, s event.DeliverySettlement) error {
	if l.settles.Add(1) <= 3 {
		return errors.New("disk full")
	}
	return l.Outbox.SettleDelivery(ctx, s)
}

func TestASettlementIsTriedUntilItHolds(t *testing.T) {
	inWorld(t, func(w *world) {
		r := &recorder{}
		box := &leaky{Outbox: w.store}
		stop := w.dispatchFrom(box, r, deliver.Options{})
		j := w.job(`{}`, "x", one())
		w.pass(10 * time.Second)
		stop()
		if d := w.delivery(j.ID); d.State != event.DeliveryDone || len(r.times()) != 1 {
			t.Errorf("got %+v after %d calls, want done after one", d, len(r.times()))
		}
	})
}

func TestARedeliveryHasItsOwnID(t *testing.T) {
	inWorld(t, func(w *world) {
		r := &recorder{fails: func(n int) error { return map[int]error{1: errors.New("x")}[n] }}
		stop := w.dispatch(r, deliver.Options{})
		j := w.job(`{}`, "x", one())
		w.pass(time.Minute)
		if _, err := w.store.Redeliver(w.Context(), j.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		stop()
		if len(r.ids) != 3 || r.ids[0] != r.ids[1] || r.ids[2] != r.ids[0]+"_r1" {
			t.Errorf("message ids %q: want the same for a retry, another for a redelivery", r.ids)
		}
	})
}

// jumping is an outbox on a machine whose clock is set an hour ahead after the
// first look.
type jumping struct {
	deliver.Outbox
	looks atomic.Int32
}

func (j *jumping) TakeDeliveries(ctx context.Context, t event.TakeDeliveries) (event.TakenDeliveries, error) {
	if len(t.Held) > 0 || j.looks.Load() > 0 {
		j.looks.Add(1)
		t.Now, t.LeaseUntil = t.Now.Add(time.Hour), t.LeaseUntil.Add(time.Hour)
	}
	return j.Outbox.TakeDeliveries(ctx, t)
}

func TestAClockThatJumpsDeliversNothingTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls atomic.Int32
		target := deliver.Func(func(context.Context, event.Job) error {
			calls.Add(1)
			time.Sleep(5 * time.Second)
			return nil
		})
		box := &jumping{Outbox: w.store}
		stop := w.dispatchFrom(box, target, deliver.Options{})
		first := w.job(`{}`, "x", one())
		w.pass(time.Second)
		second := w.job(`{}`, "y", one()) // has the outbox looked at again
		w.pass(time.Minute)
		stop()
		if box.looks.Load() == 0 || calls.Load() != 2 {
			t.Errorf("got %d calls with %d looks after the jump, want 2 for 2 deliveries", calls.Load(), box.looks.Load())
		}
		for _, j := range []event.Job{first, second} {
			if d := w.delivery(j.ID); d.State != event.DeliveryDone || d.Attempts != 1 {
				t.Errorf("got %+v, want done after one attempt", d)
			}
		}
	})
}
