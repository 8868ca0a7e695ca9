-- name: user
INSERT OR REPLACE INTO access_user (name, password, roles, scope, active, made_at, changed_at)
VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: session
INSERT OR REPLACE INTO access_session (digest, name, made_at, seen_at) VALUES (?, ?, ?, ?)

-- name: use_session
UPDATE access_session SET seen_at = ? WHERE digest = ?

-- name: end_session
DELETE FROM access_session WHERE digest = ?

-- name: key
INSERT OR REPLACE INTO access_key (name, digest, roles, scope, made_at, revoked_at)
VALUES (?, ?, ?, ?, ?, ?)

-- name: try
INSERT OR REPLACE INTO access_try (kind, subject, failures, last_at) VALUES (?, ?, ?, ?)

-- name: forget_try
DELETE FROM access_try WHERE kind = ? AND subject = ?

-- name: approval
INSERT OR REPLACE INTO access_approval (approval_id, kind, subject, request, asked_by, asked_at,
  reason, state, decided_by, decided_at, decided_why)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: old_tries
DELETE FROM access_try WHERE last_at < ?

-- name: old_sessions
DELETE FROM access_session WHERE made_at < ? OR seen_at < ?
