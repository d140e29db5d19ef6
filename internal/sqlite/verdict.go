package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

const (
	maxNotes   = 1024        // verdicts that may wait to be written
	notesChunk = 128         // verdicts that are written even if nothing else is
	notesEvery = time.Second // else they wait for a commit at least this much later than the last one
	keptNotes  = 10_000      // verdicts in the file, about
)

// notes keeps the verdicts of the receiver for people to look at. They are
// written many to a row and ride along with other commits, so that they cost
// the receiver nothing; a crash may lose the newest. The zero value is ready
// once last is set.
type notes struct {
	mu      sync.Mutex
	last    int64           // the newest id given
	waiting []event.Verdict // not yet written, oldest first
	written time.Time       // the newest verdict in the file
	dropped int64
}

// Note records a verdict. It neither waits nor fails: verdicts past what can
// be written are counted and dropped.
func (db *DB) Note(v event.Verdict) {
	n := &db.notes
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.waiting) == maxNotes || db.broken.Load() {
		n.dropped++
		return
	}
	n.last++
	v.ID, v.At = n.last, v.At.UTC()
	n.waiting = append(n.waiting, v)
	if len(n.waiting)%notesChunk == 0 {
		select {
		case db.wake <- struct{}{}:
		default:
		}
	}
}

// NotesDropped returns how many verdicts were not recorded.
func (db *DB) NotesDropped() int64 {
	db.notes.mu.Lock()
	defer db.notes.mu.Unlock()
	return db.notes.dropped
}

// flush adds the waiting verdicts to a transaction: all of them if closing,
// otherwise when they are many, or when something is written anyhow and the
// last time is a while ago.
func (n *notes) flush(t *tx, closing bool) error {
	waiting, due := n.due(t.writes > 0, closing)
	if !due {
		return nil
	}
	text, err := json.Marshal(waiting)
	if err != nil {
		return fmt.Errorf("encode verdicts: %w", err)
	}
	newest := waiting[len(waiting)-1]
	if _, err := t.exec("verdict_put", newest.ID, int64(len(waiting)), t.db.pack.squeeze(text)); err != nil {
		return err
	}
	t.then(func() { n.drop(len(waiting), newest.At) })
	_, err = t.exec("verdict_trim", newest.ID-keptNotes)
	return err
}

func (n *notes) due(writing, closing bool) ([]event.Verdict, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := len(n.waiting)
	if count == 0 {
		return nil, false
	}
	late := n.waiting[count-1].At.Sub(n.written).Abs() >= notesEvery
	if !closing && count < notesChunk && !(writing && late) {
		return nil, false
	}
	return slices.Clone(n.waiting), true
}

// drop forgets the first verdicts once they are in the file.
func (n *notes) drop(count int, newest time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = slices.Delete(n.waiting, 0, count)
	n.written = newest
}

// Verdicts lists what the receiver decided, newest first.
func (db *DB) Verdicts(ctx context.Context, limit int) ([]event.Verdict, error) {
	if limit <= 0 {
		return nil, nil
	}
	db.notes.mu.Lock()
	list := slices.Clone(db.notes.waiting)
	db.notes.mu.Unlock()
	slices.Reverse(list)
	var fault error
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_verdicts", func(r *row) {
			_, data := r.int(), r.blob()
			if fault == nil && len(list) < limit {
				list, fault = db.pack.addVerdicts(list, data)
			}
		}, int64(limit))
	})
	if err == nil {
		err = fault
	}
	if err != nil {
		return nil, err
	}
	return list[:min(limit, len(list))], nil
}

// addVerdicts appends those of a row, newest first, that are older than the
// last of the list: a row may just have been written from memory.
func (p *packer) addVerdicts(list []event.Verdict, data []byte) ([]event.Verdict, error) {
	text, err := p.expand(data)
	if err != nil {
		return list, fmt.Errorf("verdicts: %w", err)
	}
	var chunk []event.Verdict
	if err := json.Unmarshal(text, &chunk); err != nil {
		return list, fmt.Errorf("verdicts: %w: %w", errDamaged, err)
	}
	for _, v := range slices.Backward(chunk) {
		if len(list) == 0 || v.ID < list[len(list)-1].ID {
			list = append(list, v)
		}
	}
	return list, nil
}
