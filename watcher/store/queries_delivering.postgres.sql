-- Claims and settling where several replicas send. Whatever locks more than one thing locks in this order, so that nobody waits for
-- whoever waits for him: endpoints by id, claims, the end of the log, deliveries; turns are never waited for.
--
-- `claim_due` is asked with JSON lists: an id, how many more, how many at once, how it stood (its health, until when it is paused),
-- and the milliseconds that its rate leaves between two (null: no rate); one that stands otherwise by now is left out. Half of the
-- room is for each kind, what one leaves of it for the other, the oldest due first. A claim that has ended may be settled at that
-- very moment: then its row is gone when `retaken` has its turn, and so is what was due.
--
-- `settle_claims` has JSON lists of token, state, attempts, when it is due (null: as before), cause, and what SQLite's `note_attempts`
-- wants.

-- name: take_turns
-- Endpoints that are owed something that is due, how they stand, and the clock: null where somebody else claims for them just now.
WITH RECURSIVE owed (id) AS (
    (SELECT min(endpoint_id) FROM deliveries WHERE state = 'pending')
    UNION ALL
    SELECT (SELECT min(endpoint_id) FROM deliveries WHERE state = 'pending' AND endpoint_id > owed.id)
    FROM owed WHERE owed.id IS NOT NULL
),
-- Step by step, so that it is found out once of each whether anything is due, whatever is thought of how many there are.
wanted AS MATERIALIZED (
    SELECT id FROM owed WHERE id IN (SELECT json_array_elements_text(CAST(:asked AS json)))
),
due AS MATERIALIZED (
    SELECT id FROM wanted
    WHERE (
        SELECT id FROM deliveries
        WHERE endpoint_id = wanted.id AND state = 'pending' AND behind = 0
            AND (CASE WHEN attempts > 0 THEN 1 ELSE 0 END) = 0 AND due <= :now
        LIMIT 1
    ) IS NOT NULL OR (
        SELECT id FROM deliveries
        WHERE endpoint_id = wanted.id AND state = 'pending' AND behind = 0
            AND (CASE WHEN attempts > 0 THEN 1 ELSE 0 END) = 1 AND due <= :now
        LIMIT 1
    ) IS NOT NULL
),
hungry AS MATERIALIZED (
    SELECT endpoints.* FROM due JOIN endpoints ON endpoints.id = due.id AND endpoints.state = 'active'
),
ours AS MATERIALIZED (
    SELECT endpoint_id, arrival, clock_ms() AS clock FROM turns
    WHERE endpoint_id IN (SELECT id FROM hungry)
    ORDER BY endpoint_id FOR UPDATE SKIP LOCKED
)
SELECT
    hungry.id, hungry.paused_until, hungry.health, hungry.concurrency, hungry.rate, hungry.ordering, ours.arrival, ours.clock
FROM hungry LEFT JOIN ours ON ours.endpoint_id = hungry.id;

-- name: claim_due
-- Claims what is due of endpoints whose turns we have, with what is sent of it.
WITH free AS MATERIALIZED (
    SELECT
        endpoints.id, hashtextextended(endpoints.url, 0) AS receiver, endpoints.created AS since, flying.ids, flying.lanes,
        least(CAST(asked.value ->> 1 AS BIGINT), CAST(asked.value ->> 2 AS BIGINT) - cardinality(flying.ids)) AS room,
        CAST(asked.value ->> 5 AS DOUBLE PRECISION) AS spacing
    FROM json_array_elements(CAST(:asked AS json)) AS asked (value)
    JOIN endpoints ON endpoints.id = asked.value ->> 0 AND endpoints.state = 'active'
        AND endpoints.health = asked.value ->> 3
        AND endpoints.paused_until IS NOT DISTINCT FROM CAST(asked.value ->> 4 AS BIGINT)
    CROSS JOIN LATERAL (
        SELECT
            ARRAY(SELECT delivery_id FROM claims WHERE endpoint_id = endpoints.id AND claimed_until > :clock) AS ids,
            CASE WHEN endpoints.ordering = 'none' THEN '{}' ELSE ARRAY(
                SELECT deliveries.lane FROM claims
                JOIN deliveries ON deliveries.id = claims.delivery_id AND deliveries.position = claims.position
                WHERE claims.endpoint_id = endpoints.id AND claims.claimed_until > :clock AND deliveries.lane IS NOT NULL
            ) END AS lanes
    ) AS flying
),
due AS MATERIALIZED (
    SELECT
        few.*, free.receiver, free.since, free.room,
        row_number() OVER (PARTITION BY few.endpoint_id, few.again ORDER BY few.due, few.id) AS place,
        count(*) FILTER (WHERE few.again = 0) OVER (PARTITION BY few.endpoint_id) AS firsts,
        count(*) FILTER (WHERE few.again = 1) OVER (PARTITION BY few.endpoint_id) AS retries
    FROM free
    CROSS JOIN LATERAL (
        SELECT id, endpoint_id, position, created, due, attempts, cause, account, 0 AS again
        FROM due_deliveries(free.id, 0, :now, free.ids, free.lanes, free.room)
        UNION ALL
        SELECT id, endpoint_id, position, created, due, attempts, cause, account, 1 AS again
        FROM due_deliveries(free.id, 1, :now, free.ids, free.lanes, free.room)
    ) AS few
),
chosen AS MATERIALIZED (
    SELECT * FROM due WHERE place <= CASE again
        WHEN 0 THEN room - least(retries, (room + CAST(:retries_first AS BIGINT)) / 2)
        ELSE room - least(firsts, room - least(retries, (room + CAST(:retries_first AS BIGINT)) / 2))
    END
),
taken AS (
    INSERT INTO claims (delivery_id, account, position, endpoint_id, token, claimed_until, receiver, since)
    SELECT
        chosen.id, chosen.account, chosen.position, chosen.endpoint_id, CAST(:token AS TEXT), CAST(:until AS BIGINT),
        chosen.receiver, chosen.since
    FROM chosen
    WHERE NOT EXISTS (
        SELECT 1 FROM claims WHERE claims.delivery_id = chosen.id AND claims.account = chosen.account
    )
    ON CONFLICT DO NOTHING
    RETURNING delivery_id, endpoint_id
),
retaken AS (
    UPDATE claims SET token = :token, claimed_until = :until, receiver = chosen.receiver, since = chosen.since
    FROM chosen
    WHERE claims.delivery_id = chosen.id AND claims.account = chosen.account AND claims.claimed_until <= :clock
    RETURNING claims.delivery_id, claims.endpoint_id
),
ours AS (SELECT * FROM taken UNION ALL SELECT * FROM retaken),
paced AS (
    UPDATE turns SET arrival = greatest(turns.arrival, :clock) + sent.count * free.spacing
    FROM (SELECT endpoint_id, count(*) AS count FROM ours GROUP BY endpoint_id) AS sent
    JOIN free ON free.id = sent.endpoint_id
    WHERE turns.endpoint_id = sent.endpoint_id AND free.spacing IS NOT NULL
)
SELECT
    chosen.id, chosen.endpoint_id, chosen.position, chosen.created, chosen.due, chosen.attempts, chosen.cause,
    events.id AS event_id, events.type, events.body
FROM chosen
JOIN events ON events.position = chosen.position AND events.account = chosen.account
WHERE (chosen.id IN (SELECT delivery_id FROM ours)) IS TRUE
ORDER BY chosen.endpoint_id, chosen.due, chosen.id;

-- name: release_claims!
-- Gives back what is claimed under a token.
DELETE FROM claims WHERE token = :token;

-- name: forget_claims!
-- Claims that ended so long ago that nobody settles under them any more: of what was forgotten, or is not sent any more.
DELETE FROM claims WHERE claimed_until < clock_ms() - :kept;

-- name: standings
-- How endpoints stand, by a JSON list of ids.
SELECT id, state, health, ordering FROM endpoints
WHERE id IN (SELECT json_array_elements_text(CAST(:ids AS json)));

-- name: lock_endpoints
-- Endpoints by a JSON list of ids (null: all), as they are; nobody changes them before the commit.
SELECT * FROM endpoints
WHERE :ids IS NULL OR id IN (SELECT json_array_elements_text(CAST(:ids AS json)))
ORDER BY id FOR UPDATE;

-- name: hold_log
-- Locks the end of the log without moving it.
SELECT last FROM log FOR UPDATE;

-- name: lock_claims
-- Claims that stand, by JSON pairs of a delivery and a token; whether their endpoint has another receiver since, or is another.
SELECT
    claims.delivery_id, claims.token, claims.since IS DISTINCT FROM endpoints.created AS former,
    claims.receiver <> hashtextextended(endpoints.url, 0) OR claims.since IS DISTINCT FROM endpoints.created AS moved
FROM json_array_elements(CAST(:asked AS json)) AS asked (value)
JOIN claims ON claims.delivery_id = CAST(asked.value ->> 0 AS BIGINT) AND claims.token = asked.value ->> 1
JOIN endpoints ON endpoints.id = claims.endpoint_id
WHERE EXISTS (
    SELECT 1 FROM deliveries WHERE deliveries.id = claims.delivery_id AND deliveries.position = claims.position
)
ORDER BY claims.delivery_id FOR UPDATE OF claims;

-- name: settle_claims
-- Deliveries after their attempts, and the attempts: those whose token stood, and whether their endpoint has another receiver since.
WITH told AS MATERIALIZED (
    SELECT CAST(settled.value ->> 6 AS BIGINT) AS id, settled.value ->> 0 AS token, settled.value
    FROM json_array_elements(CAST(:settled AS json)) AS settled (value)
),
gone AS (
    DELETE FROM claims USING told
    WHERE claims.delivery_id = told.id AND claims.token = told.token
    RETURNING claims.delivery_id, claims.position, claims.account, claims.endpoint_id, claims.receiver, claims.since, told.value
),
put AS (
    UPDATE deliveries SET
        state = gone.value ->> 1, attempts = CAST(gone.value ->> 2 AS BIGINT),
        due = coalesce(CAST(gone.value ->> 3 AS BIGINT), deliveries.due), cause = gone.value ->> 4
    FROM gone
    WHERE deliveries.id = gone.delivery_id AND deliveries.position = gone.position AND deliveries.account = gone.account
    RETURNING deliveries.id, deliveries.account, deliveries.lane, gone.endpoint_id, gone.receiver, gone.since, gone.value
),
noted AS (
    INSERT INTO attempts (
        account, delivery_id, cause, outcome, next_due, at, took, code, error, detail, location, address, dns, connect, tls,
        first_byte, answer
    )
    SELECT
        account, id, value ->> 7, value ->> 8, CAST(value ->> 9 AS BIGINT), CAST(value ->> 10 AS BIGINT),
        CAST(value ->> 11 AS BIGINT), CAST(value ->> 12 AS BIGINT), value ->> 13, value ->> 14, value ->> 15, value ->> 16,
        CAST(value ->> 17 AS BIGINT), CAST(value ->> 18 AS BIGINT), CAST(value ->> 19 AS BIGINT),
        CAST(value ->> 20 AS BIGINT),
        substring(CAST(:answers AS bytea) FROM CAST(value ->> 21 AS INTEGER) FOR CAST(value ->> 22 AS INTEGER))
    FROM put
)
SELECT
    put.id, put.value ->> 0 AS token, put.lane,
    put.receiver <> hashtextextended(endpoints.url, 0) OR put.since IS DISTINCT FROM endpoints.created AS moved
FROM put JOIN endpoints ON endpoints.id = put.endpoint_id;

-- name: delivery^
-- A delivery as far as it matters for sending it again, and whether it is under way.
SELECT
    deliveries.id, deliveries.endpoint_id, deliveries.position, events.account, events.batch_id, events.endpoint,
    EXISTS (SELECT 1 FROM claims WHERE claims.delivery_id = deliveries.id AND claimed_until > clock_ms()) AS in_flight
FROM deliveries
JOIN events ON events.position = deliveries.position
WHERE deliveries.id = :id;

-- name: send_again!
-- A delivery is due now, with all its attempts before it; a claim of it that has ended is over for good.
WITH ended AS (DELETE FROM claims WHERE delivery_id = :id AND claimed_until <= clock_ms())
UPDATE deliveries SET state = 'pending', attempts = 0, due = :now, cause = :cause, lane = :lane, behind = 0 WHERE id = :id;

-- name: events_to_recover
-- A portion of the log, each event with the delivery that an endpoint has of it, and whether that is under way.
SELECT
    events.position, events.at, events.type, events.account, events.batch_id, events.endpoint,
    deliveries.id AS delivery_id, deliveries.state,
    EXISTS (SELECT 1 FROM claims WHERE claims.delivery_id = deliveries.id AND claimed_until > clock_ms()) AS in_flight
FROM events
LEFT JOIN deliveries ON deliveries.position = events.position AND deliveries.endpoint_id = :endpoint_id
WHERE events.position > :after
ORDER BY events.position LIMIT :most;

-- name: shown_deliveries
-- Deliveries as shown, each with its last attempt, and whether another one is under way.
SELECT
    deliveries.id, deliveries.endpoint_id, deliveries.position, deliveries.created, deliveries.due, deliveries.attempts,
    deliveries.state, deliveries.cause, endpoints.state AS endpoint_state, events.id AS event_id, events.type AS event_type,
    events.account, events.batch_id, attempts.code, attempts.error, attempts.at, attempts.took,
    EXISTS (SELECT 1 FROM claims WHERE claims.delivery_id = deliveries.id AND claimed_until > clock_ms()) AS in_flight
FROM deliveries
JOIN endpoints ON endpoints.id = deliveries.endpoint_id
JOIN events ON events.position = deliveries.position
LEFT JOIN LATERAL (
    SELECT code, error, at, took FROM attempts WHERE delivery_id = deliveries.id ORDER BY id DESC LIMIT 1
) AS attempts ON TRUE
WHERE deliveries.id = ANY (ARRAY(SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT)))
ORDER BY deliveries.id DESC;

-- name: once^
-- What was asked with the key, and what was answered; what is under way at a replica that is gone is unclear.
SELECT
    fingerprint, at, answer,
    CASE WHEN status IS NULL AND NOT EXISTS (
        SELECT 1 FROM replicas WHERE replicas.id = once.replica AND replicas.held_until > clock_ms()
    ) THEN 0 ELSE status END AS status
FROM once WHERE holder = :holder AND key = :key;

-- name: begin_once!
-- A request with its key is under way here, unless another replica was faster.
INSERT INTO once (holder, key, fingerprint, at, replica) VALUES (:holder, :key, :fingerprint, :at, :replica)
ON CONFLICT (holder, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, at = excluded.at, replica = excluded.replica, status = NULL, answer = NULL
WHERE once.at <= :cutoff OR once.status = 0 OR (once.status IS NULL AND NOT EXISTS (
    SELECT 1 FROM replicas WHERE replicas.id = once.replica AND replicas.held_until > clock_ms()
));

-- name: finish_once!
-- What was answered to the request that is under way here.
UPDATE once SET status = :status, answer = :answer
WHERE holder = :holder AND key = :key AND status IS NULL AND replica = :replica;

-- name: abandon_once!
-- The request that is under way here came to nothing.
DELETE FROM once WHERE holder = :holder AND key = :key AND status IS NULL AND replica = :replica;

-- name: leave_unclear!
-- Nobody works on what was under way at replicas that are gone.
UPDATE once SET status = 0 WHERE status IS NULL AND NOT EXISTS (
    SELECT 1 FROM replicas WHERE replicas.id = once.replica AND replicas.held_until > clock_ms()
);
