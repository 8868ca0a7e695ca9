-- name: marks
SELECT name, value FROM watch_mark

-- name: windows
SELECT flow, start, ok, failed, dead, last_ok, :names FROM watch_flow
WHERE span = ?1 AND start >= ?2 AND start < ?3 AND (?4 = '' OR flow = ?4) ORDER BY flow, start

-- name: sums
SELECT flow, sum(ok), sum(failed), sum(dead), max(last_ok), :sums FROM watch_flow
WHERE span = ?1 AND start >= ?2 AND start < ?3 GROUP BY flow

-- name: money
SELECT flow, currency, sum(amount_minor) FROM watch_money
WHERE span = ?1 AND start >= ?2 AND start < ?3 GROUP BY flow, currency

-- name: shops
SELECT store, system, last_at, opened, longest, messages, closed FROM watch_shop

-- name: shop_hours
SELECT store, weeks, longest FROM watch_shop_hour WHERE slot = ? AND week >= ?

-- name: outages
SELECT began, ended FROM watch_outage WHERE ended > ? AND began < ? ORDER BY began

-- name: is_kept
SELECT count(*) FROM sqlite_master WHERE name = 'watch_flow'

-- name: sizes
SELECT name, value FROM watch_mark WHERE substr(name, 1, 6) = 'bytes/'
