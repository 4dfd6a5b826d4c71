-- +goose Up
ALTER TABLE clients ADD COLUMN sealed_secret BLOB;
ALTER TABLE clients ADD COLUMN profile TEXT NOT NULL DEFAULT 'oidc';
ALTER TABLE clients ADD COLUMN origin TEXT NOT NULL DEFAULT 'operator';
ALTER TABLE clients ADD COLUMN trusted INTEGER NOT NULL DEFAULT 0 CHECK (trusted IN (0, 1));
ALTER TABLE clients ADD COLUMN registration_hash BLOB;            -- SHA-256 of the registration access token
ALTER TABLE clients ADD COLUMN details TEXT NOT NULL DEFAULT '{}'; -- the rest, as RFC 7591 spells it
ALTER TABLE clients ADD COLUMN verified_at INTEGER;

-- Where clients' pages come from: these origins may call the OAuth endpoints.
CREATE TABLE client_origins (
	client_id TEXT NOT NULL,
	origin    TEXT NOT NULL,
	PRIMARY KEY (client_id, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_origins_by_origin ON client_origins (origin);

-- What somebody allowed a client. One row holds the code and the refresh token
-- that it is known by: both begin with its id, so that no other index is needed,
-- and rotation rewrites the row in place.
CREATE TABLE authorizations (
	user_id         TEXT NOT NULL,
	id              TEXT NOT NULL,
	client_id       TEXT NOT NULL,
	session_id      TEXT,                 -- the sign-in in which it was allowed
	parent_id       TEXT,                 -- what it was derived from (RFC 8693)
	offline         INTEGER NOT NULL CHECK (offline IN (0, 1)), -- outlives the session
	terms           TEXT NOT NULL,        -- what was asked and allowed
	code            BLOB,                 -- SHA-256
	code_expires_at INTEGER,
	redeemed_at     INTEGER,
	current         BLOB,                 -- SHA-256 of the refresh token that can be spent
	previous        BLOB,                 -- SHA-256 of the one before
	successor       BLOB,                 -- the current one, masked
	rotated_at      INTEGER,
	created_at      INTEGER NOT NULL,
	expires_at      INTEGER NOT NULL,
	ends_at         INTEGER,              -- whatever its use
	ended_at        INTEGER,
	PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX authorizations_by_id ON authorizations (id);
CREATE INDEX authorizations_derived ON authorizations (parent_id) WHERE parent_id IS NOT NULL;

-- What somebody allowed a client to have again without being asked.
CREATE TABLE consents (
	user_id    TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	scopes     TEXT NOT NULL,
	resources  TEXT NOT NULL,
	details    TEXT NOT NULL,             -- RFC 9396, an array
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	expires_at INTEGER,                   -- NULL: until it is withdrawn
	PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_client ON consents (client_id);

-- Requests that wait: pushed ones (RFC 9126), and those whose person is at a page
-- of ours. The hash is of kind and id together: no request passes for another kind.
CREATE TABLE authorization_requests (
	hash       BLOB PRIMARY KEY,
	kind       TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	request    TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_requests_by_end ON authorization_requests (expires_at);

-- Requests that are answered elsewhere while the client asks again and again:
-- devices (RFC 8628) and back-channel authentication (CIBA).
CREATE TABLE polls (
	hash       BLOB PRIMARY KEY,          -- SHA-256 of kind and code
	kind       TEXT NOT NULL,             -- device, ciba
	client_id  TEXT NOT NULL,
	user_code  BLOB,                      -- keyed hash of what the person types
	user_id    TEXT,                      -- who is asked, or who answered
	request    TEXT NOT NULL,
	state      TEXT NOT NULL,             -- pending, allowed, denied, spent
	grant_id   TEXT,                      -- the authorization, once allowed
	pause      INTEGER NOT NULL,          -- seconds that the client must wait between two questions
	polled_at  INTEGER,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX polls_by_user_code ON polls (user_code) WHERE user_code IS NOT NULL;
CREATE INDEX polls_by_user ON polls (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX polls_by_end ON polls (expires_at);

-- Names that may be used once: of client assertions and of request objects.
CREATE TABLE spent_names (
	hash       BLOB PRIMARY KEY,          -- SHA-256 of kind, issuer and name
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_names_by_end ON spent_names (expires_at);
