-- +goose Up
ALTER TABLE clients ADD COLUMN sealed_secret bytea;
ALTER TABLE clients ADD COLUMN profile text NOT NULL DEFAULT 'oidc';
ALTER TABLE clients ADD COLUMN origin text NOT NULL DEFAULT 'operator';
ALTER TABLE clients ADD COLUMN trusted boolean NOT NULL DEFAULT false;
ALTER TABLE clients ADD COLUMN registration_hash bytea;            -- SHA-256 of the registration access token
ALTER TABLE clients ADD COLUMN details text NOT NULL DEFAULT '{}'; -- the rest, as RFC 7591 spells it
ALTER TABLE clients ADD COLUMN verified_at timestamptz;

-- Where clients' pages come from: these origins may call the OAuth endpoints.
CREATE TABLE client_origins (
	client_id uuid NOT NULL,
	origin    text NOT NULL,
	PRIMARY KEY (client_id, origin)
);
CREATE INDEX client_origins_by_origin ON client_origins (origin);

-- What somebody allowed a client. One row holds the code and the refresh token
-- that it is known by: both begin with its id, so that no other index is needed,
-- and rotation rewrites the row in place.
CREATE TABLE authorizations (
	user_id         uuid NOT NULL,
	id              uuid NOT NULL,
	client_id       uuid NOT NULL,
	session_id      uuid,                 -- the sign-in in which it was allowed
	parent_id       uuid,                 -- what it was derived from (RFC 8693)
	offline         boolean NOT NULL, -- outlives the session
	terms           text NOT NULL ,        -- what was asked and allowed
	code            bytea,                 -- SHA-256
	code_expires_at timestamptz,
	redeemed_at     timestamptz,
	current         bytea,                 -- SHA-256 of the refresh token that can be spent
	previous        bytea,                 -- SHA-256 of the one before
	successor       bytea,                 -- the current one, masked
	rotated_at      timestamptz,
	created_at      timestamptz NOT NULL,
	expires_at      timestamptz NOT NULL,
	ends_at         timestamptz,              -- whatever its use
	ended_at        timestamptz,
	PRIMARY KEY (user_id, id)
);
CREATE INDEX authorizations_by_id ON authorizations (id);
CREATE INDEX authorizations_derived ON authorizations (parent_id) WHERE parent_id IS NOT NULL;

-- What somebody allowed a client to have again without being asked.
CREATE TABLE consents (
	user_id    uuid NOT NULL,
	client_id  uuid NOT NULL,
	scopes     jsonb NOT NULL,
	resources  jsonb NOT NULL,
	details    text NOT NULL ,             -- RFC 9396, an array
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	expires_at timestamptz,                   -- NULL: until it is withdrawn
	PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

-- Requests that wait: pushed ones (RFC 9126), and those whose person is at a page
-- of ours. The hash is of kind and id together: no request passes for another kind.
CREATE TABLE authorization_requests (
	hash       bytea PRIMARY KEY,
	kind       text NOT NULL,
	client_id  uuid NOT NULL,
	request    text NOT NULL ,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	used_at    timestamptz
);
CREATE INDEX authorization_requests_by_end ON authorization_requests (expires_at);

-- Requests that are answered elsewhere while the client asks again and again:
-- devices (RFC 8628) and back-channel authentication (CIBA).
CREATE TABLE polls (
	hash       bytea PRIMARY KEY,          -- SHA-256 of kind and code
	kind       text NOT NULL,             -- device, ciba
	client_id  uuid NOT NULL,
	user_code  bytea,                      -- keyed hash of what the person types
	user_id    uuid,                      -- who is asked, or who answered
	request    text NOT NULL ,
	state      text NOT NULL,             -- pending, allowed, denied, spent
	grant_id   uuid,                      -- the authorization, once allowed
	pause      integer NOT NULL,          -- seconds that the client must wait between two questions
	polled_at  timestamptz,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX polls_by_user_code ON polls (user_code) WHERE user_code IS NOT NULL;
CREATE INDEX polls_by_user ON polls (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX polls_by_end ON polls (expires_at);

-- Names that may be used once: of client assertions and of request objects.
CREATE TABLE spent_names (
	hash       bytea PRIMARY KEY,          -- SHA-256 of kind, issuer and name
	expires_at timestamptz NOT NULL
);
CREATE INDEX spent_names_by_end ON spent_names (expires_at);
