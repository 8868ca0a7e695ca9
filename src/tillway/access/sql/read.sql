-- name: is_there
SELECT 1 FROM sqlite_master WHERE name = 'access_user'

-- name: users
SELECT name, password, roles, scope, active, made_at, changed_at FROM access_user ORDER BY name

-- name: sessions
SELECT digest, name, made_at, seen_at FROM access_session

-- name: keys
SELECT name, digest, roles, scope, made_at, revoked_at FROM access_key ORDER BY name

-- name: tries
SELECT kind, subject, failures, last_at FROM access_try

-- name: approvals
SELECT approval_id, kind, subject, request, asked_by, asked_at, reason, state, decided_by,
  decided_at, decided_why
FROM access_approval ORDER BY approval_id
