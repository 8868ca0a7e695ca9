-- name: window
SELECT :columns, payload.canonical FROM message JOIN payload USING (position)
WHERE position > ? ORDER BY position LIMIT ?

-- name: load
SELECT :columns, payload.canonical FROM message JOIN payload USING (position)
WHERE position IN (SELECT value FROM json_each(?)) AND canonical <> x'00' ORDER BY position

-- name: hints
SELECT :columns, payload.canonical FROM message JOIN payload USING (position)
WHERE message_type = 'source.hint' AND system = ? AND position > ? ORDER BY position LIMIT ?

-- name: last_position
SELECT coalesce(max(position), 0) FROM message

-- name: open_deliveries
SELECT :deliveries
FROM route CROSS JOIN delivery INDEXED BY delivery_open ON delivery.route_id = route.route_id
WHERE route.name = ?1 AND state IN ('sending', 'held', 'in_doubt')
UNION ALL
SELECT :deliveries
FROM route CROSS JOIN delivery INDEXED BY delivery_dead ON delivery.route_id = route.route_id
WHERE route.name = ?1 AND state = 'dead' AND reason = 'holds_lane' ORDER BY 1

-- name: delivery_rows
SELECT :deliveries FROM delivery JOIN route USING (route_id)
WHERE route.name = ? AND delivery.position IN (SELECT value FROM json_each(?))
ORDER BY delivery.position

-- name: newest_revisions
SELECT position, natural_key, object_digest, revision, (
  SELECT max(revision) FROM message AS version
  WHERE version.object_digest = message.object_digest
) FROM message
WHERE position IN (SELECT value FROM json_each(?)) AND object_digest IS NOT NULL
ORDER BY position

-- name: source_state
SELECT name, value FROM source_state WHERE source = ?

-- name: kept_totals
SELECT grp, message_type, currency, count, amount_minor, unknown FROM total
WHERE book = ? AND (count <> 0 OR amount_minor <> 0 OR unknown <> 0)
ORDER BY grp, message_type, currency

-- name: stored_totals
SELECT 'accepted', message_type, currency, count(*), coalesce(sum(amount_minor), 0),
  sum(amount_minor IS NULL) FROM message GROUP BY message_type, currency
UNION ALL
SELECT 'duplicate', message_type, currency, sum(number), sum(money), sum(unknown) FROM (
  SELECT message_type, currency, count(*) AS number, coalesce(sum(amount_minor), 0) AS money,
    sum(amount_minor IS NULL) AS unknown FROM duplicate GROUP BY message_type, currency
  UNION ALL
  SELECT message_type, currency, count, amount_minor, unknown FROM total
  WHERE book = 'retired' AND grp = 'duplicate'
) GROUP BY message_type, currency
UNION ALL
SELECT outcome, message_type, currency, sum(1 + repeats),
  coalesce(sum(amount_minor * (1 + repeats)), 0), sum((amount_minor IS NULL) * (1 + repeats))
FROM invalid GROUP BY outcome, message_type, currency
ORDER BY 1, 2, 3

-- name: routes
SELECT name FROM route ORDER BY name

-- name: route
SELECT route_id, start, position FROM route WHERE name = ?

-- name: route_accepted
SELECT 'accepted', message_type, currency, count(*), coalesce(sum(amount_minor), 0),
  sum(amount_minor IS NULL)
FROM message WHERE position > ? GROUP BY message_type, currency ORDER BY 2, 3

-- name: route_rows
SELECT state, message_type, currency, count(*), coalesce(sum(amount_minor), 0),
  sum(amount_minor IS NULL)
FROM delivery CROSS JOIN message USING (position)
WHERE route_id = ? GROUP BY state, message_type, currency ORDER BY 1, 2, 3

-- name: route_without_row
SELECT ?1, message_type, currency, count(*), coalesce(sum(amount_minor), 0),
  sum(amount_minor IS NULL)
FROM message WHERE position > ?2 AND position <= ?3 AND NOT EXISTS
  (SELECT 1 FROM delivery WHERE route_id = ?4 AND delivery.position = message.position)
GROUP BY message_type, currency ORDER BY 2, 3

-- name: waiting_rows
SELECT store, CASE state WHEN 'sending' THEN 'held' ELSE state END AS waiting_state, currency,
  message_type, count(*), sum(abs(coalesce(amount_minor, 0))), min(received_at)
FROM delivery INDEXED BY delivery_open CROSS JOIN message USING (position)
WHERE route_id = ?1 AND state IN ('sending', 'held', 'in_doubt')
GROUP BY store, waiting_state, currency, message_type
UNION ALL
SELECT store, 'dead', currency, message_type, count(*), sum(abs(coalesce(amount_minor, 0))),
  min(received_at)
FROM delivery INDEXED BY delivery_dead CROSS JOIN message USING (position)
WHERE route_id = ?1 AND state = 'dead' GROUP BY store, currency, message_type

-- name: stores_seen
SELECT system, store, last_at, accepted FROM store_seen ORDER BY system, store

-- name: target_states
SELECT target, state, since, failures, next_probe_at, code, detail FROM target_state
ORDER BY target

-- name: find_invalid
SELECT :invalid, :raw FROM invalid WHERE natural_key IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT :invalid, :raw FROM invalid WHERE invalid_id IN (SELECT value FROM json_each(?2))
  AND natural_key NOT IN (SELECT value FROM json_each(?1))
ORDER BY invalid_id LIMIT ?3

-- name: record
SELECT :columns, canonical, raw, raw_rewritten, content_hash, record_hash, findings
FROM message JOIN payload USING (position) WHERE position = ?

-- name: duplicates_of
SELECT received_at FROM duplicate WHERE position = ? ORDER BY duplicate_id

-- name: deliveries_of
SELECT route.name, :deliveries
FROM route CROSS JOIN delivery ON delivery.route_id = route.route_id
WHERE delivery.position IN (SELECT value FROM json_each(?))
ORDER BY delivery.position, route.name

-- name: attempts_of
SELECT route, position, number, started_at, ended_at, outcome, code, detail, kind
FROM attempt WHERE position = ? ORDER BY attempt_id

-- name: deliveries
SELECT route.name, :deliveries, :columns
FROM route CROSS JOIN delivery :indexed ON delivery.route_id = route.route_id
  CROSS JOIN message ON message.position = delivery.position
WHERE :kind AND state IN (SELECT value FROM json_each(?1)) AND delivery.position > ?2
  AND (?3 = '' OR route.name = ?3)

-- name: invalid
SELECT :invalid, :raw FROM invalid
WHERE invalid_id > ?1 AND (?2 = '' OR outcome = ?2) ORDER BY invalid_id LIMIT ?3

-- name: open_invalid
SELECT :invalid, :raw FROM invalid
WHERE invalid_id > ?1 AND (?2 = '' OR outcome = ?2) AND closed_by = 0
ORDER BY invalid_id LIMIT ?3

-- name: sequences
SELECT system, store, workstation, business_date, min(sequence_number), max(sequence_number),
  count(DISTINCT sequence_number), register_epoch
FROM message WHERE workstation <> '' AND sequence_number IS NOT NULL
GROUP BY system, store, workstation, register_epoch, business_date
ORDER BY 1, 2, 3, register_epoch, 4

-- name: numbers
SELECT DISTINCT sequence_number FROM message
WHERE system = ?1 AND store = ?2 AND workstation = ?3 AND business_date = ?4
  AND register_epoch = ?5 AND workstation <> '' AND sequence_number IS NOT NULL

-- name: quarantined_keys
SELECT natural_key FROM invalid WHERE system = ?1 AND natural_key >= ?2 AND natural_key < ?3

-- name: actions
SELECT at, who, verb, subject, reason FROM action ORDER BY action_id DESC LIMIT ?

-- name: newest_link
SELECT action_id, link FROM action ORDER BY action_id DESC LIMIT 1

-- name: audit_entries
SELECT action_id, at, who, verb, subject, reason, link FROM action
WHERE action_id > ? ORDER BY action_id LIMIT ?
