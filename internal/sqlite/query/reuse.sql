-- Answers that are used again, and what was not called for.

-- name: reuse_find
SELECT j.seq, j.id, j.state, coalesce(r.created_at, 0)
FROM reuse AS u JOIN job AS j ON j.seq = u.job LEFT JOIN result AS r ON r.job = j.seq WHERE u.key = ?1;

-- name: reuse_claim
INSERT INTO reuse (key, job, until) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET job = excluded.job, until = excluded.until;

-- name: reuse_await
UPDATE job SET awaits = coalesce((SELECT seq FROM job WHERE id = ?2), 0) WHERE seq = ?1;

-- name: reuse_wake
UPDATE job SET due_at = min(due_at, ?2) WHERE awaits > 0 AND awaits = ?1 AND state = 'queued' AND due_at > 0;

-- name: reuse_mark
UPDATE job SET reused_from = ?2 WHERE seq = ?1;

-- name: reuse_forget
DELETE FROM reuse WHERE key IN (SELECT key FROM reuse WHERE until < ?1 ORDER BY until LIMIT ?2);

-- name: thrift_add
INSERT INTO thrift (day, hook, answered, superseded, duplicates, reused, saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO UPDATE SET answered = answered + excluded.answered, superseded = superseded + excluded.superseded,
  duplicates = duplicates + excluded.duplicates, reused = reused + excluded.reused, saved = saved + excluded.saved;
