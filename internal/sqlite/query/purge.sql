-- Forgetting, in small batches. The candidates are found by readers; each
-- deletion says its condition again.

-- Bodies of events whose jobs are all over.
-- name: purge_bodies
SELECT b.event FROM body AS b
WHERE b.received_at < ?1
  AND NOT EXISTS (SELECT 1 FROM event AS e JOIN job AS j ON j.id = e.job
                  WHERE e.seq = b.event AND j.finished_at = 0)
ORDER BY b.received_at LIMIT ?2;

-- name: purge_body
DELETE FROM body WHERE event = ?1
  AND NOT EXISTS (SELECT 1 FROM event AS e JOIN job AS j ON j.id = e.job WHERE e.seq = ?1 AND j.finished_at = 0)
RETURNING (SELECT size FROM event WHERE seq = ?1);

-- name: purge_jobs
SELECT j.seq FROM job AS j
WHERE j.finished_at > 0 AND j.finished_at < ?1
  AND NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.job = j.seq AND d.state = 'pending')
  AND NOT EXISTS (SELECT 1 FROM batch_item AS i WHERE i.job = j.seq AND i.state = 'out')
ORDER BY j.finished_at LIMIT ?2;

-- name: purge_job_again
SELECT j.state, j.event FROM job AS j
WHERE j.seq = ?1 AND j.finished_at > 0 AND j.finished_at < ?2
  AND NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.job = j.seq AND d.state = 'pending')
  AND NOT EXISTS (SELECT 1 FROM batch_item AS i WHERE i.job = j.seq AND i.state = 'out');

-- name: purge_spend
DELETE FROM spend WHERE day < ?1;

-- name: purge_deliveries_count
SELECT state, count(*) FROM delivery WHERE job = ?1 GROUP BY state;

-- name: purge_deliveries
DELETE FROM delivery WHERE job = ?1;

-- name: purge_items
DELETE FROM batch_item WHERE job = ?1;

-- Batches that are over go once none of their requests is left.
-- name: purge_batches
SELECT b.seq FROM batch AS b WHERE b.state = 'ended' AND b.ended_at < ?1
  AND NOT EXISTS (SELECT 1 FROM batch_item AS i WHERE i.batch = b.seq) ORDER BY b.ended_at LIMIT ?2;

-- name: purge_batch
DELETE FROM batch WHERE seq = ?1 AND state = 'ended' AND ended_at < ?2
  AND NOT EXISTS (SELECT 1 FROM batch_item AS i WHERE i.batch = ?1);

-- A comment is found by its marker once its anchor is gone.
-- name: purge_anchors
SELECT key FROM anchor WHERE updated_at < ?1 ORDER BY updated_at LIMIT ?2;

-- name: purge_anchor
DELETE FROM anchor WHERE key = ?1 AND updated_at < ?2;

-- name: purge_calls
DELETE FROM call WHERE job = ?1;

-- name: purge_result
DELETE FROM result WHERE job = ?1;

-- name: purge_job
DELETE FROM job WHERE seq = ?1;

-- name: purge_event_release
UPDATE event SET jobs = jobs - 1 WHERE seq = ?1;

-- name: purge_keys
SELECT seq FROM event WHERE forget_at > 0 AND forget_at <= ?1 ORDER BY forget_at LIMIT ?2;

-- name: purge_keys_again
SELECT keys FROM event WHERE seq = ?1 AND forget_at > 0 AND forget_at <= ?2;

-- name: purge_key
DELETE FROM dedupe WHERE key = ?1 AND event = ?2;

-- name: purge_forgotten
UPDATE event SET forget_at = 0, keys = x'' WHERE seq = ?1;

-- An event goes once nothing points to it.
-- name: purge_event
DELETE FROM event WHERE seq = ?1 AND jobs = 0 AND forget_at = 0 AND NOT EXISTS (SELECT 1 FROM body WHERE event = ?1);
