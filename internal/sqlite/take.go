package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// Take leases queued jobs that may call now: it promotes the jobs that are due,
// puts those whose lease has run out back into the queue, shows the desk to
// t.Admit and leases what that chose; with room for none, t.Admit is not asked.
// It returns the jobs whole, with their events; those are read and unpacked
// after the commit, beside the writer.
//
// A job whose stored bytes are damaged becomes dead here. One that cannot be read
// is an error; the others are returned beside it. Once the leases are
// committed Take does not heed the end of ctx: an answer that nobody gets
// would leave jobs with an owner that does not know of them.
func (db *DB) Take(ctx context.Context, t event.Take) (event.Taken, error) {
	if err := ctx.Err(); err != nil {
		return event.Taken{}, err
	}
	ctx = context.WithoutCancel(ctx)
	var taken []leasing
	var next time.Time
	err := db.write(ctx, func(x *tx) (err error) {
		taken, next, err = x.take(&t)
		return err
	})
	if err != nil {
		return event.Taken{}, err
	}
	answer, failed := event.Taken{NextDue: next}, error(nil)
	for _, l := range taken {
		job, err := db.readLeased(ctx, l, &t)
		if errors.Is(err, errDamaged) {
			err = db.bury(ctx, l, &t, err)
			if err == nil {
				continue
			}
		}
		if err != nil { // its lease runs out
			failed = errors.Join(failed, fmt.Errorf("job %s: %w", l.id, err))
			continue
		}
		answer.Jobs = append(answer.Jobs, job)
	}
	return answer, failed
}

// bury ends a job whose event cannot be read.
func (db *DB) bury(ctx context.Context, l leasing, t *event.Take, cause error) error {
	db.opt.Log.Error("event damaged: job is dead", "job_id", l.id, "error", cause)
	return db.Settle(ctx, event.Settlement{
		Lease: l.lease(t), Now: t.Now,
		Dead: &event.Failure{
			Code:    "event_damaged",
			Message: "the stored bytes of the event are not those that were stored: " + cause.Error(),
			Hint:    "the disk or its file system is at fault; run forebay check-store, and have the sender send the event again",
		},
	})
}

// A leasing is a job on its way from the queue to a worker.
type leasing struct {
	seq, token int64
	id         string
	pair       pair
	tenant     string
}

func (l leasing) lease(t *event.Take) event.Lease {
	return event.Lease{ID: l.id, Token: l.token, Worker: t.Worker, Until: t.LeaseUntil}
}

func (t *tx) take(want *event.Take) ([]leasing, time.Time, error) {
	now := micros(want.Now)
	if n, err := t.exec("take_promote", now); err != nil {
		return nil, time.Time{}, err
	} else if n == 0 {
		t.writes-- // it only looked
	}
	if err := t.releaseExpired(want); err != nil {
		return nil, time.Time{}, err
	}
	var taken []leasing
	if want.Admit != nil && want.Max > 0 {
		desk, waiting, err := t.desk(want)
		if err != nil {
			return nil, time.Time{}, err
		}
		plan := want.Admit(desk)
		if taken, err = t.follow(plan, waiting, want); err != nil {
			return nil, time.Time{}, err
		}
		if err := t.hold(plan.Holds, desk.Candidates); err != nil {
			return nil, time.Time{}, err
		}
	}
	var next time.Time
	err := t.query("take_next", func(r *row) { next = r.time() })
	return taken, next, err
}

// releaseExpired queues the jobs again whose worker has not been heard of. The
// leases that the taker still carries are renewed.
func (t *tx) releaseExpired(want *event.Take) error {
	now := micros(want.Now)
	var lost []leasing
	err := t.scan("take_expired", func(r *row) { lost = append(lost, leasing{seq: r.int(), token: r.int(), id: r.text()}) }, now)
	if err != nil || len(lost) == 0 {
		return err
	}
	held := make(map[string]int64, len(want.Held))
	for _, l := range want.Held {
		held[l.ID] = l.Token
	}
	for _, l := range lost {
		if token, ok := held[l.id]; !ok || token != l.token {
			continue
		}
		if err := one(t.exec("extend", l.id, l.token, micros(want.LeaseUntil))); err != nil {
			return err
		}
	}
	lost = slices.DeleteFunc(lost, func(l leasing) bool { token, ok := held[l.id]; return ok && token == l.token })
	return t.release(lost, now)
}

// release queues running jobs again. Their attempts count; calls whose end
// nobody saw are marked as lost.
func (t *tx) release(lost []leasing, now int64) error {
	for _, l := range lost {
		if err := one(t.exec("take_release", l.seq, now)); err != nil {
			return err
		}
		if err := t.loseCalls(l.seq); err != nil {
			return err
		}
		if err := t.reserve(l.seq, 0); err != nil {
			return err
		}
		if err := t.wake(l.seq, now); err != nil {
			return err
		}
		t.tally.move(event.Running, event.Queued)
		t.then(func() { t.db.drafts.drop(l.id) })
		t.signal(l.id)
		t.signal(event.TopicQueue)
	}
	return nil
}

// desk collects what admission looks at, and who the candidates are.
func (t *tx) desk(want *event.Take) (event.Desk, map[string]leasing, error) {
	d := event.Desk{Now: want.Now, Lanes: make(map[string]event.Lane), Running: make(map[string]int), Max: want.Max}
	waiting := make(map[string]leasing)
	err := t.query("lane_all", func(r *row) {
		lane := scanLane(r)
		d.Lanes[lane.Name] = lane
	})
	if err != nil {
		return d, nil, err
	}
	if err := t.scan("take_running", func(r *row) { d.Running[r.text()] = int(r.int()) }); err != nil {
		return d, nil, err
	}
	show := func(r *row) {
		c := event.Candidate{
			JobID: r.text(), Hook: r.text(), Lane: r.text(), Model: r.text(), Tenant: r.text(),
			Chosen: r.text(), Priority: int(r.int()), Attempts: int(r.int()), Size: int(r.int()), ReadyAt: r.time(), Needs: event.NanoUSD(r.int()),
		}
		d.Candidates = append(d.Candidates, c)
		waiting[c.JobID] = leasing{seq: r.int(), token: r.int(), id: c.JobID, pair: pair{c.Hook, c.Lane}, tenant: c.Tenant}
	}
	most := max(want.PerHook, 1)
	if err := t.scan("take_candidates", show, int64(most)); err != nil {
		return d, nil, err
	}
	if err := t.showTenants(most, show); err != nil {
		return d, nil, err
	}
	if err := t.query("take_spent", func(r *row) { d.SpentToday = event.NanoUSD(r.int()) }, day(want.Now)); err != nil {
		return d, nil, err
	}
	var owners []event.Account
	for _, c := range d.Candidates {
		if a := (event.Account{Hook: c.Hook, Tenant: c.Tenant}); c.Tenant != "" && !slices.Contains(owners, a) {
			owners = append(owners, a)
		}
	}
	purses, err := t.purses(want.Now, owners)
	d.Purses = event.Purses(purses)
	return d, waiting, err
}

// follow carries out a plan: it leases the jobs that were candidates, at most
// Max, and stores the lanes.
func (t *tx) follow(plan event.Plan, waiting map[string]leasing, want *event.Take) ([]leasing, error) {
	var taken []leasing
	for _, id := range plan.Take {
		l, ok := waiting[id]
		if !ok || len(taken) >= want.Max {
			continue
		}
		delete(waiting, id)
		if m, ok := plan.Moves[id]; ok {
			if err := one(t.exec("take_move", l.seq, m.Lane, m.Model, m.Chosen)); err != nil {
				return nil, err
			}
		}
		l.token++
		err := one(t.exec("take_lease", l.seq, l.token, want.Worker, micros(want.LeaseUntil), micros(want.Now)))
		if err != nil {
			return nil, err
		}
		if amount := plan.Reserve[id]; amount > 0 {
			if err := t.reserve(l.seq, amount); err != nil {
				return nil, err
			}
		}
		t.tally.move(event.Queued, event.Running)
		t.served(l)
		t.then(func() { t.db.drafts.begin(l.id, l.token) })
		t.signal(l.id)
		taken = append(taken, l)
	}
	for _, lane := range plan.Lanes {
		if err := t.putLane(lane, want.Now); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// Extend renews leases and returns those that are lost.
func (db *DB) Extend(ctx context.Context, leases []event.Lease, until, now time.Time) ([]event.Lease, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	var lost []event.Lease
	err := db.write(ctx, func(t *tx) error {
		lost = nil
		for _, l := range leases {
			n, err := t.exec("extend", l.ID, l.Token, micros(until))
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, l)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// recover counts what there is and puts what a former process had in hand back
// into the queue: the lock says that nobody else can have it.
func (db *DB) recover(ctx context.Context) error {
	var count tally
	if err := db.w.query(ctx, "tally_get", count.scan); err != nil {
		return err
	}
	db.tally.Store(&count)
	if err := db.w.query(ctx, "verdict_last", func(r *row) { db.notes.last = r.int() }); err != nil {
		return err
	}
	t, err := db.begin()
	if err != nil {
		return err
	}
	if err := t.adopt(micros(db.opt.Now())); err != nil {
		t.rollback()
		return err
	}
	return t.commit()
}

func (t *tx) adopt(now int64) error {
	var orphans []leasing
	if err := t.scan("start_running", func(r *row) { orphans = append(orphans, leasing{seq: r.int(), id: r.text()}) }); err != nil {
		return err
	}
	if err := t.release(orphans, now); err != nil {
		return err
	}
	if n, err := t.exec("start_needs"); err != nil {
		return err
	} else if n == 0 {
		t.writes--
	}
	var leased []int64
	if err := t.scan("start_leased", func(r *row) { leased = append(leased, r.int()) }); err != nil {
		return err
	}
	for _, seq := range leased {
		if err := one(t.exec("delivery_release", seq, now)); err != nil {
			return err
		}
	}
	if n, err := t.exec("batch_release_all"); err != nil {
		return err
	} else if n == 0 {
		t.writes--
	}
	if n := len(orphans) + len(leased); n > 0 {
		t.db.opt.Log.Info("work of a former process goes back into the queue", "jobs", len(orphans), "deliveries", len(leased))
	}
	return nil
}
