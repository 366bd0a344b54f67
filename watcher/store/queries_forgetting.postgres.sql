-- Forgetting on PostgreSQL: partitions that are over go as a whole, and what else is old row by row, in the order of positions.
-- What was chosen is looked at again when it is deleted: others may have changed it meanwhile, and then it stays.

-- name: may_forget^
-- One process at a time forgets; the others have nothing to do then.
SELECT pg_try_advisory_xact_lock(8607336417265442666) AS granted;

-- name: begin_partition^
-- Makes partitions ahead, and begins the one of today.
SELECT begin_partition(clock_ms());

-- name: old_partitions
-- Those that were over before the cutoff, the oldest first.
SELECT number FROM partitions AS old
WHERE (SELECT min(begun) FROM partitions AS later WHERE later.number > old.number) <= :cutoff
ORDER BY number;

-- name: empty_partition$
-- Empties the deliveries of a day, where they are old and owed to nobody; how many there were.
SELECT empty_partition(:number, :cutoff) AS count;

-- name: drop_partition$
-- Drops a day, where its events are old and its deliveries gone; how many events there were.
SELECT drop_partition(:number, :cutoff) AS count;

-- name: spared_positions^
-- Where the days begin that are not over; and where the next one begins, if that day will be over soon and go as a whole.
SELECT
    number * 1000000000 AS first,
    CASE WHEN begun < :cutoff AND over IS NOT NULL THEN number + 1 ELSE number END * 1000000000 AS next
FROM (
    SELECT number, begun, (SELECT min(begun) FROM partitions AS later WHERE later.number > day.number) AS over
    FROM partitions AS day
) AS days
WHERE over IS NULL OR over > :cutoff
ORDER BY number LIMIT 1;

-- name: end_of_deliveries^
-- The last delivery of a full portion, by its event's position; those of a day that is over are all old, but for a few.
SELECT position AS id, CASE WHEN position < :first THEN 0 ELSE created END AS created FROM deliveries
WHERE position > :after AND (position < :first OR position >= :next)
ORDER BY position LIMIT 1 OFFSET :most - 1;

-- name: forget_deliveries
-- Those of a portion that are old and that nobody is to be sent by itself, and their claims: they cannot be settled any more.
WITH gone AS (
    DELETE FROM deliveries
    WHERE position > :after AND position <= :last AND (position < :first OR position >= :next) AND created < :cutoff
        AND (state <> 'pending' OR endpoint_id NOT IN (SELECT id FROM endpoints WHERE state = 'active'))
    RETURNING id
),
unclaimed AS (DELETE FROM claims WHERE delivery_id IN (SELECT id FROM gone))
SELECT id FROM gone;

-- name: forget_deliveries_of
-- Those of an event that is forgotten, and their claims; but for what is sent again just now.
WITH gone AS (
    DELETE FROM deliveries
    WHERE position = :position AND (state <> 'pending' OR endpoint_id NOT IN (SELECT id FROM endpoints WHERE state = 'active'))
    RETURNING id
),
unclaimed AS (DELETE FROM claims WHERE delivery_id IN (SELECT id FROM gone))
SELECT id FROM gone;

-- name: end_of_events^
-- The last event of a full portion.
SELECT position, at FROM events
WHERE position > :after AND (position < :first OR position >= :next)
ORDER BY position LIMIT 1 OFFSET :most - 1;

-- name: unwanted_events
-- Those of a portion that are old and owed to nobody any more.
SELECT position FROM events
WHERE position > :after AND position <= :last AND (position < :first OR position >= :next) AND at < :cutoff AND NOT EXISTS (
    SELECT 1 FROM deliveries
    WHERE deliveries.position = events.position AND deliveries.state IN ('pending', 'held') AND (
        deliveries.created >= :kept
        OR (deliveries.state = 'pending' AND endpoint_id IN (SELECT id FROM endpoints WHERE state = 'active'))
    )
)
ORDER BY position;

-- name: forget_event*!
-- An old event, unless somebody is owed it again.
DELETE FROM events WHERE position = :position AND NOT EXISTS (SELECT 1 FROM deliveries WHERE position = :position);

-- name: forget_broadcasts!
-- What was found out of broadcasts that nobody follows. By the rows' places: of a bound that is not known, much is feared.
DELETE FROM broadcasts WHERE followed = 0 AND ctid = ANY (ARRAY(
    SELECT ctid FROM broadcasts WHERE followed = 0 AND opened < :cutoff ORDER BY opened LIMIT :most
));

-- name: forget_once!
-- The oldest answers, where their time is over; so few that nobody waits for it.
DELETE FROM once WHERE at <= :cutoff AND ctid = ANY (ARRAY(SELECT ctid FROM once WHERE at <= :cutoff ORDER BY at LIMIT :most));

-- name: forget_submissions!
-- Some of those that were settled long ago.
DELETE FROM submissions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM submissions WHERE settled < :cutoff ORDER BY settled LIMIT :most
));
