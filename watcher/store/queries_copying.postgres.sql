-- What `watcher db copy` says to PostgreSQL alone. Rows themselves are sent by COPY.

-- name: columns_of
-- The columns of a table.
SELECT attname AS name FROM pg_attribute
WHERE attrelid = CAST(CAST(:table AS TEXT) AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum;

-- name: numbers^
-- The numbers that were given out last.
SELECT
    last AS events,
    coalesce(pg_sequence_last_value(CAST(pg_get_serial_sequence('deliveries', 'id') AS regclass)), 0) AS deliveries,
    coalesce(pg_sequence_last_value(CAST(pg_get_serial_sequence('attempts', 'id') AS regclass)), 0) AS attempts
FROM log;

-- name: number_events!
-- The log goes on behind this position.
UPDATE log SET last = :last;

-- name: number_deliveries$
-- Deliveries go on behind this number.
SELECT setval(CAST(pg_get_serial_sequence('deliveries', 'id') AS regclass), greatest(:last, 1), :last > 0);

-- name: number_attempts$
-- Attempts go on behind this number.
SELECT setval(CAST(pg_get_serial_sequence('attempts', 'id') AS regclass), greatest(:last, 1), :last > 0);
