-- name: newest
SELECT coalesce(max(position), 0) FROM message

-- name: last_settled
SELECT coalesce(max(position), 0) FROM delivery WHERE route_id = ?

-- name: add_messages
INSERT INTO summary (size, block, store, message_type, currency, superseded, count, amount_minor,
  absolute_minor, unknown, oldest_at)
SELECT ?1, ?2, store, message_type, currency, superseded_by IS NOT NULL, count(*),
  coalesce(sum(amount_minor), 0), coalesce(sum(abs(amount_minor)), 0), sum(amount_minor IS NULL),
  min(received_at)
FROM message WHERE position > ?1 * ?2 AND position <= ?1 * (?2 + 1)
GROUP BY store, message_type, currency, superseded_by IS NOT NULL

-- name: add_blocks
INSERT INTO summary (size, block, store, message_type, currency, superseded, count, amount_minor,
  absolute_minor, unknown, oldest_at)
SELECT ?1, ?2, store, message_type, currency, superseded, sum(count), sum(amount_minor),
  sum(absolute_minor), sum(unknown), min(oldest_at)
FROM summary WHERE size = ?3 AND block >= ?4 AND block < ?4 + ?5
GROUP BY store, message_type, currency, superseded

-- name: blocks
SELECT store, message_type, currency, superseded, sum(count), sum(amount_minor),
  sum(absolute_minor), sum(unknown), min(oldest_at)
FROM summary WHERE size = ?1 AND block >= ?2 AND block < ?3
GROUP BY store, message_type, currency, superseded

-- name: messages
SELECT store, message_type, currency, superseded_by IS NOT NULL, count(*),
  coalesce(sum(amount_minor), 0), coalesce(sum(abs(amount_minor)), 0), sum(amount_minor IS NULL),
  min(received_at)
FROM message WHERE position > ?1 AND position <= ?2 AND NOT EXISTS
  (SELECT 1 FROM delivery WHERE route_id = ?3 AND delivery.position = message.position)
GROUP BY store, message_type, currency, superseded_by IS NOT NULL

-- name: check_summary
-- Each side as whole rows: a block with one wrong figure stands on the left twice, on the right not
-- at all.
WITH told AS (
  SELECT :size AS size, (position - 1) / :size AS block, store, message_type, currency,
    superseded_by IS NOT NULL AS superseded, count(*) AS count,
    coalesce(sum(amount_minor), 0) AS amount_minor,
    coalesce(sum(abs(amount_minor)), 0) AS absolute_minor, sum(amount_minor IS NULL) AS unknown,
    min(received_at) AS oldest_at
  FROM message WHERE position <= (SELECT max(position) / :size * :size FROM message)
  GROUP BY (position - 1) / :size, store, message_type, currency, superseded_by IS NOT NULL
), kept AS (
  SELECT size, block, store, message_type, currency, superseded, count, amount_minor,
    absolute_minor, unknown, oldest_at FROM summary WHERE size = :size
)
SELECT 'told', message_type, currency, sum(count), sum(amount_minor), sum(unknown)
FROM (SELECT * FROM told UNION SELECT * FROM kept) GROUP BY message_type, currency
UNION ALL
SELECT 'kept', message_type, currency, sum(count), sum(amount_minor), sum(unknown)
FROM (SELECT * FROM told INTERSECT SELECT * FROM kept) GROUP BY message_type, currency
ORDER BY 1, 2, 3
