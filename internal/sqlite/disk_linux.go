package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// networkFS names the file systems whose locks and fsyncs SQLite cannot rely on
// (https://sqlite.org/wal.html: "WAL does not work over a network filesystem").
// The numbers are those of statfs(2).
func networkFS(kind int64) string {
	switch uint32(kind) {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return "SMB"
	case unix.V9FS_MAGIC:
		return "9p"
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS"
	case unix.CODA_SUPER_MAGIC:
		return "Coda"
	case unix.CEPH_SUPER_MAGIC:
		return "Ceph"
	case unix.OCFS2_SUPER_MAGIC:
		return "OCFS2"
	case unix.FUSE_SUPER_MAGIC:
		return "FUSE"
	case 0x47504653:
		return "GPFS"
	case 0x0BD00BD0:
		return "Lustre"
	}
	return ""
}

// localDisk refuses a directory that is not on a local disk.
func localDisk(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("statfs %s: %w", dir, err)
	}
	if kind := networkFS(int64(st.Type)); kind != "" {
		return &advised{fmt.Errorf("%s is on a file system of the kind %s, on which SQLite's locks and fsyncs cannot be relied on", dir, kind), "put the store on a local disk"}
	}
	return nil
}
