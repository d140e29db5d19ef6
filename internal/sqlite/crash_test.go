//go:build linux

package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// childEnv makes the test binary a server that crash tests end: its value is
// the path of the ledger. With unsafeEnv the ledger never syncs.
const (
	childEnv  = "FOREBAY_SQLITE_TEST_CHILD"
	unsafeEnv = "FOREBAY_SQLITE_TEST_UNSAFE"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(child(path))
	}
	os.Exit(m.Run())
}

// child accepts events from 16 goroutines, works on them from two more, and
// prints the id of each job once it is acknowledged. It ends with 3 when the
// ledger has failed.
func child(path string) int {
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: path, UnsafeSynchronousOff: os.Getenv(unsafeEnv) != ""})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("ready")
	var out sync.Mutex
	var n atomic.Int64
	for range 16 {
		go func() {
			for {
				a := accept(n.Add(1), time.Now(), []byte(strings.Repeat("body ", 500)), nil)
				got, err := db.Accept(context.Background(), a)
				out.Lock()
				if err == nil {
					fmt.Println("acked", got.JobID)
				} else {
					fmt.Println("refused", errors.Is(err, event.ErrClosed), err)
				}
				out.Unlock()
			}
		}()
	}
	for range 2 {
		go func() {
			for {
				journey(db)
			}
		}()
	}
	err = <-db.Failed()
	fmt.Println("failed", err)
	out.Lock() // no line after this one
	if _, err := db.Accept(context.Background(), accept(-1, time.Now(), nil, nil)); !errors.Is(err, event.ErrClosed) {
		fmt.Println("error: acknowledged after the failure:", err)
	}
	return 3
}

// journey takes a few jobs to their end. Errors are the point of the test.
func journey(db *sqlite.DB) {
	ctx, now := context.Background(), time.Now()
	got, _ := db.Take(ctx, event.Take{Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 8, PerHook: 8, Admit: everyone})
	for i, l := range got.Jobs {
		call := event.Call{ID: "call_" + l.Job.ID, Model: "m", StartedAt: now}
		_ = db.BeginCall(ctx, l.Lease, call)
		call.Outcome = event.CallOK
		s := event.Settlement{Lease: l.Lease, Now: now, Call: &call}
		switch i % 4 {
		case 0:
			s.Dead = &event.Failure{Code: "x"}
		case 1:
			s.Again = &event.Again{Reason: event.RetryBackoff, Until: now.Add(time.Second)}
		default:
			s.Done = &event.Done{Result: event.Result{Text: "x"}, Deliveries: []event.Delivery{{ID: "dlv_" + l.Job.ID, SerialKey: "k"}}}
		}
		_ = db.Settle(ctx, s)
	}
	out, _ := db.TakeDeliveries(ctx, event.TakeDeliveries{Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 8})
	for _, d := range out.Deliveries {
		_ = db.SettleDelivery(ctx, event.DeliverySettlement{Lease: d.Lease, Now: now, State: event.DeliveryDone})
	}
}

// A run is what a child said until it ended.
type run struct {
	acked   []string
	refused int
	failed  string
	code    int
}

// A launch says how a child is to run and to end.
type launch struct {
	path   string
	unsafe bool     // without fsync
	under  []string // another command that runs it
	enough int      // acknowledgements after which cut is called; 0: it ends by itself
	cut    func()   // nil: kill the child
}

// run runs the child to its end. What it acknowledged after the cut is not
// counted if there was one, unless it was only killed.
func (l launch) run(t *testing.T) run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	argv := append(l.under, os.Args[0], "-test.run=^$")
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"="+l.path)
	if l.unsafe {
		cmd.Env = append(cmd.Env, unsafeEnv+"=1")
	}
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	kill := func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) } // with what runs under another command
	cmd.Cancel = kill
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Skipf("cannot run %s: %v", argv[0], err)
	}
	var r run
	after := false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		r.take(t, lines.Text(), after && l.cut != nil)
		if l.enough > 0 && len(r.acked) >= l.enough && !after {
			after = true
			if l.cut != nil {
				l.cut()
			}
			_ = kill()
		}
	}
	_ = cmd.Wait()
	r.code = cmd.ProcessState.ExitCode()
	if len(l.under) > 0 && r.failed == "" && strings.Contains(stderr.String(), "ptrace") {
		t.Skipf("no tracing here: %s", stderr.String())
	}
	return r
}

// take notes one line of a child.
func (r *run) take(t *testing.T, line string, late bool) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "acked" && !late:
		r.acked = append(r.acked, rest)
	case word == "refused":
		r.refused++
	case word == "failed":
		r.failed = rest
	case word == "error", word == "error:":
		t.Errorf("child: %s", rest)
	}
}

// audit opens what a crash left, within the time that is promised, and looks
// for every job that was acknowledged.
func audit(t *testing.T, path string, acked []string) {
	t.Helper()
	began := time.Now()
	db := mustOpen(t, sqlite.Options{Path: path})
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if lost := missing(t, db, acked); lost > 0 {
		t.Errorf("%d of %d acknowledged jobs are lost", lost, len(acked))
	}
	for _, f := range findings(t, db) {
		t.Errorf("audit: %s", f)
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Jobs[event.Running] != 0 {
		t.Errorf("%d jobs run without a worker, %v", stats.Jobs[event.Running], err)
	}
	t.Logf("%d acknowledged, %v, open and audited after %v", len(acked), stats.Jobs, time.Since(began))
}

// missing counts the jobs that are not in the ledger.
func missing(t *testing.T, db *sqlite.DB, acked []string) int {
	lost := 0
	for _, id := range acked {
		if _, err := db.Job(t.Context(), id); err != nil {
			lost++
		}
	}
	return lost
}

func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	var acked []string
	for round := range 5 {
		r := launch{path: path, enough: 50 + 150*round}.run(t)
		acked = append(acked, r.acked...)
		audit(t, path, acked)
	}
}

// After a failed fsync nothing may be acknowledged: the n-th one fails, and the
// process that reads the file again must find all that was acknowledged.
func TestFsyncFails(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not there: no fsync can be made to fail")
	}
	for _, when := range []int{12, 40} {
		path := filepath.Join(t.TempDir(), "ledger.db")
		r := launch{path: path, under: []string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
			"-e", fmt.Sprintf("inject=fdatasync,fsync:error=EIO:when=%d", when)}}.run(t)
		if r.code != 3 || !strings.Contains(r.failed, "disk I/O error") {
			t.Errorf("fsync %d: ended with %d, %q", when, r.code, r.failed)
		}
		audit(t, path, r.acked)
	}
}

// A disk that is full for a while refuses new work and takes it again by
// itself, and nothing that was acknowledged is lost.
//
// It runs alone: a process that another test starts would hold the disk for a
// moment, and it could not be unmounted.
func TestRealDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path, filler := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	now := at
	db := mustOpen(t, sqlite.Options{Path: path, MinFree: -1, Now: func() time.Time { return now }})
	var acked []string
	var full error
	for i := int64(0); full == nil && i < 10_000; i++ {
		body := make([]byte, 20_000)
		for k := range body {
			body[k] = byte(int64(k) * (i + 7) >> 3)
		}
		a := accept(i, now, body, nil)
		if _, full = db.Accept(t.Context(), a); full == nil {
			acked = append(acked, a.Job.ID)
		}
	}
	if !errors.Is(full, event.ErrFull) {
		t.Fatalf("got %v, want ErrFull", full)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	a := accept(1<<20, now, []byte("there is space again"), nil)
	if _, err := db.Accept(t.Context(), a); err != nil {
		t.Errorf("once there is space: %v", err)
	}
	acked = append(acked, a.Job.ID)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	audit(t, path, acked)
}
