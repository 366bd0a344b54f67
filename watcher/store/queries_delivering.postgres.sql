-- Claims and settling where several replicas send. Whatever locks more than one thing locks in this order, so that nobody waits for
-- whoever waits for him: endpoints by id, claims, the end of the log, deliveries; turns are never waited for.
--
-- `claim_due` is asked with JSON lists: an id, how many more, how many at once, how it stood (its health, until when it is paused),
-- and the milliseconds that its rate leaves between two (null: no rate); one that stands otherwise by now is left out. Half of the
-- room is for each kind, what one leaves of it for the other, the oldest due first. A claim that has ended may be settled at that
-- very moment: then its row is gone when `retaken` has its turn, and so is what was due.
--
-- `settle_claims` has JSON objects of the columns of a delivery (when it is due is null where that stays) and of its attempt
-- (`tried` is that one's cause), without those that are null, and where in `answers` its answer begins and how long it is. Where
-- endpoints are named in `calm`, nothing is settled unless all of these are active, without order, and as `Health.untroubled` says.

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
    SELECT hungry.*, turns.arrival, clock_ms() AS clock FROM turns JOIN hungry ON hungry.id = turns.endpoint_id
    ORDER BY turns.endpoint_id FOR UPDATE OF turns SKIP LOCKED
)
SELECT id, paused_until, health, concurrency, rate, ordering, arrival, clock FROM ours
UNION ALL
SELECT id, paused_until, health, concurrency, rate, ordering, NULL, NULL FROM hungry WHERE id NOT IN (SELECT id FROM ours);

-- name: claim_due
-- Claims what is due of endpoints whose turns we have, with what is sent of it.
WITH free AS MATERIALIZED (
    SELECT
        endpoints.id, hashtextextended(endpoints.url, 0) AS receiver, endpoints.created AS since,
        CAST(asked.value ->> 1 AS BIGINT) AS most, CAST(asked.value ->> 2 AS BIGINT) AS at_once,
        CAST(asked.value ->> 5 AS DOUBLE PRECISION) AS spacing
    FROM json_array_elements(CAST(:asked AS json)) AS asked (value)
    JOIN endpoints ON endpoints.id = asked.value ->> 0 AND endpoints.state = 'active'
        AND endpoints.health = asked.value ->> 3
        AND endpoints.paused_until IS NOT DISTINCT FROM CAST(asked.value ->> 4 AS BIGINT)
),
due AS MATERIALIZED (
    SELECT
        few.*, free.receiver, free.since,
        row_number() OVER (PARTITION BY few.endpoint_id, few.again ORDER BY few.due, few.id) AS place,
        count(*) FILTER (WHERE few.again = 0) OVER (PARTITION BY few.endpoint_id) AS firsts,
        count(*) FILTER (WHERE few.again = 1) OVER (PARTITION BY few.endpoint_id) AS retries
    FROM (SELECT array_agg(id) AS ids, array_agg(most) AS most, array_agg(at_once) AS at_once FROM free) AS lists
    CROSS JOIN LATERAL due_deliveries(lists.ids, lists.most, lists.at_once, :now, :clock) AS few
    JOIN free ON free.id = few.endpoint_id
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

-- name: end_claims!
-- Ends what replicas have claimed that are gone: a claim's token begins with its replica's id.
UPDATE claims SET claimed_until = clock_ms()
WHERE (delivery_id, account) IN (
    SELECT claims.delivery_id, claims.account FROM claims
    JOIN replicas ON replicas.id = split_part(claims.token, '.', 1) AND replicas.held_until <= clock_ms()
    WHERE claims.claimed_until > clock_ms()
    FOR UPDATE OF claims SKIP LOCKED
);

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
    SELECT * FROM json_to_recordset(CAST(:settled AS json)) AS told (
        id BIGINT, token TEXT, state TEXT, attempts BIGINT, due BIGINT, cause TEXT, tried TEXT, outcome TEXT, next_due BIGINT,
        at BIGINT, took BIGINT, code BIGINT, error TEXT, detail TEXT, location TEXT, address TEXT, dns BIGINT, connect BIGINT,
        tls BIGINT, first_byte BIGINT, begins INTEGER, length INTEGER
    )
    WHERE :calm IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_array_elements_text(CAST(:calm AS json)) AS calm (id)
        WHERE NOT EXISTS (
            SELECT 1 FROM endpoints
            WHERE endpoints.id = calm.id AND state = 'active' AND ordering = 'none'
                AND NOT CAST(health AS jsonb) ?| ARRAY['failures_in_a_row', 'failing_since', 'opened', 'alarmed']
        )
    )
),
gone AS (
    DELETE FROM claims USING told
    WHERE claims.delivery_id = told.id AND claims.token = told.token
    RETURNING claims.position, claims.account, claims.endpoint_id, claims.receiver, claims.since, told.*
),
put AS (
    UPDATE deliveries SET
        state = gone.state, attempts = gone.attempts, due = coalesce(gone.due, deliveries.due), cause = gone.cause
    FROM gone
    WHERE deliveries.id = gone.id AND deliveries.position = gone.position AND deliveries.account = gone.account
    RETURNING deliveries.lane, gone.*
),
noted AS (
    INSERT INTO attempts (
        account, delivery_id, cause, outcome, next_due, at, took, code, error, detail, location, address, dns, connect, tls,
        first_byte, answer
    )
    SELECT
        account, id, tried, outcome, next_due, at, took, code, error, detail, location, address, dns, connect, tls,
        first_byte, substring(CAST(:answers AS bytea) FROM begins FOR length)
    FROM put
)
SELECT
    put.id, put.token, put.lane,
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
