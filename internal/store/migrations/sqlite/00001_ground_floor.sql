-- +goose Up
-- Times are microseconds since 1970 UTC. Ids are UUIDs in canonical text.

-- An account: a person's or an agent's.
CREATE TABLE users (
	id              TEXT PRIMARY KEY,
	email           TEXT NOT NULL,          -- as its owner writes it
	email_key       TEXT NOT NULL,           -- folded: what search compares
	name            TEXT NOT NULL,
	name_key        TEXT NOT NULL,
	role            INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),
	type            TEXT NOT NULL,          -- human, agent
	onboarding      INTEGER NOT NULL DEFAULT 0 CHECK (onboarding BETWEEN 0 AND 5),
	workspace_mode  TEXT NOT NULL DEFAULT '',
	verified_at     INTEGER,                   -- when the address was confirmed
	disabled_at     INTEGER,
	created_at      INTEGER NOT NULL,
	last_sign_in_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX users_by_age ON users (created_at, id);
CREATE INDEX users_by_email ON users (email_key);
CREATE INDEX users_by_name ON users (name_key);
CREATE INDEX users_by_role ON users (role, created_at, id);

-- Which account an e-mail address signs in: one at most. A table of its own, so
-- that the promise holds when users are partitioned by id.
CREATE TABLE addresses (
	email_key TEXT PRIMARY KEY,
	user_id   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE passwords (
	user_id    TEXT PRIMARY KEY,
	hash       TEXT NOT NULL,               -- PHC string
	changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A sign-in. Ending the row ends its cookie, refresh tokens and access tokens.
CREATE TABLE sessions (
	user_id           TEXT NOT NULL,
	id                TEXT NOT NULL,
	surface           TEXT NOT NULL,        -- the door it came in by
	amr               TEXT NOT NULL,        -- RFC 8176 methods, a list
	aal               TEXT NOT NULL,
	address           TEXT NOT NULL,
	agent             TEXT NOT NULL,
	cookie_hash       BLOB,                -- SHA-256; NULL: no cookie was given
	cookie_expires_at INTEGER,
	created_at        INTEGER NOT NULL,
	proven_at         INTEGER NOT NULL,        -- last proof by the person
	last_used_at      INTEGER NOT NULL,
	ends_at           INTEGER NOT NULL,        -- whatever its use
	ended_at          INTEGER,
	PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_by_cookie ON sessions (cookie_hash) WHERE cookie_hash IS NOT NULL;
CREATE INDEX sessions_by_age ON sessions (created_at, id);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- The refresh tokens of one session: one row that rotation rewrites in place, so
-- that neither rows nor indexes grow with use. successor is readable only with the
-- previous token itself, for the client that lost the answer.
CREATE TABLE refresh_families (
	user_id    TEXT NOT NULL,
	handle     BLOB NOT NULL,                -- SHA-256 of what its tokens share
	session_id TEXT NOT NULL,
	current    BLOB NOT NULL,                -- SHA-256 of the token that can be spent
	previous   BLOB,                         -- SHA-256 of the one before
	successor  BLOB,                         -- the current token, masked
	rotated_at INTEGER,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,                -- of the current token
	PRIMARY KEY (user_id, handle)
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_families_by_handle ON refresh_families (handle);

CREATE TABLE api_keys (
	user_id      TEXT NOT NULL,
	id           TEXT NOT NULL,
	role         INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),
	description  TEXT NOT NULL,
	prefix       TEXT NOT NULL,
	hash         BLOB NOT NULL,            -- SHA-256
	scopes       TEXT NOT NULL,             -- a list; empty: all its role may
	created_at   INTEGER NOT NULL,
	expires_at   INTEGER,
	revoked_at   INTEGER,
	last_used_at INTEGER,
	last_address TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_hash ON api_keys (hash);
CREATE INDEX api_keys_by_id ON api_keys (id);

CREATE TABLE api_key_events (
	user_id    TEXT NOT NULL,
	key_id     TEXT NOT NULL,
	id         TEXT NOT NULL,                 -- ordered
	at         INTEGER NOT NULL,
	type       TEXT NOT NULL,               -- created, used, refused, rotated, revoked
	address    TEXT NOT NULL,
	agent      TEXT NOT NULL,
	receipt_id TEXT,
	PRIMARY KEY (user_id, key_id, id)
) STRICT, WITHOUT ROWID;

-- Keys that sign. Rows are never deleted: old signatures stay verifiable.
CREATE TABLE signing_keys (
	id         TEXT PRIMARY KEY,            -- kid
	use        TEXT NOT NULL,               -- heady, receipt
	algorithm  TEXT NOT NULL,
	public     BLOB,                       -- NULL for a shared secret
	private    BLOB NOT NULL,              -- sealed with the master key
	created_at INTEGER NOT NULL,
	retired_at INTEGER,                        -- signs no more
	expires_at INTEGER                         -- verifies no more; NULL: for ever
) STRICT, WITHOUT ROWID;

-- Signed statements. log_index is given later, by one leader, without a gap.
CREATE TABLE receipts (
	id         TEXT PRIMARY KEY,              -- ordered
	at         INTEGER NOT NULL,
	type       TEXT NOT NULL,
	subject    TEXT,
	object     TEXT NOT NULL,
	request    TEXT NOT NULL,
	body       TEXT NOT NULL,               -- RFC 8785 text, the signed bytes
	signature  BLOB NOT NULL,
	key_id     TEXT NOT NULL,
	signed_at  INTEGER NOT NULL,
	entry      BLOB NOT NULL,              -- SHA-256 of the envelope: the log's entry
	log_index  INTEGER UNIQUE
) STRICT;
CREATE INDEX receipts_by_subject ON receipts (subject, id);
CREATE INDEX receipts_by_type ON receipts (type, id);
CREATE INDEX receipts_unlogged ON receipts (id) WHERE log_index IS NULL;

-- Erasing an account erases its salt: its receipts then mean nobody.
CREATE TABLE receipt_salts (
	user_id TEXT PRIMARY KEY,
	salt    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Mail and later webhooks: written with the act, delivered after it.
CREATE TABLE outbox (
	id         TEXT PRIMARY KEY,              -- ordered
	kind       TEXT NOT NULL,
	payload    BLOB NOT NULL,              -- sealed JSON
	created_at INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,
	attempts   INTEGER NOT NULL DEFAULT 0,
	last_error TEXT NOT NULL DEFAULT '',
	dead_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (next_at) WHERE dead_at IS NULL;

-- Failed proofs, by a keyed hash of account and address (or account alone).
CREATE TABLE throttles (
	key         BLOB PRIMARY KEY,
	failures    INTEGER NOT NULL,               -- in a row
	next_at     INTEGER NOT NULL,              -- no try before
	window_at   INTEGER NOT NULL,              -- of the refusals not yet told
	untold      INTEGER NOT NULL,               -- refusals since the last receipt
	user_id     TEXT                          -- whose receipts they are
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_by_age ON throttles (next_at);
CREATE INDEX throttles_untold ON throttles (window_at) WHERE untold > 0;

-- Addresses from which an account signed in before: never slowed by strangers.
CREATE TABLE known_addresses (
	user_id TEXT NOT NULL,
	address BLOB NOT NULL,                 -- keyed hash
	at      INTEGER NOT NULL,
	PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;

-- Links and codes that work once. Taking the row is the gate.
CREATE TABLE links (
	hash       BLOB PRIMARY KEY,           -- SHA-256
	purpose    TEXT NOT NULL,
	user_id    TEXT,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_end ON links (expires_at);
CREATE INDEX links_by_user ON links (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE settings (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What caches must look at again: read by every node several times a second.
CREATE TABLE changes (
	id      TEXT PRIMARY KEY,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,
	at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_by_time ON changes (at);
