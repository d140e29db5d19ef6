//go:build linux

package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/forebayhq/forebay/internal/sqlite"
)

// A power cut, as near as one machine can come to it: the ledger lives on a file
// system of its own, which is shut down under load without writing its journal,
// and mounted again. Killing a process proves nothing of fsync, because the
// kernel keeps what it wrote.
//
// Like all tests that mount, it runs alone.
func TestPowerCut(t *testing.T) {
	if testing.Short() {
		t.Skip("mounts file systems")
	}
	for round := range 3 {
		d := newDisk(t)
		path := filepath.Join(d.dir, "ledger.db")
		r := launch{path: path, enough: 100 + 400*round, cut: d.cut}.run(t)
		d.remount()
		audit(t, path, r.acked)
		d.unmount()
	}
}

// The same without fsync must lose events, or the test above could not fail.
func TestPowerCutControl(t *testing.T) {
	if testing.Short() {
		t.Skip("mounts file systems")
	}
	d := newDisk(t)
	defer d.unmount()
	path := filepath.Join(d.dir, "ledger.db")
	r := launch{path: path, unsafe: true, enough: 1000, cut: d.cut}.run(t)
	d.remount()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Logf("nothing that can be opened is left: %v", err)
		return
	}
	defer db.Close()
	lost := missing(t, db, r.acked)
	t.Logf("%d of %d lost", lost, len(r.acked))
	if lost == 0 {
		t.Error("a ledger that never syncs lost nothing: the power cut is none")
	}
}

// A disk is an ext4 file system in a file.
type disk struct {
	t          *testing.T
	image, dir string
	mounted    bool
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	base := t.TempDir()
	d := &disk{t: t, image: filepath.Join(base, "disk.img"), dir: filepath.Join(base, "disk")}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 256<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		t.Skipf("cannot make a file system: %v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a file system: %v: %s", err, out)
	}
	d.mounted = true
	t.Cleanup(d.unmount)
	return d
}

// cut shuts the file system down without flushing its journal
// (FS_IOC_SHUTDOWN with the flag NOLOGFLUSH of the kernel's ext4.h).
func (d *disk) cut() {
	const shutdown, noLogFlush = 0x8004587d, 2
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdown, noLogFlush); err != nil {
		d.t.Fatalf("shut down the file system: %v", err)
	}
}

func (d *disk) remount() {
	d.t.Helper()
	d.unmount()
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput(); err != nil {
		d.t.Fatalf("mount again: %v: %s", err, out)
	}
	d.mounted = true
}

func (d *disk) unmount() {
	if !d.mounted {
		return
	}
	d.mounted = false
	if out, err := exec.Command("umount", d.dir).CombinedOutput(); err != nil {
		d.t.Errorf("umount: %v: %s", err, out)
	}
}
