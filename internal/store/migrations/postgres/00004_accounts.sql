-- +goose Up

ALTER TABLE users ADD COLUMN anonymous boolean NOT NULL DEFAULT false;
ALTER TABLE users ADD COLUMN disabled_until timestamptz; -- NULL: until somebody enables it
ALTER TABLE users ADD COLUMN updated_at timestamptz;
UPDATE users SET updated_at = created_at;
ALTER TABLE clients ADD COLUMN updated_at timestamptz;
UPDATE clients SET updated_at = created_at;
CREATE INDEX users_by_bar ON users (disabled_until) WHERE disabled_until IS NOT NULL;

-- addresses holds more than addresses of mail: tel:DIGITS, and PROVIDER SUBJECT.
CREATE INDEX addresses_by_user ON addresses (user_id);

-- What an account tells the apps that people sign in to; no row: nothing yet.
CREATE TABLE profiles (
	user_id                  uuid PRIMARY KEY,
	phone                    text NOT NULL,
	phone_verified_at        timestamptz,
	audience                 text NOT NULL,
	token_role               text NOT NULL,
	user_data                text NOT NULL, -- an object, like the next
	app_data                 text NOT NULL,
	new_email                text NOT NULL,
	new_email_key            text COLLATE "C" NOT NULL, -- folded
	invited_at               timestamptz,
	confirmation_sent_at     timestamptz,
	recovery_sent_at         timestamptz,
	email_change_sent_at     timestamptz,
	reauthentication_sent_at timestamptz,
	deleted_at               timestamptz
);

CREATE INDEX profiles_moving ON profiles (new_email_key) WHERE new_email_key <> '';

-- The ways to be known as an account.
CREATE TABLE identities (
	user_id         uuid NOT NULL,
	id              uuid NOT NULL,
	provider        text NOT NULL,
	subject         text NOT NULL,
	email           text NOT NULL,
	data            text NOT NULL,
	created_at      timestamptz NOT NULL,
	updated_at      timestamptz NOT NULL,
	last_sign_in_at timestamptz,
	PRIMARY KEY (user_id, id)
);
INSERT INTO identities (user_id, id, provider, subject, email, data, created_at, updated_at, last_sign_in_at)
	SELECT id, id, 'email', id::text, email, jsonb_build_object('sub', id::text, 'email', email, 'email_verified', verified_at IS NOT NULL, 'phone_verified', false)::text, created_at, created_at, last_sign_in_at FROM users;

-- How a session was proven, the newest first; amr says the same in fewer words.
ALTER TABLE sessions ADD COLUMN ways text NOT NULL DEFAULT '[]';
UPDATE sessions SET ways = jsonb_build_array(jsonb_build_object('method', 'password', 'timestamp', floor(extract(epoch FROM proven_at))::bigint))::text;

-- A letter has a link and a code for the same. A link that an app asked for is bound
-- to a secret of that app (RFC 7636), and is exchanged for a code of the app's own.
ALTER TABLE links ADD COLUMN code bytea;                              -- keyed hash; NULL: there is none
ALTER TABLE links ADD COLUMN tries integer NOT NULL DEFAULT 0;   -- wrong codes so far
ALTER TABLE links ADD COLUMN challenge text NOT NULL DEFAULT '';   -- METHOD:CHALLENGE
ALTER TABLE links ADD COLUMN method text NOT NULL DEFAULT '';      -- how whoever uses it is proven
ALTER TABLE links ADD COLUMN data text NOT NULL DEFAULT '';

-- Providers that an operator described over the network.
CREATE TABLE custom_providers (
	name       text COLLATE "C" PRIMARY KEY,
	settings   text NOT NULL,
	secret     bytea,                -- sealed; NULL: none
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);
