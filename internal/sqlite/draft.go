package sqlite

import (
	"context"
	"sync"

	"github.com/forebayhq/forebay/event"
)

// drafts holds the answers that are streaming in. They live in memory alone: a
// draft is of use only while its attempt runs, a crash ends the attempt, and
// no other process can have the ledger open. So a stream costs no write at
// all. The zero value is ready.
//
// begin and drop run after commits, in the writer's goroutine and in its order.
type drafts struct {
	mu   sync.Mutex
	jobs map[string]*draft // running jobs, by id
}

type draft struct {
	token   int64
	attempt int
	text    []byte
}

// begin opens the draft of a job that has just been leased.
func (d *drafts) begin(job string, token int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.jobs == nil {
		d.jobs = make(map[string]*draft)
	}
	d.jobs[job] = &draft{token: token}
}

// drop forgets the draft of a job that does not run any more.
func (d *drafts) drop(job string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.jobs, job)
}

// save puts a piece at its offset. A piece past the end of what came so far
// waits in vain for what lies between, so it is left out; one that reaches back
// replaces what was there. Another attempt begins again.
func (d *drafts) save(l event.Lease, c event.DraftChunk) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	have := d.jobs[l.ID]
	if have == nil || have.token != l.Token {
		return event.ErrLeaseLost
	}
	if have.attempt != c.Attempt {
		have.attempt, have.text = c.Attempt, nil
	}
	if c.Offset >= 0 && c.Offset <= len(have.text) {
		have.text = append(have.text[:c.Offset], c.Text...)
	}
	return nil
}

func (d *drafts) read(job string) (event.Draft, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	have := d.jobs[job]
	if have == nil {
		return event.Draft{}, false
	}
	return event.Draft{Attempt: have.attempt, Text: string(have.text)}, true
}

// SaveDraft adds a piece to the streamed answer of a running job.
func (db *DB) SaveDraft(ctx context.Context, l event.Lease, c event.DraftChunk) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.broken.Load() {
		return event.ErrClosed
	}
	if err := db.drafts.save(l, c); err != nil {
		return err
	}
	db.hub.signal(l.ID)
	return nil
}

// Draft reads what has streamed in of a job's answer: nothing unless it runs.
// event.ErrNotFound: there is no such job.
func (db *DB) Draft(ctx context.Context, id string) (event.Draft, error) {
	if d, ok := db.drafts.read(id); ok {
		return d, nil
	}
	found := false
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_job", func(*row) { found = true }, id)
	})
	if err == nil && !found {
		err = event.ErrNotFound
	}
	return event.Draft{}, err
}
