-- What reconciliation keeps beside the journal. Derived rows can be derived again; what people
-- decided (approvals, overrides, reasons) stands in `recon_day` and `recon_finding` alone.

-- Up to where the journal was read: messages by position, kept copies by their number.
CREATE TABLE IF NOT EXISTS recon_cursor (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS recon_day (
  day_id        INTEGER PRIMARY KEY,
  store         TEXT    NOT NULL,
  business_date TEXT    NOT NULL,
  state         TEXT    NOT NULL,
  record        BLOB    NOT NULL, -- `StoreDay`
  book          BLOB    NOT NULL  -- `DayBook` up to its own position
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS recon_day_place ON recon_day (business_date, store);
-- Covers lists and the matrix: a month of 600 shops is read without touching a book.
CREATE INDEX IF NOT EXISTS recon_day_listed ON recon_day (business_date, store, state, record);
CREATE INDEX IF NOT EXISTS recon_day_store ON recon_day (store, business_date);
CREATE INDEX IF NOT EXISTS recon_day_open ON recon_day (state) WHERE state <> 'posted';

-- One row for each message of a day: what its book is made of.
CREATE TABLE IF NOT EXISTS recon_fact (
  day_id   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  fact     BLOB    NOT NULL, -- `Fact`
  PRIMARY KEY (day_id, position)
) STRICT, WITHOUT ROWID;

-- Where the newest revision of an object counts, so that an older one can be taken out.
CREATE TABLE IF NOT EXISTS recon_object (
  object_digest BLOB PRIMARY KEY,
  day_id        INTEGER NOT NULL,
  position      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- First and last number of a register on a day: joins the days of a counter that never resets.
CREATE TABLE IF NOT EXISTS recon_register (
  system        TEXT    NOT NULL,
  store         TEXT    NOT NULL,
  workstation   TEXT    NOT NULL,
  epoch         INTEGER NOT NULL,
  business_date TEXT    NOT NULL,
  first         INTEGER NOT NULL,
  last          INTEGER NOT NULL,
  PRIMARY KEY (store, business_date, workstation, epoch)
) STRICT, WITHOUT ROWID;

-- How far the clock of a till is off the hub's; see `till_clocks.py`.
CREATE TABLE IF NOT EXISTS recon_clock (
  store           TEXT    NOT NULL,
  workstation     TEXT    NOT NULL,
  since           INTEGER NOT NULL,
  last_at         INTEGER NOT NULL,
  nearest_seconds INTEGER NOT NULL,
  offset_seconds  INTEGER NOT NULL,
  PRIMARY KEY (store, workstation)
) STRICT, WITHOUT ROWID;

-- What the rules found. One row for each identity; it is closed and opened again, never doubled.
CREATE TABLE IF NOT EXISTS recon_finding (
  finding_id    INTEGER PRIMARY KEY,
  rule          TEXT    NOT NULL,
  store         TEXT    NOT NULL,
  business_date TEXT    NOT NULL,
  subject       TEXT    NOT NULL,
  severity      TEXT    NOT NULL,
  state         TEXT    NOT NULL, -- open, gone, overridden
  owner         TEXT    NOT NULL,
  currency      TEXT    NOT NULL,
  expected      TEXT    NOT NULL,
  found         TEXT    NOT NULL,
  difference    TEXT    NOT NULL,
  detail        TEXT    NOT NULL,
  position      INTEGER NOT NULL,
  first_seen    INTEGER NOT NULL,
  changed_at    INTEGER NOT NULL,
  decided_by    TEXT    NOT NULL,
  decided_at    INTEGER NOT NULL,
  reason        TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS recon_finding_identity
  ON recon_finding (store, business_date, rule, subject);
CREATE INDEX IF NOT EXISTS recon_finding_open ON recon_finding (state, rule)
  WHERE state = 'open';

-- The life of each day: who or what moved it, and why.
CREATE TABLE IF NOT EXISTS recon_move (
  move_id  INTEGER PRIMARY KEY,
  day_id   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  state    TEXT    NOT NULL,
  revision INTEGER NOT NULL,
  who      TEXT    NOT NULL,
  why      TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS recon_move_day ON recon_move (day_id, move_id);

-- What the ERP was asked to book: first here, then a message of the journal, then confirmed.
CREATE TABLE IF NOT EXISTS recon_posting (
  erp             TEXT    NOT NULL,
  posting_key     TEXT    NOT NULL,
  day_id          INTEGER NOT NULL,
  revision        INTEGER NOT NULL,
  posting_type    TEXT    NOT NULL,
  currency        TEXT    NOT NULL,
  amount          TEXT    NOT NULL,
  body            BLOB    NOT NULL, -- canonical `posting.requested`
  state           TEXT    NOT NULL, -- wanted, said, confirmed
  asked_at        INTEGER NOT NULL,
  position        INTEGER NOT NULL DEFAULT 0,
  document_number TEXT    NOT NULL DEFAULT '',
  confirmed_at    INTEGER NOT NULL DEFAULT 0,
  trouble         TEXT    NOT NULL DEFAULT '', -- why the ERP refused it, '' when it did not
  PRIMARY KEY (erp, posting_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recon_posting_day ON recon_posting (day_id, revision);
CREATE INDEX IF NOT EXISTS recon_posting_open ON recon_posting (state, position)
  WHERE state <> 'confirmed';

-- Money expected or seen in another system, until its counterpart is found: a tender and the entry
-- of a payout, payouts or deposits and the lines of a bank statement.
CREATE TABLE IF NOT EXISTS recon_item (
  item_id         INTEGER PRIMARY KEY,
  kind            TEXT    NOT NULL, -- tender, entry, payout, deposit, credit
  party           TEXT    NOT NULL, -- processor or bank
  reference       TEXT    NOT NULL,
  other_reference TEXT    NOT NULL,
  store           TEXT    NOT NULL,
  business_date   TEXT    NOT NULL,
  currency        TEXT    NOT NULL,
  amount          TEXT    NOT NULL, -- rounded to the minor unit of the currency
  position        INTEGER NOT NULL,
  due             TEXT    NOT NULL, -- date by which the counterpart must be there, '' for never
  match_id        INTEGER NOT NULL, -- its counterpart, or its group at the bank; 0 for none
  origin          TEXT    NOT NULL, -- the object it comes from, where that may be revised
  flawed          INTEGER NOT NULL  -- a payout whose entries do not make up what it pays
) STRICT;
CREATE INDEX IF NOT EXISTS recon_item_open ON recon_item (reference, kind) WHERE match_id = 0;
CREATE INDEX IF NOT EXISTS recon_item_other ON recon_item (other_reference, kind)
  WHERE match_id = 0 AND other_reference <> '';
CREATE INDEX IF NOT EXISTS recon_item_due ON recon_item (due, item_id)
  WHERE match_id = 0 AND due <> '';
CREATE INDEX IF NOT EXISTS recon_item_origin ON recon_item (origin) WHERE origin <> '';
CREATE INDEX IF NOT EXISTS recon_item_bank ON recon_item (reference)
  WHERE kind IN ('payout', 'deposit');
CREATE INDEX IF NOT EXISTS recon_item_bank_other ON recon_item (other_reference)
  WHERE kind IN ('payout', 'deposit') AND other_reference <> '';
CREATE INDEX IF NOT EXISTS recon_item_group ON recon_item (match_id)
  WHERE kind IN ('payout', 'deposit', 'credit') AND match_id <> 0;
CREATE INDEX IF NOT EXISTS recon_item_amount ON recon_item (currency, amount)
  WHERE kind IN ('payout', 'deposit', 'credit') AND match_id = 0;

-- What may be a reference on the lines of bank statements.
CREATE TABLE IF NOT EXISTS recon_word (
  word    TEXT    NOT NULL,
  item_id INTEGER NOT NULL,
  PRIMARY KEY (word, item_id)
) STRICT, WITHOUT ROWID;

-- Other names of a payment: its intent, the payment it captures, the order or receipt it pays.
CREATE TABLE IF NOT EXISTS recon_link (
  psp_reference TEXT NOT NULL,
  name          TEXT NOT NULL,
  PRIMARY KEY (psp_reference, name)
) STRICT, WITHOUT ROWID;

-- Statements of the bank's accounts: where each began and ended.
CREATE TABLE IF NOT EXISTS recon_statement (
  system       TEXT    NOT NULL,
  account      TEXT    NOT NULL,
  currency     TEXT    NOT NULL,
  statement_id TEXT    NOT NULL,
  closed_on    TEXT    NOT NULL,
  opening      TEXT    NOT NULL,
  closing      TEXT    NOT NULL,
  position     INTEGER NOT NULL, -- of its line that came first
  PRIMARY KEY (system, account, currency, statement_id)
) STRICT, WITHOUT ROWID;

-- What the ERP says it holds.
CREATE TABLE IF NOT EXISTS recon_reported (
  erp             TEXT    NOT NULL,
  document_number TEXT    NOT NULL,
  posting_key     TEXT    NOT NULL, -- of the posting it is, or that it cancels by hand
  store           TEXT    NOT NULL,
  business_date   TEXT    NOT NULL,
  currency        TEXT    NOT NULL,
  amount          TEXT    NOT NULL,
  position        INTEGER NOT NULL,
  cancels         INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (erp, document_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recon_reported_key ON recon_reported (erp, posting_key);

-- Confirmed postings that the ERP has not reported yet; told: it is a finding already.
CREATE TABLE IF NOT EXISTS recon_unreported (
  erp          TEXT    NOT NULL,
  posting_key  TEXT    NOT NULL,
  confirmed_at INTEGER NOT NULL,
  told         INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (erp, posting_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS recon_unreported_due ON recon_unreported (confirmed_at) WHERE told = 0;
