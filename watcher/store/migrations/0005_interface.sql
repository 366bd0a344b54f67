-- What the interface needs: tokens and sessions, answers that are given once, submissions, and lists by label, broadcast and time.

-- Only the digest of a token is kept. `scopes` is a JSON list, `accounts` one or null (all).
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    accounts TEXT,
    created INTEGER NOT NULL,
    expires INTEGER,
    used INTEGER
);

CREATE TABLE sessions (
    digest BLOB PRIMARY KEY,
    token_digest BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires);

-- A request that was sent with an Idempotency-Key, and what was answered to it; `status` is null while it is being worked on.
-- `fingerprint` tells whether the same was asked; `answer` (headers and body) is sealed where there is a key for it.
CREATE TABLE once (
    holder TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER,
    answer BLOB,
    PRIMARY KEY (holder, key)
) WITHOUT ROWID;

CREATE INDEX once_by_time ON once (at);
CREATE INDEX once_under_way ON once (holder, key) WHERE status IS NULL;

-- A batch that is to be, or was, added to a broadcast: written down before the request leaves. `request` is what is sent, sealed
-- where there is a key for it, and null once it is settled. The name is what it is found by after an unclear answer. `ended` is
-- when the last request did, `absences` how many listings since then did not show it.
CREATE TABLE submissions (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    broadcast_id INTEGER NOT NULL,
    kind TEXT,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    batch_id INTEGER,
    request BLOB,
    strict INTEGER NOT NULL,
    recipients INTEGER,
    labels TEXT NOT NULL,
    correlation_id TEXT,
    expires_in INTEGER,
    holder TEXT NOT NULL,
    idempotency_key TEXT,
    fingerprint BLOB NOT NULL,
    tries INTEGER NOT NULL,
    created INTEGER NOT NULL,
    sent INTEGER,
    ended INTEGER,
    absences INTEGER NOT NULL,
    settled INTEGER,
    detail TEXT NOT NULL
);

CREATE UNIQUE INDEX submissions_named ON submissions (account, broadcast_id, name);
CREATE UNIQUE INDEX submissions_once ON submissions (holder, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX submissions_unsettled ON submissions (account, created, id) WHERE settled IS NULL;
CREATE INDEX submissions_by_time ON submissions (account, created, id);
CREATE INDEX submissions_settled ON submissions (settled) WHERE settled IS NOT NULL;

-- When a watch is given up, where somebody said so; else polling.max_age counts.
ALTER TABLE watches ADD COLUMN expires INTEGER;

-- Lists go by what is asked. Stopped watches, which no list shows, are left out where nothing else needs them.
-- One index by status serves the tally too, which counts by state in it: each index costs every change of a watch some.
DROP INDEX watches_by_state;
DROP INDEX watches_by_status;
CREATE INDEX watches_by_status ON watches (account, status, batch_id, state);
CREATE INDEX watches_of_broadcast ON watches (account, broadcast_id, batch_id) WHERE state <> 'stopped';
CREATE INDEX watches_by_since ON watches (account, since, batch_id) WHERE state <> 'stopped';
CREATE INDEX watches_stuck ON watches (account, batch_id) WHERE stuck_told > 0 AND state = 'open';
CREATE INDEX watches_lost ON watches (account, batch_id) WHERE state IN ('missing', 'expired');

-- The labels of watches once more, each by itself. Only watches that have some cost anything.
CREATE TABLE watch_labels (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    batch_id INTEGER NOT NULL,
    PRIMARY KEY (account, name, value, batch_id)
) WITHOUT ROWID;

INSERT INTO watch_labels (account, name, value, batch_id)
SELECT watches.account, label.key, label.value, watches.batch_id
FROM watches, json_each(watches.labels) AS label
WHERE watches.labels <> '{}';

CREATE TRIGGER watch_labelled AFTER INSERT ON watches WHEN new.labels <> '{}'
BEGIN
    INSERT INTO watch_labels (account, name, value, batch_id)
    SELECT new.account, label.key, label.value, new.batch_id FROM json_each(new.labels) AS label;
END;

CREATE TRIGGER watch_relabelled AFTER UPDATE OF labels ON watches WHEN new.labels <> old.labels
BEGIN
    DELETE FROM watch_labels
    WHERE account = old.account AND batch_id = old.batch_id
        AND (name, value) IN (SELECT label.key, label.value FROM json_each(old.labels) AS label);
    INSERT INTO watch_labels (account, name, value, batch_id)
    SELECT new.account, label.key, label.value, new.batch_id FROM json_each(new.labels) AS label;
END;

-- What was counted of an account for StreamRank. `record` is for whoever wrote it to read again, and for nobody else.
CREATE TABLE streamranks (
    account TEXT PRIMARY KEY,
    record BLOB NOT NULL
) WITHOUT ROWID;
