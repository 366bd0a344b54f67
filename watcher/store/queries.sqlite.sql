-- What only SQLite understands, or must be said to it in another way.

-- name: settings_of_connection#
-- WAL, so that reading never waits for writing; FULL, so that a commit outlives a power cut; a lock is waited for 5 s.
PRAGMA busy_timeout = 5000;
PRAGMA synchronous = FULL;
PRAGMA temp_store = MEMORY;
PRAGMA journal_size_limit = 67108864;

-- name: events_after
-- A portion of the log; lists travel as JSON text.
SELECT * FROM events
WHERE position > :after
    AND (:account IS NULL OR account = :account)
    AND (:batch_id IS NULL OR batch_id = :batch_id)
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
ORDER BY position LIMIT :limit;

-- name: events_of_batch
-- A portion of the events of one watch; they are few, and found by the key of rule 2.
SELECT * FROM events
WHERE account = :account AND coalesce(batch_id, 0) = :batch_id AND position > :after
    AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
ORDER BY position LIMIT :limit;

-- name: due_deliveries
-- What may be claimed for an open endpoint. There is one writer, so nobody can come between this and the claim.
SELECT
    deliveries.id, deliveries.endpoint_id, deliveries.position, events.id AS event_id, events.type AS event_type,
    events.body, deliveries.created, deliveries.due, deliveries.attempts, deliveries.state
FROM deliveries
JOIN events ON events.position = deliveries.position
WHERE deliveries.endpoint_id = :endpoint_id AND deliveries.state = 'pending' AND deliveries.due <= :now
    AND (deliveries.claim_until IS NULL OR deliveries.claim_until < :now)
ORDER BY deliveries.due, deliveries.id LIMIT :room;
