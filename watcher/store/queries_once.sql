-- Answers that are given once. Instants are Unix time in milliseconds.

-- name: once^
-- What was asked with the key, and what was answered.
SELECT fingerprint, at, status, answer FROM once WHERE holder = :holder AND key = :key;

-- name: begin_once!
-- A request with its key is under way.
INSERT INTO once (holder, key, fingerprint, at) VALUES (:holder, :key, :fingerprint, :at)
ON CONFLICT (holder, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, at = excluded.at, status = NULL, answer = NULL;

-- name: finish_once!
-- What was answered to the request under way.
UPDATE once SET status = :status, answer = :answer WHERE holder = :holder AND key = :key AND status IS NULL;

-- name: abandon_once!
-- The request under way came to nothing.
DELETE FROM once WHERE holder = :holder AND key = :key AND status IS NULL;

-- name: leave_unclear!
-- Nobody works on what was under way.
UPDATE once SET status = 0 WHERE status IS NULL;

-- name: forget_once!
-- The oldest answers, where their time is over; so few that nobody waits for it.
DELETE FROM once WHERE (holder, key) IN (SELECT holder, key FROM once WHERE at <= :cutoff ORDER BY at LIMIT :most);

-- name: answers_sealed
-- How each answer is sealed: the bytes in front tell.
SELECT holder, key, substr(answer, 1, :length) AS head FROM once WHERE answer IS NOT NULL;

-- name: reseal_once!
-- An answer sealed with another key.
UPDATE once SET answer = :answer WHERE holder = :holder AND key = :key;
