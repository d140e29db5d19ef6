-- What operators do, and what a start does first.

-- name: admin_job
SELECT seq, state, event, hook FROM job WHERE id = ?1;

-- name: admin_cancel
UPDATE job SET state = 'cancelled', reason = '', due_at = 0, worker = '', lease_until = 0, token = token + 1,
               finished_at = ?2, updated_at = ?2
WHERE seq = ?1;

-- name: admin_body
SELECT 1 FROM body WHERE event = ?1;

-- name: admin_rerun
UPDATE event SET jobs = jobs + 1, job = ?2 WHERE seq = ?1;

-- name: start_running
SELECT seq, id FROM job WHERE state = 'running';

-- name: start_needs
UPDATE job SET needs = 0 WHERE needs > 0;

-- name: start_leased
SELECT seq FROM delivery WHERE lease_until > 0;

-- name: tally_get
SELECT event_seq, job_seq, queued, running, succeeded, dead, cancelled, superseded, pending, done, undelivered,
       event_bytes, dedupe_keys
FROM tally;

-- name: tally_put
UPDATE tally SET event_seq = ?1, job_seq = ?2, queued = ?3, running = ?4, succeeded = ?5, dead = ?6, cancelled = ?7,
  superseded = ?8, pending = ?9, done = ?10, undelivered = ?11, event_bytes = ?12, dedupe_keys = ?13;

-- name: verdict_last
SELECT coalesce(max(seq), 0) FROM verdict;

-- name: verdict_put
INSERT INTO verdict (seq, n, data) VALUES (?1, ?2, ?3);

-- name: verdict_trim
DELETE FROM verdict WHERE seq <= ?1;

-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;
