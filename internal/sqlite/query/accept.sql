-- Accept: one event, its dedupe keys and its job.

-- name: accept_key
INSERT INTO dedupe (key, event) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: accept_pair
INSERT INTO dedupe (key, event) VALUES (?1, ?2), (?3, ?2) ON CONFLICT DO NOTHING;

-- name: accept_unkey
DELETE FROM dedupe WHERE key = ? AND event = ?;

-- name: accept_known
SELECT d.event, e.id, e.job, e.delivery_id FROM dedupe AS d JOIN event AS e ON e.seq = d.event WHERE d.key = ?;

-- name: accept_job
INSERT INTO job (seq, id, event, hook, state, reason, due_at, lane, model, chosen, priority,
                 created_at, queued_at, updated_at, ready_at, coalesce_key, coalesce_first, coalesced, rerun_of, tenant, note)
VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: accept_event
INSERT INTO event (seq, id, source, type, delivery_id, subject, time, received_at, digest, size, keys, forget_at, job)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: accept_body
INSERT INTO body (event, received_at, data) VALUES (?, ?, ?);

-- name: accept_duplicate
UPDATE event SET duplicates = duplicates + 1 WHERE seq = ?;

-- A job that is dead gets fresh attempts.
-- name: accept_requeue
UPDATE job SET state = 'queued', reason = 'waiting_turn', due_at = 0, attempts = 0, finished_at = 0,
               queued_at = ?2, ready_at = ?2, updated_at = ?2
WHERE id = ?1 AND state = 'dead';

-- What has left in a batch is paid for: it is not superseded any more than what runs.
-- name: accept_flurry
SELECT seq, id, coalesce_first, coalesced, reason FROM job
WHERE state = 'queued' AND coalesce_key <> '' AND hook = ? AND coalesce_key = ?
  AND (reason <> 'batch' OR NOT EXISTS (
    SELECT 1 FROM batch_item AS i JOIN batch AS b ON b.seq = i.batch
    WHERE i.job = job.seq AND i.state = 'out' AND (b.state <> 'intended' OR b.posted_at > 0 OR b.lease_until > 0)))
ORDER BY seq;

-- name: accept_supersede
UPDATE job SET state = 'superseded', reason = '', due_at = 0, superseded_by = ?2, finished_at = ?3, updated_at = ?3
WHERE seq = ?1;
