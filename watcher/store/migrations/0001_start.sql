-- The tables the service starts with. Instants are Unix time in milliseconds, lists and labels JSON text, truths 0 or 1.

-- What is known of the database itself: the version of its tables, and `origin`, its part in the ids of events.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    refused INTEGER NOT NULL,
    reason TEXT NOT NULL,
    refusals INTEGER NOT NULL,
    probe_at INTEGER,
    credentials TEXT NOT NULL,
    number INTEGER NOT NULL
);

-- `final` repeats what `status` says, so that the statements need not know which statuses are final.
CREATE TABLE watches (
    account TEXT NOT NULL,
    batch_id INTEGER NOT NULL,
    opened INTEGER NOT NULL,
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    status TEXT,
    final INTEGER NOT NULL,
    since INTEGER,
    name TEXT,
    broadcast_id INTEGER,
    created INTEGER,
    size INTEGER,
    remaining INTEGER,
    enabled INTEGER,
    asked INTEGER,
    answered INTEGER,
    looks INTEGER NOT NULL,
    missing_since INTEGER,
    missing_count INTEGER NOT NULL,
    refused_count INTEGER NOT NULL,
    aside_until INTEGER,
    stuck_told INTEGER NOT NULL,
    stuck_last INTEGER,
    labels TEXT NOT NULL,
    correlation_id TEXT,
    PRIMARY KEY (account, batch_id)
) WITHOUT ROWID;

-- Start-up reads the open ones; lists go by status or by what is not finished; the tally counts by state and status.
CREATE INDEX watches_open ON watches (account, batch_id) WHERE state = 'open';
CREATE INDEX watches_unfinished ON watches (account, batch_id) WHERE final = 0;
CREATE INDEX watches_by_status ON watches (account, status, batch_id);
CREATE INDEX watches_by_state ON watches (account, state, status);

-- The log. A position is never given out twice, not even after the last event was deleted.
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    account TEXT NOT NULL,
    batch_id INTEGER,
    number INTEGER NOT NULL,
    body BLOB NOT NULL
);

-- Rule 2: at most one event per (account, batch, number); events of an account count as those of batch 0.
CREATE UNIQUE INDEX events_once ON events (account, coalesce(batch_id, 0), number);

CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    types TEXT NOT NULL,
    accounts TEXT NOT NULL,
    timeout INTEGER NOT NULL,
    state TEXT NOT NULL,
    disabled_reason TEXT,
    paused_until INTEGER
);

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    claim_token TEXT,
    claim_until INTEGER
);

-- The first serves the claim in its order, and the counts without a look at the table (SQLite wants `state` in it for
-- that, though its value is known); the second serves whoever gives back.
CREATE INDEX deliveries_pending ON deliveries (endpoint_id, due, id, created, state) WHERE state = 'pending';
CREATE INDEX deliveries_claimed ON deliveries (claim_token) WHERE claim_token IS NOT NULL;

-- `next_due` is when the attempt after this one comes; `took` is in milliseconds.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    delivery_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    took INTEGER NOT NULL,
    code INTEGER,
    error TEXT,
    outcome TEXT NOT NULL,
    next_due INTEGER,
    location TEXT,
    answer BLOB NOT NULL
);

CREATE INDEX attempts_of_delivery ON attempts (delivery_id);
