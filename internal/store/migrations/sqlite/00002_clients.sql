-- +goose Up

-- When a key began to sign; NULL: it is published, so that everybody knows it
-- before it is used.
ALTER TABLE signing_keys ADD COLUMN active_at INTEGER;
UPDATE signing_keys SET active_at = created_at;

-- Programs that get tokens (OAuth clients).
CREATE TABLE clients (
	id            TEXT PRIMARY KEY,
	name          TEXT NOT NULL,
	secret_hash   BLOB,                    -- SHA-256; NULL: it has no secret
	auth_method   TEXT NOT NULL,           -- RFC 7591 §2
	grants        TEXT NOT NULL,           -- a list, like those below
	scopes        TEXT NOT NULL,
	redirect_uris TEXT NOT NULL,
	resources     TEXT NOT NULL,           -- empty: the default alone
	created_at    INTEGER NOT NULL,
	disabled_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX clients_by_age ON clients (created_at, id);

-- Access tokens that ended before their time, until they would have anyway.
CREATE TABLE revoked_tokens (
	client_id  TEXT NOT NULL,
	id         TEXT NOT NULL,              -- jti
	expires_at INTEGER NOT NULL,
	PRIMARY KEY (client_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);
