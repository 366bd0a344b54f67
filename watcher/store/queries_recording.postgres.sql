-- What is written of many watches at once, in one round trip however many they are; PostgreSQL only. Watches travel as JSON objects
-- of their columns, what events and deliveries are made of as arrays, for bytes have no place in JSON.

-- name: swap_watches
-- The compare-and-swap of rule 2 for many: which of them were, before, as they were read (`was` is that version).
UPDATE watches SET
    opened = new.opened, version = new.version, number = new.number, state = new.state, status = new.status,
    final = new.final, since = new.since, name = new.name, broadcast_id = new.broadcast_id, created = new.created,
    size = new.size, remaining = new.remaining, enabled = new.enabled, asked = new.asked, answered = new.answered,
    looks = new.looks, missing_since = new.missing_since, missing_count = new.missing_count,
    refused_count = new.refused_count, aside_until = new.aside_until, stuck_told = new.stuck_told,
    stuck_last = new.stuck_last, expires = new.expires, labels = new.labels, correlation_id = new.correlation_id,
    band = new.band
FROM json_to_recordset(CAST(:watches AS json)) AS new (
    was BIGINT, account TEXT, batch_id BIGINT, opened BIGINT, version BIGINT, number BIGINT, state TEXT, status TEXT,
    final BIGINT, since BIGINT, name TEXT, broadcast_id BIGINT, created BIGINT, size BIGINT, remaining BIGINT,
    enabled BIGINT, asked BIGINT, answered BIGINT, looks BIGINT, missing_since BIGINT, missing_count BIGINT,
    refused_count BIGINT, aside_until BIGINT, stuck_told BIGINT, stuck_last BIGINT, expires BIGINT, labels TEXT,
    correlation_id TEXT, band BIGINT
)
WHERE watches.account = new.account AND watches.batch_id = new.batch_id AND watches.version = new.was
RETURNING watches.account, watches.batch_id;

-- name: make_events!
-- Events at their positions, and what is owed of them; of what is made at once in a lane `again` marks all but the first.
WITH made AS (
    INSERT INTO events (position, id, type, at, account, batch_id, number, endpoint, body)
    SELECT * FROM unnest(
        CAST(:position AS BIGINT[]), CAST(:id AS TEXT[]), CAST(:type AS TEXT[]), CAST(:at AS BIGINT[]),
        CAST(:account AS TEXT[]), CAST(:batch_id AS BIGINT[]), CAST(:number AS BIGINT[]), CAST(:endpoint AS TEXT[]),
        CAST(:body AS BYTEA[])
    )
)
INSERT INTO deliveries (account, endpoint_id, position, created, due, state, cause, lane, behind)
SELECT
    owed.account, owed.endpoint_id, owed.position, :now, :now, 'pending', 'schedule', owed.lane,
    CASE WHEN owed.lane IS NOT NULL AND (owed.again OR EXISTS (
        SELECT 1 FROM deliveries
        WHERE deliveries.endpoint_id = owed.endpoint_id AND deliveries.lane = owed.lane AND deliveries.state = 'pending'
    )) THEN 1 ELSE 0 END
FROM unnest(
    CAST(:owed_account AS TEXT[]), CAST(:owed_endpoint_id AS TEXT[]), CAST(:owed_position AS BIGINT[]),
    CAST(:owed_lane AS TEXT[]), CAST(:owed_again AS BOOLEAN[])
) AS owed (account, endpoint_id, position, lane, again);

-- name: lock_watches
-- Watches by JSON pairs of an account and a batch; nobody changes them before the commit.
SELECT * FROM watches
WHERE (account, batch_id) IN (
    SELECT asked.value ->> 0, CAST(asked.value ->> 1 AS BIGINT) FROM json_array_elements(CAST(:keys AS json)) AS asked (value)
)
ORDER BY account, batch_id FOR UPDATE;

-- name: make_watches
-- Those of the watches that were not there.
INSERT INTO watches (
    account, batch_id, opened, version, number, state, status, final, since, name, broadcast_id, created, size, remaining,
    enabled, asked, answered, looks, missing_since, missing_count, refused_count, aside_until, stuck_told, stuck_last,
    expires, labels, correlation_id, band
)
SELECT
    account, batch_id, opened, version, number, state, status, final, since, name, broadcast_id, created, size, remaining,
    enabled, asked, answered, looks, missing_since, missing_count, refused_count, aside_until, stuck_told, stuck_last,
    expires, labels, correlation_id, band
FROM json_populate_recordset(CAST(NULL AS watches), CAST(:watches AS json))
ON CONFLICT (account, batch_id) DO NOTHING
RETURNING account, batch_id;

-- name: save_looks!
-- As `save_look`, of many watches, each once.
UPDATE watches SET
    asked = seen.asked, answered = seen.answered, looks = seen.looks, size = seen.size, remaining = seen.remaining
FROM json_to_recordset(CAST(:looks AS json)) AS seen (
    account TEXT, batch_id BIGINT, asked BIGINT, answered BIGINT, looks BIGINT, size BIGINT, remaining BIGINT
)
WHERE watches.account = seen.account AND watches.batch_id = seen.batch_id
    AND (watches.asked IS NULL OR watches.asked < seen.asked);
