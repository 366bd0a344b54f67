-- Who may ask: tokens and sessions; and to whose accounts endpoints and deliveries belong.

-- name: tokens
-- All tokens, in the order in which they were made.
SELECT * FROM tokens ORDER BY created, id;

-- name: token^
-- One of them.
SELECT * FROM tokens WHERE id = :id;

-- name: make_token!
-- A token, unless there is one like it.
INSERT INTO tokens (id, name, digest, scopes, accounts, created, expires, used)
VALUES (:id, :name, :digest, :scopes, :accounts, :created, :expires, :used)
ON CONFLICT DO NOTHING;

-- name: remove_token!
-- Deletes a token.
DELETE FROM tokens WHERE id = :id;

-- name: note_used!
-- A token was used, later than was known.
UPDATE tokens SET used = :used WHERE id = :id AND coalesce(used, -1) < :used;

-- name: sessions
-- All sessions, in the order in which they end.
SELECT * FROM sessions ORDER BY expires, digest;

-- name: make_session!
-- A browser signed in.
INSERT INTO sessions (digest, token_digest, created, expires) VALUES (:digest, :token_digest, :created, :expires);

-- name: remove_session!
-- A browser signed out.
DELETE FROM sessions WHERE digest = :digest;

-- name: remove_sessions_of!
-- The sessions that were made with a token.
DELETE FROM sessions WHERE token_digest = :token_digest;

-- name: forget_sessions!
-- Deletes sessions that are over.
DELETE FROM sessions WHERE expires <= :now;

-- name: accounts_of_endpoint^
-- The accounts of an endpoint's filter; a row also where there is no such endpoint, for that it is there must not take longer.
SELECT endpoints.accounts
FROM (SELECT 1) AS one
LEFT JOIN endpoints ON endpoints.id = :id AND endpoints.state <> 'removed';

-- name: accounts_of_delivery^
-- The account of a delivery's event, and those of its endpoint's filter; a row also where there is no such delivery.
SELECT deliveries.account, endpoints.accounts
FROM (SELECT 1) AS one
LEFT JOIN deliveries ON deliveries.id = :id
LEFT JOIN endpoints ON endpoints.id = deliveries.endpoint_id AND endpoints.state <> 'removed';
