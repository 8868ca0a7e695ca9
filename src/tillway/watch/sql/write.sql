-- name: mark
INSERT INTO watch_mark (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: flow
INSERT INTO watch_flow (span, flow, start, ok, failed, dead, last_ok, :names)
VALUES (?, ?, ?, ?, ?, ?, ?, :holders)
ON CONFLICT (span, flow, start) DO UPDATE SET ok = ok + excluded.ok,
  failed = failed + excluded.failed, dead = dead + excluded.dead,
  last_ok = max(last_ok, excluded.last_ok), :added

-- name: money
INSERT INTO watch_money (span, flow, start, currency, amount_minor) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (span, flow, start, currency) DO UPDATE
SET amount_minor = amount_minor + excluded.amount_minor

-- name: shop
INSERT OR REPLACE INTO watch_shop (store, system, last_at, opened, longest, messages, closed)
VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: shop_hour
INSERT INTO watch_shop_hour (store, slot, weeks, week, longest) VALUES (?1, ?2, 1, ?3, ?4)
ON CONFLICT (store, slot) DO UPDATE SET
  weeks = weeks + (week < ?3),
  longest = CASE WHEN week < ?3 THEN max(?4, longest * 3 / 4) ELSE max(longest, ?4) END,
  week = max(week, ?3)

-- name: outage
INSERT OR REPLACE INTO watch_outage (began, ended) VALUES (?, ?)

-- name: prune_flow
DELETE FROM watch_flow WHERE span = ? AND start < ?

-- name: prune_money
DELETE FROM watch_money WHERE span = ? AND start < ?

-- name: prune_outages
DELETE FROM watch_outage WHERE ended < ?

-- name: forget
DELETE FROM watch_mark WHERE name = ?
