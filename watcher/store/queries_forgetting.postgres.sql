-- Forgetting on PostgreSQL: partitions that are over go as a whole, and what else is old row by row, in the order of positions.
-- What was chosen is looked at again when it is deleted: others may have changed it meanwhile, and then it stays.
--
-- `forget_endpoints` comes after deliveries were locked, against the order in which others lock (queries_delivering): so it waits for
-- nobody, and whom somebody has locked stays until the next round. Whoever makes one of the same name locks the row first: before us,
-- and it is left out here; behind us, and he waits for our commit, finds no row, and inserts it with a turn of its own. Between what
-- this statement sees and what it locks one may have been made, and removed, too: that one is young, so it stays. No delivery can be
-- made meanwhile: whoever makes one goes by endpoints as they are under the lock of the log or of their row, and it was removed.

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

-- name: forget_endpoints
-- Those of removed ones, a JSON list of ids, of which no delivery is left, and their turns. `min` is always asked of the index.
WITH gone AS MATERIALIZED (
    SELECT endpoints.id FROM json_array_elements_text(CAST(:ids AS json)) AS asked (id)
    JOIN endpoints ON endpoints.id = asked.id
    JOIN turns ON turns.endpoint_id = endpoints.id
    WHERE endpoints.state = 'removed' AND endpoints.number = 0 AND endpoints.created < :cutoff
        AND (SELECT min(state) FROM deliveries WHERE endpoint_id = endpoints.id) IS NULL
    FOR UPDATE OF endpoints, turns SKIP LOCKED
),
without_turn AS (DELETE FROM turns WHERE endpoint_id IN (SELECT id FROM gone))
DELETE FROM endpoints WHERE id IN (SELECT id FROM gone) RETURNING id;

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
