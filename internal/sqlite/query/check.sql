-- The audit: what no constraint of a single row can say. Each counts the rows
-- that break a rule.

-- name: check_event
SELECT count(*) FROM job AS j WHERE NOT EXISTS (SELECT 1 FROM event AS e WHERE e.seq = j.event);

-- name: check_body
SELECT count(*) FROM job AS j WHERE j.finished_at = 0 AND NOT EXISTS (SELECT 1 FROM body AS b WHERE b.event = j.event);

-- name: check_key
SELECT count(*) FROM dedupe AS d WHERE NOT EXISTS (SELECT 1 FROM event AS e WHERE e.seq = d.event AND instr(e.keys, d.key) > 0);

-- name: check_result
SELECT count(*) FROM job AS j WHERE (j.state = 'succeeded') <> EXISTS (SELECT 1 FROM result AS r WHERE r.job = j.seq);

-- name: check_newest
SELECT count(*) FROM event AS e WHERE e.jobs > 0 AND NOT EXISTS (SELECT 1 FROM job AS j WHERE j.id = e.job AND j.event = e.seq);

-- name: check_jobs
SELECT count(*) FROM event AS e LEFT JOIN (SELECT event, count(*) AS n FROM job GROUP BY event) AS j ON j.event = e.seq
WHERE e.jobs <> coalesce(j.n, 0);

-- name: check_late
SELECT count(*) FROM job WHERE state = 'running' AND lease_until < ?1;

-- name: check_serial
SELECT count(*) FROM (SELECT 1 FROM delivery WHERE lease_until > 0 AND serial_key <> '' GROUP BY serial_key HAVING count(*) > 1);

-- name: check_tally
SELECT count(*) FROM tally AS t
WHERE t.queued <> (SELECT count(*) FROM job WHERE state = 'queued')
   OR t.running <> (SELECT count(*) FROM job WHERE state = 'running')
   OR t.succeeded <> (SELECT count(*) FROM job WHERE state = 'succeeded')
   OR t.dead <> (SELECT count(*) FROM job WHERE state = 'dead')
   OR t.cancelled <> (SELECT count(*) FROM job WHERE state = 'cancelled')
   OR t.superseded <> (SELECT count(*) FROM job WHERE state = 'superseded')
   OR t.pending <> (SELECT count(*) FROM delivery WHERE state = 'pending')
   OR t.done <> (SELECT count(*) FROM delivery WHERE state = 'done')
   OR t.undelivered <> (SELECT count(*) FROM delivery WHERE state = 'dead')
   OR t.dedupe_keys <> (SELECT count(*) FROM dedupe)
   OR t.event_bytes <> (SELECT coalesce(sum(e.size), 0) FROM event AS e JOIN body AS b ON b.event = e.seq)
   OR t.event_seq < (SELECT coalesce(max(seq), 0) FROM event)
   OR t.job_seq < (SELECT coalesce(max(seq), 0) FROM job);

-- name: check_batch
SELECT count(*) FROM job AS j WHERE j.state = 'queued' AND (j.reason = 'batch') <> (1 = (
  SELECT count(*) FROM batch_item AS i WHERE i.job = j.seq AND i.token = j.token AND i.state <> 'done'));

-- name: check_purse
SELECT count(*) FROM (
  SELECT hook, tenant, sum(reserved) AS n FROM job WHERE reserved > 0 GROUP BY hook, tenant
  UNION ALL SELECT hook, tenant, -reserved FROM purse)
GROUP BY hook, tenant HAVING sum(n) <> 0;

-- name: check_bodies
SELECT event, data FROM body WHERE event > ?1 ORDER BY event LIMIT 64;
-- The money. The sums of a day outlive the calls that they were made of, so they
-- may hold more than is left of those; where they count as many calls, they must
-- be exact.
-- name: check_job_cost
SELECT count(*) FROM job AS j
WHERE coalesce(j.cost, 0) <> coalesce((SELECT sum(c.cost) FROM call AS c WHERE c.job = j.seq), 0);
-- name: check_cost
SELECT count(*) FROM (
  SELECT day, hook, model, count(*) AS calls, coalesce(sum(cost), 0) AS cost, sum(lost) AS lost,
         coalesce(sum(json_extract(usage, '$.input_tokens')), 0) AS input, coalesce(sum(json_extract(usage, '$.output_tokens')), 0) AS output
  FROM (
    SELECT strftime('%Y-%m-%d', (CASE c.ended_at WHEN 0 THEN c.started_at ELSE c.ended_at END) / 1000000, 'unixepoch') AS day,
           j.hook, c.model, c.cost, c.lost, nullif(c.usage, '') AS usage
    FROM call AS c JOIN job AS j ON j.seq = c.job WHERE c.outcome <> 'unknown' OR c.lost = 1)
  GROUP BY day, hook, model) AS s
LEFT JOIN cost AS t ON t.day = s.day AND t.hook = s.hook AND t.model = s.model
WHERE t.day IS NULL OR t.calls < s.calls OR t.cost < s.cost OR t.unknown_ends < s.lost OR t.input < s.input OR t.output < s.output
   OR t.calls = s.calls AND (t.cost <> s.cost OR t.unknown_ends <> s.lost OR t.input <> s.input OR t.output <> s.output);
-- name: check_spend
SELECT count(*) FROM (
  SELECT day, hook, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost, sum(estimated) AS estimated FROM spend GROUP BY day, hook) AS s
LEFT JOIN (
  SELECT day, hook, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(cost) AS cost, sum(estimated) AS estimated FROM cost GROUP BY day, hook) AS t
  ON t.day = s.day AND t.hook = s.hook
WHERE t.day IS NULL OR t.calls < s.calls OR t.unpriced < s.unpriced OR t.cost < s.cost OR t.estimated < s.estimated;
-- name: check_idle
SELECT count(*) FROM job WHERE reserved > 0 AND state <> 'running' AND NOT EXISTS (
  SELECT 1 FROM batch_item AS i WHERE i.job = job.seq AND i.state <> 'done');
