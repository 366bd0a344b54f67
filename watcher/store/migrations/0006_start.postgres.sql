-- The tables on PostgreSQL, as migrations 1 to 6 leave them on SQLite; later migrations are for both. What the columns mean stands
-- there: instants are Unix time in milliseconds, lists and labels JSON text, truths 0 or 1.
--
-- Ids and names compare by their bytes, whatever the database's collation. Every key holds the account, so that a sharded PostgreSQL
-- can distribute the tables by it: as first column, but where rows are found by a number that is unique by itself.

CREATE TABLE meta (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

-- The database's clock, in milliseconds: the only one that leases go by.
CREATE FUNCTION clock_ms() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)
$$;

-- The ends of the log and of the words, and which version of the endpoints' settings is in force. One row, which whoever appends
-- locks last, until the commit: so both become visible in their order.
CREATE TABLE log (
    only_one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_one),
    last BIGINT NOT NULL,
    words BIGINT NOT NULL,
    endpoints BIGINT NOT NULL
) WITH (fillfactor = 10);

INSERT INTO log (last, words, endpoints) VALUES (0, 0, 0);

-- The processes that have the database. Each counts its transactions, to find out what became of one that was cut off, and is
-- there until `held_until`; `version` is of the tables that it knows, `polls` says that it takes its part of the shares, and `keys`
-- with which keys it opens secrets, by their ids, of which the first is what it encrypts with.
CREATE TABLE replicas (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    keys TEXT NOT NULL DEFAULT '',
    polls BOOLEAN NOT NULL,
    started BIGINT NOT NULL,
    held_until BIGINT NOT NULL,
    commits BIGINT NOT NULL
) WITH (fillfactor = 10);

-- Who polls what: a share is an account, or a part of one. `shown` is what its owner says of it, for the others.
CREATE TABLE leases (
    share TEXT COLLATE "C" PRIMARY KEY,
    epoch BIGINT NOT NULL,
    replica TEXT COLLATE "C",
    demand DOUBLE PRECISION NOT NULL,
    shown TEXT
) WITH (fillfactor = 50);

-- What replicas tell each other beside the events, for some minutes.
CREATE TABLE words (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    replica TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX words_by_time ON words (at);

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

-- A look changes no column that is in an index: it finds room for the row's new version beside the old one.
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
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

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

-- Events, deliveries and attempts come in partitions, of a day each, so that what is old is dropped and not deleted. Partition N has
-- the positions, and the ids of deliveries, from N thousand millions on: both jump there when its day begins (`begin_partition`), so
-- where each ends is known ahead. Deliveries are beside their event, whenever they are made, so that they are unique; attempts are
-- beside the others of their delivery. What belongs nowhere (copied from another database) is in the partitions called `_rest`.
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
) PARTITION BY RANGE (position);

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
    PRIMARY KEY (id, position, account)
) PARTITION BY RANGE (position);

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
    PRIMARY KEY (delivery_id, id, account)
) PARTITION BY RANGE (delivery_id);

-- Deliveries that a replica has claimed: under which token, and until when by the database's clock. `receiver` and `since` are of its
-- endpoint as it was then: a hash of the URL, and when it was made. A row of its own, so that neither a claim nor its end touches
-- the many indexes of `deliveries`; a claim that has ended stays until the delivery is claimed again.
CREATE TABLE claims (
    delivery_id BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    token TEXT COLLATE "C" NOT NULL,
    claimed_until BIGINT NOT NULL,
    receiver BIGINT NOT NULL,
    since BIGINT,
    PRIMARY KEY (delivery_id, account)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX claims_of_endpoint ON claims (endpoint_id, claimed_until);

-- Whose turn it is to claim for an endpoint: whoever has locked its row. `arrival` is when its next delivery would come if all came
-- evenly at its rate, in milliseconds of the database's clock (core.bucket).
CREATE TABLE turns (
    endpoint_id TEXT COLLATE "C" PRIMARY KEY,
    arrival DOUBLE PRECISION NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE FUNCTION take_turns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO turns (endpoint_id) VALUES (new.id);
    RETURN NULL;
END
$$;

-- What may be claimed of each of some endpoints, first attempts and retries, the oldest due first, but for what is claimed and for the
-- lanes of that: as many of each kind as it has room for, `most` and no more than `at_once` under way. However much they are owed,
-- only that is read: in the order of the index, which a plan made when little was owed would not do.
CREATE FUNCTION due_deliveries(endpoint_ids TEXT[], most BIGINT[], at_once BIGINT[], now BIGINT, clock BIGINT)
RETURNS TABLE (
    id BIGINT, account TEXT, endpoint_id TEXT, "position" BIGINT, created BIGINT, due BIGINT, attempts BIGINT, cause TEXT,
    again INTEGER, room BIGINT
)
LANGUAGE plpgsql STABLE ROWS 100 SET enable_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH free AS MATERIALIZED (
        SELECT asked.id, flying.ids, flying.lanes, least(asked.most, asked.at_once - cardinality(flying.ids)) AS room
        FROM unnest(endpoint_ids, most, at_once) AS asked (id, most, at_once)
        CROSS JOIN LATERAL (
            SELECT
                ARRAY(SELECT delivery_id FROM claims WHERE endpoint_id = asked.id AND claimed_until > clock) AS ids,
                ARRAY(
                    SELECT deliveries.lane FROM claims
                    JOIN deliveries ON deliveries.id = claims.delivery_id AND deliveries.position = claims.position
                    WHERE claims.endpoint_id = asked.id AND claims.claimed_until > clock AND deliveries.lane IS NOT NULL
                ) AS lanes
        ) AS flying
    )
    SELECT few.id, few.account, few.endpoint_id, few.position, few.created, few.due, few.attempts, few.cause, kinds.again, free.room
    FROM free
    CROSS JOIN (VALUES (0), (1)) AS kinds (again)
    CROSS JOIN LATERAL (
        SELECT * FROM deliveries
        WHERE endpoint_id = free.id AND state = 'pending' AND behind = 0
            AND (CASE WHEN attempts > 0 THEN 1 ELSE 0 END) = kinds.again AND due <= now
            AND id <> ALL (free.ids) AND (lane IS NULL OR lane <> ALL (free.lanes))
        ORDER BY due, id LIMIT greatest(free.room, 0)
    ) AS few;
END
$$;

CREATE TRIGGER endpoint_takes_turns AFTER INSERT ON endpoints FOR EACH ROW EXECUTE FUNCTION take_turns();

CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE deliveries_rest PARTITION OF deliveries DEFAULT;
CREATE TABLE attempts_rest PARTITION OF attempts DEFAULT;

-- Which there are, and since when each is written to, by the database's clock; those without that are made ahead.
CREATE TABLE partitions (
    number BIGINT PRIMARY KEY,
    day TEXT COLLATE "C" NOT NULL UNIQUE,
    begun BIGINT
);

-- Rule 2. The key cannot reach over partitions: there the compare-and-swap of the watch or the account keeps the rule alone, for the
-- number grows with each event. The id is made of these columns, so it needs no key of its own.
CREATE FUNCTION arrange_partition(name TEXT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE UNIQUE INDEX %I ON %I (account, coalesce(batch_id, 0), coalesce(endpoint, ''''), number)',
        'events_once_' || name, 'events_' || name
    );
    EXECUTE format(
        'ALTER TABLE %I SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)',
        'deliveries_' || name
    );
END
$$;

SELECT arrange_partition('rest');

-- Makes the partitions of today and of tomorrow where they are not there, and begins today's where another day's is written to.
-- One process at a time; where it would have to wait for others it is left for the next time. A clock that was set back begins none.
CREATE FUNCTION begin_partition(now BIGINT) RETURNS void LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    width CONSTANT BIGINT := 1000000000;
    ids CONSTANT regclass := pg_get_serial_sequence('deliveries', 'id');
    today CONSTANT TEXT := to_char(to_timestamp(now / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD');
    tomorrow CONSTANT TEXT := to_char(to_timestamp(now / 1000 + 86400) AT TIME ZONE 'UTC', 'YYYYMMDD');
    name TEXT;
    given BIGINT;
    place BIGINT;
    begins TEXT;
BEGIN
    IF now <= (SELECT max(begun) FROM partitions) OR NOT pg_try_advisory_xact_lock(8607336417265442665) THEN
        RETURN;
    END IF;
    FOREACH name IN ARRAY ARRAY[today, tomorrow] LOOP
        CONTINUE WHEN EXISTS (SELECT 1 FROM partitions WHERE day = name);
        SELECT greatest(last, coalesce(pg_sequence_last_value(ids), 0)) INTO given FROM log;
        SELECT greatest(coalesce(max(number) + 1, 0), CASE WHEN given > 0 THEN given / width + 1 ELSE 0 END) INTO place
        FROM partitions;
        begins := CASE WHEN place = 0 THEN 'MINVALUE' ELSE CAST(place * width AS TEXT) END;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%s) TO (%s)', 'events_' || name, begins, (place + 1) * width
        );
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF deliveries FOR VALUES FROM (%s) TO (%s)',
            'deliveries_' || name, begins, (place + 1) * width
        );
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF attempts FOR VALUES FROM (%s) TO (%s)',
            'attempts_' || name, begins, (place + 1) * width
        );
        PERFORM arrange_partition(name);
        INSERT INTO partitions (number, day) VALUES (place, name);
    END LOOP;
    SELECT number INTO place FROM partitions WHERE day = today AND begun IS NULL;
    IF FOUND THEN
        UPDATE partitions SET begun = now WHERE number = place;
        UPDATE log SET last = greatest(last, place * width - 1) WHERE place > 0;
        PERFORM setval(ids, greatest(coalesce(pg_sequence_last_value(ids), 0), place * width - 1)) WHERE place > 0;
    END IF;
EXCEPTION WHEN lock_not_available THEN
    RETURN;
END
$$;

SELECT begin_partition(clock_ms());

-- Empties the deliveries of a day, with their attempts, where all of them are older than the cutoff and nobody is owed one; how many
-- there were. What became pending meanwhile (sent again, recovered) is seen under the lock, which waits for nobody for long.
CREATE FUNCTION empty_partition(the_number BIGINT, cutoff BIGINT) RETURNS BIGINT
LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    width CONSTANT BIGINT := 1000000000;
    the_day CONSTANT TEXT := (SELECT day FROM partitions WHERE number = the_number);
    over CONSTANT BIGINT := (SELECT min(begun) FROM partitions WHERE number > the_number);
    begins CONSTANT BIGINT := the_number * width;
    due CONSTANT TEXT := 'state = ''pending'' AND endpoint_id IN (SELECT id FROM endpoints WHERE state = ''active'')';
    there BIGINT;
    owed BOOLEAN;
BEGIN
    IF the_day IS NULL OR over IS NULL OR over > cutoff OR NOT pg_try_advisory_xact_lock(8607336417265442665) THEN
        RETURN 0;
    END IF;
    EXECUTE format('SELECT count(*), coalesce(bool_or(created >= $1 OR (%s)), FALSE) FROM %I', due, 'deliveries_' || the_day)
    INTO there, owed USING cutoff;
    IF there > 0 AND NOT owed THEN
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', 'deliveries_' || the_day);
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %s)', 'deliveries_' || the_day, due) INTO owed;
    END IF;
    IF owed THEN
        RETURN 0;
    END IF;
    IF there > 0 THEN
        DELETE FROM claims WHERE position >= begins AND position < begins + width;
        EXECUTE format('TRUNCATE %I', 'deliveries_' || the_day);
    END IF;
    IF NOT EXISTS (SELECT 1 FROM deliveries WHERE id >= begins AND id < begins + width) THEN
        EXECUTE format('TRUNCATE %I', 'attempts_' || the_day);
    END IF;
    RETURN there;
EXCEPTION WHEN lock_not_available THEN
    RETURN 0;
END
$$;

-- Drops the partitions of a day whose deliveries and attempts are gone, where all events are older than the cutoff; how many there
-- were.
CREATE FUNCTION drop_partition(the_number BIGINT, cutoff BIGINT) RETURNS BIGINT
LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    the_day CONSTANT TEXT := (SELECT day FROM partitions WHERE number = the_number);
    over CONSTANT BIGINT := (SELECT min(begun) FROM partitions WHERE number > the_number);
    there BIGINT;
    young BOOLEAN;
    newest BIGINT;
    owed BOOLEAN;
BEGIN
    IF the_day IS NULL OR over IS NULL OR over > cutoff OR NOT pg_try_advisory_xact_lock(8607336417265442665) THEN
        RETURN 0;
    END IF;
    EXECUTE format('SELECT count(*), coalesce(bool_or(at >= $1), FALSE), max(position) FROM %I', 'events_' || the_day)
    INTO there, young, newest USING cutoff;
    IF young THEN
        RETURN 0;
    END IF;
    EXECUTE format('LOCK TABLE %I, %I IN ACCESS EXCLUSIVE MODE', 'deliveries_' || the_day, 'attempts_' || the_day);
    EXECUTE format(
        'SELECT EXISTS (SELECT 1 FROM %I) OR EXISTS (SELECT 1 FROM %I)', 'deliveries_' || the_day, 'attempts_' || the_day
    ) INTO owed;
    IF owed THEN
        RETURN 0;
    END IF;
    EXECUTE format('DROP TABLE %I, %I, %I', 'deliveries_' || the_day, 'attempts_' || the_day, 'events_' || the_day);
    DELETE FROM partitions WHERE number = the_number;
    INSERT INTO meta (name, value) SELECT 'forgotten', newest WHERE there > 0
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE CAST(meta.value AS BIGINT) < CAST(excluded.value AS BIGINT);
    RETURN there;
EXCEPTION WHEN lock_not_available THEN
    RETURN 0;
END
$$;

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

-- `replica` is who works on what is under way.
CREATE TABLE once (
    holder TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    at BIGINT NOT NULL,
    status BIGINT,
    answer BYTEA,
    replica TEXT COLLATE "C",
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
