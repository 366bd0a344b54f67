-- Forgetting on SQLite, which has one process and no partitions.

-- name: may_forget^
-- Nobody else forgets at the same time.
SELECT 1 AS granted;

-- name: spared_positions^
-- There is nothing that goes as a whole.
SELECT 0 AS first, 0 AS next;

-- name: forget_endpoints
-- Those of removed ones, a JSON list of ids, of which no delivery is left.
DELETE FROM endpoints
WHERE id IN (SELECT value FROM json_each(:ids))
    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.endpoint_id = endpoints.id)
RETURNING id;
