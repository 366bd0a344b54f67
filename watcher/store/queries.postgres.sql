-- What only PostgreSQL understands, or must be said to it in another way. Lists travel as JSON text, as with SQLite.

-- name: begin_writing$
-- Locks the end of the log for its owner's transaction, counts it, and holds on; nothing where another process has taken over.
UPDATE log SET commits = commits + 1, held_until = CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + :lease
WHERE epoch = :epoch
RETURNING commits;

-- name: take_over$
-- From now on whoever had the database before can write nothing; nothing where somebody has it still, by the database's clock.
UPDATE log SET
    epoch = epoch + 1, holder = :holder,
    held_until = CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + :lease
WHERE held_until <= CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)
RETURNING epoch;

-- name: holder$
-- Who has the database, by its own clock.
SELECT holder FROM log WHERE held_until > CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT);

-- name: let_go!
-- Its owner needs the database no more.
UPDATE log SET held_until = 0 WHERE epoch = :epoch;

-- name: last_commit$
-- Which transaction of its owner was committed last; waits for one that is being committed.
SELECT commits FROM log WHERE epoch = :epoch FOR UPDATE;

-- name: begin_migrating^
-- One process at a time brings the tables to its version: the others wait here, and find them so.
SELECT pg_advisory_xact_lock(8607336417265442664);

-- name: server^
-- What must be so before anything is made: the encoding, what makes small letters of all; and whether there are tables of ours.
SELECT
    current_setting('server_encoding') AS encoding,
    (
        SELECT max(CAST(collname AS TEXT)) FROM pg_collation
        WHERE collnamespace = CAST('pg_catalog' AS regnamespace) AND collname IN ('und-x-icu', 'pg_unicode_fast')
    ) AS letters,
    to_regclass('meta') IS NOT NULL AS made;

-- name: letters_of_icu!
-- Small letters as ICU makes them.
CREATE COLLATION letters FROM "und-x-icu";

-- name: letters_of_unicode!
-- Small letters as PostgreSQL makes them by itself, from version 18 on.
CREATE COLLATION letters FROM pg_unicode_fast;

-- name: make_event<!
-- An event at the end of the log: its counter's row is locked until the commit, so positions become visible in their order.
WITH taken AS (UPDATE log SET last = last + 1 RETURNING last)
INSERT INTO events (position, id, type, at, account, batch_id, number, endpoint, body)
SELECT
    taken.last, :id, :type, CAST(:at AS BIGINT), :account, CAST(:batch_id AS BIGINT), CAST(:number AS BIGINT), :endpoint,
    CAST(:body AS BYTEA)
FROM taken
RETURNING position;

-- name: make_delivery<!
-- One event owed to one endpoint; the events of a lane are made in their order.
INSERT INTO deliveries (account, endpoint_id, position, created, due, state, cause, lane, behind)
VALUES (
    :account, :endpoint_id, :position, :now, :now, 'pending', :cause, :lane,
    CASE WHEN :lane IS NOT NULL AND EXISTS (
        SELECT 1 FROM deliveries WHERE endpoint_id = :endpoint_id AND lane = :lane AND state = 'pending'
    ) THEN 1 ELSE 0 END
)
RETURNING id;

-- name: events_after
-- A portion of the log.
SELECT * FROM events
WHERE position > :after
    AND (:account IS NULL OR account = :account)
    AND (:accounts IS NULL OR account IN (SELECT json_array_elements_text(CAST(:accounts AS json))))
    AND (:batch_id IS NULL OR batch_id = :batch_id)
    AND (:types IS NULL OR type IN (SELECT json_array_elements_text(CAST(:types AS json))))
ORDER BY position LIMIT :limit;

-- name: events_of_batch
-- A portion of the events of one watch; they are few, and found by the key of rule 2.
SELECT * FROM events
WHERE account = :account AND coalesce(batch_id, 0) = :batch_id AND position > :after
    AND (:accounts IS NULL OR account IN (SELECT json_array_elements_text(CAST(:accounts AS json))))
    AND (:types IS NULL OR type IN (SELECT json_array_elements_text(CAST(:types AS json))))
ORDER BY position LIMIT :limit;

-- name: log_span^
-- Up to where events were deleted, and the last position that was given out.
SELECT
    greatest(
        coalesce((SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'forgotten'), 0),
        coalesce((SELECT min(position) - 1 FROM events), 0)
    ) AS forgotten,
    last
FROM log;

-- name: note_forgotten!
-- Events up to this position were deleted; what is written down never goes back.
INSERT INTO meta (name, value) VALUES ('forgotten', :position)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE CAST(meta.value AS BIGINT) < CAST(excluded.value AS BIGINT);

-- name: hungry_endpoints
-- Which endpoints are owed first attempts, and which retries, that are due, as JSON; those that are owed nothing cost nothing.
WITH RECURSIVE owed (id) AS (
    (SELECT min(endpoint_id) FROM deliveries WHERE state = 'pending')
    UNION ALL
    SELECT (SELECT min(endpoint_id) FROM deliveries WHERE state = 'pending' AND endpoint_id > owed.id)
    FROM owed WHERE owed.id IS NOT NULL
)
SELECT coalesce(json_agg(json_build_array(
    id,
    EXISTS (
        SELECT 1 FROM deliveries
        WHERE endpoint_id = owed.id AND state = 'pending' AND behind = 0
            AND (CASE WHEN attempts > 0 THEN 1 ELSE 0 END) = 0 AND due <= :now
    ),
    EXISTS (
        SELECT 1 FROM deliveries
        WHERE endpoint_id = owed.id AND state = 'pending' AND behind = 0
            AND (CASE WHEN attempts > 0 THEN 1 ELSE 0 END) = 1 AND due <= :now
    )
)), '[]')
FROM owed WHERE id IS NOT NULL;

-- name: due_deliveries
-- First attempts or retries that may be claimed, as JSON.
SELECT coalesce(
    json_agg(json_build_array(id, endpoint_id, position, created, due, attempts, cause, lane, account)), '[]'
)
FROM (
    SELECT id, endpoint_id, position, created, due, attempts, cause, lane, account FROM deliveries
    WHERE endpoint_id = :endpoint_id AND state = 'pending' AND behind = 0
        AND (CASE WHEN attempts > 0 THEN 1 ELSE 0 END) = :retries AND due <= :now
        AND id <> ALL (ARRAY(SELECT CAST(json_array_elements_text(CAST(:claimed AS json)) AS BIGINT)))
    ORDER BY due, id LIMIT :room
) AS few;

-- name: due_deliveries_of_many
-- First attempts or retries that may be claimed of many endpoints, as JSON: `asked` has pairs of an id and what is claimed of it.
SELECT coalesce(json_agg(json_build_array(
    few.id, few.endpoint_id, few.position, few.created, few.due, few.attempts, few.cause, few.lane, few.account
)), '[]')
FROM json_array_elements(CAST(:asked AS json)) AS asked (value)
CROSS JOIN LATERAL (
    SELECT * FROM deliveries
    WHERE endpoint_id = asked.value ->> 0 AND state = 'pending' AND behind = 0
        AND (CASE WHEN attempts > 0 THEN 1 ELSE 0 END) = :retries AND due <= :now
        AND id <> ALL (ARRAY(SELECT CAST(json_array_elements_text(asked.value -> 1) AS BIGINT)))
    ORDER BY due, id LIMIT :room
) AS few;

-- name: owed_events
-- What is sent of these events, as JSON: many endpoints are owed the same one.
SELECT coalesce(json_agg(json_build_array(position, id, type, convert_from(body, 'UTF8'))), '[]') FROM events
WHERE position = ANY (ARRAY(SELECT CAST(json_array_elements_text(CAST(:positions AS json)) AS BIGINT)));

-- name: settle_deliveries!
-- Deliveries after their attempts, as JSON: lists of id, state, attempts, when it is due (null: as before), and cause.
UPDATE deliveries SET
    state = settled.value ->> 1, attempts = CAST(settled.value ->> 2 AS BIGINT),
    due = coalesce(CAST(settled.value ->> 3 AS BIGINT), due), cause = settled.value ->> 4
FROM json_array_elements(CAST(:settled AS json)) AS settled (value)
WHERE deliveries.id = CAST(settled.value ->> 0 AS BIGINT);

-- name: note_attempts!
-- Tries at deliveries, for the operator: JSON lists of the columns, at the end where in `answers` the answer is, and its length.
INSERT INTO attempts (
    account, delivery_id, cause, outcome, next_due, at, took, code, error, detail, location, address, dns, connect, tls,
    first_byte, answer
)
SELECT
    value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT),
    CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), CAST(value ->> 7 AS BIGINT), value ->> 8, value ->> 9,
    value ->> 10, value ->> 11, CAST(value ->> 12 AS BIGINT), CAST(value ->> 13 AS BIGINT), CAST(value ->> 14 AS BIGINT),
    CAST(value ->> 15 AS BIGINT),
    substring(CAST(:answers AS bytea) FROM CAST(value ->> 16 AS INTEGER) FOR CAST(value ->> 17 AS INTEGER))
FROM json_array_elements(CAST(:attempts AS json)) AS tried (value);

-- name: shown_deliveries
-- Deliveries as shown, each with its last attempt.
SELECT
    deliveries.id, deliveries.endpoint_id, deliveries.position, deliveries.created, deliveries.due, deliveries.attempts,
    deliveries.state, deliveries.cause, endpoints.state AS endpoint_state, events.id AS event_id, events.type AS event_type,
    events.account, events.batch_id, attempts.code, attempts.error, attempts.at, attempts.took
FROM json_array_elements_text(CAST(:ids AS json)) AS asked (value)
JOIN deliveries ON deliveries.id = CAST(asked.value AS BIGINT)
JOIN endpoints ON endpoints.id = deliveries.endpoint_id
JOIN events ON events.position = deliveries.position
LEFT JOIN attempts ON attempts.id = (SELECT max(id) FROM attempts WHERE delivery_id = deliveries.id)
ORDER BY deliveries.id DESC;
