-- The outbox.

-- name: delivery_expired
SELECT seq, id, token FROM delivery WHERE lease_until > 0 AND lease_until <= ?1;

-- name: delivery_extend
UPDATE delivery SET lease_until = ?2 WHERE seq = ?1;

-- name: delivery_release
UPDATE delivery SET lease_until = 0, worker = '', next_at = ?2, updated_at = ?2 WHERE seq = ?1;

-- name: delivery_any_due
SELECT 1 FROM delivery WHERE state = 'pending' AND lease_until = 0 AND next_at <= ?1 LIMIT 1;

-- The targets that have something due, the longest due first. The index
-- delivery_target is walked from one target to the next: the cost grows with the
-- targets, not with what one of them has left undone.
-- name: delivery_targets
WITH RECURSIVE target (hook, place, due) AS (
  SELECT * FROM (SELECT hook, place, next_at FROM delivery WHERE state = 'pending' AND lease_until = 0 ORDER BY hook, place, next_at LIMIT 1)
  UNION ALL
  SELECT d.hook, d.place, d.next_at FROM target AS t CROSS JOIN delivery AS d ON d.seq = coalesce(
    (SELECT n.seq FROM delivery AS n WHERE n.state = 'pending' AND n.lease_until = 0 AND n.hook = t.hook AND n.place > t.place ORDER BY n.place, n.next_at LIMIT 1),
    (SELECT n.seq FROM delivery AS n WHERE n.state = 'pending' AND n.lease_until = 0 AND n.hook > t.hook ORDER BY n.hook, n.place, n.next_at LIMIT 1))
)
SELECT hook, place, due FROM target WHERE due <= ?1 ORDER BY due;

-- name: delivery_out
SELECT hook, place, count(*) FROM delivery WHERE lease_until > 0 GROUP BY hook, place;

-- Of the deliveries that share a serial key, none goes while one is out, and
-- the oldest that is due goes first.
-- name: delivery_candidates
SELECT d.next_at, d.seq, d.token FROM delivery AS d
WHERE d.state = 'pending' AND d.lease_until = 0 AND d.hook = ?3 AND d.place = ?4 AND d.next_at <= ?1
  AND (d.serial_key = '' OR NOT EXISTS (
    SELECT 1 FROM delivery AS o
    WHERE o.state = 'pending' AND o.serial_key <> '' AND o.serial_key = d.serial_key
      AND (o.lease_until > 0 OR (o.seq < d.seq AND o.next_at <= ?1))))
ORDER BY d.next_at, d.seq LIMIT ?2;

-- name: delivery_lease
UPDATE delivery SET token = ?2, worker = ?3, lease_until = ?4, attempts = attempts + 1, updated_at = ?5 WHERE seq = ?1;

-- name: delivery_next
SELECT coalesce(min(next_at), 0) FROM delivery WHERE state = 'pending' AND lease_until = 0 AND next_at > ?1;

-- name: delivery_fence
SELECT d.seq, j.id FROM delivery AS d JOIN job AS j ON j.seq = d.job
WHERE d.id = ?1 AND d.token = ?2 AND d.state = 'pending' AND d.lease_until > 0;

-- name: delivery_settle
UPDATE delivery SET state = ?2, next_at = ?3, last_error = ?4, url = CASE ?5 WHEN '' THEN url ELSE ?5 END,
                    lease_until = 0, worker = '', updated_at = ?6
WHERE seq = ?1;

-- name: anchor_put
INSERT INTO anchor (key, external_id, url, job, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET external_id = excluded.external_id, url = excluded.url, job = excluded.job, updated_at = excluded.updated_at;

-- name: redeliver_list
SELECT seq, state, lease_until FROM delivery WHERE job = ?1 ORDER BY seq;

-- name: redeliver_done
UPDATE delivery SET state = 'pending', next_at = ?2, updated_at = ?2, attempts = 0, round = round + 1 WHERE seq = ?1;

-- name: redeliver_dead
UPDATE delivery SET state = 'pending', next_at = ?2, updated_at = ?2, attempts = 0 WHERE seq = ?1;

-- name: redeliver_pending
UPDATE delivery SET next_at = min(next_at, ?2), updated_at = ?2, attempts = 0 WHERE seq = ?1;
