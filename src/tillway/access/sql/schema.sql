-- People, machines and what waits for a second person. No password and no secret stands here: only
-- Argon2id of the one and SHA-256 of the other.

CREATE TABLE IF NOT EXISTS access_user (
  name       TEXT PRIMARY KEY,
  password   TEXT    NOT NULL, -- Argon2id in its own text form
  roles      TEXT    NOT NULL, -- separated by blanks
  scope      TEXT    NOT NULL, -- `store:0145 region:north`, empty for all shops
  active     INTEGER NOT NULL,
  made_at    INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS access_session (
  digest  BLOB PRIMARY KEY,    -- SHA-256 of what the cookie holds
  name    TEXT    NOT NULL,    -- empty for the owner of this machine
  made_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS access_key (
  name       TEXT PRIMARY KEY,
  digest     BLOB    NOT NULL, -- SHA-256 of the key
  roles      TEXT    NOT NULL,
  scope      TEXT    NOT NULL,
  made_at    INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Failed logins by name and by address, so that a restart forgives nobody.
CREATE TABLE IF NOT EXISTS access_try (
  kind     TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  failures INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS access_approval (
  approval_id INTEGER PRIMARY KEY,
  kind        TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  request     BLOB    NOT NULL, -- JSON of what is to be done
  asked_by    TEXT    NOT NULL,
  asked_at    INTEGER NOT NULL,
  reason      TEXT    NOT NULL,
  state       TEXT    NOT NULL, -- waiting, approved, rejected
  decided_by  TEXT    NOT NULL,
  decided_at  INTEGER NOT NULL,
  decided_why TEXT    NOT NULL
) STRICT;
