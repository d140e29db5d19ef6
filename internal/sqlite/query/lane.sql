-- Lanes.

-- name: lane_get
SELECT name, paused, reason, detail, until, updated_at, state FROM lane WHERE name = ?1;

-- name: lane_all
SELECT name, paused, reason, detail, until, updated_at, state FROM lane ORDER BY name;

-- name: lane_put
INSERT INTO lane (name, paused, reason, detail, until, updated_at, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO UPDATE SET paused = excluded.paused, reason = excluded.reason, detail = excluded.detail,
  until = excluded.until, updated_at = excluded.updated_at, state = excluded.state;

-- name: lane_load
SELECT lane, sum(state = 'queued'), sum(state = 'running')
FROM (SELECT lane, state FROM job WHERE state = 'queued' AND due_at = 0 AND tenant = ''
      UNION ALL SELECT lane, state FROM job WHERE state = 'queued' AND due_at = 0 AND tenant <> ''
      UNION ALL SELECT lane, state FROM job WHERE state = 'queued' AND due_at > 0
      UNION ALL SELECT lane, state FROM job WHERE state = 'running')
GROUP BY lane;
