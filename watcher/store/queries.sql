-- Every statement that both databases understand, by subject. Instants are Unix time in milliseconds.

-- name: meta$
-- One of the things known of the database itself.
SELECT value FROM meta WHERE name = :name;

-- name: put_meta!
-- Writes down a thing known of the database itself.
INSERT INTO meta (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: watch^
-- One watch, whatever its state.
SELECT * FROM watches WHERE account = :account AND batch_id = :batch_id;

-- name: make_watch*!
-- A watch that was not there.
INSERT INTO watches (
    account, batch_id, opened, version, number, state, status, final, since, name, broadcast_id, created, size, remaining,
    enabled, asked, answered, looks, missing_since, missing_count, refused_count, aside_until, stuck_told, stuck_last,
    labels, correlation_id
) VALUES (
    :account, :batch_id, :opened, :version, :number, :state, :status, :final, :since, :name, :broadcast_id, :created, :size,
    :remaining, :enabled, :asked, :answered, :looks, :missing_since, :missing_count, :refused_count, :aside_until,
    :stuck_told, :stuck_last, :labels, :correlation_id
);

-- name: swap_watch!
-- The compare-and-swap of rule 2: a watch as it now is, where nobody changed it since it was read.
UPDATE watches SET
    opened = :opened, version = :version, number = :number, state = :state, status = :status, final = :final,
    since = :since, name = :name, broadcast_id = :broadcast_id, created = :created, size = :size, remaining = :remaining,
    enabled = :enabled, asked = :asked, answered = :answered, looks = :looks, missing_since = :missing_since,
    missing_count = :missing_count, refused_count = :refused_count, aside_until = :aside_until,
    stuck_told = :stuck_told, stuck_last = :stuck_last, labels = :labels, correlation_id = :correlation_id
WHERE account = :account AND batch_id = :batch_id AND version = :old_version;

-- name: stop_watch!
-- Nobody follows the batch any more.
UPDATE watches SET state = 'stopped', version = version + 1
WHERE account = :account AND batch_id = :batch_id AND state <> 'stopped';

-- name: save_look*!
-- When a batch was last seen; an older look changes nothing, and the version stays.
UPDATE watches SET asked = :asked, answered = :answered, looks = :looks, size = :size, remaining = :remaining
WHERE account = :account AND batch_id = :batch_id AND (asked IS NULL OR asked < :asked);

-- name: open_watches
-- A portion of an account's open watches.
SELECT * FROM watches
WHERE account = :account AND state = 'open' AND batch_id > :after
ORDER BY batch_id LIMIT :limit;

-- name: watches_of
-- A portion of an account's watches.
SELECT * FROM watches
WHERE account = :account AND batch_id > :after AND state <> 'stopped'
ORDER BY batch_id LIMIT :limit;

-- name: watches_with_status
-- A portion of an account's watches that were last seen with the status.
SELECT * FROM watches
WHERE account = :account AND status = :status AND batch_id > :after AND state <> 'stopped'
ORDER BY batch_id LIMIT :limit;

-- name: finished_watches
-- A portion of an account's watches whose status is final.
SELECT * FROM watches
WHERE account = :account AND batch_id > :after AND final = 1 AND state <> 'stopped'
ORDER BY batch_id LIMIT :limit;

-- name: unfinished_watches
-- A portion of an account's watches whose status is not final, or not known.
SELECT * FROM watches
WHERE account = :account AND batch_id > :after AND final = 0 AND state <> 'stopped'
ORDER BY batch_id LIMIT :limit;

-- name: next_account$
-- The first account behind the one given that has watches.
SELECT min(account) FROM watches WHERE account > :account;

-- name: tally
-- How many watches an account has, by state and status.
SELECT state, status, count(*) AS count FROM watches WHERE account = :account GROUP BY state, status;

-- name: account^
-- What was kept of an account.
SELECT * FROM accounts WHERE name = :name;

-- name: put_account!
-- What is to be kept of an account.
INSERT INTO accounts (
    name, refused, reason, refusals, probe_at, credentials, number, learnt_rate, learnt_wall, learnt_probe_at
) VALUES (
    :name, :refused, :reason, :refusals, :probe_at, :credentials, :number, :learnt_rate, :learnt_wall, :learnt_probe_at
)
ON CONFLICT (name) DO UPDATE SET
    refused = excluded.refused, reason = excluded.reason, refusals = excluded.refusals, probe_at = excluded.probe_at,
    credentials = excluded.credentials, number = excluded.number, learnt_rate = excluded.learnt_rate,
    learnt_wall = excluded.learnt_wall, learnt_probe_at = excluded.learnt_probe_at;

-- name: make_event<!
-- An event at the end of the log; its position is what comes back.
INSERT INTO events (id, type, at, account, batch_id, number, body)
VALUES (:id, :type, :at, :account, :batch_id, :number, :body);

-- name: endpoints
-- All endpoints.
SELECT * FROM endpoints ORDER BY id;

-- name: put_endpoint!
-- An endpoint as the settings have it.
INSERT INTO endpoints (id, url, types, accounts, timeout, state, disabled_reason, paused_until)
VALUES (:id, :url, :types, :accounts, :timeout, :state, :disabled_reason, :paused_until)
ON CONFLICT (id) DO UPDATE SET
    url = excluded.url, types = excluded.types, accounts = excluded.accounts, timeout = excluded.timeout,
    state = excluded.state, disabled_reason = excluded.disabled_reason, paused_until = excluded.paused_until;

-- name: pause_endpoint!
-- Holds back every delivery to an endpoint; a pause is never made shorter.
UPDATE endpoints SET paused_until = :until
WHERE id = :id AND (paused_until IS NULL OR paused_until < :until);

-- name: disable_endpoint!
-- Nothing is sent to the endpoint any more; the first reason stays.
UPDATE endpoints SET state = 'disabled', disabled_reason = :reason WHERE id = :id AND state = 'active';

-- name: remove_endpoint!
-- The settings no longer name the endpoint; why it was disabled stays, for the day it comes back.
UPDATE endpoints SET state = 'removed' WHERE id = :id;

-- name: hold_deliveries!
-- Keeps what an endpoint is owed that is not active any more; what is on its way may still be settled under its token.
UPDATE deliveries SET state = 'held' WHERE endpoint_id = :endpoint_id AND state = 'pending';

-- name: owe_again!
-- What was kept from an endpoint, or waits for a receiver that it no longer has, is due now.
UPDATE deliveries SET state = 'pending', due = CASE WHEN due > :now THEN :now ELSE due END
WHERE endpoint_id = :endpoint_id AND state IN ('held', 'pending');

-- name: open_endpoints
-- The endpoints to which something may be sent now.
SELECT id FROM endpoints WHERE state = 'active' AND (paused_until IS NULL OR paused_until <= :now);

-- name: make_delivery*!
-- One event owed to one endpoint.
INSERT INTO deliveries (account, endpoint_id, position, created, due, state)
VALUES (:account, :endpoint_id, :position, :now, :now, :state);

-- name: claim_delivery*!
-- Nobody else tries the delivery before the lease ends.
UPDATE deliveries SET claim_token = :token, claim_until = :until WHERE id = :id;

-- name: settle_delivery$
-- The state after an attempt, where the token still stands. What would be tried again is held where its endpoint is not active.
UPDATE deliveries SET
    state = CASE
        WHEN :state = 'pending' AND EXISTS (
            SELECT 1 FROM endpoints WHERE endpoints.id = deliveries.endpoint_id AND endpoints.state <> 'active'
        ) THEN 'held'
        ELSE :state
    END,
    attempts = :attempts, due = coalesce(:due, due), claim_token = NULL, claim_until = NULL
WHERE id = :id AND claim_token = :token
RETURNING state;

-- name: note_attempt!
-- One try at a delivery, for the operator.
INSERT INTO attempts (account, delivery_id, at, took, code, error, outcome, next_due, location, answer)
SELECT account, id, :at, :took, :code, :error, :outcome, :due, :location, :answer FROM deliveries WHERE id = :id;

-- name: release_deliveries!
-- Gives back every delivery claimed under the token.
UPDATE deliveries SET claim_token = NULL, claim_until = NULL WHERE claim_token = :token;

-- name: release_all_deliveries!
-- Gives back every delivery claimed by anybody: only for the one process that has the database to itself.
UPDATE deliveries SET claim_token = NULL, claim_until = NULL WHERE claim_token IS NOT NULL;

-- name: owed
-- What every endpoint is owed.
SELECT
    endpoints.id,
    (SELECT count(*) FROM deliveries WHERE endpoint_id = endpoints.id AND deliveries.state = 'pending') AS pending,
    (SELECT min(created) FROM deliveries WHERE endpoint_id = endpoints.id AND deliveries.state = 'pending') AS oldest
FROM endpoints
ORDER BY endpoints.id;

-- name: broadcast^
-- One broadcast, followed or not.
SELECT * FROM broadcasts WHERE account = :account AND broadcast_id = :broadcast_id;

-- name: broadcasts
-- All broadcasts of an account, followed or not.
SELECT * FROM broadcasts WHERE account = :account ORDER BY broadcast_id;

-- name: put_broadcast!
-- What is to be kept of a broadcast.
INSERT INTO broadcasts (account, broadcast_id, kind, followed, opened, labels, correlation_id)
VALUES (:account, :broadcast_id, :kind, :followed, :opened, :labels, :correlation_id)
ON CONFLICT (account, broadcast_id) DO UPDATE SET
    kind = excluded.kind, followed = excluded.followed, opened = excluded.opened, labels = excluded.labels,
    correlation_id = excluded.correlation_id;

-- name: stop_broadcast!
-- Nobody follows the broadcast as a whole any more; its kind is still known.
UPDATE broadcasts SET followed = 0 WHERE account = :account AND broadcast_id = :broadcast_id AND followed = 1;

-- name: note_kind!
-- Of which kind a broadcast was found to be; whether it is followed stays.
INSERT INTO broadcasts (account, broadcast_id, kind, followed, opened, labels)
VALUES (:account, :broadcast_id, :kind, 0, :now, '{}')
ON CONFLICT (account, broadcast_id) DO UPDATE SET kind = excluded.kind;

-- name: forget_kind!
-- What was found out of a broadcast's kind was wrong.
UPDATE broadcasts SET kind = NULL WHERE account = :account AND broadcast_id = :broadcast_id;

-- name: learnt$
-- What an account has learnt.
SELECT record FROM learnt WHERE account = :account;

-- name: put_learnt!
-- What an account has learnt by now.
INSERT INTO learnt (account, saved, record) VALUES (:account, :saved, :record)
ON CONFLICT (account) DO UPDATE SET saved = excluded.saved, record = excluded.record;
