-- Every statement about endpoints and deliveries that both databases understand, and those by which things are forgotten.

-- name: endpoints
-- All endpoints, also those that were removed.
SELECT * FROM endpoints ORDER BY id;

-- name: endpoint^
-- One endpoint, also where it was removed.
SELECT * FROM endpoints WHERE id = :endpoint_id;

-- name: put_endpoint!
-- An endpoint as it is set up, and as it stands.
INSERT INTO endpoints (
    id, kept_by, url, description, types, accounts, broadcasts, labels, timeout, concurrency, rate, ordering, form, sealed,
    created, version, state, disabled_reason, paused_until, health, number
) VALUES (
    :id, :kept_by, :url, :description, :types, :accounts, :broadcasts, :labels, :timeout, :concurrency, :rate, :ordering, :form,
    :sealed, :created, :version, :state, :disabled_reason, :paused_until, :health, :number
)
ON CONFLICT (id) DO UPDATE SET
    kept_by = excluded.kept_by, url = excluded.url, description = excluded.description, types = excluded.types,
    accounts = excluded.accounts, broadcasts = excluded.broadcasts, labels = excluded.labels, timeout = excluded.timeout,
    concurrency = excluded.concurrency, rate = excluded.rate, ordering = excluded.ordering, form = excluded.form,
    sealed = excluded.sealed, created = excluded.created, version = excluded.version, state = excluded.state,
    disabled_reason = excluded.disabled_reason, paused_until = excluded.paused_until, health = excluded.health,
    number = excluded.number;

-- name: put_standing!
-- How an endpoint stands after an attempt.
UPDATE endpoints SET
    state = :state, disabled_reason = :disabled_reason, paused_until = :paused_until, health = :health, number = :number
WHERE id = :id;

-- name: put_sealed*!
-- The secrets of an endpoint, sealed anew.
UPDATE endpoints SET sealed = :sealed WHERE id = :id;

-- name: owed
-- What every endpoint is owed, or one of them; the oldest has the smallest id.
SELECT
    endpoints.id,
    (
        SELECT count(*) FROM deliveries
        WHERE endpoint_id = endpoints.id AND deliveries.state = 'pending' AND endpoints.state = 'active'
    ) AS pending,
    (
        SELECT created FROM deliveries
        WHERE endpoint_id = endpoints.id AND deliveries.state = 'pending' AND endpoints.state = 'active'
        ORDER BY deliveries.id LIMIT 1
    ) AS oldest
FROM endpoints
WHERE endpoints.state <> 'removed' AND (:endpoint_id IS NULL OR endpoints.id = :endpoint_id)
ORDER BY endpoints.id;

-- name: tally_deliveries
-- How many deliveries of an endpoint were not accepted, by state.
SELECT state, count(*) AS count FROM deliveries
WHERE endpoint_id = :endpoint_id AND state IN ('pending', 'held', 'dead')
GROUP BY state;

-- name: hasten_deliveries!
-- What is pending for an endpoint is due now.
UPDATE deliveries SET due = :now WHERE endpoint_id = :endpoint_id AND state = 'pending' AND due > :now;

-- name: send_held_deliveries!
-- What stayed held for an endpoint is pending and due.
UPDATE deliveries SET state = 'pending', due = CASE WHEN due > :now THEN :now ELSE due END
WHERE endpoint_id = :endpoint_id AND state = 'held';

-- name: keep_deliveries_held!
-- What is pending for an endpoint stays held, whatever becomes of it.
UPDATE deliveries SET state = 'held' WHERE endpoint_id = :endpoint_id AND state = 'pending';

-- name: put_lane*!
-- In which lane a delivery is.
UPDATE deliveries SET lane = :lane, behind = 0 WHERE id = :id;

-- name: waiting_deliveries
-- What an endpoint may still be sent by itself, with what its lane is made of.
SELECT deliveries.id, events.account, events.batch_id, events.endpoint
FROM deliveries
JOIN events ON events.position = deliveries.position
WHERE deliveries.endpoint_id = :endpoint_id AND deliveries.state IN ('pending', 'held');

-- name: line_up!
-- Of each lane of an endpoint only the earliest pending delivery is not behind another.
UPDATE deliveries SET behind = 1 - behind
WHERE endpoint_id = :endpoint_id AND state = 'pending' AND lane IS NOT NULL AND behind <> CAST(EXISTS (
    SELECT 1 FROM deliveries AS earlier
    WHERE earlier.endpoint_id = deliveries.endpoint_id AND earlier.lane = deliveries.lane AND earlier.state = 'pending'
        AND earlier.position < deliveries.position
) AS INTEGER);

-- name: stand_in_line!
-- Whether a delivery that is pending again has an earlier one of its lane before it.
UPDATE deliveries SET behind = CAST(EXISTS (
    SELECT 1 FROM deliveries
    WHERE endpoint_id = :endpoint_id AND lane = :lane AND state = 'pending' AND position < :position
) AS INTEGER)
WHERE id = :id;

-- name: step_back!
-- The next one of the lane is behind it now.
UPDATE deliveries SET behind = 1 WHERE id = (
    SELECT id FROM deliveries
    WHERE endpoint_id = :endpoint_id AND lane = :lane AND state = 'pending' AND position > :position
    ORDER BY position LIMIT 1
);

-- name: step_forward*!
-- The earliest pending one of a lane has nobody before it.
UPDATE deliveries SET behind = 0 WHERE id = (
    SELECT id FROM deliveries
    WHERE endpoint_id = :endpoint_id AND lane = :lane AND state = 'pending'
    ORDER BY position LIMIT 1
);

-- name: newest_deliveries
-- A portion of all deliveries, the newest first.
SELECT id FROM deliveries WHERE id < :before ORDER BY id DESC LIMIT :limit;

-- name: newest_in_state
-- A portion of an endpoint's deliveries in one state, the newest first.
SELECT id FROM deliveries
WHERE endpoint_id = :endpoint_id AND state = :state AND id < :before
ORDER BY id DESC LIMIT :limit;

-- name: newest_in_state_of
-- As newest_in_state, of one account's events, among those from an id on: each of them is looked at.
SELECT id FROM deliveries
WHERE endpoint_id = :endpoint_id AND state = :state AND account = :account AND id >= :begin AND id < :before
ORDER BY id DESC LIMIT :limit;

-- name: deliveries_of_batch
-- All deliveries of a batch's events.
SELECT deliveries.id, deliveries.endpoint_id, deliveries.state
FROM events
JOIN deliveries ON deliveries.position = events.position
WHERE events.account = :account AND coalesce(events.batch_id, 0) = :batch_id AND deliveries.id < :before;

-- name: attempts_of
-- All attempts at a delivery that are kept.
SELECT * FROM attempts WHERE delivery_id = :id ORDER BY id;

-- name: delivery^
-- A delivery as far as it matters for sending it again.
SELECT deliveries.id, deliveries.endpoint_id, deliveries.position, events.account, events.batch_id, events.endpoint
FROM deliveries
JOIN events ON events.position = deliveries.position
WHERE deliveries.id = :id;

-- name: send_again!
-- A delivery is due now, with all its attempts before it.
UPDATE deliveries SET state = 'pending', attempts = 0, due = :now, cause = :cause, lane = :lane, behind = 0 WHERE id = :id;

-- name: first_event_from^
-- The first event at a position or behind it, to find the events of a time.
SELECT position, at FROM events WHERE position >= :position ORDER BY position LIMIT 1;

-- name: last_position$
-- Where the log ends.
SELECT coalesce(max(position), 0) FROM events;

-- name: events_to_recover
-- A portion of the log, each event with the delivery that an endpoint has of it.
SELECT
    events.position, events.at, events.type, events.account, events.batch_id, events.endpoint,
    deliveries.id AS delivery_id, deliveries.state
FROM events
LEFT JOIN deliveries ON deliveries.position = events.position AND deliveries.endpoint_id = :endpoint_id
WHERE events.position > :after
ORDER BY events.position LIMIT :most;

-- name: event_body$
-- What an event says.
SELECT body FROM events WHERE position = :position;

-- name: end_of_deliveries^
-- The last delivery of a full portion.
SELECT id, created FROM deliveries WHERE id > :after ORDER BY id LIMIT 1 OFFSET :most - 1;

-- name: forget_deliveries
-- Those of a portion that are old and that nobody is to be sent by itself.
DELETE FROM deliveries
WHERE id > :after AND id <= :last AND created < :cutoff
    AND (state <> 'pending' OR endpoint_id NOT IN (SELECT id FROM endpoints WHERE state = 'active'))
RETURNING id;

-- name: forget_attempts*!
-- Those at a delivery that was forgotten.
DELETE FROM attempts WHERE delivery_id = :id;

-- name: end_of_events^
-- The last event of a full portion.
SELECT position, at FROM events WHERE position > :after ORDER BY position LIMIT 1 OFFSET :most - 1;

-- name: unwanted_events
-- Those of a portion that are old and owed to nobody any more.
SELECT position FROM events
WHERE position > :after AND position <= :last AND at < :cutoff AND NOT EXISTS (
    SELECT 1 FROM deliveries
    WHERE deliveries.position = events.position AND deliveries.state IN ('pending', 'held') AND (
        deliveries.created >= :kept
        OR (deliveries.state = 'pending' AND endpoint_id IN (SELECT id FROM endpoints WHERE state = 'active'))
    )
)
ORDER BY position;

-- name: forget_deliveries_of
-- Those of an event that is forgotten.
DELETE FROM deliveries WHERE position = :position RETURNING id;

-- name: forget_event*!
-- An old event.
DELETE FROM events WHERE position = :position;

-- name: removed_endpoints
-- A portion of those that were removed and made long ago; of whom operators were told something, the numbers of that go on.
SELECT id FROM endpoints
WHERE state = 'removed' AND number = 0 AND created < :cutoff AND id > :after
ORDER BY id LIMIT :most;

-- name: forget_broadcasts!
-- What was found out of broadcasts that nobody follows.
DELETE FROM broadcasts WHERE followed = 0 AND (account, broadcast_id) IN (
    SELECT account, broadcast_id FROM broadcasts WHERE followed = 0 AND opened < :cutoff ORDER BY opened LIMIT :most
);
