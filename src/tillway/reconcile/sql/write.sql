-- name: cursor
INSERT INTO recon_cursor (name, position) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET position = excluded.position

-- name: day
INSERT INTO recon_day (day_id, store, business_date, state, record, book)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (day_id) DO UPDATE SET
  state = excluded.state, record = excluded.record, book = excluded.book

-- name: fact
INSERT OR REPLACE INTO recon_fact (day_id, position, fact) VALUES (?, ?, ?)

-- name: drop_fact
DELETE FROM recon_fact WHERE day_id = ? AND position = ?

-- name: object
INSERT INTO recon_object (object_digest, day_id, position) VALUES (?, ?, ?)
ON CONFLICT (object_digest) DO UPDATE SET day_id = excluded.day_id, position = excluded.position

-- name: register
INSERT INTO recon_register (system, store, workstation, epoch, business_date, first, last)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (store, business_date, workstation, epoch) DO UPDATE SET
  first = excluded.first, last = excluded.last

-- name: clock
INSERT OR REPLACE INTO recon_clock (store, workstation, since, last_at, nearest_seconds,
  offset_seconds)
VALUES (?, ?, ?, ?, ?, ?)

-- name: forget_clocks
DELETE FROM recon_clock WHERE last_at < ?

-- name: finding
INSERT INTO recon_finding (rule, store, business_date, subject, severity, state, owner, currency,
  expected, found, difference, detail, position, first_seen, changed_at, decided_by, decided_at,
  reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (store, business_date, rule, subject) DO UPDATE SET
  severity = excluded.severity, state = excluded.state, owner = excluded.owner,
  currency = excluded.currency, expected = excluded.expected, found = excluded.found,
  difference = excluded.difference, detail = excluded.detail, position = excluded.position,
  changed_at = excluded.changed_at, decided_by = excluded.decided_by,
  decided_at = excluded.decided_at, reason = excluded.reason

-- name: move
INSERT INTO recon_move (day_id, at, state, revision, who, why) VALUES (?, ?, ?, ?, ?, ?)

-- name: posting
INSERT OR IGNORE INTO recon_posting (erp, posting_key, day_id, revision, posting_type, currency,
  amount, body, state, asked_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'wanted', ?)

-- name: posting_said
UPDATE recon_posting SET state = 'said', position = ?
WHERE erp = ? AND posting_key = ? AND state = 'wanted'

-- name: posting_confirmed
UPDATE recon_posting SET state = 'confirmed', document_number = ?, confirmed_at = ?, trouble = ''
WHERE erp = ? AND posting_key = ?

-- name: posting_trouble
UPDATE recon_posting SET trouble = ? WHERE erp = ? AND posting_key = ?
