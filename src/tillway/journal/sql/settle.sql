-- name: move_cursor
UPDATE route SET position = ? WHERE name = ?

-- name: add_route
INSERT INTO route (name, start, position) VALUES (?1, ?2, ?2) ON CONFLICT (name) DO NOTHING

-- name: route
SELECT route_id, start, position FROM route WHERE name = ?

-- name: settled_after
SELECT position FROM delivery WHERE route_id = ? AND position > ?

-- name: action
INSERT INTO action (action_id, at, who, verb, subject, reason, link) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: target_state
INSERT OR REPLACE INTO target_state (target, state, since, failures, next_probe_at, code, detail)
VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: put_source_state
INSERT OR REPLACE INTO source_state (source, name, value) VALUES (?, ?, ?)

-- name: drop_source_state
DELETE FROM source_state WHERE source = ? AND name = ?

-- name: close_one
UPDATE invalid SET closed_by = ? WHERE invalid_id = ?

-- name: former_states
SELECT delivery.state, message_type, currency, count(*), coalesce(sum(amount_minor), 0),
  sum(amount_minor IS NULL)
FROM json_each(?1) CROSS JOIN message ON message.position = json_each.value
  LEFT JOIN delivery ON delivery.route_id = ?2 AND delivery.position = json_each.value
GROUP BY delivery.state, message_type, currency

-- name: forget_settled
DELETE FROM total WHERE substr(book, 1, 8) = 'settled/'

-- name: book_settled
INSERT INTO total (book, grp, message_type, currency, count, amount_minor, unknown)
SELECT 'settled/' || route.name, state, message_type, currency, count(*),
  coalesce(sum(amount_minor), 0), sum(amount_minor IS NULL)
FROM delivery CROSS JOIN message USING (position) JOIN route USING (route_id)
GROUP BY route.name, state, message_type, currency
