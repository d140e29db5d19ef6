//go:build unix

package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// BenchmarkCrowd measures how long others wait for an acknowledgement while one
// request keeps the writer busy with thousands of rows: it accepts 10,000 events
// of one body, makes a batch of 10,000 requests, looks at it and settles it.
// Each step's time and the longest acknowledgement beside it are printed.
func BenchmarkCrowd(b *testing.B) {
	for b.Loop() {
		c := &crowd{B: b, db: open(b, filepath.Join(b.TempDir(), "ledger.db")), now: time.Now()}
		c.beside("accept", func() { c.accept(10_000) })
		leases := c.take(10_000)
		c.beside("park", func() { c.park(leases) })
		c.beside("form", c.form)
		c.beside("look", c.look)
		c.beside("settle", func() { c.settle(leases) })
	}
}

type crowd struct {
	*testing.B
	db    *sqlite.DB
	now   time.Time
	n     int64
	batch event.LeasedBatch
}

// beside runs a step while another sender's events are accepted one by one.
func (c *crowd) beside(name string, step func()) {
	ctx, stop := context.WithCancel(c.Context())
	var sender sync.WaitGroup
	var took []time.Duration
	sender.Go(func() {
		for ctx.Err() == nil {
			c.n++
			a := accept(1_000_000+c.n, c.now, []byte(`{"action":"opened"}`), nil)
			a.Event.Hook = "other"
			began := time.Now()
			if _, err := c.db.Accept(c.Context(), a); err != nil {
				c.Error(err)
			}
			took = append(took, time.Since(began))
			time.Sleep(time.Millisecond)
		}
	})
	began := time.Now()
	step()
	c.ReportMetric(float64(time.Since(began).Milliseconds()), name+"-ms")
	stop()
	sender.Wait()
	c.ReportMetric(float64(slices.Max(took).Milliseconds()), name+"-ack-ms")
}

func (c *crowd) accept(n int) {
	all := make([]event.Accept, n)
	for i := range all {
		all[i] = accept(int64(i), c.now, []byte(`{"action":"opened"}`), nil)
	}
	if _, err := c.db.AcceptAll(c.Context(), all); err != nil {
		c.Fatal(err)
	}
}

func (c *crowd) take(n int) (leases []event.Leased) {
	mine := func(d event.Desk) (p event.Plan) {
		for _, one := range d.Candidates {
			if one.Hook != "other" {
				p.Take = append(p.Take, one.JobID)
			}
		}
		return p
	}
	for len(leases) < n {
		got, err := c.db.Take(c.Context(), event.Take{Worker: "w", Now: c.now, LeaseUntil: c.now.Add(time.Hour), Max: 1000, PerHook: 1000, Admit: mine})
		if err != nil || len(got.Jobs) == 0 {
			c.Fatal(got, err)
		}
		leases = append(leases, got.Jobs...)
	}
	return leases
}

// each does something with every job, sixteen at a time.
func (c *crowd) each(leases []event.Leased, do func(event.Leased) error) {
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := w; i < len(leases); i += 16 {
				if err := do(leases[i]); err != nil {
					c.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func (c *crowd) park(leases []event.Leased) {
	params := bytes.Repeat([]byte("x"), 3000)
	c.each(leases, func(l event.Leased) error {
		return c.db.ParkJob(c.Context(), event.Parking{Lease: l.Lease, Now: c.now, Item: event.BatchItem{
			JobID: l.Job.ID, CallID: "call_" + l.Job.ID, Model: "m", Attempt: 1, Params: params,
		}})
	})
}

func (c *crowd) form() {
	for range 100 {
		_, next, err := c.db.FormBatches(c.Context(), event.FormBatches{Now: c.now, MaxRequests: 10_000, MaxBytes: 64 << 20, MaxQueued: 100_000})
		if err != nil {
			c.Fatal(err)
		}
		if next.IsZero() {
			return
		}
	}
}

func (c *crowd) look() {
	got, err := c.db.TakeBatches(c.Context(), event.TakeBatches{Worker: "w", Now: c.now, LeaseUntil: c.now.Add(time.Hour), Max: 1})
	if err != nil || len(got.Batches) != 1 || got.Batches[0].Batch.Requests != 10_000 {
		c.Fatal(fmt.Sprintf("%+v", got), err)
	}
	c.batch = got.Batches[0]
}

func (c *crowd) settle(leases []event.Leased) {
	c.each(leases, func(l event.Leased) error {
		w, err := c.db.BatchItem(c.Context(), c.batch.Batch.ID, l.Job.ID)
		if err != nil {
			return err
		}
		return c.db.SettleItem(c.Context(), event.ItemSettlement{BatchID: c.batch.Batch.ID, Settlement: event.Settlement{
			Lease: event.Lease{ID: l.Job.ID, Token: w.Token}, Now: c.now,
			Call: &event.Call{ID: w.Item.CallID, Model: "m", Lane: event.BatchLane, Outcome: event.CallOK, Cost: new(event.NanoUSD(21))},
			Done: &event.Done{Result: event.Result{Text: "answer", Model: "m"}},
		}})
	})
}
