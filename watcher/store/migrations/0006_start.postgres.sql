-- The tables on PostgreSQL, as migrations 1 to 6 leave them on SQLite; later migrations are for both. What the columns mean stands
-- there: instants are Unix time in milliseconds, lists and labels JSON text, truths 0 or 1.
--
-- Ids and names compare by their bytes, whatever the database's collation. Every key holds the account, so that a sharded PostgreSQL
-- can distribute the tables by it: as first column, but where rows are found by a number that is unique by itself.

CREATE TABLE meta (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

-- The end of the log, and who may write. One row, whose lock puts commits into the order of their positions; `commits` counts the
-- transactions of its owner, who can so find out what became of one that was cut off; `held_until` is by the database's clock.
CREATE TABLE log (
    only_one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    last BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    commits BIGINT NOT NULL,
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL
) WITH (fillfactor = 10);

INSERT INTO log (last, epoch, commits, holder, held_until) VALUES (0, 0, 0, '', 0);

CREATE TABLE accounts (
    name TEXT COLLATE "C" PRIMARY KEY,
    refused BIGINT NOT NULL,
    reason TEXT NOT NULL,
    refusals BIGINT NOT NULL,
    probe_at BIGINT,
    credentials TEXT NOT NULL,
    number BIGINT NOT NULL,
    learnt_rate DOUBLE PRECISION,
    learnt_wall DOUBLE PRECISION,
    learnt_probe_at BIGINT
);

CREATE TABLE watches (
    account TEXT COLLATE "C" NOT NULL,
    batch_id BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    version BIGINT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C",
    final BIGINT NOT NULL,
    since BIGINT,
    name TEXT COLLATE "C",
    broadcast_id BIGINT,
    created BIGINT,
    size BIGINT,
    remaining BIGINT,
    enabled BIGINT,
    asked BIGINT,
    answered BIGINT,
    looks BIGINT NOT NULL,
    missing_since BIGINT,
    missing_count BIGINT NOT NULL,
    refused_count BIGINT NOT NULL,
    aside_until BIGINT,
    stuck_told BIGINT NOT NULL,
    stuck_last BIGINT,
    labels TEXT NOT NULL,
    correlation_id TEXT,
    expires BIGINT,
    band BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (account, batch_id)
);

CREATE INDEX watches_open ON watches (account, batch_id) WHERE state = 'open';
CREATE INDEX watches_unfinished ON watches (account, batch_id) WHERE final = 0;
CREATE INDEX watches_by_status ON watches (account, status, batch_id, state);
CREATE INDEX watches_of_broadcast ON watches (account, broadcast_id, batch_id) WHERE state <> 'stopped';
CREATE INDEX watches_by_since ON watches (account, since, batch_id) WHERE state <> 'stopped';
CREATE INDEX watches_stuck ON watches (account, batch_id) WHERE stuck_told > 0 AND state = 'open';
CREATE INDEX watches_lost ON watches (account, batch_id) WHERE state IN ('missing', 'expired');
CREATE INDEX watches_by_band ON watches (band, since DESC NULLS LAST, account, batch_id, status, state)
WHERE band <> 1 AND state <> 'stopped';

-- The labels of watches once more, each by itself; and what is searched of each watch.
CREATE TABLE watch_labels (
    account TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    batch_id BIGINT NOT NULL,
    PRIMARY KEY (account, name, value, batch_id)
);

CREATE TABLE watch_words (
    account TEXT COLLATE "C" NOT NULL,
    batch_id BIGINT NOT NULL,
    broadcast_id BIGINT,
    words TEXT COLLATE "C" NOT NULL,
    marks TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, batch_id)
);

CREATE FUNCTION label_watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM watch_labels
        WHERE account = old.account AND batch_id = old.batch_id
            AND (name, value) IN (SELECT key, value FROM json_each_text(CAST(old.labels AS json)));
    END IF;
    INSERT INTO watch_labels (account, name, value, batch_id)
    SELECT new.account, key, value, new.batch_id FROM json_each_text(CAST(new.labels AS json));
    RETURN NULL;
END
$$;

CREATE TRIGGER watch_labelled AFTER INSERT ON watches FOR EACH ROW WHEN (new.labels <> '{}')
EXECUTE FUNCTION label_watch();

CREATE TRIGGER watch_relabelled AFTER UPDATE OF labels ON watches FOR EACH ROW WHEN (new.labels <> old.labels)
EXECUTE FUNCTION label_watch();

-- Small letters are made as Unicode has them, in every database alike: `letters` is the server's own way to (postgres_opening).
CREATE FUNCTION word_watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watch_words (account, batch_id, broadcast_id, words, marks)
    SELECT
        new.account, new.batch_id, new.broadcast_id,
        chr(10) || lower(coalesce(new.name, '') COLLATE letters) || chr(10)
            || coalesce(string_agg(lower(value COLLATE letters), chr(10)), ''),
        chr(10) || lower(coalesce(new.correlation_id, '') COLLATE letters) || chr(10)
            || coalesce(string_agg(lower((key || ':' || value) COLLATE letters), chr(10)), '') || chr(10)
    FROM json_each_text(CAST(new.labels AS json))
    ON CONFLICT (account, batch_id) DO UPDATE SET
        broadcast_id = excluded.broadcast_id, words = excluded.words, marks = excluded.marks;
    RETURN NULL;
END
$$;

CREATE TRIGGER watch_worded AFTER INSERT ON watches FOR EACH ROW EXECUTE FUNCTION word_watch();

CREATE TRIGGER watch_reworded AFTER UPDATE OF name, broadcast_id, labels, correlation_id ON watches FOR EACH ROW
WHEN (
    new.name IS DISTINCT FROM old.name OR new.broadcast_id IS DISTINCT FROM old.broadcast_id OR new.labels <> old.labels
    OR new.correlation_id IS DISTINCT FROM old.correlation_id
)
EXECUTE FUNCTION word_watch();

CREATE TABLE events (
    position BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    batch_id BIGINT,
    number BIGINT NOT NULL,
    body BYTEA NOT NULL,
    endpoint TEXT COLLATE "C",
    PRIMARY KEY (position, account)
);

-- Rule 2. The id is made of these, so it needs no key of its own.
CREATE UNIQUE INDEX events_once ON events (account, coalesce(batch_id, 0), coalesce(endpoint, ''), number);

CREATE TABLE endpoints (
    id TEXT COLLATE "C" PRIMARY KEY,
    url TEXT NOT NULL,
    types TEXT NOT NULL,
    accounts TEXT NOT NULL,
    timeout BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    disabled_reason TEXT,
    paused_until BIGINT,
    kept_by TEXT NOT NULL,
    description TEXT NOT NULL,
    broadcasts TEXT NOT NULL,
    labels TEXT NOT NULL,
    concurrency BIGINT,
    rate DOUBLE PRECISION,
    ordering TEXT NOT NULL,
    form TEXT NOT NULL,
    sealed BYTEA,
    created BIGINT,
    version BIGINT NOT NULL,
    number BIGINT NOT NULL,
    health TEXT NOT NULL
);

CREATE TABLE deliveries (
    id BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY,
    account TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    state TEXT COLLATE "C" NOT NULL,
    cause TEXT NOT NULL,
    lane TEXT COLLATE "C",
    behind BIGINT NOT NULL,
    PRIMARY KEY (id, account)
);

CREATE UNIQUE INDEX deliveries_once ON deliveries (position, endpoint_id, account);
CREATE INDEX deliveries_in_state ON deliveries (endpoint_id, state, id);
CREATE INDEX deliveries_in_lane ON deliveries (endpoint_id, lane, position) WHERE state = 'pending' AND lane IS NOT NULL;
CREATE INDEX deliveries_pending ON deliveries (endpoint_id, behind, (CASE WHEN attempts > 0 THEN 1 ELSE 0 END), due, id)
WHERE state = 'pending';

CREATE TABLE attempts (
    id BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY,
    account TEXT COLLATE "C" NOT NULL,
    delivery_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    took BIGINT NOT NULL,
    code BIGINT,
    error TEXT,
    outcome TEXT NOT NULL,
    next_due BIGINT,
    location TEXT,
    answer BYTEA NOT NULL,
    cause TEXT NOT NULL,
    address TEXT,
    detail TEXT,
    dns BIGINT,
    connect BIGINT,
    tls BIGINT,
    first_byte BIGINT,
    PRIMARY KEY (id, account)
);

CREATE INDEX attempts_of_delivery ON attempts (delivery_id, id);

CREATE TABLE broadcasts (
    account TEXT COLLATE "C" NOT NULL,
    broadcast_id BIGINT NOT NULL,
    kind TEXT,
    followed BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    labels TEXT NOT NULL,
    correlation_id TEXT,
    PRIMARY KEY (account, broadcast_id)
);

CREATE INDEX broadcasts_unfollowed ON broadcasts (opened) WHERE followed = 0;

CREATE TABLE learnt (
    account TEXT COLLATE "C" PRIMARY KEY,
    saved BIGINT NOT NULL,
    record BYTEA NOT NULL
);

CREATE TABLE streamranks (
    account TEXT COLLATE "C" PRIMARY KEY,
    record BYTEA NOT NULL
);

CREATE TABLE tokens (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    digest BYTEA NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    accounts TEXT,
    created BIGINT NOT NULL,
    expires BIGINT,
    used BIGINT
);

CREATE TABLE sessions (
    digest BYTEA PRIMARY KEY,
    token_digest BYTEA NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX sessions_by_expiry ON sessions (expires);

CREATE TABLE once (
    holder TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    at BIGINT NOT NULL,
    status BIGINT,
    answer BYTEA,
    PRIMARY KEY (holder, key)
);

CREATE INDEX once_by_time ON once (at);
CREATE INDEX once_under_way ON once (holder, key) WHERE status IS NULL;

CREATE TABLE submissions (
    id TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    broadcast_id BIGINT NOT NULL,
    kind TEXT,
    name TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    batch_id BIGINT,
    request BYTEA,
    strict BIGINT NOT NULL,
    recipients BIGINT,
    labels TEXT NOT NULL,
    correlation_id TEXT,
    expires_in BIGINT,
    holder TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C",
    fingerprint BYTEA NOT NULL,
    tries BIGINT NOT NULL,
    created BIGINT NOT NULL,
    sent BIGINT,
    ended BIGINT,
    absences BIGINT NOT NULL,
    settled BIGINT,
    detail TEXT NOT NULL,
    PRIMARY KEY (id, account)
);

CREATE UNIQUE INDEX submissions_named ON submissions (account, broadcast_id, name);
CREATE UNIQUE INDEX submissions_once ON submissions (holder, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX submissions_unsettled ON submissions (account, created, id) WHERE settled IS NULL;
CREATE INDEX submissions_by_time ON submissions (account, created, id);
CREATE INDEX submissions_settled ON submissions (settled) WHERE settled IS NOT NULL;
