package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// A disk is an ext4 file system on a loop file, whose power can be cut.
type disk struct {
	t            *testing.T
	image, mount string
	mounted      bool
}

// newDisk makes and mounts a disk, or skips the test and says why.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a power cut needs root: it mounts a file system and shuts it down")
	}
	for _, tool := range []string{"losetup", "mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("a power cut needs %s: %v", tool, err)
		}
	}
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, "image"), mount: filepath.Join(dir, "disk")}
	if err := errors.Join(os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, 512<<20), os.Mkdir(d.mount, 0o700)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4 does not work here: %v: %s", err, out)
	}
	if out, err := d.plugIn(); err != nil {
		t.Skipf("a loop file cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(d.remove)
	return d
}

func (d *disk) plugIn() ([]byte, error) {
	out, err := exec.Command("mount", "-o", "loop", d.image, d.mount).CombinedOutput()
	d.mounted = err == nil
	return out, err
}

func (d *disk) remove() {
	if d.mounted {
		d.mounted = false
		if out, err := exec.Command("umount", d.mount).CombinedOutput(); err != nil {
			d.t.Errorf("umount: %v: %s", err, out)
		}
	}
}

// fsIOCShutdown is FS_IOC_SHUTDOWN of linux/fs.h. The argument 2,
// FS_SHUTDOWN_FLAGS_NOLOGFLUSH, drops what is in memory, the journal's part
// included: for the file system the power is gone at that instant. The tests
// of Linux's file systems cut the power in this way.
const (
	fsIOCShutdown = 0x8004587d
	noLogFlush    = 2
)

// cut cuts the power.
func (d *disk) cut() {
	d.t.Helper()
	dir, err := os.Open(d.mount)
	if err != nil {
		d.t.Fatal(err)
	}
	defer dir.Close()
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), fsIOCShutdown, noLogFlush); err != nil {
		d.t.Skipf("this file system cannot be shut down: %v", err)
	}
}

// restore brings the power back: the file system is mounted anew and replays
// its journal. Nobody may have files open on it.
func (d *disk) restore() {
	d.t.Helper()
	d.remove()
	if out, err := d.plugIn(); err != nil {
		d.t.Fatalf("mount after the power cut: %v: %s", err, out)
	}
}

// TestTorturePowerCut cuts the power of the store's disk at random moments
// while events are stored. What was acknowledged must be there afterwards.
//
// The rounds with synchronous off are the negative control: there the same cut
// must lose what was acknowledged, or the test would prove nothing.
//
// What counts is what was acknowledged before the cut began. A real cut stops
// the processor too; this one takes a few milliseconds while it runs on, and an
// fsync that is on its way then may be called a success by the kernel although
// its blocks are gone (a program that appends to a plain file sees the same).
// Such acknowledgements are counted apart, and there must be none once the cut
// is over and the batch on its way has ended.
func TestTorturePowerCut(t *testing.T) {
	rounds := min(tortured(t, 2), 20)
	rng, seed := dice(t)
	for mode, rounds := range map[string]int{"full": rounds, "off": min(rounds, 3)} {
		t.Run(mode, func(t *testing.T) {
			var sum cutFigures
			for range rounds {
				sum.add(powerCutRound(t, rng, mode))
			}
			t.Logf("seed %d: synchronous %s: %d power cuts: %v", seed, mode, rounds, sum)
			switch {
			case sum.acked == 0:
				t.Error("nothing was acknowledged before the power went")
			case mode == "full" && sum.lost > 0:
				t.Errorf("%d of %d acknowledged events are lost", sum.lost, sum.acked)
			case mode == "full" && sum.late > 0:
				t.Errorf("%d events were acknowledged without a disk", sum.late)
			case mode == "off" && sum.lost == 0:
				t.Error("nothing is lost without fsync: this power cut is none")
			}
		})
	}
}

// cutFigures count acknowledgements: those before the cut, those of them that
// are lost, those while it lasted with those of them lost, and those later.
type cutFigures struct{ acked, lost, during, duringLost, late int }

func (f *cutFigures) add(g cutFigures) {
	f.acked, f.lost, f.late = f.acked+g.acked, f.lost+g.lost, f.late+g.late
	f.during, f.duringLost = f.during+g.during, f.duringLost+g.duringLost
}

func (f cutFigures) String() string {
	return fmt.Sprintf("acked %d, lost %d (in the instant of the cut: %d, lost %d; later: %d)", f.acked, f.lost, f.during, f.duringLost, f.late)
}

// powerCutRound lets a process write to a new disk, cuts the power and counts.
func powerCutRound(t *testing.T, rng *rand.Rand, mode string) (f cutFigures) {
	t.Helper()
	d := newDisk(t)
	defer d.remove()
	path := filepath.Join(d.mount, "ledger.db")
	w := startWriter(t, path, mode)
	wait(t.Context(), between(rng, 100*time.Millisecond, 1500*time.Millisecond))
	began := time.Now()
	d.cut()
	over := time.Now().Add(time.Second)
	time.AfterFunc(2*time.Second, func() { _ = w.cmd.Process.Kill() }) // it may have ended by itself
	acks := w.end()
	d.restore()
	for _, a := range acks {
		switch {
		case a.at < began.UnixNano():
			f.acked++
		case a.at < over.UnixNano():
			f.during++
		default:
			f.late++
		}
	}
	for _, a := range findLost(t, path, acks) {
		if a.at < began.UnixNano() {
			f.lost++
		} else {
			f.duringLost++
		}
	}
	return f
}

// A writer is a process that stores events and says which.
type writer struct {
	cmd     *exec.Cmd
	acks    []ack // while it reads: the reader's
	reading sync.WaitGroup
}

// startWriter starts a writer and waits for its first acknowledgement.
func startWriter(t *testing.T, path, mode string) *writer {
	t.Helper()
	w := &writer{cmd: exec.Command("ledger-writer", path, mode)}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	w.reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var a ack
			if _, err := fmt.Sscanf(lines.Text(), "ack %s %d", &a.job, &a.at); err != nil {
				continue
			}
			if w.acks = append(w.acks, a); len(w.acks) == 1 {
				close(first)
			}
		}
	})
	select {
	case <-first:
	case <-time.After(20 * time.Second):
		t.Error("nothing was acknowledged within 20 s")
	}
	return w
}

// end waits for the writer's end and returns what it has acknowledged.
func (w *writer) end() []ack {
	w.reading.Wait()
	_ = w.cmd.Wait() // it was killed, or lost its disk
	return w.acks
}

// An ack is an acknowledgement and when it was given.
type ack struct {
	job string
	at  int64 // nanoseconds of Unix time
}

// findLost opens the ledger anew and returns the acknowledgements whose job is
// not there.
func findLost(t *testing.T, path string, acks []ack) (lost []ack) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, MinFree: -1})
	if err != nil {
		t.Fatalf("open after the power cut: %v", err)
	}
	defer db.Close()
	for _, a := range acks {
		_, err := db.Job(t.Context(), a.job)
		switch {
		case errors.Is(err, event.ErrNotFound):
			lost = append(lost, a)
		case err != nil:
			t.Fatalf("job %s: %v", a.job, err)
		}
	}
	return lost
}

// TestTorturePowerCutServer cuts the power under the whole server: it must
// stop to acknowledge, end with an error, and finish everything once it is
// started on what is on the disk.
func TestTorturePowerCutServer(t *testing.T) {
	rounds := min(tortured(t, 1), 5)
	rng, seed := dice(t)
	for range rounds {
		d := newDisk(t)
		s := newStand(t, standOptions{storeDir: d.mount})
		s.start()
		load := &senders{stand: s, count: 16, pause: 20 * time.Millisecond, resend: 20}
		ctx, stop := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		sending.Go(func() { load.send(ctx) })

		wait(ctx, between(rng, 300*time.Millisecond, 2*time.Second))
		open := len(s.open())
		began := time.Now()
		d.cut()
		ended := s.endsByItself(15 * time.Second)
		s.kill()
		doubtful := load.forget(began)
		s.doubted = s.callsByCase(began)
		d.restore()
		s.start()
		wait(ctx, 500*time.Millisecond)
		stop()
		sending.Wait()
		s.drain(time.Minute)
		f := s.audit(load.known())
		s.stop()
		s.checkStore(s.config)
		t.Logf("seed %d: power cut with %d calls open and %d acknowledgements in that instant, the server %s: %v", seed, open, doubtful, ended, f)
		d.remove()
	}
}

// endsByItself waits for the server to notice that its disk is gone.
func (s *stand) endsByItself(limit time.Duration) string {
	s.t.Helper()
	began := time.Now()
	select {
	case <-s.proc.ended:
	case <-time.After(limit):
		s.t.Errorf("the server still runs %v after its disk is gone\n%s", limit, s.log())
		return "went on"
	}
	if s.proc.cmd.ProcessState.Success() {
		s.t.Error("the server ended with exit code 0 although its disk is gone")
	}
	return fmt.Sprintf("ended %v later with %v", time.Since(began).Round(time.Millisecond), s.proc.err)
}
