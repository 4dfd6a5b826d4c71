-- +goose Up

ALTER TABLE users ADD COLUMN anonymous INTEGER NOT NULL DEFAULT 0 CHECK (anonymous IN (0, 1));
ALTER TABLE users ADD COLUMN disabled_until INTEGER; -- NULL: until somebody enables it
ALTER TABLE users ADD COLUMN updated_at INTEGER;
UPDATE users SET updated_at = created_at;
ALTER TABLE clients ADD COLUMN updated_at INTEGER;
UPDATE clients SET updated_at = created_at;
CREATE INDEX users_by_bar ON users (disabled_until) WHERE disabled_until IS NOT NULL;

-- addresses holds more than addresses of mail: tel:DIGITS, and PROVIDER SUBJECT.
CREATE INDEX addresses_by_user ON addresses (user_id);

-- What an account tells the apps that people sign in to; no row: nothing yet.
CREATE TABLE profiles (
	user_id                  TEXT PRIMARY KEY,
	phone                    TEXT NOT NULL,
	phone_verified_at        INTEGER,
	audience                 TEXT NOT NULL,
	token_role               TEXT NOT NULL,
	user_data                TEXT NOT NULL, -- an object, like the next
	app_data                 TEXT NOT NULL,
	new_email                TEXT NOT NULL,
	new_email_key            TEXT NOT NULL, -- folded
	invited_at               INTEGER,
	confirmation_sent_at     INTEGER,
	recovery_sent_at         INTEGER,
	email_change_sent_at     INTEGER,
	reauthentication_sent_at INTEGER,
	deleted_at               INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX profiles_moving ON profiles (new_email_key) WHERE new_email_key <> '';

-- The ways to be known as an account.
CREATE TABLE identities (
	user_id         TEXT NOT NULL,
	id              TEXT NOT NULL,
	provider        TEXT NOT NULL,
	subject         TEXT NOT NULL,
	email           TEXT NOT NULL,
	data            TEXT NOT NULL,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	last_sign_in_at INTEGER,
	PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO identities (user_id, id, provider, subject, email, data, created_at, updated_at, last_sign_in_at)
	SELECT id, id, 'email', id, email, json_object('sub', id, 'email', email, 'email_verified', json(iif(verified_at IS NULL, 'false', 'true')), 'phone_verified', json('false')), created_at, created_at, last_sign_in_at FROM users;

-- How a session was proven, the newest first; amr says the same in fewer words.
ALTER TABLE sessions ADD COLUMN ways TEXT NOT NULL DEFAULT '[]';
UPDATE sessions SET ways = json_array(json_object('method', 'password', 'timestamp', proven_at / 1000000));

-- A letter has a link and a code for the same. A link that an app asked for is bound
-- to a secret of that app (RFC 7636), and is exchanged for a code of the app's own.
ALTER TABLE links ADD COLUMN code BLOB;                              -- keyed hash; NULL: there is none
ALTER TABLE links ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;   -- wrong codes so far
ALTER TABLE links ADD COLUMN challenge TEXT NOT NULL DEFAULT '';   -- METHOD:CHALLENGE
ALTER TABLE links ADD COLUMN method TEXT NOT NULL DEFAULT '';      -- how whoever uses it is proven
ALTER TABLE links ADD COLUMN data TEXT NOT NULL DEFAULT '';

-- Providers that an operator described over the network.
CREATE TABLE custom_providers (
	name       TEXT PRIMARY KEY,
	settings   TEXT NOT NULL,
	secret     BLOB,                -- sealed; NULL: none
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
