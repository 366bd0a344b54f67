-- What `watcher db copy` reads: each table in portions by its key; and what it writes down of how far it came.

-- name: portion_of_endpoints
-- A portion of the endpoints, in the order of their key.
SELECT * FROM endpoints WHERE id > :id ORDER BY id LIMIT :limit;

-- name: count_of_endpoints$
-- How many there are.
SELECT count(*) FROM endpoints;

-- name: portion_of_accounts
-- A portion of the accounts, in the order of their key.
SELECT * FROM accounts WHERE name > :name ORDER BY name LIMIT :limit;

-- name: count_of_accounts$
-- How many there are.
SELECT count(*) FROM accounts;

-- name: portion_of_watches
-- A portion of the watches, in the order of their key.
SELECT * FROM watches WHERE (account, batch_id) > (:account, :batch_id) ORDER BY account, batch_id LIMIT :limit;

-- name: count_of_watches$
-- How many there are.
SELECT count(*) FROM watches;

-- name: portion_of_broadcasts
-- A portion of the broadcasts, in the order of their key.
SELECT * FROM broadcasts WHERE (account, broadcast_id) > (:account, :broadcast_id) ORDER BY account, broadcast_id LIMIT :limit;

-- name: count_of_broadcasts$
-- How many there are.
SELECT count(*) FROM broadcasts;

-- name: portion_of_learnt
-- A portion of the learnt, in the order of their key.
SELECT * FROM learnt WHERE account > :account ORDER BY account LIMIT :limit;

-- name: count_of_learnt$
-- How many there are.
SELECT count(*) FROM learnt;

-- name: portion_of_streamranks
-- A portion of the streamranks, in the order of their key.
SELECT * FROM streamranks WHERE account > :account ORDER BY account LIMIT :limit;

-- name: count_of_streamranks$
-- How many there are.
SELECT count(*) FROM streamranks;

-- name: portion_of_tokens
-- A portion of the tokens, in the order of their key.
SELECT * FROM tokens WHERE id > :id ORDER BY id LIMIT :limit;

-- name: count_of_tokens$
-- How many there are.
SELECT count(*) FROM tokens;

-- name: portion_of_sessions
-- A portion of the sessions, in the order of their key.
SELECT * FROM sessions WHERE digest > :digest ORDER BY digest LIMIT :limit;

-- name: count_of_sessions$
-- How many there are.
SELECT count(*) FROM sessions;

-- name: portion_of_submissions
-- A portion of the submissions, in the order of their key.
SELECT * FROM submissions WHERE id > :id ORDER BY id LIMIT :limit;

-- name: count_of_submissions$
-- How many there are.
SELECT count(*) FROM submissions;

-- name: portion_of_once
-- A portion of the answers that are given once, in the order of their key.
SELECT * FROM once WHERE (holder, key) > (:holder, :key) ORDER BY holder, key LIMIT :limit;

-- name: count_of_once$
-- How many there are.
SELECT count(*) FROM once;

-- name: portion_of_events
-- A portion of the events, in the order of their key.
SELECT * FROM events WHERE position > :position ORDER BY position LIMIT :limit;

-- name: count_of_events$
-- How many there are.
SELECT count(*) FROM events;

-- name: portion_of_deliveries
-- A portion of the deliveries, in the order of their key.
SELECT * FROM deliveries WHERE id > :id ORDER BY id LIMIT :limit;

-- name: count_of_deliveries$
-- How many there are.
SELECT count(*) FROM deliveries;

-- name: portion_of_attempts
-- A portion of the attempts, in the order of their key.
SELECT * FROM attempts WHERE (delivery_id, id) > (:delivery_id, :id) ORDER BY delivery_id, id LIMIT :limit;

-- name: count_of_attempts$
-- How many there are.
SELECT count(*) FROM attempts;

-- name: begin_copy!
-- From now on the database is a copy that is not finished.
INSERT INTO meta (name, value) VALUES ('copy', :now);

-- name: note_copy!
-- How far it came; nothing where another process went on with it meanwhile.
UPDATE meta SET value = :now WHERE name = 'copy' AND value = :before;

-- name: end_copy!
-- It is finished; nothing where another process went on with it meanwhile.
DELETE FROM meta WHERE name = 'copy' AND value = :before;
