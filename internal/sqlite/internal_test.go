package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

func testDB(t *testing.T, o Options) *DB {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "ledger.db")
	}
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func acceptance(n int, now time.Time, body []byte) event.Accept {
	return event.Accept{
		Event: event.Event{ID: fmt.Sprintf("evt_%d", n), Hook: "h", Body: body, ReceivedAt: now},
		Keys:  []event.Key{{Value: fmt.Sprint(n)}},
		Job:   event.JobSpec{ID: fmt.Sprintf("job_%d", n), Lane: "haiku"},
		Now:   now, ForgetAt: now.Add(time.Hour),
	}
}

func TestOlder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version string
		want    bool
	}{{"3.51.2", true}, {"3.7.0", true}, {"3.51", true}, {"2.99.99", true}, {"3.51.3", false}, {"3.51.10", false}, {"3.52.0", false}, {"4", false}, {"3.51.3.1", false}} {
		if got := older(tt.version, oldestSQLite); got != tt.want {
			t.Errorf("older(%s): got %v, want %v", tt.version, got, tt.want)
		}
	}
}

// Every connection must be seen to be safe, and one that is not must be seen too.
func TestSettingsAreReadBack(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	for range readers {
		c := <-db.readers
		if err := c.verify(t.Context(), "FULL"); err != nil {
			t.Error(err)
		}
		if err := c.run(t.Context(), "DELETE FROM job"); err == nil {
			t.Error("a reader can write")
		}
		db.readers <- c
	}
	for _, unsafe := range []string{"synchronous = NORMAL", "synchronous = OFF", "fullfsync = 0", "checkpoint_fullfsync = 0", "foreign_keys = 0", "busy_timeout = 0", "wal_autocheckpoint = 1000"} {
		c, err := connect(dsn(db.path, "FULL", readerCacheKiB))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.run(t.Context(), "PRAGMA "+unsafe); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(unsafe, " ")
		if err := c.verify(t.Context(), "FULL"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", unsafe, err)
		}
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}
	c, err := connect(dsn(":memory:", "FULL", readerCacheKiB))
	if err == nil {
		if err := c.verify(t.Context(), "FULL"); err == nil {
			t.Error("a file that is not in WAL mode was taken")
		}
		_ = c.close()
	}
}

// The statements of every day must not read whole tables.
func TestPlans(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	queries, err := loadQueries(func(file string) bool { return file != "check.sql" })
	if err != nil {
		t.Fatal(err)
	}
	// Tables of a handful of rows may be read whole, and so may partial indexes
	// that hold no more rows than are asked for.
	allowed := []string{
		"SCAN lane", "SCAN tally", "SCAN verdict", "SCAN hold", "SCAN purse", "SCAN p", "SCAN (subquery", "SCAN 2-ROW VALUES",
		"SCAN job USING COVERING INDEX job_running", "SCAN job USING INDEX job_running", "SCAN j USING INDEX job_running",
		"SCAN batch USING INDEX batch_open", "SCAN batch USING COVERING INDEX batch_open", "SCAN batch USING COVERING INDEX batch_ended",
		"SCAN batch_item USING COVERING INDEX batch_item_ready",
	}
	// Walking the index of ready jobs, or of pending deliveries, is fine where only
	// its head is read, or by readers.
	walks := map[string][]string{
		"take_candidates": {"job_ready"}, "take_shared": {"job_tenant"}, "take_tenants": {"SCAN t", "SCAN turn"},
		"lane_load": {"job_ready", "job_tenant"}, "read_oldest": {"job_ready", "job_tenant"}, "list_queued": {"job_ready", "job_tenant"},
		"start_needs": {"job_needs"}, "delivery_targets": {"delivery_target", "SCAN t", "SCAN target"},
		"batch_stale": {"batch_item_ready"},
	}
	// Each result of a batch of thousands is settled by its own row.
	for _, name := range []string{"batch_item_open", "read_batch_item"} {
		if got := strings.Join(plan(t, db.w, queries[name]), "\n"); !strings.Contains(got, "batch_item_job") {
			t.Errorf("%s: %s, want the index of the job's requests", name, got)
		}
	}
	for name, text := range queries {
		for _, step := range plan(t, db.w, text) {
			fine := !strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "AUTOMATIC") ||
				slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(step, a) }) ||
				slices.ContainsFunc(walks[name], func(a string) bool { return strings.HasSuffix(step, a) })
			if !fine {
				t.Errorf("%s: %s", name, step)
			}
		}
	}
}

func plan(t *testing.T, c *conn, text string) []string {
	t.Helper()
	if word, _, _ := strings.Cut(text, " "); !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}, word) {
		return nil
	}
	var steps []string
	args := slices.Repeat([]driver.Value{int64(7)}, strings.Count(text, "?"))
	if err := c.ask(context.Background(), "EXPLAIN QUERY PLAN "+text, func(r *row) {
		_, _, _ = r.int(), r.int(), r.int()
		steps = append(steps, r.text())
	}, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return steps
}

// The schema itself must refuse a job that breaks the state machine.
func TestSchemaKeepsTheStateMachine(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	if _, err := db.Accept(t.Context(), acceptance(1, time.Now(), nil)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"UPDATE job SET state = 'waiting'",
		"UPDATE job SET reason = ''",
		"UPDATE job SET state = 'running', reason = ''",
		"UPDATE job SET state = 'succeeded', reason = ''",
		"UPDATE job SET finished_at = 5",
		"UPDATE job SET lease_until = 5",
		"UPDATE job SET superseded_by = 'x'",
		"UPDATE job SET state = 'superseded', reason = '', finished_at = 5",
		"UPDATE job SET state = 'dead', reason = '', finished_at = 5, due_at = 5",
		"UPDATE job SET priority = 0",
		"UPDATE job SET attempts = -1",
		"UPDATE job SET id = NULL",
		"UPDATE job SET attempts = 'many'",
		"UPDATE tally SET queued = -1",
		"INSERT INTO tally SELECT 2, event_seq, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM tally",
		"INSERT INTO dedupe VALUES (x'00', 1)",
		"INSERT INTO call (id, job, attempt, lane, model, started_at) VALUES ('c', 99, 1, '', '', 1)",
		"INSERT INTO delivery (id, job, target, place, serial_key, state, next_at, updated_at) VALUES ('d', 1, '', 0, '', 'pending', 0, 1)",
		"INSERT INTO delivery (id, job, target, place, serial_key, state, next_at, lease_until, updated_at) VALUES ('d', 1, '', 0, '', 'done', 0, 5, 1)",
	} {
		err := db.write(t.Context(), func(x *tx) error { x.writes++; return x.c.run(context.Background(), bad) })
		if err == nil {
			t.Errorf("allowed: %s", bad)
		}
	}
	if err := db.write(t.Context(), func(x *tx) error { x.writes++; return x.c.run(context.Background(), "UPDATE job SET priority = 9") }); err != nil {
		t.Errorf("control: %v", err)
	}
}

// Requests that wait together share one transaction, and one that fails after
// it has written takes nothing of the others with it.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	now := time.Now()
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { // holds the writer until the others wait
		_ = db.write(context.Background(), func(*tx) error {
			close(entered)
			<-leave
			return nil
		})
	})
	<-entered
	transactions := make(map[*tx]int)
	boom := errors.New("boom")
	errs := make([]error, 20)
	for i := range errs {
		in := acceptance(i, now, []byte("x"))
		packed := accepting{Accept: &in, keys: appendKey(nil, "h", in.Keys[0].Value), data: db.pack.pack(&in.Event)}
		all.Go(func() {
			errs[i] = db.write(context.Background(), func(x *tx) error {
				transactions[x]++ // in the writer's goroutine
				if _, err := x.accept(&packed); err != nil {
					return err
				}
				if i == 7 {
					return boom
				}
				return nil
			})
		})
		for len(db.requests) <= i { // they are to wait in this order
			runtime.Gosched()
		}
	}
	close(leave)
	all.Wait()
	together := 0
	for _, n := range transactions {
		together = max(together, n)
	}
	if together != 8 { // the eighth ended it
		t.Errorf("got %d requests in one transaction, want 8", together)
	}
	for i, err := range errs {
		if errors.Is(err, boom) != (i == 7) || i != 7 && err != nil {
			t.Errorf("request %d: got %v", i, err)
		}
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Jobs[event.Queued] != len(errs)-1 {
		t.Errorf("got %d jobs, %v, want %d", stats.Jobs[event.Queued], err, len(errs)-1)
	}
	if found, err := db.Check(t.Context()); len(found) > 0 || err != nil {
		t.Errorf("check: %v, %v", found, err)
	}
}

// A reader must not wait for the writer, nor a caller longer than its context.
func TestNobodyWaitsForTheWriter(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	now := time.Now()
	if _, err := db.Accept(t.Context(), acceptance(1, now, []byte("x"))); err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	var held sync.WaitGroup
	held.Go(func() {
		_ = db.write(context.Background(), func(x *tx) error {
			if _, err := x.exec("admin_cancel", int64(1), micros(now)); err != nil {
				return err
			}
			close(entered)
			<-leave
			return event.ErrState // nothing of it counts
		})
	})
	<-entered
	if j, err := db.Job(t.Context(), "job_1"); err != nil || j.State != event.Queued {
		t.Errorf("read: got %v, %v", j.State, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Cancel(ctx, "job_1", now); !errors.Is(err, context.Canceled) {
		t.Errorf("write: got %v, want context.Canceled", err)
	}
	close(leave)
	held.Wait()
	if j, err := db.Job(t.Context(), "job_1"); err != nil || j.State != event.Queued {
		t.Errorf("after the end: got %v, %v", j.State, err)
	}
}

// A full disk refuses new work and heals by itself.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	db := testDB(t, Options{Now: clock})
	limit := func(pages int) {
		t.Helper()
		err := db.write(t.Context(), func(x *tx) error {
			return x.c.ask(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages), func(*row) {})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(200)
	body := make([]byte, 30_000)
	for i := range body {
		body[i] = byte(i * i >> 3)
	}
	accepted, full := 0, error(nil)
	for i := 0; full == nil && i < 10_000; i++ {
		a := acceptance(i, now, append(body, fmt.Sprint(i)...))
		if _, full = db.Accept(t.Context(), a); full == nil {
			accepted++
		}
	}
	if !errors.Is(full, event.ErrFull) {
		t.Fatalf("got %v, want ErrFull", full)
	}
	if err := db.Cancel(t.Context(), "job_0", now); err != nil { // changes pages that are there
		t.Errorf("work that was accepted: %v", err)
	}
	limit(100_000)
	if _, err := db.Accept(t.Context(), acceptance(20_000, now, body)); !errors.Is(err, event.ErrFull) {
		t.Errorf("within the second: got %v, want ErrFull", err)
	}
	pass(time.Second)
	if _, err := db.Accept(t.Context(), acceptance(20_000, now, body)); err != nil {
		t.Errorf("once there is space: %v", err)
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Jobs[event.Queued] != accepted || stats.Jobs[event.Cancelled] != 1 {
		t.Errorf("got %v, %v, want %d queued and one cancelled", stats.Jobs, err, accepted)
	}
	if found, err := db.Check(t.Context()); len(found) > 0 || err != nil {
		t.Errorf("check: %v, %v", found, err)
	}
}

// Below the reserve nothing new is taken; what was taken goes on.
func TestReserve(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{MinFree: 1 << 62})
	if _, err := db.Accept(t.Context(), acceptance(1, time.Now(), nil)); !errors.Is(err, event.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if err := db.UpdateLane(t.Context(), "haiku", time.Now(), func(l event.Lane) event.Lane { return l }); err != nil {
		t.Error(err)
	}
}

// Bytes that rot on the disk are never handed out as an event.
func TestDamage(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	now := time.Now()
	if _, err := db.Accept(t.Context(), acceptance(1, now, []byte(strings.Repeat(`{"a":"some text"}`, 50)))); err != nil {
		t.Fatal(err)
	}
	var blob []byte
	if err := db.w.ask(t.Context(), "SELECT data FROM body", func(r *row) { blob = r.blob() }); err != nil {
		t.Fatal(err)
	}
	var whole event.Event
	if err := db.pack.unpack(blob, &whole); err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(blob) {
		rotten := slices.Clone(blob)
		rotten[bit/8] ^= 1 << (bit % 8)
		var e event.Event
		err := db.pack.unpack(rotten, &e)
		if err == nil && !reflect.DeepEqual(e, whole) || err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("bit %d flipped: got %+v, %v", bit, e, err)
		}
	}
	blob[len(blob)/2] ^= 1
	if err := db.write(t.Context(), func(x *tx) error { x.writes++; return x.c.run(context.Background(), "UPDATE body SET data = ?1", blob) }); err != nil {
		t.Fatal(err)
	}
	found, err := db.Check(t.Context())
	if err != nil || len(found) != 1 || found[0].Code != "event_damaged" {
		t.Errorf("check: got %v, %v", found, err)
	}
	got, err := db.Take(t.Context(), event.Take{Now: now, LeaseUntil: now.Add(time.Minute), Max: 1, PerHook: 1, Admit: func(d event.Desk) event.Plan {
		return event.Plan{Take: []string{"job_1"}}
	}})
	if err != nil || len(got.Jobs) != 0 {
		t.Errorf("take: got %d jobs, %v", len(got.Jobs), err)
	}
	j, err := db.Job(t.Context(), "job_1")
	if err != nil || j.State != event.Dead || j.LastError == nil || j.LastError.Code != "event_damaged" || len(j.Event.Body) > 0 {
		t.Errorf("job: got %+v, %v", j, err)
	}
}

// Check must find what it looks for.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"jobs without an event":           "UPDATE job SET event = 99",
		"bytes are gone":                  "DELETE FROM body",
		"dedupe keys without":             "UPDATE dedupe SET event = 99",
		"succeeded jobs without a result": "UPDATE job SET state = 'succeeded', reason = '', finished_at = 1",
		"newest job":                      "UPDATE event SET job = 'x'",
		"count their jobs":                "UPDATE event SET jobs = 2",
		"lease is long over":              "UPDATE job SET state = 'running', reason = '', lease_until = 1",
		"tallies":                         "UPDATE tally SET dead = 3",
		"points to no row":                "PRAGMA foreign_keys = 0; UPDATE body SET event = 99; PRAGMA foreign_keys = 1",
	} {
		db := testDB(t, Options{})
		if _, err := db.Accept(t.Context(), acceptance(1, time.Now(), []byte("x"))); err != nil {
			t.Fatal(err)
		}
		if err := db.read(t.Context(), func(c *conn) error {
			if err := c.run(t.Context(), "PRAGMA query_only = 0"); err != nil {
				return err
			}
			return c.run(t.Context(), damage)
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found, err := db.Check(t.Context())
		if err != nil || !slices.ContainsFunc(found, func(f Finding) bool { return strings.Contains(f.Message, name) }) {
			t.Errorf("%s: got %v, %v", name, found, err)
		}
	}
}

// Under a load that never pauses the WAL is copied all the same, and begins anew.
func TestWALStaysBounded(t *testing.T) {
	t.Parallel()
	db := testDB(t, Options{})
	const count, size = 4000, 20 << 10 // 80 MiB in all
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			body := make([]byte, size)
			for i := w; i < count; i += 8 {
				_, _ = rand.Read(body) // never fails
				if _, err := db.Accept(t.Context(), acceptance(i, time.Now(), body)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	info, err := os.Stat(db.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Size(); got > 2*checkpointFull {
		t.Errorf("after 80 MiB the WAL has %d MiB", got>>20)
	}
}

func FuzzUnpack(f *testing.F) {
	p := newPacker()
	f.Add(p.pack(&event.Event{Body: []byte("x"), Payload: []byte("y"), Header: map[string]string{"a": "b"}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var e event.Event
		_ = p.unpack(b, &e)            // as it is
		_ = p.unpack(p.squeeze(b), &e) // as the content of a good block
		sum := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(b, castagnoli))
		_ = p.unpack(append(sum, b...), &e) // as a block with a good checksum
	})
}
