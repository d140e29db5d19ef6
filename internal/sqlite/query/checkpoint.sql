-- Copying the WAL into the file, as far as that holds up nobody.

-- name: checkpoint
PRAGMA wal_checkpoint(PASSIVE);
