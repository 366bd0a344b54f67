-- What only PostgreSQL understands, or must be said to it in another way. Lists travel as JSON text, as with SQLite.

-- name: begin_writing!
-- Says that the replica is there, and which of its transactions this is.
INSERT INTO replicas (id, name, version, keys, polls, started, held_until, commits)
VALUES (:replica, :name, :version, :keys, FALSE, clock_ms(), clock_ms() + :lease, :number)
ON CONFLICT (id) DO UPDATE SET held_until = excluded.held_until, commits = excluded.commits;

-- name: last_commit$
-- Which transaction of the replica was committed last; waits for one that is being committed.
SELECT commits FROM replicas WHERE id = :replica FOR UPDATE;

-- name: leave!
-- The replica is not there any more, and has nothing.
WITH left_alone AS (UPDATE leases SET replica = NULL WHERE replica = :replica)
UPDATE replicas SET held_until = 0 WHERE id = :replica;

-- name: forget_replicas!
-- Those that have not been there for so long that nobody asks for them any more.
DELETE FROM replicas WHERE held_until < clock_ms() - :kept;

-- name: leases_in_force
-- Which of these leases are ours still: JSON pairs of a share and an epoch. Nobody takes one over before the commit.
SELECT share, epoch FROM leases
WHERE replica = :replica AND (share, epoch) IN (
    SELECT held.value ->> 0, CAST(held.value ->> 1 AS BIGINT) FROM json_array_elements(CAST(:held AS json)) AS held (value)
)
ORDER BY share FOR SHARE;

-- name: replicas
-- The processes that are there.
SELECT id, name, version, polls FROM replicas WHERE held_until > clock_ms() ORDER BY id;

-- name: keys_of_replicas
-- With which keys the processes that are there open secrets.
SELECT name, keys FROM replicas WHERE held_until > clock_ms() ORDER BY id;

-- name: note_polling!
-- Whether the replica takes its part of the shares.
UPDATE replicas SET polls = :polls WHERE id = :replica AND polls <> :polls;

-- name: clock$
-- The database's clock, in milliseconds.
SELECT clock_ms();

-- name: enroll_shares!
-- Shares that were not known yet are nobody's.
INSERT INTO leases (share, epoch, demand)
SELECT value, 0, 1 FROM json_array_elements_text(CAST(:shares AS json)) AS asked (value)
ON CONFLICT (share) DO NOTHING;

-- name: shares
-- How shares are spread, in the order of the list; what only a replica has that is gone is nobody's.
SELECT leases.share, leases.epoch, replicas.id AS replica, leases.demand
FROM json_array_elements_text(CAST(:shares AS json)) WITH ORDINALITY AS asked (value, place)
JOIN leases ON leases.share = asked.value
LEFT JOIN replicas ON replicas.id = leases.replica AND replicas.held_until > clock_ms()
ORDER BY asked.place;

-- name: held_elsewhere
-- How much work replicas have with other shares than those of the list.
SELECT replica, sum(demand) AS demand FROM leases
WHERE replica IS NOT NULL AND share NOT IN (SELECT json_array_elements_text(CAST(:shares AS json)))
GROUP BY replica;

-- name: free_shares!
-- What replicas that are gone have of these accounts is nobody's; but for one that says at this very moment that it is there.
WITH gone AS MATERIALIZED (
    SELECT id FROM replicas WHERE held_until <= clock_ms() ORDER BY id FOR SHARE SKIP LOCKED
)
UPDATE leases SET replica = NULL
WHERE share IN (
    SELECT share FROM leases
    WHERE split_part(share, '@', 1) IN (
            SELECT split_part(value, '@', 1) FROM json_array_elements_text(CAST(:shares AS json)) AS asked (value)
        )
        AND replica IS NOT NULL
        AND (
            replica IN (SELECT id FROM gone)
            OR NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.id = leases.replica)
        )
    ORDER BY share FOR UPDATE SKIP LOCKED
);

-- name: take_shares
-- Takes those of the shares that are nobody's; an account that somebody polls who divides it differently is left to that one.
UPDATE leases SET epoch = epoch + 1, replica = :replica
WHERE share IN (
    SELECT share FROM leases
    WHERE share IN (SELECT json_array_elements_text(CAST(:shares AS json)))
        AND replica IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM leases AS others
            WHERE others.replica IS NOT NULL AND split_part(others.share, '@', 1) = split_part(leases.share, '@', 1)
                AND split_part(others.share, '/', 2) <> split_part(leases.share, '/', 2)
        )
    ORDER BY share FOR UPDATE SKIP LOCKED
)
RETURNING share, epoch;

-- name: take_in_turn
-- Until the commit nobody else takes shares: two that divide an account differently must not both find it free.
SELECT CAST(pg_advisory_xact_lock(8607336417265442668) AS TEXT);

-- name: shares_of_other_divisions
-- What is polled of the accounts of these shares by those who divide them differently.
SELECT leases.share FROM leases
JOIN replicas ON replicas.id = leases.replica AND replicas.held_until > clock_ms()
WHERE split_part(leases.share, '@', 1) IN (
        SELECT split_part(value, '@', 1) FROM json_array_elements_text(CAST(:shares AS json)) AS asked (value)
    )
    AND leases.share NOT IN (SELECT json_array_elements_text(CAST(:shares AS json)))
ORDER BY leases.share;

-- name: give_back_shares!
-- They are nobody's, where they were ours.
UPDATE leases SET replica = NULL
WHERE replica = :replica AND (share, epoch) IN (
    SELECT held.value ->> 0, CAST(held.value ->> 1 AS BIGINT) FROM json_array_elements(CAST(:held AS json)) AS held (value)
);

-- name: describe_shares!
-- How they stand, where they are ours: JSON lists of share, epoch, demand, and what is shown.
UPDATE leases SET demand = CAST(told.value ->> 2 AS DOUBLE PRECISION), shown = told.value ->> 3
FROM json_array_elements(CAST(:told AS json)) AS told (value)
WHERE leases.replica = :replica AND leases.share = told.value ->> 0 AND leases.epoch = CAST(told.value ->> 1 AS BIGINT);

-- name: shown_shares
-- What their owners said of them last.
SELECT share, shown FROM leases WHERE shown IS NOT NULL;

-- name: lock_log^
-- Locks the ends of the log and of the words, and moves them by what is to be appended. Whoever listens is notified at the commit.
UPDATE log SET last = last + :events, words = words + :words, endpoints = endpoints + :endpoints
RETURNING last, words, endpoints, CAST(pg_notify('watcher', '') AS TEXT);

-- name: say_words!
-- Words behind those that were said: a JSON list of kind, account and body.
INSERT INTO words (number, at, replica, kind, account, body)
SELECT :before + said.place, clock_ms(), :replica, said.value ->> 0, said.value ->> 1, said.value ->> 2
FROM json_array_elements(CAST(:said AS json)) WITH ORDINALITY AS said (value, place);

-- name: last_word$
-- The number of the last word.
SELECT words FROM log;

-- name: heard_words
-- The next words of others.
SELECT number, replica, kind, account, body FROM words
WHERE number > :after AND replica <> :replica ORDER BY number LIMIT :limit;

-- name: forget_words!
-- Words that everybody has heard who was there, the oldest first.
DELETE FROM words WHERE number = ANY (ARRAY(
    SELECT number FROM words WHERE at < (SELECT clock_ms() - :kept) ORDER BY at LIMIT 1000
));

-- name: begin_migrating^
-- One process at a time brings the tables to its version: the others wait here, and find them so.
SELECT pg_advisory_xact_lock(8607336417265442664);

-- name: begin_aside$
-- Whether nobody else is taking a step outside of a transaction; from now on nobody can but this one.
SELECT pg_try_advisory_xact_lock(8607336417265442667);

-- name: server^
-- What must be so before anything is made: the encoding, what makes small letters of all; and whether we have tables, or may make some.
SELECT
    current_setting('server_encoding') AS encoding,
    (
        SELECT max(CAST(collname AS TEXT)) FROM pg_collation
        WHERE collnamespace = CAST('pg_catalog' AS regnamespace) AND collname IN ('und-x-icu', 'pg_unicode_fast')
    ) AS letters,
    to_regclass('meta') IS NOT NULL AS made,
    has_schema_privilege(current_schema(), 'CREATE') AS may_make;

-- name: letters_of_icu!
-- Small letters as ICU makes them.
CREATE COLLATION letters FROM "und-x-icu";

-- name: letters_of_unicode!
-- Small letters as PostgreSQL makes them by itself, from version 18 on.
CREATE COLLATION letters FROM pg_unicode_fast;

-- name: broadcast^
-- One broadcast, followed or not; nobody changes it before the commit.
SELECT * FROM broadcasts WHERE account = :account AND broadcast_id = :broadcast_id FOR UPDATE;

-- name: some_broadcasts
-- Those of an account's broadcasts that a JSON list names, followed or not. OFFSET has each looked for by itself.
SELECT found.* FROM json_array_elements_text(CAST(:ids AS json)) AS asked (value)
CROSS JOIN LATERAL (
    SELECT * FROM broadcasts WHERE account = :account AND broadcast_id = CAST(asked.value AS BIGINT) OFFSET 0
) AS found;

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
-- Up to where events were deleted, and the last position that was given out. Behind the first partition positions jump.
SELECT
    greatest(
        coalesce((SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'forgotten'), 0),
        coalesce((SELECT min(position) - 1 FROM events WHERE position < 1000000000), 0)
    ) AS forgotten,
    last
FROM log;

-- name: note_forgotten!
-- Events up to this position were deleted; what is written down never goes back.
INSERT INTO meta (name, value) VALUES ('forgotten', :position)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE CAST(meta.value AS BIGINT) < CAST(excluded.value AS BIGINT);
