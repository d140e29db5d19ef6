-- Take: look at the desk, lease the chosen.

-- name: take_promote
UPDATE job SET due_at = 0, reason = 'waiting_turn', ready_at = due_at, updated_at = ?1
WHERE seq IN (SELECT seq FROM job WHERE state = 'queued' AND due_at > 0 AND due_at <= ?1 ORDER BY due_at LIMIT 1000);

-- name: take_expired
SELECT seq, token, id FROM job WHERE state = 'running' AND lease_until <= ?1;

-- name: take_release
UPDATE job SET state = 'queued', reason = 'waiting_turn', due_at = 0, worker = '', lease_until = 0, ready_at = ?2, updated_at = ?2
WHERE seq = ?1 AND state = 'running';

-- name: take_running
SELECT lane, count(*) FROM job WHERE state = 'running' GROUP BY lane;

-- The index job_ready is walked from one pair of hook and lane to the next, and
-- within each pair only its first jobs are read: the cost grows with the pairs,
-- not with the queue.
-- name: take_candidates
WITH RECURSIVE pair (hook, lane) AS (
  SELECT * FROM (SELECT hook, lane FROM job WHERE state = 'queued' AND due_at = 0 AND tenant = '' ORDER BY hook, lane LIMIT 1)
  UNION ALL
  SELECT j.hook, j.lane FROM pair AS p CROSS JOIN job AS j ON j.seq = coalesce(
    (SELECT n.seq FROM job AS n WHERE n.state = 'queued' AND n.due_at = 0 AND n.tenant = '' AND n.hook = p.hook AND n.lane > p.lane ORDER BY n.lane LIMIT 1),
    (SELECT n.seq FROM job AS n WHERE n.state = 'queued' AND n.due_at = 0 AND n.tenant = '' AND n.hook > p.hook ORDER BY n.hook, n.lane LIMIT 1))
)
SELECT j.id, j.hook, j.lane, j.model, j.tenant, j.chosen, j.priority, j.attempts, e.size, j.ready_at, j.needs, j.seq, j.token
FROM pair AS p
CROSS JOIN job AS j ON j.seq IN (
  SELECT c.seq FROM job AS c WHERE c.state = 'queued' AND c.due_at = 0 AND c.tenant = '' AND c.hook = p.hook AND c.lane = p.lane
  ORDER BY c.priority, c.seq LIMIT ?1)
CROSS JOIN event AS e ON e.seq = j.event
ORDER BY p.hook, p.lane, j.priority, j.seq;

-- The same for the jobs of tenants: first the pairs, then the tenants of a pair,
-- then the jobs of each.
-- name: take_shared
WITH RECURSIVE pair (hook, lane) AS (
  SELECT * FROM (SELECT hook, lane FROM job WHERE state = 'queued' AND due_at = 0 AND tenant <> '' ORDER BY hook, lane LIMIT 1)
  UNION ALL
  SELECT j.hook, j.lane FROM pair AS p CROSS JOIN job AS j ON j.seq = coalesce(
    (SELECT n.seq FROM job AS n WHERE n.state = 'queued' AND n.due_at = 0 AND n.tenant <> '' AND n.hook = p.hook AND n.lane > p.lane ORDER BY n.lane LIMIT 1),
    (SELECT n.seq FROM job AS n WHERE n.state = 'queued' AND n.due_at = 0 AND n.tenant <> '' AND n.hook > p.hook ORDER BY n.hook, n.lane LIMIT 1))
)
SELECT hook, lane FROM pair;

-- name: take_tenants
WITH RECURSIVE turn (tenant, n) AS (
  SELECT * FROM (SELECT tenant, 1 FROM job
    WHERE state = 'queued' AND due_at = 0 AND tenant <> '' AND hook = ?1 AND lane = ?2 AND tenant > ?3 AND tenant <= ?4 ORDER BY tenant LIMIT 1)
  UNION ALL
  SELECT j.tenant, t.n + 1 FROM turn AS t CROSS JOIN job AS j ON j.seq = (
    SELECT n.seq FROM job AS n WHERE n.state = 'queued' AND n.due_at = 0 AND n.tenant <> ''
      AND n.hook = ?1 AND n.lane = ?2 AND n.tenant > t.tenant AND n.tenant <= ?4 ORDER BY n.tenant LIMIT 1)
  WHERE t.n < ?5
)
SELECT tenant FROM turn;

-- name: take_of_tenant
SELECT j.id, j.hook, j.lane, j.model, j.tenant, j.chosen, j.priority, j.attempts, e.size, j.ready_at, j.needs, j.seq, j.token
FROM job AS j CROSS JOIN event AS e ON e.seq = j.event
WHERE j.state = 'queued' AND j.due_at = 0 AND j.tenant <> '' AND j.hook = ?1 AND j.lane = ?2 AND j.tenant = ?3
ORDER BY j.priority, j.seq LIMIT ?4;

-- name: take_spent
SELECT coalesce(sum(cost), 0) FROM cost WHERE day = ?1;

-- name: take_move
UPDATE job SET lane = ?2, model = ?3, chosen = ?4 WHERE seq = ?1 AND state = 'queued';

-- name: take_lease
UPDATE job SET state = 'running', reason = '', awaits = 0, token = ?2, attempts = attempts + 1, worker = ?3, lease_until = ?4, updated_at = ?5
WHERE seq = ?1 AND state = 'queued';

-- name: take_next
SELECT coalesce(min(due_at), 0) FROM job WHERE state = 'queued' AND due_at > 0;

-- name: extend
UPDATE job SET lease_until = ?3 WHERE id = ?1 AND token = ?2 AND state = 'running';
