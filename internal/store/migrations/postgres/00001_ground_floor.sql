-- +goose Up
-- Every row that belongs to a person carries that person's id at the head of its
-- key and no hash index is unique, so that tables can be partitioned by person.

-- An account: a person's or an agent's.
CREATE TABLE users (
	id              uuid PRIMARY KEY,
	email           text NOT NULL,          -- as its owner writes it
	email_key       text COLLATE "C" NOT NULL,           -- folded: what search compares
	name            text NOT NULL,
	name_key        text COLLATE "C" NOT NULL,
	role            integer NOT NULL CHECK (role BETWEEN 1 AND 4),
	type            text NOT NULL,          -- human, agent
	onboarding      integer NOT NULL DEFAULT 0 CHECK (onboarding BETWEEN 0 AND 5),
	workspace_mode  text NOT NULL DEFAULT '',
	verified_at     timestamptz,                   -- when the address was confirmed
	disabled_at     timestamptz,
	created_at      timestamptz NOT NULL,
	last_sign_in_at timestamptz
);
CREATE INDEX users_by_age ON users (created_at, id);
CREATE INDEX users_by_email ON users (email_key);
CREATE INDEX users_by_name ON users (name_key);
CREATE INDEX users_by_role ON users (role, created_at, id);

-- Which account an e-mail address signs in: one at most. A table of its own, so
-- that the promise holds when users are partitioned by id.
CREATE TABLE addresses (
	email_key text COLLATE "C" PRIMARY KEY,
	user_id   uuid NOT NULL
);

CREATE TABLE passwords (
	user_id    uuid PRIMARY KEY,
	hash       text NOT NULL,               -- PHC string
	changed_at timestamptz NOT NULL
);

-- A sign-in. Ending the row ends its cookie, refresh tokens and access tokens.
CREATE TABLE sessions (
	user_id           uuid NOT NULL,
	id                uuid NOT NULL,
	surface           text NOT NULL,        -- the door it came in by
	amr               jsonb NOT NULL,        -- RFC 8176 methods, a list
	aal               text NOT NULL,
	address           text NOT NULL,
	agent             text NOT NULL,
	cookie_hash       bytea,                -- SHA-256; NULL: no cookie was given
	cookie_expires_at timestamptz,
	created_at        timestamptz NOT NULL,
	proven_at         timestamptz NOT NULL,        -- last proof by the person
	last_used_at      timestamptz NOT NULL,
	ends_at           timestamptz NOT NULL,        -- whatever its use
	ended_at          timestamptz,
	PRIMARY KEY (user_id, id)
);
CREATE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_by_cookie ON sessions (cookie_hash) WHERE cookie_hash IS NOT NULL;
CREATE INDEX sessions_by_age ON sessions (created_at, id);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- The refresh tokens of one session: one row that rotation rewrites in place, so
-- that neither rows nor indexes grow with use. successor is readable only with the
-- previous token itself, for the client that lost the answer.
CREATE TABLE refresh_families (
	user_id    uuid NOT NULL,
	handle     bytea NOT NULL,                -- SHA-256 of what its tokens share
	session_id uuid NOT NULL,
	current    bytea NOT NULL,                -- SHA-256 of the token that can be spent
	previous   bytea,                         -- SHA-256 of the one before
	successor  bytea,                         -- the current token, masked
	rotated_at timestamptz,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,                -- of the current token
	PRIMARY KEY (user_id, handle)
) WITH (fillfactor = 55);
CREATE INDEX refresh_families_by_handle ON refresh_families (handle);

CREATE TABLE api_keys (
	user_id      uuid NOT NULL,
	id           uuid NOT NULL,
	role         integer NOT NULL CHECK (role BETWEEN 1 AND 4),
	description  text NOT NULL,
	prefix       text NOT NULL,
	hash         bytea NOT NULL,            -- SHA-256
	scopes       jsonb NOT NULL,             -- a list; empty: all its role may
	created_at   timestamptz NOT NULL,
	expires_at   timestamptz,
	revoked_at   timestamptz,
	last_used_at timestamptz,
	last_address text NOT NULL DEFAULT '',
	PRIMARY KEY (user_id, id)
);
CREATE INDEX api_keys_by_hash ON api_keys (hash);
CREATE INDEX api_keys_by_id ON api_keys (id);

CREATE TABLE api_key_events (
	user_id    uuid NOT NULL,
	key_id     uuid NOT NULL,
	id         uuid NOT NULL,                 -- ordered
	at         timestamptz NOT NULL,
	type       text NOT NULL,               -- created, used, refused, rotated, revoked
	address    text NOT NULL,
	agent      text NOT NULL,
	receipt_id uuid,
	PRIMARY KEY (user_id, key_id, id)
);

-- Keys that sign. Rows are never deleted: old signatures stay verifiable.
CREATE TABLE signing_keys (
	id         text PRIMARY KEY,            -- kid
	use        text NOT NULL,               -- heady, receipt
	algorithm  text NOT NULL,
	public     bytea,                       -- NULL for a shared secret
	private    bytea NOT NULL,              -- sealed with the master key
	created_at timestamptz NOT NULL,
	retired_at timestamptz,                        -- signs no more
	expires_at timestamptz                         -- verifies no more; NULL: for ever
);

-- Signed statements. log_index is given later, by one leader, without a gap.
CREATE TABLE receipts (
	id         uuid PRIMARY KEY,              -- ordered
	at         timestamptz NOT NULL,
	type       text NOT NULL,
	subject    uuid,
	object     text NOT NULL,
	request    text NOT NULL,
	body       text NOT NULL,               -- RFC 8785 text, the signed bytes
	signature  bytea NOT NULL,
	key_id     text NOT NULL,
	signed_at  timestamptz NOT NULL,
	entry      bytea NOT NULL,              -- SHA-256 of the envelope: the log's entry
	log_index  bigint UNIQUE
);
CREATE INDEX receipts_by_subject ON receipts (subject, id);
CREATE INDEX receipts_by_type ON receipts (type, id);
CREATE INDEX receipts_unlogged ON receipts (id) WHERE log_index IS NULL;

-- Erasing an account erases its salt: its receipts then mean nobody.
CREATE TABLE receipt_salts (
	user_id uuid PRIMARY KEY,
	salt    bytea NOT NULL
);

-- Mail and later webhooks: written with the act, delivered after it.
CREATE TABLE outbox (
	id         uuid PRIMARY KEY,              -- ordered
	kind       text NOT NULL,
	payload    bytea NOT NULL,              -- sealed JSON
	created_at timestamptz NOT NULL,
	next_at    timestamptz NOT NULL,
	attempts   integer NOT NULL DEFAULT 0,
	last_error text NOT NULL DEFAULT '',
	dead_at    timestamptz
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE dead_at IS NULL;

-- Failed proofs, by a keyed hash of account and address (or account alone).
CREATE TABLE throttles (
	key         bytea PRIMARY KEY,
	failures    integer NOT NULL,               -- in a row
	next_at     timestamptz NOT NULL,              -- no try before
	window_at   timestamptz NOT NULL,              -- of the refusals not yet told
	untold      integer NOT NULL,               -- refusals since the last receipt
	user_id     uuid                          -- whose receipts they are
);
CREATE INDEX throttles_by_age ON throttles (next_at);
CREATE INDEX throttles_untold ON throttles (window_at) WHERE untold > 0;

-- Addresses from which an account signed in before: never slowed by strangers.
CREATE TABLE known_addresses (
	user_id uuid NOT NULL,
	address bytea NOT NULL,                 -- keyed hash
	at      timestamptz NOT NULL,
	PRIMARY KEY (user_id, address)
);

-- Links and codes that work once. Taking the row is the gate.
CREATE TABLE links (
	hash       bytea PRIMARY KEY,           -- SHA-256
	purpose    text NOT NULL,
	user_id    uuid,
	expires_at timestamptz NOT NULL
);
CREATE INDEX links_by_end ON links (expires_at);
CREATE INDEX links_by_user ON links (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE settings (
	name  text PRIMARY KEY,
	value bytea NOT NULL
);

-- What caches must look at again: read by every node several times a second.
CREATE TABLE changes (
	id      uuid PRIMARY KEY,
	kind    text NOT NULL,
	subject text NOT NULL,
	at      timestamptz NOT NULL DEFAULT clock_timestamp() -- the database's clock: nodes' clocks differ
);
CREATE INDEX changes_by_time ON changes (at);
