package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

// diskEvery is how long a reading of the free space is believed.
const diskEvery = time.Second

// A disk remembers whether there is room for new work.
type disk struct {
	mu     sync.Mutex
	at     time.Time // of the last reading
	tight  bool      // less than the reserve was free then
	ranOut time.Time // SQLite ran out of space then
}

// room answers event.ErrFull while the disk has less than the reserve free, and
// for a second after SQLite ran out of space; then one may try again.
func (db *DB) room() error {
	now := db.opt.Now()
	d := &db.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if db.opt.MinFree > 0 && expired(d.at, now) {
		free, err := freeBytes(filepath.Dir(db.path))
		if err != nil {
			return fmt.Errorf("free space of the store's disk: %w", err)
		}
		d.at, d.tight = now, free < db.opt.MinFree
	}
	if d.tight || !expired(d.ranOut, now) {
		return fmt.Errorf("%w: no space on the disk", event.ErrFull)
	}
	return nil
}

// expired reports whether at is more than diskEvery away from now, either way:
// the clock may jump.
func expired(at, now time.Time) bool {
	return at.IsZero() || now.Sub(at).Abs() >= diskEvery
}

// noteFull remembers that SQLite ran out of space.
func (d *disk) noteFull(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ranOut = now
}

// spent reports whether SQLite ran out of space a moment ago.
func (d *disk) spent(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !expired(d.ranOut, now)
}
