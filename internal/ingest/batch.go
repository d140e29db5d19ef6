package ingest

import (
	"encoding/json"
	"net/http"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/payload"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// maxListed bounds the jobs that an answer to a batch names.
const maxListed = 100

// A batch is the events of one body, on their way through the receiver.
type batch struct {
	*visit
	orders   []event.Accept
	verdicts []event.Verdict // of each event, in the order of the body
	stored   []int           // which verdict each order belongs to
}

// batch takes a body that holds several events: each has a verdict, dedupe keys
// and a job of its own. All that match are stored together (Ledger.AcceptAll), or
// the sender is asked to try again. A batch of one is answered like any event.
func (v *visit) batch(d verify.Delivery) answer {
	whole := v.event(d)
	if err := payload.Check(whole.Data()); err != nil {
		return v.broken(err)
	}
	parts := d.Events()
	if len(parts) == 0 {
		return v.demanded(ignored("empty_batch"))
	}
	b := &batch{visit: v}
	for _, part := range parts {
		e := v.single(whole, part)
		in := rule.NewInput(e)
		v.verdict.Type, v.verdict.DeliveryID = e.Type, e.DeliveryID
		reason, ok := v.match(in)
		switch {
		case !ok && len(parts) == 1:
			return v.demanded(ignored(reason))
		case len(parts) == 1:
			return v.accept(e, part, in)
		}
		b.add(e, reason)
		if ok {
			b.order(v.order(e, part, in))
		}
	}
	v.verdict = event.Verdict{}
	return b.accept()
}

// single makes the event of one part of a batch. What came with the body, its
// headers above all, is the same for all of them.
func (v *visit) single(whole event.Event, part verify.Delivery) event.Event {
	e := whole
	e.ID = event.NewID(event.PrefixEvent, v.now)
	e.Type, e.DeliveryID, e.Subject, e.Time = bound(part.Type), bound(part.ID), bound(part.Subject), part.Time
	e.Body, e.Payload, e.ContentType, e.Digest = part.Payload, nil, "application/json", part.Digest
	return e
}

// add notes an event that is not stored yet, and will not be if nothing follows.
func (b *batch) add(e event.Event, reason string) {
	b.verdicts = append(b.verdicts, event.Verdict{
		At: b.now, Hook: b.name, Source: b.hook.Source, Type: e.Type, DeliveryID: e.DeliveryID, Bytes: int64(len(e.Body)),
		Outcome: outcomeIgnored, Code: reason,
	})
}

// order asks for the event that was added last.
func (b *batch) order(a event.Accept) {
	b.orders = append(b.orders, a)
	b.stored = append(b.stored, len(b.verdicts)-1)
}

// accept stores what matched and answers with the counts.
func (b *batch) accept() answer {
	var receipts []event.Receipt
	if len(b.orders) > 0 {
		var err error
		if receipts, err = b.rc.opts.Ledger.AcceptAll(b.storing(), b.orders); err != nil {
			return b.notStored(err)
		}
	}
	for i, r := range receipts {
		v := &b.verdicts[b.stored[i]]
		v.Outcome, v.Code, v.EventID, v.JobID = string(r.Outcome), "", r.EventID, r.JobID
	}
	for _, v := range b.verdicts {
		b.rc.opts.Ledger.Note(v)
	}
	b.noted = true
	return b.demanded(b.answer(receipts))
}

// A tally is the answer to a batch: how many events were what, and the first of
// the jobs.
type tally struct {
	Status     string   `json:"status"`
	Accepted   int      `json:"accepted"`
	Duplicates int      `json:"duplicates"`
	Ignored    int      `json:"ignored"`
	Jobs       []string `json:"jobs"`
}

func (b *batch) answer(receipts []event.Receipt) answer {
	t := tally{Status: outcomeIgnored, Ignored: len(b.verdicts) - len(receipts), Jobs: []string{}}
	for _, r := range receipts {
		if r.Outcome == event.Duplicate {
			t.Duplicates++
			continue
		}
		if t.Accepted++; len(t.Jobs) < maxListed {
			t.Jobs = append(t.Jobs, r.JobID)
		}
	}
	status := http.StatusOK
	switch {
	case t.Accepted > 0:
		t.Status, status = string(event.Accepted), http.StatusAccepted
	case t.Duplicates > 0:
		t.Status = string(event.Duplicate)
	}
	body, _ := json.Marshal(t) // counts and ids always encode
	return answer{status: status, outcome: t.Status, body: body}
}
