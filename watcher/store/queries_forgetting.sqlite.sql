-- Forgetting on SQLite, which has one process and no partitions.

-- name: may_forget^
-- Nobody else forgets at the same time.
SELECT 1 AS granted;

-- name: spared_positions^
-- There is nothing that goes as a whole.
SELECT 0 AS first, 0 AS next;
