//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// freeBytes returns the space that this user may still take on the disk of dir.
func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // the types differ from system to system
}
