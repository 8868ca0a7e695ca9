-- What the watch keeps: windows of every flow, how shops usually trade, and how far it has read.

CREATE TABLE IF NOT EXISTS watch_mark (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One window of one flow: `route/<name>` counts deliveries, `source/<name>` what was accepted. Times
-- are microseconds UTC; span is its length. b0, b1 ... count ends by their age; see `buckets.py`.
CREATE TABLE IF NOT EXISTS watch_flow (
  span    INTEGER NOT NULL,
  flow    TEXT    NOT NULL,
  start   INTEGER NOT NULL,
  ok      INTEGER NOT NULL,
  failed  INTEGER NOT NULL,
  dead    INTEGER NOT NULL,
  last_ok INTEGER NOT NULL,
  :columns,
  PRIMARY KEY (span, flow, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS watch_money (
  span         INTEGER NOT NULL,
  flow         TEXT    NOT NULL,
  start        INTEGER NOT NULL,
  currency     TEXT    NOT NULL,
  amount_minor INTEGER NOT NULL, -- without signs
  PRIMARY KEY (span, flow, start, currency)
) STRICT, WITHOUT ROWID;

-- How a shop trades in one hour of the week of its own zone (0 is Monday, midnight).
CREATE TABLE IF NOT EXISTS watch_shop_hour (
  store   TEXT    NOT NULL,
  slot    INTEGER NOT NULL,
  weeks   INTEGER NOT NULL, -- in how many weeks it sent something then
  week    INTEGER NOT NULL, -- the last of them, counted from 1970
  longest INTEGER NOT NULL, -- its longest silence while trading, microseconds
  PRIMARY KEY (store, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS watch_shop (
  store    TEXT PRIMARY KEY,
  system   TEXT    NOT NULL,
  last_at  INTEGER NOT NULL,
  opened   INTEGER NOT NULL, -- since when it trades without a night between
  longest  INTEGER NOT NULL, -- its longest silence since then
  messages INTEGER NOT NULL, -- since then
  closed   INTEGER NOT NULL  -- the last thing it sent was its end of day
) STRICT, WITHOUT ROWID;

-- What the hub did not watch: from, to. Time in it counts as not up.
CREATE TABLE IF NOT EXISTS watch_outage (
  began INTEGER PRIMARY KEY,
  ended INTEGER NOT NULL
) STRICT;
