-- What may go: nothing that a person or a route still has to deal with. `resolved` and `closed`
-- say so of a payload and of an attempt, inside the other statements.
-- name: resolved
NOT EXISTS (
  SELECT 1 FROM route WHERE route.start < payload.position AND route.position < payload.position
) AND NOT EXISTS (
  SELECT 1 FROM route CROSS JOIN delivery USING (route_id)
  WHERE delivery.position = payload.position
    AND delivery.state IN ('sending', 'held', 'in_doubt', 'dead')
) AND NOT EXISTS (
  SELECT 1 FROM invalid WHERE invalid.first_position = payload.position
    AND invalid.first_position > 0 AND invalid.closed_by = 0
)

-- name: closed
NOT EXISTS (
  SELECT 1 FROM route CROSS JOIN delivery USING (route_id)
  WHERE route.name = attempt.route AND delivery.position = attempt.position
    AND delivery.state IN ('sending', 'held', 'in_doubt', 'dead')
)

-- name: retirable_raw
SELECT position FROM message JOIN payload USING (position)
WHERE position > ?1 AND position <= ?2 AND received_at < ?3 AND length(raw) > 1 AND :resolved
ORDER BY position LIMIT ?4

-- name: retirable_canonical
SELECT position FROM message JOIN payload USING (position)
WHERE position > ?1 AND position <= ?2 AND received_at < ?3 AND length(canonical) > 1
  AND message_type <> 'source.hint' AND :resolved
ORDER BY position LIMIT ?4

-- name: retirable_duplicates
SELECT duplicate_id FROM duplicate
WHERE duplicate_id > ?1 AND duplicate_id <= ?2 AND received_at < ?3
ORDER BY duplicate_id LIMIT ?4

-- name: retirable_attempts
SELECT attempt_id FROM attempt
WHERE attempt_id > ?1 AND attempt_id <= ?2 AND ended_at < ?3 AND :closed
ORDER BY attempt_id LIMIT ?4

-- name: retirable_copies
SELECT invalid_id FROM invalid
WHERE invalid_id > ?1 AND invalid_id <= ?2 AND received_at < ?3 AND closed_by <> 0
  AND length(raw) > 1
ORDER BY invalid_id LIMIT ?4

-- name: payloads
SELECT position, raw, canonical, findings, raw_rewritten FROM payload
WHERE position IN (SELECT value FROM json_each(?)) AND :resolved ORDER BY position

-- name: drop_payloads
DELETE FROM payload WHERE position IN (SELECT value FROM json_each(?))

-- name: put_payload
INSERT INTO payload (position, raw, canonical, findings, raw_rewritten) VALUES (?, ?, ?, ?, ?)

-- name: retire_duplicates
DELETE FROM duplicate WHERE duplicate_id IN (SELECT value FROM json_each(?))

-- name: retire_attempts
DELETE FROM attempt WHERE attempt_id IN (SELECT value FROM json_each(?)) AND :closed

-- name: retire_copies
UPDATE invalid SET raw = x'00'
WHERE invalid_id IN (SELECT value FROM json_each(?)) AND closed_by <> 0

-- name: totals_of_duplicates
SELECT message_type, currency, count(*), coalesce(sum(amount_minor), 0), sum(amount_minor IS NULL)
FROM duplicate WHERE duplicate_id IN (SELECT value FROM json_each(?))
GROUP BY message_type, currency

-- name: bytes_of_raw
SELECT count(*), coalesce(sum(length(raw)), 0) FROM message JOIN payload USING (position)
WHERE position <= ?1 AND received_at < ?2 AND length(raw) > 1 AND :resolved

-- name: bytes_of_canonical
SELECT count(*), coalesce(sum(length(canonical)), 0) FROM message JOIN payload USING (position)
WHERE position <= ?1 AND received_at < ?2 AND length(canonical) > 1
  AND message_type <> 'source.hint' AND :resolved

-- name: restored
SELECT position, restored_at, taken_at, origin, who, reason, acknowledged_at, acknowledged_by,
  acknowledged_because FROM restored ORDER BY restored_id DESC LIMIT 1

-- name: add_restored
INSERT INTO restored (position, restored_at, taken_at, origin, who, reason, acknowledged_at,
  acknowledged_by, acknowledged_because) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: doubt_what_was_held
UPDATE delivery SET state = 'sending', reason = 'restored' WHERE state = 'held'
  AND reason NOT IN ('findings', 'on_hold')

-- name: doubt_what_a_person_holds
UPDATE delivery SET attempts = max(attempts, 1) WHERE state = 'held' AND reason = 'on_hold'

-- name: acknowledge_restore
UPDATE restored SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_because = ?
WHERE acknowledged_at = 0
