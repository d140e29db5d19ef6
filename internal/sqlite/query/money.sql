-- Money: what was spent, what is reserved, who waits for it.

-- name: money_spent
SELECT hook, sum(cost + estimated) FROM cost WHERE day = ?1 GROUP BY hook;

-- name: money_spent_tenant
SELECT cost + estimated FROM spend WHERE day = ?1 AND hook = ?2 AND tenant = ?3;

-- name: money_reserved
SELECT hook, tenant, reserved FROM purse;

-- name: money_job
SELECT seq, hook, tenant, reserved FROM job WHERE seq = ?1;

-- name: money_set
UPDATE job SET reserved = ?2 WHERE seq = ?1;

-- name: money_add
INSERT INTO purse (hook, tenant, reserved) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved;

-- name: money_take
UPDATE purse SET reserved = reserved - ?3 WHERE hook = ?1 AND tenant = ?2;

-- name: money_forget
DELETE FROM purse WHERE hook = ?1 AND tenant = ?2 AND reserved = 0;

-- name: money_of_tenant
INSERT INTO spend (day, hook, tenant, calls, unpriced, cost, estimated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, unpriced = unpriced + excluded.unpriced,
  cost = cost + excluded.cost, estimated = estimated + excluded.estimated;

-- name: hold_all
SELECT hook, lane, tenant, until FROM hold;

-- name: hold_put
INSERT INTO hold (hook, lane, tenant, until) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET until = excluded.until;

-- name: hold_end
DELETE FROM hold WHERE hook = ?1 AND lane = ?2 AND tenant = ?3;
