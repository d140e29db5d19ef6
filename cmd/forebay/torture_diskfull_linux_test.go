package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newSmallDisk mounts a memory disk of 32 MiB, or skips the test and says why.
func newSmallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a full disk needs root: it mounts a small one")
	}
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=32m", "forebay-test", dir).CombinedOutput(); err != nil {
		t.Skipf("a memory disk cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// fill writes a file until just so many bytes are free.
func fill(t *testing.T, path string, leave int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 64<<10); ; {
		var st unix.Statfs_t
		if err := unix.Statfs(filepath.Dir(path), &st); err != nil {
			t.Fatal(err)
		}
		free := int64(st.Bavail)*st.Bsize - leave
		if free <= 0 {
			return
		}
		if _, err := f.Write(chunk[:min(free, int64(len(chunk)))]); errors.Is(err, unix.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestTortureDiskFull fills the store's disk under load and empties it again.
// The answer is then 503 with Retry-After, nothing that was acknowledged is
// lost, and the server goes on by itself.
func TestTortureDiskFull(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		leave        int64
		none         bool // nothing may be acknowledged while the disk is full
	}{
		{"reserve reached", "queue: {min_free_disk: 12MiB}", 8 << 20, true},
		{"no space at all", "queue: {min_free_disk: 1}", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := newSmallDisk(t)
			s := newStand(t, standOptions{storeDir: dir, config: tt.config})
			s.start()
			load := &senders{stand: s, count: 8, pause: 30 * time.Millisecond}
			ctx, stop := context.WithCancel(t.Context())
			var sending sync.WaitGroup
			sending.Go(func() { load.send(ctx) })
			defer func() { stop(); sending.Wait() }()

			wait(ctx, 500*time.Millisecond)
			filler := filepath.Join(dir, "filler")
			fill(t, filler, tt.leave)
			s.until(load, "503", func(_, shed int) bool { return shed > 0 })
			wait(ctx, 1200*time.Millisecond) // a reading of the free space is believed for a second
			before, _, _ := load.tally()
			wait(ctx, time.Second)
			full, shed, _ := load.tally()
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			freed := time.Now()
			s.until(load, "202 again", func(acked, _ int) bool { return acked >= full+20 })
			back := time.Since(freed)
			stop()
			sending.Wait()
			s.drain(time.Minute)
			f := s.audit(load.known())
			s.stop()
			s.checkStore(s.config)
			t.Logf("%d times 503, %d acknowledged while full, back %v after space was freed: %v", shed, full-before, back.Round(time.Millisecond), f)
			if load.noRetry > 0 {
				t.Errorf("%d answers 503 had no Retry-After", load.noRetry)
			}
			if tt.none && full > before {
				t.Errorf("%d events were acknowledged below the reserve, want none", full-before)
			}
			if load.refused[0] > 0 {
				t.Errorf("%d connections failed, want none", load.refused[0])
			}
		})
	}
}

// until waits for a tally of the senders.
func (s *stand) until(l *senders, what string, ok func(acked, shed int) bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); wait(s.t.Context(), 20*time.Millisecond) {
		if acked, shed, _ := l.tally(); ok(acked, shed) {
			return
		}
	}
	s.t.Errorf("no %s within 30 s\n%s", what, s.log())
}
