-- Message Batches: requests that wait for one, batches, and the end of each
-- request. A job in a batch is queued with the reason batch; see settle.sql for
-- what becomes of it then.

-- name: batch_park
UPDATE job SET state = 'queued', reason = 'batch', due_at = ?2, lane = 'batch', worker = '', lease_until = 0, updated_at = ?3
WHERE seq = ?1 AND state = 'running';

-- name: batch_lane
INSERT INTO lane (name, paused, reason, detail, until, updated_at) VALUES ('batch', 0, '', '', 0, ?1) ON CONFLICT DO NOTHING;

-- name: batch_item_put
INSERT INTO batch_item (job, token, state, call, model, attempt, bytes, plan, parked_at)
VALUES (?1, ?2, 'ready', ?3, ?4, ?5, ?6, ?7, ?8)
RETURNING seq;

-- name: batch_params_put
INSERT INTO batch_params (item, data) VALUES (?1, ?2);

-- name: batch_params_drop
DELETE FROM batch_params WHERE item = ?1;

-- name: batch_ready
SELECT model, count(*), sum(bytes), min(parked_at) FROM batch_item WHERE state = 'ready' GROUP BY model;

-- name: batch_queued
SELECT coalesce(sum(requests), 0) FROM batch WHERE state <> 'ended';

-- name: batch_ready_of
SELECT seq, bytes FROM batch_item WHERE state = 'ready' AND model = ?1 ORDER BY seq LIMIT ?2;

-- name: batch_put
INSERT INTO batch (id, model, state, requests, bytes, intended_at, next_at, fill_to) VALUES (?1, ?2, 'intended', ?3, ?4, ?5, ?6, ?7);

-- name: batch_filling
SELECT seq, model, fill_to FROM batch WHERE state <> 'ended' AND next_at = ?1 AND fill_to > 0 ORDER BY seq LIMIT 1;

-- The calls of the requests that batch_fill takes next.
-- name: batch_calls
INSERT INTO call (id, job, attempt, lane, model, started_at)
SELECT call, job, attempt, 'batch', model, ?3 FROM batch_item WHERE state = 'ready' AND model = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?4;

-- name: batch_fill
UPDATE batch_item SET batch = ?3, state = 'out'
WHERE seq IN (SELECT seq FROM batch_item WHERE state = 'ready' AND model = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?4);

-- Some may have been cancelled since it was measured.
-- name: batch_filled
UPDATE batch SET fill_to = 0, next_at = ?2,
  requests = (SELECT count(*) FROM batch_item WHERE batch = ?1), bytes = (SELECT sum(bytes) FROM batch_item WHERE batch = ?1)
WHERE seq = ?1 AND EXISTS (SELECT 1 FROM batch_item WHERE batch = ?1);

-- name: batch_empty
DELETE FROM batch WHERE seq = ?1;

-- name: batch_expired
UPDATE batch SET lease_until = 0, worker = '' WHERE state <> 'ended' AND lease_until > 0 AND lease_until <= ?1;

-- name: batch_due
SELECT seq, token FROM batch
WHERE state <> 'ended' AND lease_until = 0 AND next_at <= ?1 AND (state = 'sent' OR ?2 = 0)
ORDER BY next_at, seq LIMIT ?3;

-- name: batch_lease
UPDATE batch SET token = ?2, worker = ?3, lease_until = ?4 WHERE seq = ?1;

-- name: batch_next
SELECT coalesce(min(next_at), 0) FROM batch WHERE state <> 'ended' AND lease_until = 0 AND (state = 'sent' OR ?1 = 0);

-- name: batch_whole
SELECT id, model, state, provider_id, requests, bytes, intended_at, posted_at, doubted_at, created_at, expires_at, expected_at, ended_at,
       next_at, failures, adopted, strangers, last_error,
       EXISTS (SELECT 1 FROM batch_item AS i JOIN job AS j ON j.seq = i.job
               WHERE i.batch = b.seq AND i.state = 'out' AND j.state = 'queued' AND j.reason = 'batch' AND j.token = i.token)
FROM batch AS b WHERE seq = ?1;

-- name: batch_fence
SELECT seq FROM batch WHERE id = ?1 AND token = ?2 AND lease_until > 0 AND state <> 'ended';

-- name: batch_doubt
SELECT count(*) FROM batch WHERE state <> 'ended' AND posted_at > 0 AND seq <> ?1;

-- name: batch_unsettled
SELECT count(*) FROM batch_item WHERE batch = ?1 AND state = 'out';

-- name: batch_update
UPDATE batch SET state = ?2, provider_id = ?3, posted_at = ?4, created_at = ?5, expires_at = ?6, expected_at = ?7, ended_at = ?8,
                 next_at = ?9, failures = ?10, adopted = ?11, strangers = ?12, last_error = ?13, lease_until = ?14,
                 requests = ?15, doubted_at = ?16
WHERE seq = ?1;

-- name: batch_release_all
UPDATE batch SET lease_until = 0, worker = '' WHERE state <> 'ended' AND lease_until > 0;

-- name: batch_item_open
SELECT i.seq, i.job, i.token, j.hook, j.cost, j.state = 'queued' AND j.reason = 'batch' AND j.token = i.token
FROM job AS j JOIN batch_item AS i ON i.job = j.seq JOIN batch AS b ON b.seq = +i.batch
WHERE j.id = ?2 AND b.id = ?1 AND i.state = 'out';

-- name: batch_copied
SELECT j.seq, j.hook, j.cost, i.attempt, EXISTS (SELECT 1 FROM call AS c WHERE c.job = j.seq AND c.id = ?3)
FROM job AS j JOIN batch_item AS i ON i.job = j.seq JOIN batch AS b ON b.seq = +i.batch
WHERE j.id = ?2 AND b.id = ?1;

-- name: batch_unpark
UPDATE job SET state = 'running', reason = '', due_at = 0, lease_until = ?2, updated_at = ?2 WHERE seq = ?1;

-- name: batch_item_done
UPDATE batch_item SET state = 'done' WHERE seq = ?1;

-- name: batch_dropped
UPDATE job SET cost = ?2, updated_at = ?3 WHERE seq = ?1;

-- A request that has not left goes when its job does not want it any more.
-- name: batch_unready
DELETE FROM batch_item WHERE job = ?1 AND (state = 'ready' OR state = 'out' AND EXISTS (
  SELECT 1 FROM batch AS b WHERE b.seq = batch_item.batch AND b.state = 'intended' AND b.posted_at = 0 AND b.lease_until = 0))
RETURNING coalesce(batch, 0), bytes, call;

-- name: batch_uncall
DELETE FROM call WHERE job = ?1 AND id = ?2;

-- One that has no requests left is none.
-- name: batch_shrink
UPDATE batch SET requests = requests - 1, bytes = bytes - ?2 WHERE seq = ?1 AND (requests > 1 OR fill_to > 0);

-- Parked requests in no batch, while the lane is closed.
-- name: batch_stale
SELECT i.job, j.id FROM batch_item AS i JOIN job AS j ON j.seq = i.job WHERE i.state = 'ready' AND i.parked_at <= ?1 LIMIT ?2;

-- name: batch_requeue
UPDATE job SET reason = 'waiting_turn', due_at = 0, ready_at = ?2, updated_at = ?2, attempts = max(attempts - 1, 0)
WHERE seq = ?1 AND state = 'queued' AND reason = 'batch';

-- name: batch_holds
SELECT count(*) FROM batch_item WHERE job = ?1 AND state = 'out';
