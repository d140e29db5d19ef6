-- Calls and the end of an attempt. Every statement that a lease stands behind
-- goes through settle_fence first.

-- name: settle_fence
SELECT seq, hook, lane, attempts, cost FROM job WHERE id = ?1 AND token = ?2 AND state = 'running';

-- name: call_begin
INSERT INTO call (id, job, attempt, lane, model, started_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: call_end
UPDATE call SET ended_at = ?3, outcome = ?4, code = ?5, message = ?6, stop_reason = ?7, request_id = ?8, usage = ?9,
                cost = ?10, model = ?11, lost = ?12
WHERE job = ?1 AND id = ?2 AND outcome = 'unknown' AND lost = 0;

-- Calls of a job whose end nobody will see any more.
-- name: call_open
SELECT c.seq, c.model, c.started_at, j.hook FROM call AS c JOIN job AS j ON j.seq = c.job
WHERE c.job = ?1 AND c.outcome = 'unknown' AND c.lost = 0;

-- name: call_lost
UPDATE call SET lost = 1 WHERE seq = ?1;

-- name: cost_add
INSERT INTO cost (day, hook, model, calls, unpriced, unknown_ends, input, cache_write_5m, cache_write_1h, cache_read, output, thinking, cost, estimated,
                  batched, batch_saved, cache_saved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
ON CONFLICT DO UPDATE SET
  calls = calls + excluded.calls, unpriced = unpriced + excluded.unpriced, unknown_ends = unknown_ends + excluded.unknown_ends,
  input = input + excluded.input, cache_write_5m = cache_write_5m + excluded.cache_write_5m,
  cache_write_1h = cache_write_1h + excluded.cache_write_1h, cache_read = cache_read + excluded.cache_read,
  output = output + excluded.output, thinking = thinking + excluded.thinking, cost = cost + excluded.cost,
  estimated = estimated + excluded.estimated, batched = batched + excluded.batched, batch_saved = batch_saved + excluded.batch_saved,
  cache_saved = cache_saved + excluded.cache_saved;

-- name: settle_done
UPDATE job SET state = 'succeeded', worker = '', lease_until = 0, finished_at = ?2, updated_at = ?2, cost = ?3,
               model = CASE ?4 WHEN '' THEN model ELSE ?4 END
WHERE seq = ?1;

-- name: settle_result
INSERT INTO result (job, text, json, model, stop_reason, usage, cost, request_id, created_at, notes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: settle_delivery
INSERT INTO delivery (id, job, target, place, spec, serial_key, state, next_at, updated_at, hook)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?7, (SELECT hook FROM job WHERE seq = ?2));

-- name: settle_again
UPDATE job SET state = 'queued', reason = ?2, due_at = ?3, worker = '', lease_until = 0, ready_at = ?4, updated_at = ?4,
               attempts = ?5, last_error = CASE ?6 WHEN '' THEN last_error ELSE ?6 END, lane = ?7,
               model = CASE ?8 WHEN '' THEN model ELSE ?8 END, chosen = CASE ?9 WHEN '' THEN chosen ELSE ?9 END, cost = ?10, needs = ?11
WHERE seq = ?1;

-- name: settle_dead
UPDATE job SET state = 'dead', worker = '', lease_until = 0, finished_at = ?2, updated_at = ?2, last_error = ?3, cost = ?4
WHERE seq = ?1;
