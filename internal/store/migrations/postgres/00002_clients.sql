-- +goose Up

-- When a key began to sign; NULL: it is published, so that everybody knows it
-- before it is used.
ALTER TABLE signing_keys ADD COLUMN active_at timestamptz;
UPDATE signing_keys SET active_at = created_at;

-- Programs that get tokens (OAuth clients).
CREATE TABLE clients (
	id            uuid PRIMARY KEY,
	name          text NOT NULL,
	secret_hash   bytea,                   -- SHA-256; NULL: it has no secret
	auth_method   text NOT NULL,           -- RFC 7591 §2
	grants        jsonb NOT NULL,          -- a list, like those below
	scopes        jsonb NOT NULL,
	redirect_uris jsonb NOT NULL,
	resources     jsonb NOT NULL,          -- empty: the default alone
	created_at    timestamptz NOT NULL,
	disabled_at   timestamptz
);
CREATE INDEX clients_by_age ON clients (created_at, id);

-- Access tokens that ended before their time, until they would have anyway.
CREATE TABLE revoked_tokens (
	client_id  uuid NOT NULL,
	id         uuid NOT NULL,              -- jti
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (client_id, id)
);
CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);
