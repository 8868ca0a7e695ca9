-- What the watch reads of the journal itself. Each statement touches what is new, by primary key or
-- by an index the journal has anyway; none scans what was read before.

-- name: routes
SELECT name, route_id, start, position FROM route ORDER BY name

-- name: newest
SELECT (SELECT coalesce(max(position), 0) FROM message),
  (SELECT coalesce(max(attempt_id), 0) FROM attempt),
  (SELECT coalesce(max(invalid_id), 0) FROM invalid)

-- name: settled
-- Deliveries behind a route's cursor that their first call settled; the others stand in `attempt`.
SELECT delivery.updated_at / 60000000, delivery.state = 'delivered', :bucket, :duration, currency, count(*),
  coalesce(sum(abs(amount_minor)), 0), max(delivery.updated_at)
FROM delivery CROSS JOIN message ON message.position = delivery.position
WHERE delivery.route_id = ?1 AND delivery.position > ?2 AND delivery.position <= ?3
  AND delivery.state IN ('delivered', 'dead') AND replayed = 0 AND NOT EXISTS (
    SELECT 1 FROM attempt WHERE attempt.position = delivery.position AND attempt.route = ?4)
GROUP BY 1, 2, 3, 4, 5

-- name: attempts
SELECT attempt.attempt_id, attempt.route, attempt.position, attempt.ended_at, attempt.outcome,
  received_at, currency, coalesce(abs(amount_minor), 0),
  coalesce((SELECT state FROM delivery JOIN route USING (route_id)
    WHERE route.name = attempt.route AND delivery.position = attempt.position), ''),
  coalesce((SELECT before.attempt_id FROM attempt AS before WHERE before.position = attempt.position
    AND before.route = attempt.route AND before.attempt_id < attempt.attempt_id
    AND before.kind <> 'replay' ORDER BY before.attempt_id DESC LIMIT 1), 0), attempt.kind, attempt.code,
  max(0, attempt.ended_at - attempt.started_at)
FROM attempt CROSS JOIN message ON message.position = attempt.position
WHERE attempt.attempt_id > ?1 AND attempt.kind <> 'replay' ORDER BY attempt.attempt_id LIMIT ?2

-- name: attempt
SELECT ended_at, outcome FROM attempt WHERE attempt_id = ?

-- name: tried_lately
-- The latest attempt of each delivery tried since a moment, among the attempts after a number.
SELECT route, sum(outcome = 'delivered'), sum(outcome <> 'delivered'), max(ended_at)
FROM (SELECT route, position, outcome, ended_at, max(attempt_id) FROM attempt
  WHERE attempt_id > ?1 AND ended_at >= ?2 AND kind <> 'replay' GROUP BY route, position)
GROUP BY route

-- name: failing_lately
-- What lies behind them: the code, and stores and money of the messages concerned.
SELECT latest.route, latest.code, count(*), json_group_array(DISTINCT message.store),
  message.currency, coalesce(sum(abs(message.amount_minor)), 0), min(latest.ended_at),
  min(latest.position), max(latest.detail)
FROM (SELECT route, position, outcome, code, detail, ended_at, max(attempt_id) FROM attempt
  WHERE attempt_id > ?1 AND ended_at >= ?2 AND kind <> 'replay' GROUP BY route, position) AS latest
  CROSS JOIN message ON message.position = latest.position
WHERE latest.outcome <> 'delivered' GROUP BY latest.route, latest.code, message.currency

-- name: last_calls
SELECT outcome, ended_at FROM attempt WHERE attempt_id > ?1 AND route = ?2 AND kind <> 'replay'
ORDER BY attempt_id DESC LIMIT ?3

-- name: arrived
SELECT system, store, received_at / 60000000, count(*), max(received_at), min(received_at),
  coalesce(max(gap), 0), max(CASE WHEN message_type = 'business_day.closed' THEN position ELSE 0 END),
  max(position)
FROM (SELECT system, store, received_at, message_type, position,
    received_at - lag(received_at) OVER (PARTITION BY store ORDER BY position) AS gap
  FROM message WHERE position > ?1 AND position <= ?2 AND message_type <> 'source.hint')
GROUP BY system, store, received_at / 60000000

-- name: arrived_money
SELECT system, received_at / 60000000, currency, coalesce(sum(abs(amount_minor)), 0)
FROM message WHERE position > ?1 AND position <= ?2 AND amount_minor IS NOT NULL AND currency <> ''
GROUP BY 1, 2, 3

-- name: conflicts
SELECT system, count(*), json_group_array(DISTINCT store), min(received_at), min(natural_key)
FROM invalid WHERE closed_by = 0 AND outcome = 'conflict' AND received_at >= ? GROUP BY system

-- name: dead_letters
SELECT route.name, delivery.code, count(*), json_group_array(DISTINCT store), currency,
  coalesce(sum(abs(amount_minor)), 0), min(delivery.updated_at), min(natural_key)
FROM route CROSS JOIN delivery INDEXED BY delivery_dead ON delivery.route_id = route.route_id
  CROSS JOIN message ON message.position = delivery.position
WHERE delivery.state = 'dead' GROUP BY route.name, delivery.code, currency

-- name: in_doubt
SELECT route.name, count(*), json_group_array(DISTINCT store), currency,
  coalesce(sum(abs(amount_minor)), 0), min(delivery.updated_at), min(natural_key)
FROM route CROSS JOIN delivery INDEXED BY delivery_open ON delivery.route_id = route.route_id
  CROSS JOIN message ON message.position = delivery.position
WHERE delivery.state IN ('sending', 'held', 'in_doubt') AND delivery.state = 'in_doubt'
  AND delivery.first_at <= ?1 GROUP BY route.name, currency

-- name: first_failure
SELECT min(ended_at) FROM attempt
WHERE position = ? AND route = ? AND outcome <> 'delivered' AND kind <> 'replay'

-- name: worst_stores
-- What could not be delivered, by store; the first of each route is its worst.
SELECT route.name, store, count(*)
FROM route CROSS JOIN delivery INDEXED BY delivery_dead ON delivery.route_id = route.route_id
  CROSS JOIN message ON message.position = delivery.position
WHERE delivery.state = 'dead' GROUP BY route.name, store ORDER BY 1, 3 DESC, 2

-- name: traced_messages
-- Arrivals whose trace is kept: its last 16 digits are below a bound, and its sender samples it.
SELECT position, message_id, trace_id, message_type, schema_version, system, door, store,
  receipt_number, natural_key, release, received_at, clean
FROM message WHERE position > ?1 AND position <= ?2
  AND substr(trace_id, 17, 16) < ?3 AND substr(trace_id, 50) <> '-00'
  AND message_type <> 'source.hint' ORDER BY position

-- name: traced_first
-- Calls behind a route's cursor that settled a delivery at once; the others stand in `attempt`.
SELECT delivery.position, message_id, trace_id, store, receipt_number, natural_key, ?4, 1,
  first_at, updated_at, state, code, 'first', 0
FROM delivery CROSS JOIN message ON message.position = delivery.position
WHERE delivery.route_id = ?1 AND delivery.position > ?2 AND delivery.position <= ?3
  AND state IN ('delivered', 'dead') AND attempts = 1 AND NOT EXISTS (
    SELECT 1 FROM attempt WHERE attempt.position = delivery.position AND attempt.route = ?4)
  AND substr(trace_id, 17, 16) < ?5 AND substr(trace_id, 50) <> '-00'
ORDER BY delivery.position

-- name: traced_attempts
SELECT attempt.position, message_id, trace_id, store, receipt_number, natural_key, route, number,
  started_at, ended_at, outcome, code, kind, attempt_id
FROM attempt CROSS JOIN message ON message.position = attempt.position
WHERE attempt_id > ?1 AND attempt_id <= ?2 AND kind <> 'replay'
  AND substr(trace_id, 17, 16) < ?3 AND substr(trace_id, 50) <> '-00' ORDER BY attempt_id

-- name: troubled
-- Calls of messages that had trouble, and the call that brought one through after all.
SELECT trace_id, message_id, store, receipt_number, natural_key, attempt.route, number, outcome,
  attempt.code, ended_at,
  coalesce((SELECT state FROM delivery JOIN route USING (route_id)
    WHERE route.name = attempt.route AND delivery.position = attempt.position), ''),
  NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.position = attempt.position
    AND later.route = attempt.route AND later.attempt_id > attempt.attempt_id)
FROM attempt CROSS JOIN message ON message.position = attempt.position
WHERE attempt_id > ?1 AND attempt_id <= ?2 AND kind <> 'replay' ORDER BY attempt_id

-- name: turned_away
SELECT invalid_id, outcome, door, store, natural_key, code, received_at
FROM invalid WHERE invalid_id > ?1 AND invalid_id <= ?2 ORDER BY invalid_id
