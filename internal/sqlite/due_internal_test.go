package sqlite

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/forebayhq/forebay/event"
)

// TestDueDeliveries: of what is due the longest due goes first, whatever its
// target, and no target has more under way than it may. What a walk from target to
// target finds is compared with a look at all.
func TestDueDeliveries(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	if err := db.w.run(t.Context(), "PRAGMA foreign_keys = OFF"); err != nil { // needs no jobs
		t.Fatal(err)
	}
	const now = 1000
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		want := &event.TakeDeliveries{Max: 1 + r.IntN(12), PerTarget: r.IntN(5)}
		all := randomOutbox(r, now)
		var got []int64
		err := db.write(t.Context(), func(tx *tx) error {
			if err := tx.c.run(t.Context(), "DELETE FROM delivery"); err != nil {
				return err
			}
			for _, d := range all {
				if err := tx.c.run(t.Context(), `INSERT INTO delivery (seq, id, job, target, hook, place, serial_key, state, next_at, lease_until, updated_at)
					VALUES (?1, 'd' || ?1, 1, '', ?2, ?3, '', 'pending', ?4, ?5, 1)`, d.seq, d.hook, d.place, d.due, d.lease); err != nil {
					return err
				}
			}
			taken, err := tx.dueDeliveries(want, now)
			for _, l := range taken {
				got = append(got, l.seq)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if due := dueOf(all, want, now); !slices.Equal(got, due) {
			t.Fatalf("got %v, want %v; at most %d, of one target %d, of %+v", got, due, want.Max, want.PerTarget, all)
		}
	}
}

// An outboxRow is a pending delivery.
type outboxRow struct {
	seq, due, lease int64
	hook            string
	place           int64
}

// randomOutbox makes deliveries of up to 12 targets, some of them leased, some not
// due, many due at the same moment.
func randomOutbox(r *rand.Rand, now int64) []outboxRow {
	all := make([]outboxRow, r.IntN(60))
	for i := range all {
		all[i] = outboxRow{seq: int64(i + 1), due: now - 10 + r.Int64N(14), hook: string(rune('a' + r.IntN(4))), place: r.Int64N(3)}
		if r.IntN(5) == 0 {
			all[i].lease = now + 1
		}
	}
	return all
}

// dueOf is what may go of an outbox.
func dueOf(all []outboxRow, want *event.TakeDeliveries, now int64) []int64 {
	out := map[deliveryTarget]int{}
	for _, d := range all {
		if d.lease > 0 {
			out[deliveryTarget{d.hook, d.place}]++
		}
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b outboxRow) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.seq, b.seq)) })
	var due []int64
	for _, d := range all {
		at := deliveryTarget{d.hook, d.place}
		if d.lease > 0 || d.due > now || len(due) == want.Max || want.PerTarget > 0 && out[at] >= want.PerTarget {
			continue
		}
		out[at]++
		due = append(due, d.seq)
	}
	return due
}
