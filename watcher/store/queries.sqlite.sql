-- What only SQLite understands, or must be said to it in another way.

-- name: settings_of_connection#
-- WAL: reading never waits for writing; FULL: a commit outlives a power cut; what is deleted is zeroed where that is free.
PRAGMA busy_timeout = 5000;
PRAGMA synchronous = FULL;
PRAGMA temp_store = MEMORY;
PRAGMA journal_size_limit = 67108864;
PRAGMA secure_delete = FAST;

-- name: events_after
-- A portion of the log; lists travel as JSON text.
SELECT * FROM events
WHERE position > :after
    AND (:account IS NULL OR account = :account)
    AND (:accounts IS NULL OR account IN (SELECT value FROM json_each(:accounts)))
    AND (:batch_id IS NULL OR batch_id = :batch_id)
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
ORDER BY position LIMIT :limit;

-- name: events_of_batch
-- A portion of the events of one watch; they are few, and found by the key of rule 2.
SELECT * FROM events
WHERE account = :account AND coalesce(batch_id, 0) = :batch_id AND position > :after
    AND (:accounts IS NULL OR account IN (SELECT value FROM json_each(:accounts)))
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
ORDER BY position LIMIT :limit;

-- name: log_span^
-- Up to where events were deleted, in former versions too, and the last position that was given out.
SELECT
    max(
        coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'forgotten'), 0),
        coalesce((SELECT min(position) - 1 FROM events), 0)
    ) AS forgotten,
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS last;

-- name: note_forgotten!
-- Events up to this position were deleted; what is written down never goes back.
INSERT INTO meta (name, value) VALUES ('forgotten', :position)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE CAST(meta.value AS INTEGER) < CAST(excluded.value AS INTEGER);

-- name: hungry_endpoints
-- Which endpoints are owed first attempts, and which retries, that are due, as JSON; those that are owed nothing cost nothing.
WITH RECURSIVE owed (id) AS (
    SELECT min(endpoint_id) FROM deliveries INDEXED BY deliveries_pending WHERE state = 'pending'
    UNION ALL
    SELECT (
        SELECT min(endpoint_id) FROM deliveries INDEXED BY deliveries_pending
        WHERE state = 'pending' AND endpoint_id > owed.id
    )
    FROM owed WHERE owed.id IS NOT NULL
)
SELECT json_group_array(json_array(
    id,
    EXISTS (
        SELECT 1 FROM deliveries
        WHERE endpoint_id = owed.id AND state = 'pending' AND behind = 0 AND (attempts > 0) = 0 AND due <= :now
    ),
    EXISTS (
        SELECT 1 FROM deliveries
        WHERE endpoint_id = owed.id AND state = 'pending' AND behind = 0 AND (attempts > 0) = 1 AND due <= :now
    )
))
FROM owed WHERE id IS NOT NULL;

-- name: due_deliveries
-- First attempts or retries that may be claimed, as JSON; there is one writer, so nobody can come between this and the claim.
SELECT json_group_array(json_array(id, endpoint_id, position, created, due, attempts, cause, lane, account))
FROM (
    SELECT id, endpoint_id, position, created, due, attempts, cause, lane, account FROM deliveries
    WHERE endpoint_id = :endpoint_id AND state = 'pending' AND behind = 0 AND (attempts > 0) = :retries AND due <= :now
        AND id NOT IN (SELECT value FROM json_each(:claimed))
    ORDER BY due, id LIMIT :room
) AS few;

-- name: due_deliveries_of_many
-- First attempts or retries that may be claimed, of many endpoints, as JSON: `asked` has pairs of an id and what is claimed of it.
SELECT json_group_array(json_array(
    deliveries.id, deliveries.endpoint_id, deliveries.position, deliveries.created, deliveries.due, deliveries.attempts,
    deliveries.cause, deliveries.lane, deliveries.account
))
FROM json_each(:asked) AS asked
CROSS JOIN deliveries ON deliveries.id IN (
    SELECT due.id FROM deliveries AS due
    WHERE due.endpoint_id = asked.value ->> 0 AND due.state = 'pending' AND due.behind = 0
        AND (due.attempts > 0) = :retries AND due.due <= :now
        AND due.id NOT IN (SELECT value FROM json_each(asked.value, '$[1]'))
    ORDER BY due.due, due.id LIMIT :room
);

-- name: owed_events
-- What is sent of these events, as JSON: many endpoints are owed the same one.
SELECT json_group_array(json_array(position, id, type, CAST(body AS TEXT))) FROM events
WHERE position IN (SELECT value FROM json_each(:positions));

-- name: settle_deliveries!
-- Deliveries after their attempts, as JSON: lists of id, state, attempts, when it is due (null: as before), and cause.
UPDATE deliveries SET
    state = settled.value ->> 1, attempts = settled.value ->> 2, due = coalesce(settled.value ->> 3, due),
    cause = settled.value ->> 4
FROM json_each(:settled) AS settled
WHERE deliveries.id = settled.value ->> 0;

-- name: note_attempts!
-- Tries at deliveries, for the operator: JSON lists of the columns, at the end where in `answers` the answer begins, and its length.
INSERT INTO attempts (
    account, delivery_id, cause, outcome, next_due, at, took, code, error, detail, location, address, dns, connect, tls,
    first_byte, answer
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
    value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15,
    coalesce(substr(:answers, value ->> 16, value ->> 17), x'')
FROM json_each(:attempts);

-- name: shown_deliveries
-- Deliveries as shown, each with its last attempt.
SELECT
    deliveries.id, deliveries.endpoint_id, deliveries.position, deliveries.created, deliveries.due, deliveries.attempts,
    deliveries.state, deliveries.cause, endpoints.state AS endpoint_state, events.id AS event_id, events.type AS event_type,
    events.account, events.batch_id, attempts.code, attempts.error, attempts.at, attempts.took
FROM json_each(:ids) AS asked
CROSS JOIN deliveries ON deliveries.id = asked.value
JOIN endpoints ON endpoints.id = deliveries.endpoint_id
JOIN events ON events.position = deliveries.position
LEFT JOIN attempts ON attempts.id = (SELECT max(id) FROM attempts WHERE delivery_id = deliveries.id)
ORDER BY deliveries.id DESC;

-- name: make_event<!
-- An event at the end of the log; its position is what comes back.
INSERT INTO events (id, type, at, account, batch_id, number, endpoint, body)
VALUES (:id, :type, :at, :account, :batch_id, :number, :endpoint, :body);

-- name: make_delivery<!
-- One event owed to one endpoint; the events of a lane are made in their order.
INSERT INTO deliveries (account, endpoint_id, position, created, due, state, cause, lane, behind)
VALUES (
    :account, :endpoint_id, :position, :now, :now, 'pending', :cause, :lane,
    CASE WHEN :lane IS NULL THEN 0 ELSE EXISTS (
        SELECT 1 FROM deliveries WHERE endpoint_id = :endpoint_id AND lane = :lane AND state = 'pending'
    ) END
);

-- name: some_broadcasts
-- Those of an account's broadcasts that a JSON list names, followed or not.
SELECT broadcasts.* FROM json_each(:ids) AS asked
CROSS JOIN broadcasts ON broadcasts.account = :account AND broadcasts.broadcast_id = asked.value;
