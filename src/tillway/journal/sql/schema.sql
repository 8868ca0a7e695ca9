-- The journal and its ledger. Only the writer thread changes anything here.

CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version SELECT 5 WHERE NOT EXISTS (SELECT 1 FROM schema_version);

-- Every accepted message, once per natural key. Append only.
CREATE TABLE IF NOT EXISTS message (
  position        INTEGER PRIMARY KEY,
  key_digest      BLOB    NOT NULL,
  record_hash     BLOB    NOT NULL,
  content_hash    BLOB    NOT NULL,
  message_id      TEXT    NOT NULL,
  message_type    TEXT    NOT NULL,
  schema_version  INTEGER NOT NULL,
  system          TEXT    NOT NULL,
  door            TEXT    NOT NULL,
  natural_key     TEXT    NOT NULL,
  lane_key        TEXT    NOT NULL,
  received_at     INTEGER NOT NULL,
  trace_id        TEXT    NOT NULL,
  release         TEXT    NOT NULL,
  store           TEXT    NOT NULL,
  workstation     TEXT    NOT NULL,
  business_date   TEXT    NOT NULL,
  sequence_number INTEGER,
  register_epoch  INTEGER NOT NULL, -- which run of the counter the number belongs to
  receipt_number  TEXT    NOT NULL,
  object_id       TEXT    NOT NULL, -- the vendor's name beside a number, '' otherwise
  revision        INTEGER,
  object_digest   BLOB,    -- shared by all revisions of an object
  occurred_at     TEXT    NOT NULL,
  currency        TEXT    NOT NULL,
  amount_minor    INTEGER,
  training        INTEGER NOT NULL,
  clean           INTEGER NOT NULL,
  superseded_by   INTEGER  -- the higher revision that was stored before this one came
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS message_key ON message (key_digest);
-- Ids are given in order of time, so this one grows at its end.
CREATE INDEX IF NOT EXISTS message_name ON message (message_id);
-- What the next six hold is seldom: a receipt of a register stands in none of them.
CREATE INDEX IF NOT EXISTS message_object ON message (object_digest, revision)
  WHERE object_digest IS NOT NULL;
CREATE INDEX IF NOT EXISTS message_natural_key ON message (natural_key)
  WHERE sequence_number IS NULL;
CREATE INDEX IF NOT EXISTS message_odd_key ON message (natural_key)
  WHERE sequence_number IS NOT NULL AND workstation = '';
CREATE INDEX IF NOT EXISTS message_run
  ON message (store, business_date, workstation, register_epoch, sequence_number)
  WHERE register_epoch > 0;
CREATE INDEX IF NOT EXISTS message_object_id ON message (object_id) WHERE object_id <> '';
CREATE INDEX IF NOT EXISTS message_hint ON message (system, position)
  WHERE message_type = 'source.hint';
CREATE INDEX IF NOT EXISTS message_receipt ON message (receipt_number) WHERE receipt_number <> '';
CREATE INDEX IF NOT EXISTS message_sequence
  ON message (store, business_date, workstation, sequence_number) WHERE workstation <> '';

-- What was sent and what it became, apart so that headers can be read without payloads.
CREATE TABLE IF NOT EXISTS payload (
  position      INTEGER PRIMARY KEY,
  raw           BLOB    NOT NULL,
  canonical     BLOB    NOT NULL,
  findings      TEXT    NOT NULL,
  raw_rewritten INTEGER NOT NULL
) STRICT;

-- Shared text of a kind of payload; makes each stored payload several times smaller.
CREATE TABLE IF NOT EXISTS dictionary (
  dictionary_id INTEGER PRIMARY KEY,
  kind          TEXT NOT NULL UNIQUE,
  content       BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS duplicate (
  duplicate_id INTEGER PRIMARY KEY,
  position     INTEGER NOT NULL,
  received_at  INTEGER NOT NULL,
  door         TEXT    NOT NULL,
  message_type TEXT    NOT NULL,
  currency     TEXT    NOT NULL,
  amount_minor INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS duplicate_position ON duplicate (position);

-- Quarantined and conflicting copies; outside the key index, so that a corrected one is accepted.
CREATE TABLE IF NOT EXISTS invalid (
  invalid_id     INTEGER PRIMARY KEY,
  outcome        TEXT    NOT NULL,
  record_hash    BLOB    NOT NULL,
  key_digest     BLOB    NOT NULL,
  door           TEXT    NOT NULL,
  system         TEXT    NOT NULL,
  message_type   TEXT    NOT NULL,
  natural_key    TEXT    NOT NULL,
  store          TEXT    NOT NULL,
  currency       TEXT    NOT NULL,
  amount_minor   INTEGER,
  received_at    INTEGER NOT NULL,
  code           TEXT    NOT NULL,
  violations     TEXT    NOT NULL,
  raw            BLOB    NOT NULL,
  first_position INTEGER NOT NULL,
  repeats        INTEGER NOT NULL DEFAULT 0,
  closed_by      INTEGER NOT NULL DEFAULT 0,
  release        TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS invalid_record ON invalid (outcome, system, record_hash);
CREATE INDEX IF NOT EXISTS invalid_key ON invalid (natural_key);
CREATE INDEX IF NOT EXISTS invalid_conflict ON invalid (first_position)
  WHERE closed_by = 0 AND first_position > 0;
CREATE INDEX IF NOT EXISTS invalid_open ON invalid (key_digest)
  WHERE closed_by = 0 AND outcome = 'quarantined' AND key_digest <> x'';
CREATE INDEX IF NOT EXISTS invalid_unanswered ON invalid (invalid_id) WHERE closed_by = 0;

-- The books, kept while writing and compared with the rows by `tillway verify`.
CREATE TABLE IF NOT EXISTS total (
  book         TEXT    NOT NULL, -- received (by door), outcome, filtered/<route>,
                               -- settled/<route> (by state), or retired
  grp          TEXT    NOT NULL,
  message_type TEXT    NOT NULL,
  currency     TEXT    NOT NULL,
  count        INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  unknown      INTEGER NOT NULL,
  PRIMARY KEY (book, grp, message_type, currency)
) STRICT, WITHOUT ROWID;

-- What the messages of a whole block add up to; see `sqlite_summary.py`. Derived, written once.
CREATE TABLE IF NOT EXISTS summary (
  size           INTEGER NOT NULL, -- positions of the block; its first is size * block + 1
  block          INTEGER NOT NULL,
  store          TEXT    NOT NULL,
  message_type   TEXT    NOT NULL,
  currency       TEXT    NOT NULL,
  superseded     INTEGER NOT NULL,
  count          INTEGER NOT NULL,
  amount_minor   INTEGER NOT NULL,
  absolute_minor INTEGER NOT NULL,
  unknown        INTEGER NOT NULL,
  oldest_at      INTEGER NOT NULL,
  PRIMARY KEY (size, block, store, message_type, currency, superseded)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS store_seen (
  system   TEXT    NOT NULL,
  store    TEXT    NOT NULL,
  last_at  INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  PRIMARY KEY (system, store)
) STRICT, WITHOUT ROWID;

-- Delivery: a cursor per route, and a row for every message that was settled or is held.
CREATE TABLE IF NOT EXISTS route (
  route_id INTEGER PRIMARY KEY,
  name     TEXT    NOT NULL UNIQUE,
  start    INTEGER NOT NULL,
  position INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS delivery (
  route_id         INTEGER NOT NULL,
  position         INTEGER NOT NULL,
  state            TEXT    NOT NULL,
  lane             TEXT    NOT NULL,
  attempts         INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  reason           TEXT    NOT NULL,
  next_at          INTEGER NOT NULL,
  first_at         INTEGER NOT NULL,
  target_reference TEXT    NOT NULL,
  code             TEXT    NOT NULL,
  detail           TEXT    NOT NULL,
  release          TEXT    NOT NULL,
  replayed         INTEGER NOT NULL,
  PRIMARY KEY (route_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_open ON delivery (route_id, position)
  WHERE state IN ('sending', 'held', 'in_doubt');
CREATE INDEX IF NOT EXISTS delivery_dead ON delivery (route_id, position) WHERE state = 'dead';
CREATE TABLE IF NOT EXISTS attempt (
  attempt_id INTEGER PRIMARY KEY,
  route      TEXT    NOT NULL,
  position   INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  outcome    TEXT    NOT NULL,
  code       TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  kind       TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS attempt_position ON attempt (position);

CREATE TABLE IF NOT EXISTS target_state (
  target        TEXT PRIMARY KEY,
  state         TEXT    NOT NULL,
  since         INTEGER NOT NULL,
  failures      INTEGER NOT NULL,
  next_probe_at INTEGER NOT NULL,
  code          TEXT    NOT NULL,
  detail        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS source_state (
  source TEXT NOT NULL,
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;
-- What people did; see `chain.py`. Append only, numbers without a hole.
CREATE TABLE IF NOT EXISTS action (
  action_id INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  who       TEXT    NOT NULL,
  verb      TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  reason    TEXT    NOT NULL,
  link      BLOB    NOT NULL
) STRICT;

-- Tables that other rooms keep in this file, each with its own version.
CREATE TABLE IF NOT EXISTS projection (
  name    TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Each time this journal was put back from a backup: from then on, what it holds as not delivered
-- may be at the target all the same.
CREATE TABLE IF NOT EXISTS restored (
  restored_id          INTEGER PRIMARY KEY,
  restored_at          INTEGER NOT NULL,
  position             INTEGER NOT NULL, -- the newest message the backup held
  taken_at             INTEGER NOT NULL,
  origin               TEXT    NOT NULL,
  who                  TEXT    NOT NULL,
  reason               TEXT    NOT NULL,
  acknowledged_at      INTEGER NOT NULL,
  acknowledged_by      TEXT    NOT NULL,
  acknowledged_because TEXT    NOT NULL
) STRICT;
