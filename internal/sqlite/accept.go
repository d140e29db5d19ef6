package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// An accepting is an event.Accept made ready for the writer by the goroutine
// that asks: packed, hashed, with nothing left to do but the statements.
type accepting struct {
	*event.Accept
	keys []byte // of the table dedupe, one after the other
	data []byte
}

// Accept stores one event, its dedupe keys and its job, and returns after the
// fsync. An event that is known already is counted as a copy.
func (db *DB) Accept(ctx context.Context, a event.Accept) (event.Receipt, error) {
	if err := db.room(); err != nil {
		return event.Receipt{}, err
	}
	in := db.prepare(&a)
	var receipt event.Receipt
	err := db.submit(&request{
		ctx: ctx, new: true, bytes: len(in.data), done: make(chan error, 1),
		run: func(t *tx) (err error) {
			receipt, err = t.accept(&in)
			return err
		},
	})
	if err != nil {
		return event.Receipt{}, err
	}
	return receipt, nil
}

// acceptSlice is how many events one transaction takes of one request, so that
// nobody else's acknowledgement waits long behind thousands of them.
const acceptSlice = 256

// AcceptAll stores several events: up to 256 in one transaction, or none of
// them. More are stored in several, in their order; after a failure those of the
// first transactions stand, and are duplicates when the request comes again.
func (db *DB) AcceptAll(ctx context.Context, all []event.Accept) ([]event.Receipt, error) {
	if err := db.room(); err != nil {
		return nil, err
	}
	receipts := make([]event.Receipt, 0, len(all))
	for some := range slices.Chunk(all, acceptSlice) {
		got, err := db.acceptSome(ctx, some)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, got...)
	}
	return receipts, nil
}

// acceptSome stores several events in one transaction, or none of them. One that
// finds no room in the middle has the transaction rolled back.
func (db *DB) acceptSome(ctx context.Context, some []event.Accept) ([]event.Receipt, error) {
	ins, receipts, size := make([]accepting, len(some)), make([]event.Receipt, len(some)), 0
	for i := range some {
		ins[i] = db.prepare(&some[i])
		size += len(ins[i].data)
	}
	err := db.submit(&request{
		ctx: ctx, new: true, bytes: size, done: make(chan error, 1),
		run: func(t *tx) (err error) {
			for i := range ins {
				if receipts[i], err = t.accept(&ins[i]); err != nil {
					return err
				}
			}
			return nil
		},
	})
	return receipts, err
}

// prepare makes an acceptance ready for the writer.
func (db *DB) prepare(a *event.Accept) accepting {
	in := accepting{Accept: a, keys: make([]byte, 0, keySize*len(a.Keys)), data: db.pack.pack(&a.Event)}
	for _, key := range a.Keys {
		in.keys = appendKey(in.keys, a.Event.Hook, key.Value)
	}
	return in
}

// keySize is the size of a key in the table dedupe.
const keySize = 16

// appendKey appends the key as it is stored. No hook's name contains a NUL, so no
// two pairs of hook and key look alike.
func appendKey(to []byte, hook, key string) []byte {
	b := make([]byte, 0, len(hook)+1+len(key))
	b = append(b, hook...)
	b = append(b, 0)
	sum := sha256.Sum256(append(b, key...))
	return append(to, sum[:keySize]...)
}

func (t *tx) accept(a *accepting) (event.Receipt, error) {
	seq := t.tally.eventSeq + 1
	known, err := t.claimKeys(a, seq)
	if err != nil {
		return event.Receipt{}, err
	}
	if known >= 0 {
		return t.duplicate(a, known)
	}
	if t.tally.queued+t.tally.running >= int64(t.db.opt.MaxJobs) {
		return event.Receipt{}, t.unclaimKeys(a, seq, fmt.Errorf("%w: %d jobs are not over", event.ErrFull, t.db.opt.MaxJobs))
	}
	t.tally.eventSeq = seq
	t.tally.dedupeKeys += int64(len(a.Keys))
	if err := t.insertEvent(a, seq); err != nil {
		return event.Receipt{}, err
	}
	job := newJob{seq: seq, hook: a.Event.Hook, spec: &a.Job, now: a.Now}
	if err := t.coalesce(&job); err != nil {
		return event.Receipt{}, err
	}
	if err := t.insertJob(&job); err != nil {
		return event.Receipt{}, err
	}
	return event.Receipt{Outcome: event.Accepted, EventID: a.Event.ID, JobID: a.Job.ID}, nil
}

// claimKeys inserts the dedupe keys for event seq. If one of them is taken, it
// takes the others back and returns the index of the first taken one, else -1.
// A key that is new beside a known one is not remembered: it may be forged, and
// would make the event that it belongs to a duplicate.
func (t *tx) claimKeys(a *accepting, seq int64) (int, error) {
	if len(a.keys) == 2*keySize { // nearly always: both are new, and one statement will do
		n, err := t.exec("accept_pair", a.keys[:keySize], seq, a.keys[keySize:])
		if err != nil || n == 2 {
			return -1, err
		}
		if err := t.unclaimKeys(a, seq, nil); err != nil {
			return 0, err
		}
	}
	known, at := -1, 0
	for key := range slices.Chunk(a.keys, keySize) {
		n, err := t.exec("accept_key", key, seq)
		if err != nil {
			return 0, err
		}
		if n == 0 && known < 0 {
			known = at
		}
		at++
	}
	if known < 0 {
		return known, nil
	}
	return known, t.unclaimKeys(a, seq, nil)
}

// unclaimKeys takes back the keys that claimKeys inserted and returns why, or
// the error that kept it from doing so.
func (t *tx) unclaimKeys(a *accepting, seq int64, why error) error {
	for key := range slices.Chunk(a.keys, keySize) {
		if _, err := t.exec("accept_unkey", key, seq); err != nil {
			return err
		}
	}
	return why
}

// duplicate counts a copy of the event that holds the key with the given index,
// the strongest that is known. If the sender repeats one of the keys of that
// event on purpose, or its delivery id, and its job is dead, the job is queued
// again.
func (t *tx) duplicate(a *accepting, strongest int) (event.Receipt, error) {
	var seq int64
	receipt := event.Receipt{Outcome: event.Duplicate}
	redelivered := false
	for i := strongest; i < len(a.Keys); i++ {
		err := t.query("accept_known", func(r *row) {
			owner, id, job, delivery := r.int(), r.text(), r.text(), r.text()
			if i == strongest {
				seq, receipt.EventID, receipt.JobID = owner, id, job
				redelivered = delivery != "" && delivery == a.Event.DeliveryID
			}
			redelivered = redelivered || owner == seq && a.Keys[i].Redelivers
		}, a.keys[i*keySize:(i+1)*keySize])
		if err != nil {
			return receipt, err
		}
	}
	if err := one(t.exec("accept_duplicate", seq)); err != nil {
		return receipt, fmt.Errorf("dedupe key without event %d: %w", seq, err)
	}
	t.signal(receipt.JobID)
	if err := t.thrift(event.ThriftRow{Day: day(a.Now), Hook: a.Event.Hook, Duplicates: 1}); err != nil {
		return receipt, err
	}
	if !redelivered {
		return receipt, nil
	}
	n, err := t.exec("accept_requeue", receipt.JobID, micros(a.Now))
	if n == 1 {
		receipt.Outcome = event.Requeued
		t.tally.move(event.Dead, event.Queued)
		t.signal(event.TopicQueue)
	}
	return receipt, err
}

func (t *tx) insertEvent(a *accepting, seq int64) error {
	e := &a.Event
	received, forget := micros(e.ReceivedAt), micros(a.ForgetAt)
	if len(a.keys) == 0 {
		forget = 0
	}
	_, err := t.exec("accept_event", seq, e.ID, e.Source, e.Type, e.DeliveryID, e.Subject, micros(e.Time), received,
		notNil(e.Digest), int64(len(e.Body)), a.keys, forget, a.Job.ID)
	if err != nil {
		return err
	}
	if _, err := t.exec("accept_body", seq, received, a.data); err != nil {
		return err
	}
	t.bytes += int64(len(a.data))
	t.tally.eventBytes += int64(len(e.Body))
	return nil
}

// A newJob is a job that is about to be inserted.
type newJob struct {
	seq       int64 // of its event
	hook      string
	spec      *event.JobSpec
	now       time.Time
	due       time.Time // zero: ready at once
	first     time.Time // of the flurry
	coalesced int64
	rerunOf   string
}

// coalesce supersedes the queued jobs of the same hook and key, and sets when
// the new one is due: after a quiet period, but not later than MaxWait after
// the first of the flurry.
func (t *tx) coalesce(j *newJob) error {
	c := j.spec.Coalesce
	if c == nil {
		return nil
	}
	j.first = j.now
	type older struct {
		seq    int64
		id     string
		parked bool // its request waits for a batch
	}
	var olds []older
	err := t.query("accept_flurry", func(r *row) {
		old := older{seq: r.int(), id: r.text()}
		if first := r.time(); !first.IsZero() && first.Before(j.first) {
			j.first = first
		}
		j.coalesced += r.int() + 1
		old.parked = r.text() == string(event.Batch)
		olds = append(olds, old)
	}, j.hook, c.Key)
	if err != nil {
		return err
	}
	for _, old := range olds {
		if old.parked {
			if err := t.unpark(old.seq); err != nil {
				return err
			}
		}
		if _, err := t.exec("accept_supersede", old.seq, j.spec.ID, micros(j.now)); err != nil {
			return err
		}
		if err := t.thrift(event.ThriftRow{Day: day(j.now), Hook: j.hook, Superseded: 1}); err != nil {
			return err
		}
		t.tally.move(event.Queued, event.Superseded)
		t.signal(old.id)
	}
	j.due = j.now.Add(c.Quiet)
	if latest := j.first.Add(c.MaxWait); latest.Before(j.due) {
		j.due = latest
	}
	if !j.due.After(j.now) {
		j.due = time.Time{}
	}
	return nil
}

func (t *tx) insertJob(j *newJob) error {
	t.tally.jobSeq++
	reason, key := event.WaitingTurn, ""
	if !j.due.IsZero() {
		reason = event.QuietPeriod
	}
	if j.spec.Coalesce != nil {
		key = j.spec.Coalesce.Key
	}
	now := micros(j.now)
	_, err := t.exec("accept_job", t.tally.jobSeq, j.spec.ID, j.seq, j.hook, string(reason), micros(j.due),
		j.spec.Lane, j.spec.Model, j.spec.Chosen, int64(priority(j.spec.Priority)), now, now, now, now,
		key, micros(j.first), j.coalesced, j.rerunOf, j.spec.Tenant, j.spec.Note)
	if err != nil {
		return err
	}
	t.tally.queued++
	t.signal(event.TopicQueue)
	return nil
}

// priority gives a job that asks for none the middle one.
func priority(p int) int {
	if p == 0 {
		return 5
	}
	return p
}

// notNil is b as a value that is stored as an empty blob rather than NULL.
func notNil(b []byte) driver.Value {
	if b == nil {
		return []byte{}
	}
	return b
}
