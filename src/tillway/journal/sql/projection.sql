-- name: version
SELECT version FROM projection WHERE name = ?

-- name: keep_version
INSERT INTO projection (name, version) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET version = excluded.version
