-- name: open_keys
SELECT key_digest FROM invalid
WHERE closed_by = 0 AND outcome = 'quarantined' AND key_digest <> x''

-- name: known_keys
SELECT key_digest, position, record_hash, content_hash, message_id, natural_key
FROM message WHERE key_digest IN (:digests)

-- name: newest_revisions
SELECT object_digest, max(revision) FROM message WHERE object_digest IN (:digests)
GROUP BY object_digest

-- name: repeat_invalid
 ON CONFLICT (outcome, system, record_hash) DO UPDATE SET repeats = repeats + 1
RETURNING invalid_id

-- name: close_invalid
UPDATE invalid SET closed_by = ?1
WHERE key_digest = ?2 AND closed_by = 0 AND outcome = 'quarantined' AND key_digest <> x''

-- name: store_seen
INSERT INTO store_seen (system, store, last_at, accepted) VALUES (?, ?, ?, ?)
ON CONFLICT (system, store) DO UPDATE SET
  last_at = max(last_at, excluded.last_at), accepted = accepted + excluded.accepted

-- name: total
INSERT INTO total (book, grp, message_type, currency, count, amount_minor, unknown)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (book, grp, message_type, currency) DO UPDATE SET
  count = count + excluded.count,
  amount_minor = amount_minor + excluded.amount_minor,
  unknown = unknown + excluded.unknown
