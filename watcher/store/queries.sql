-- Every statement that both databases understand, by subject; those about endpoints and deliveries are in a file of their own.
-- Instants are Unix time in milliseconds.

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
    expires, labels, correlation_id, band
) VALUES (
    :account, :batch_id, :opened, :version, :number, :state, :status, :final, :since, :name, :broadcast_id, :created, :size,
    :remaining, :enabled, :asked, :answered, :looks, :missing_since, :missing_count, :refused_count, :aside_until,
    :stuck_told, :stuck_last, :expires, :labels, :correlation_id, :band
);

-- name: swap_watch!
-- The compare-and-swap of rule 2: a watch as it now is, where nobody changed it since it was read.
UPDATE watches SET
    opened = :opened, version = :version, number = :number, state = :state, status = :status, final = :final,
    since = :since, name = :name, broadcast_id = :broadcast_id, created = :created, size = :size, remaining = :remaining,
    enabled = :enabled, asked = :asked, answered = :answered, looks = :looks, missing_since = :missing_since,
    missing_count = :missing_count, refused_count = :refused_count, aside_until = :aside_until,
    stuck_told = :stuck_told, stuck_last = :stuck_last, expires = :expires, labels = :labels,
    correlation_id = :correlation_id, band = :band
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

-- name: opened
-- As `open_watches`, of each what polling goes by, in the order of `COLUMNS`, then its status; `none` is what is not known.
SELECT
    batch_id, opened, coalesce(created, :none), coalesce(since, :none), coalesce(asked, :none), coalesce(answered, :none),
    coalesce(aside_until, :none), coalesce(expires, :none), coalesce(stuck_last, :none), coalesce(size, :none),
    coalesce(remaining, :none), coalesce(broadcast_id, :none), coalesce(enabled, :none), looks, stuck_told,
    CASE WHEN missing_count > 0 OR refused_count > 0 OR aside_until IS NOT NULL OR final = 1 THEN 1 ELSE 0 END,
    CASE WHEN name IS NULL THEN 1 ELSE 0 END, status
FROM watches
WHERE account = :account AND state = 'open' AND batch_id > :after
ORDER BY batch_id LIMIT :limit;

-- name: next_account$
-- The first account behind the one given that has watches.
SELECT min(account) FROM watches WHERE account > :account;

-- name: tally
-- How many watches an account has, by status, and of those in each state.
SELECT
    status, count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'settled') AS settled,
    count(*) FILTER (WHERE state = 'missing') AS missing, count(*) FILTER (WHERE state = 'expired') AS expired,
    count(*) FILTER (WHERE state = 'stopped') AS stopped
FROM watches WHERE account = :account GROUP BY status;

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

-- name: swap_account!
-- What is to be kept of an account, unless its number is another one than it was.
INSERT INTO accounts (
    name, refused, reason, refusals, probe_at, credentials, number, learnt_rate, learnt_wall, learnt_probe_at
) VALUES (
    :name, :refused, :reason, :refusals, :probe_at, :credentials, :number, :learnt_rate, :learnt_wall, :learnt_probe_at
)
ON CONFLICT (name) DO UPDATE SET
    refused = excluded.refused, reason = excluded.reason, refusals = excluded.refusals, probe_at = excluded.probe_at,
    credentials = excluded.credentials, number = excluded.number, learnt_rate = excluded.learnt_rate,
    learnt_wall = excluded.learnt_wall, learnt_probe_at = excluded.learnt_probe_at
WHERE accounts.number = :was;

-- name: broadcast^
-- One broadcast, followed or not.
SELECT * FROM broadcasts WHERE account = :account AND broadcast_id = :broadcast_id;

-- name: broadcasts
-- All broadcasts of an account, followed or not.
SELECT * FROM broadcasts WHERE account = :account ORDER BY broadcast_id;

-- name: make_broadcast!
-- A broadcast, unless it is there.
INSERT INTO broadcasts (account, broadcast_id, kind, followed, opened, labels, correlation_id)
VALUES (:account, :broadcast_id, :kind, :followed, :opened, :labels, :correlation_id)
ON CONFLICT (account, broadcast_id) DO NOTHING;

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
