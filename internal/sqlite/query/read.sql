-- What people look at.

-- name: read_begin
BEGIN;

-- name: read_end
COMMIT;

-- name: read_job
SELECT * FROM job_view WHERE id = ?1;

-- name: read_event
SELECT e.id, e.source, e.type, e.delivery_id, e.subject, e.time, e.received_at, e.digest, e.duplicates, b.data
FROM event AS e LEFT JOIN body AS b ON b.event = e.seq WHERE e.seq = ?1;

-- name: read_result
SELECT text, json, model, stop_reason, usage, cost, request_id, created_at, notes FROM result WHERE job = ?1;

-- name: read_calls
SELECT id, attempt, lane, model, started_at, ended_at, outcome, code, message, stop_reason, request_id, usage, cost
FROM call WHERE job = ?1 ORDER BY seq;

-- name: read_deliveries
SELECT id, target, place, spec, serial_key, state, attempts, round, last_error, next_at, url, updated_at
FROM delivery WHERE job = ?1 ORDER BY place, seq;

-- name: read_delivery
SELECT d.id, j.id FROM delivery AS d JOIN job AS j ON j.seq = d.job WHERE d.seq = ?1;

-- name: list_any
SELECT * FROM job_view AS v
WHERE v.seq < ?1 AND (?2 = '' OR v.hook = ?2) AND (?3 = '' OR v.state = ?3)
  AND (?4 = '' OR v.id LIKE ?4 ESCAPE '\' OR v.subject LIKE ?4 ESCAPE '\' OR v.type LIKE ?4 ESCAPE '\' OR v.delivery_id LIKE ?4 ESCAPE '\')
ORDER BY v.seq DESC LIMIT ?5;

-- name: list_odd
SELECT * FROM job_view AS v
WHERE v.seq < ?1 AND (?2 = '' OR v.hook = ?2) AND v.state = ?3 AND v.state IN ('dead', 'cancelled', 'superseded')
  AND (?4 = '' OR v.id LIKE ?4 ESCAPE '\' OR v.subject LIKE ?4 ESCAPE '\' OR v.type LIKE ?4 ESCAPE '\' OR v.delivery_id LIKE ?4 ESCAPE '\')
ORDER BY v.seq DESC LIMIT ?5;

-- name: list_running
SELECT * FROM job_view AS v
WHERE +v.seq < ?1 AND (?2 = '' OR v.hook = ?2) AND v.state = 'running' AND ?3 = 'running'
  AND (?4 = '' OR v.id LIKE ?4 ESCAPE '\' OR v.subject LIKE ?4 ESCAPE '\' OR v.type LIKE ?4 ESCAPE '\' OR v.delivery_id LIKE ?4 ESCAPE '\')
ORDER BY +v.seq DESC LIMIT ?5;

-- For a queue that is short beside what is over.
-- name: list_queued
SELECT * FROM job_view AS v
WHERE v.seq < ?1 AND (?2 = '' OR v.hook = ?2) AND v.state = ?3 AND v.seq IN (
    SELECT seq FROM job WHERE state = 'queued' AND due_at = 0 AND tenant = ''
    UNION ALL SELECT seq FROM job WHERE state = 'queued' AND due_at = 0 AND tenant <> ''
    UNION ALL SELECT seq FROM job WHERE state = 'queued' AND due_at > 0)
  AND (?4 = '' OR v.id LIKE ?4 ESCAPE '\' OR v.subject LIKE ?4 ESCAPE '\' OR v.type LIKE ?4 ESCAPE '\' OR v.delivery_id LIKE ?4 ESCAPE '\')
ORDER BY +v.seq DESC LIMIT ?5;

-- name: read_costs
SELECT day, hook, model, calls, unpriced, unknown_ends, input, cache_write_5m, cache_write_1h, cache_read, output, thinking, cost, estimated,
       batched, batch_saved, cache_saved
FROM cost WHERE day BETWEEN ?1 AND ?2 ORDER BY day, hook, model;

-- name: read_anchor
SELECT key, external_id, url, job, updated_at FROM anchor WHERE key = ?1;

-- name: read_oldest
SELECT created_at FROM job WHERE seq = (SELECT min(seq) FROM (
  SELECT seq FROM job WHERE state = 'queued' AND due_at = 0 AND tenant = ''
  UNION ALL SELECT seq FROM job WHERE state = 'queued' AND due_at = 0 AND tenant <> ''
  UNION ALL SELECT seq FROM job WHERE state = 'queued' AND due_at > 0));

-- name: read_verdicts
SELECT n, data FROM verdict ORDER BY seq DESC LIMIT ?1;

-- name: read_batch_params
SELECT i.seq, j.id, p.data FROM batch AS b JOIN batch_item AS i ON i.batch = b.seq JOIN job AS j ON j.seq = i.job
JOIN batch_params AS p ON p.item = i.seq
WHERE b.id = ?1 AND i.state = 'out' AND i.seq > ?2 ORDER BY i.seq LIMIT 200;

-- name: read_batch_item
SELECT i.state, i.call, i.model, i.attempt, i.plan, i.token, j.state = 'queued' AND j.reason = 'batch' AND j.token = i.token
FROM job AS j JOIN batch_item AS i ON i.job = j.seq JOIN batch AS b ON b.seq = +i.batch
WHERE j.id = ?2 AND b.id = ?1;

-- name: read_batch_open
SELECT j.id FROM batch AS b JOIN batch_item AS i ON i.batch = b.seq JOIN job AS j ON j.seq = i.job
WHERE b.id = ?1 AND i.state = 'out' ORDER BY i.seq LIMIT ?2;

-- name: read_batch_names
SELECT provider_id FROM batch
WHERE provider_id <> '' AND seq IN (SELECT seq FROM batch WHERE state <> 'ended'
                                    UNION ALL SELECT seq FROM batch WHERE state = 'ended' AND ended_at > ?1);

-- The open ones, and the newest of those that have ended.
-- name: read_batches
SELECT id, model, state, provider_id, requests, bytes, intended_at, posted_at, doubted_at, created_at, expires_at, expected_at, ended_at,
       next_at, failures, adopted, strangers, last_error
FROM batch WHERE seq IN (
  SELECT seq FROM batch WHERE state <> 'ended'
  UNION ALL SELECT seq FROM (SELECT seq FROM batch WHERE state = 'ended' ORDER BY ended_at DESC LIMIT ?1))
ORDER BY seq DESC;

-- name: read_thrift
SELECT day, hook, answered, superseded, duplicates, reused, saved FROM thrift WHERE day BETWEEN ?1 AND ?2 ORDER BY day, hook;

-- name: read_tenants
SELECT hook, tenant, sum(calls), sum(unpriced), sum(cost), sum(estimated) FROM spend WHERE day BETWEEN ?1 AND ?2
GROUP BY hook, tenant ORDER BY sum(cost + estimated) DESC, hook, tenant LIMIT ?3;
