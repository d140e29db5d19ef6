-- The ledger. Times are UTC microseconds since 1970, 0 for none; money is in
-- nano-dollars. Every time is a parameter: no statement reads a clock. The
-- CHECKs keep the state machine of package event.

-- One verified inbound request, without its bytes. jobs counts the rows of job
-- that point here; the row outlives them until its dedupe keys are forgotten.
CREATE TABLE event (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL,
  source      TEXT    NOT NULL,
  type        TEXT    NOT NULL,
  delivery_id TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  time        INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  digest      BLOB    NOT NULL,
  size        INTEGER NOT NULL,             -- bytes of the body as it was sent
  keys        BLOB    NOT NULL,             -- of the table dedupe, 16 bytes each
  forget_at   INTEGER NOT NULL,             -- when they go; 0: they are gone
  job         TEXT    NOT NULL,             -- the newest job made for it
  jobs        INTEGER NOT NULL DEFAULT 1 CHECK (jobs >= 0),
  duplicates  INTEGER NOT NULL DEFAULT 0 CHECK (duplicates >= 0)
) STRICT;
CREATE INDEX event_forget ON event (forget_at) WHERE forget_at > 0;

-- The bytes of an event, packed: see pack.go. Forgotten before the event is.
CREATE TABLE body (
  event       INTEGER PRIMARY KEY REFERENCES event (seq),
  received_at INTEGER NOT NULL,
  data        BLOB    NOT NULL
) STRICT;
CREATE INDEX body_received ON body (received_at);

-- A dedupe key is the first half of the SHA-256 of hook and key: 128 bits, so
-- that the tree stays small.
CREATE TABLE dedupe (
  key   BLOB    PRIMARY KEY CHECK (length(key) = 16),
  event INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
  seq            INTEGER PRIMARY KEY,
  id             TEXT    NOT NULL UNIQUE,
  event          INTEGER NOT NULL,
  hook           TEXT    NOT NULL,
  state          TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'dead', 'cancelled', 'superseded')),
  reason         TEXT    NOT NULL,          -- why it is queued
  due_at         INTEGER NOT NULL,          -- 0: it is ready; else it waits until then; in a batch, for ever
  lane           TEXT    NOT NULL,
  model          TEXT    NOT NULL,
  chosen         TEXT    NOT NULL,
  priority       INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 9),
  tenant         TEXT    NOT NULL DEFAULT '',
  note           TEXT    NOT NULL DEFAULT '',
  created_at     INTEGER NOT NULL,
  queued_at      INTEGER NOT NULL,          -- when its attempts began to count
  updated_at     INTEGER NOT NULL,
  ready_at       INTEGER NOT NULL,          -- when it last became ready
  attempts       INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  token          INTEGER NOT NULL DEFAULT 0,
  worker         TEXT    NOT NULL DEFAULT '',
  lease_until    INTEGER NOT NULL DEFAULT 0,
  finished_at    INTEGER NOT NULL DEFAULT 0,
  coalesce_key   TEXT    NOT NULL DEFAULT '',
  coalesce_first INTEGER NOT NULL DEFAULT 0,
  coalesced      INTEGER NOT NULL DEFAULT 0,
  rerun_of       TEXT    NOT NULL DEFAULT '',
  superseded_by  TEXT    NOT NULL DEFAULT '',
  last_error     TEXT    NOT NULL DEFAULT '', -- JSON of event.Failure
  cost           INTEGER,                   -- of its calls, as far as known
  reused_from    TEXT    NOT NULL DEFAULT '', -- the job whose answer it has
  awaits         INTEGER NOT NULL DEFAULT 0, -- the job whose answer it waits for
  reserved       INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0), -- for the call that is under way
  needs          INTEGER NOT NULL DEFAULT 0 CHECK (needs >= 0), -- of one sent back for want of money: the most its call may cost

  CHECK ((state = 'queued') = (reason <> '')),
  CHECK ((state = 'running') = (lease_until > 0)),
  CHECK ((state IN ('queued', 'running')) = (finished_at = 0)),
  CHECK ((state = 'superseded') = (superseded_by <> '')),
  CHECK (due_at = 0 OR state = 'queued')
) STRICT;
-- Ready jobs in the order in which they are offered: hook, lane, priority, age;
-- those of tenants apart, so that who has none pays nothing for them.
CREATE INDEX job_ready ON job (hook, lane, priority) WHERE state = 'queued' AND due_at = 0 AND tenant = '';
CREATE INDEX job_tenant ON job (hook, lane, tenant, priority) WHERE state = 'queued' AND due_at = 0 AND tenant <> '';
CREATE INDEX job_due ON job (due_at, lane) WHERE state = 'queued' AND due_at > 0;
CREATE INDEX job_needs ON job (seq) WHERE needs > 0;
CREATE INDEX job_awaits ON job (awaits) WHERE awaits > 0;
CREATE INDEX job_coalesce ON job (hook, coalesce_key) WHERE state = 'queued' AND coalesce_key <> '';
CREATE INDEX job_running ON job (lease_until, lane) WHERE state = 'running';
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at > 0;
CREATE INDEX job_odd ON job (state) WHERE state IN ('dead', 'cancelled', 'superseded');

-- One request to Claude. The row is written before the request leaves; its
-- outcome stays unknown if nobody saw the end. lost says that this has been
-- counted in cost.
CREATE TABLE call (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL,
  job         INTEGER NOT NULL REFERENCES job (seq),
  attempt     INTEGER NOT NULL,
  lane        TEXT    NOT NULL,
  model       TEXT    NOT NULL,
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER NOT NULL DEFAULT 0,
  outcome     TEXT    NOT NULL DEFAULT 'unknown' CHECK (outcome IN ('unknown', 'ok', 'failed')),
  lost        INTEGER NOT NULL DEFAULT 0 CHECK (lost = 0 OR outcome = 'unknown'),
  code        TEXT    NOT NULL DEFAULT '',
  message     TEXT    NOT NULL DEFAULT '',
  stop_reason TEXT    NOT NULL DEFAULT '',
  request_id  TEXT    NOT NULL DEFAULT '',
  usage       TEXT    NOT NULL DEFAULT '', -- JSON of event.Usage
  cost        INTEGER
) STRICT;
CREATE INDEX call_job ON call (job);

-- One Message Batch. It is stored before the API is asked to make it; posted_at
-- stands while a request to make it has left and no answer was seen.
CREATE TABLE batch (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL UNIQUE,
  model       TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('intended', 'sent', 'ended')),
  provider_id TEXT    NOT NULL DEFAULT '',
  requests    INTEGER NOT NULL CHECK (requests > 0),
  bytes       INTEGER NOT NULL,
  intended_at INTEGER NOT NULL,
  posted_at   INTEGER NOT NULL DEFAULT 0,
  doubted_at  INTEGER NOT NULL DEFAULT 0,   -- of the first request whose effect nobody saw and that was made again
  created_at  INTEGER NOT NULL DEFAULT 0,
  expires_at  INTEGER NOT NULL DEFAULT 0,
  expected_at INTEGER NOT NULL DEFAULT 0,
  ended_at    INTEGER NOT NULL DEFAULT 0,
  next_at     INTEGER NOT NULL,             -- when it is looked at next
  fill_to     INTEGER NOT NULL DEFAULT 0,   -- requests up to this one go into it; 0: it has them all
  failures    INTEGER NOT NULL DEFAULT 0,
  adopted     INTEGER NOT NULL DEFAULT 0 CHECK (adopted IN (0, 1)),
  strangers   TEXT    NOT NULL DEFAULT '',  -- JSON array of provider ids
  last_error  TEXT    NOT NULL DEFAULT '',
  token       INTEGER NOT NULL DEFAULT 0,
  worker      TEXT    NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,   -- 0: nobody looks at it now

  CHECK (state <> 'sent' OR provider_id <> ''),
  CHECK (state = 'intended' OR posted_at = 0),
  CHECK ((state = 'ended') = (ended_at > 0)),
  CHECK (state <> 'ended' OR lease_until = 0)
) STRICT;
CREATE INDEX batch_open ON batch (next_at) WHERE state <> 'ended';
CREATE INDEX batch_ended ON batch (ended_at) WHERE state = 'ended';

-- One request of a batch: ready until it is in one, then out until its result is
-- settled. Its job is queued for the reason batch, under the same token.
CREATE TABLE batch_item (
  seq       INTEGER PRIMARY KEY,
  job       INTEGER NOT NULL REFERENCES job (seq),
  token     INTEGER NOT NULL,
  batch     INTEGER REFERENCES batch (seq),
  state     TEXT    NOT NULL CHECK (state IN ('ready', 'out', 'done')),
  call      TEXT    NOT NULL,
  model     TEXT    NOT NULL,
  attempt   INTEGER NOT NULL,
  bytes     INTEGER NOT NULL,               -- of its parameters
  plan      TEXT    NOT NULL,               -- JSON: its deliveries and notes
  parked_at INTEGER NOT NULL,

  CHECK ((state = 'ready') = (batch IS NULL))
) STRICT;
CREATE INDEX batch_item_job ON batch_item (job);
CREATE INDEX batch_item_batch ON batch_item (batch, state) WHERE batch IS NOT NULL;
CREATE INDEX batch_item_ready ON batch_item (model, state, seq, bytes, parked_at) WHERE state = 'ready';

-- The parameters of a request until it is settled, apart, so that the steps of
-- thousands of requests do not write them again.
CREATE TABLE batch_params (
  item INTEGER PRIMARY KEY REFERENCES batch_item (seq) ON DELETE CASCADE,
  data BLOB    NOT NULL
) STRICT;

CREATE TABLE result (
  job         INTEGER PRIMARY KEY REFERENCES job (seq),
  text        TEXT    NOT NULL,
  json        BLOB,
  model       TEXT    NOT NULL,
  stop_reason TEXT    NOT NULL,
  usage       TEXT    NOT NULL,
  cost        INTEGER,
  request_id  TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  notes       TEXT    NOT NULL              -- JSON array of strings
) STRICT;

CREATE TABLE delivery (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL UNIQUE,
  job         INTEGER NOT NULL REFERENCES job (seq),
  target      TEXT    NOT NULL,
  place       INTEGER NOT NULL,             -- in the hook's deliver list
  spec        BLOB,
  serial_key  TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'dead')),
  attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  round       INTEGER NOT NULL DEFAULT 0,
  last_error  TEXT    NOT NULL DEFAULT '',
  next_at     INTEGER NOT NULL,             -- of a pending one: when it is due
  token       INTEGER NOT NULL DEFAULT 0,
  worker      TEXT    NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,   -- 0: nobody carries it out now
  url         TEXT    NOT NULL DEFAULT '',
  updated_at  INTEGER NOT NULL,

  CHECK ((state = 'pending') = (next_at > 0)),
  CHECK (lease_until = 0 OR state = 'pending')
) STRICT;
CREATE INDEX delivery_job ON delivery (job);
CREATE INDEX delivery_due ON delivery (next_at) WHERE state = 'pending' AND lease_until = 0;
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE lease_until > 0;
CREATE INDEX delivery_serial ON delivery (serial_key) WHERE state = 'pending' AND serial_key <> '';

CREATE TABLE anchor (
  key         TEXT    PRIMARY KEY,
  external_id TEXT    NOT NULL,
  url         TEXT    NOT NULL,
  job         TEXT    NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX anchor_updated ON anchor (updated_at);

CREATE TABLE lane (
  name       TEXT    PRIMARY KEY,
  paused     INTEGER NOT NULL CHECK (paused IN (0, 1)),
  reason     TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  until      INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  state      BLOB                           -- the governor's
) STRICT, WITHOUT ROWID;

-- The calls of one UTC day, summed.
CREATE TABLE cost (
  day            TEXT    NOT NULL,
  hook           TEXT    NOT NULL,
  model          TEXT    NOT NULL,
  calls          INTEGER NOT NULL,
  unpriced       INTEGER NOT NULL,
  unknown_ends   INTEGER NOT NULL,
  input          INTEGER NOT NULL,
  cache_write_5m INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL,
  cache_read     INTEGER NOT NULL,
  output         INTEGER NOT NULL,
  thinking       INTEGER NOT NULL,
  cost           INTEGER NOT NULL,
  estimated      INTEGER NOT NULL,          -- the most that calls may have cost whose cost is not known
  batched        INTEGER NOT NULL,          -- of calls: those in batches
  batch_saved    INTEGER NOT NULL,          -- what they cost less for that
  cache_saved    INTEGER NOT NULL,          -- what the prompt cache saved, at live prices
  PRIMARY KEY (day, hook, model)
) STRICT, WITHOUT ROWID;

-- The same by tenant, for those who have one.
CREATE TABLE spend (
  day       TEXT    NOT NULL,
  hook      TEXT    NOT NULL,
  tenant    TEXT    NOT NULL CHECK (tenant <> ''),
  calls     INTEGER NOT NULL,
  unpriced  INTEGER NOT NULL,
  cost      INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  PRIMARY KEY (day, hook, tenant)
) STRICT, WITHOUT ROWID;

-- What was not called for, by the day on which that came about.
CREATE TABLE thrift (
  day        TEXT    NOT NULL,
  hook       TEXT    NOT NULL,
  answered   INTEGER NOT NULL,              -- jobs that succeeded with a call of their own
  superseded INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  reused     INTEGER NOT NULL,              -- jobs that have the answer of another
  saved      INTEGER NOT NULL,              -- what those answers cost
  PRIMARY KEY (day, hook)
) STRICT, WITHOUT ROWID;

-- Whose answer a request with this digest has, or will have.
CREATE TABLE reuse (
  key   BLOB    PRIMARY KEY,
  job   INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reuse_until ON reuse (until);

-- What is reserved by the jobs whose call is under way, summed.
CREATE TABLE purse (
  hook     TEXT    NOT NULL,
  tenant   TEXT    NOT NULL,
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  PRIMARY KEY (hook, tenant)
) STRICT, WITHOUT ROWID;

-- Whose ready jobs wait for money.
CREATE TABLE hold (
  hook   TEXT    NOT NULL,
  lane   TEXT    NOT NULL,
  tenant TEXT    NOT NULL,
  until  INTEGER NOT NULL,                  -- 0: not long
  PRIMARY KEY (hook, lane, tenant)
) STRICT, WITHOUT ROWID;

-- Verdicts of the receiver, many to a row: see verdict.go. seq is the id of
-- the last one in it.
CREATE TABLE verdict (
  seq  INTEGER PRIMARY KEY,
  n    INTEGER NOT NULL CHECK (n > 0),
  data BLOB    NOT NULL
) STRICT;

-- What would be slow to count, kept by every transaction, and the highest
-- sequence numbers ever given, so that none is given twice.
CREATE TABLE tally (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  event_seq   INTEGER NOT NULL,
  job_seq     INTEGER NOT NULL,
  queued      INTEGER NOT NULL CHECK (queued >= 0),
  running     INTEGER NOT NULL CHECK (running >= 0),
  succeeded   INTEGER NOT NULL CHECK (succeeded >= 0),
  dead        INTEGER NOT NULL CHECK (dead >= 0),
  cancelled   INTEGER NOT NULL CHECK (cancelled >= 0),
  superseded  INTEGER NOT NULL CHECK (superseded >= 0),
  pending     INTEGER NOT NULL CHECK (pending >= 0),
  done        INTEGER NOT NULL CHECK (done >= 0),
  undelivered INTEGER NOT NULL CHECK (undelivered >= 0),
  event_bytes INTEGER NOT NULL CHECK (event_bytes >= 0),
  dedupe_keys INTEGER NOT NULL CHECK (dedupe_keys >= 0)
) STRICT;
INSERT INTO tally VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

-- A job as lists show it, with what its event and its lane add.
CREATE VIEW job_view AS
SELECT j.seq, j.id, e.id AS event_id, j.hook, j.state, j.reason,
       CASE j.reason WHEN 'batch' THEN coalesce((SELECT b.expected_at FROM batch_item AS i JOIN batch AS b ON b.seq = i.batch
                                                 WHERE i.job = j.seq AND i.state = 'out'), 0)
                     ELSE j.due_at END AS due_at,
       j.lane, j.model, j.chosen,
       j.priority, j.attempts, e.subject, e.type, j.created_at, j.queued_at, j.updated_at, j.finished_at,
       j.rerun_of, j.superseded_by, j.coalesced, j.last_error, j.cost,
       coalesce(l.paused, 0) AS lane_paused, coalesce(l.reason, '') AS lane_reason, coalesce(l.until, 0) AS lane_until,
       e.delivery_id, j.event, j.tenant, j.note, h.until IS NOT NULL AS held, coalesce(h.until, 0) AS held_until,
       j.reused_from
FROM job AS j
JOIN event AS e ON e.seq = j.event
LEFT JOIN lane AS l ON l.name = j.lane
LEFT JOIN hold AS h ON h.hook = j.hook AND h.lane = j.lane AND h.tenant = j.tenant;
