"""A PostgreSQL database that has grown: what is in it is made by the server itself, for it would take long to send it.

Ten accounts with ten thousand batches each, whose events happened on four days; to each of two endpoints every other event was
delivered, and a few are on their way. What is analysed is what autovacuum analyses: the partitions, not what they are parts of.
"""

from typing import Final

PARTITIONED: Final = ("events", "deliveries", "attempts")
ACCOUNTS: Final = 10
BATCHES: Final = 10_000
WIDTH: Final = 1_000_000_000
"""Positions in a partition."""
DAY: Final = 25_000
"""Events of a day."""
TABLES: Final = (
    "watches",
    "watch_labels",
    "watch_words",
    "events",
    "deliveries",
    "attempts",
    "submissions",
    "once",
    "sessions",
    "broadcasts",
    "words",
    "accounts",
    "learnt",
    "streamranks",
)
"""Those that grow; the others have a row for each endpoint, token, replica, or day."""

FILL: Final = f"""
SET session_replication_role = replica;  -- what the triggers would do is done at once
SELECT begin_partition(clock_ms() + day * 86400000) FROM generate_series(1, 3) AS day;
INSERT INTO accounts (name, refused, reason, refusals, credentials, number)
SELECT 'a' || n, 0, '', 0, '', 1 FROM generate_series(1, 20000) AS n;
INSERT INTO leases (share, epoch, replica, demand, shown)
SELECT 'a' || n, 3, CASE n % 2 WHEN 0 THEN 'r0' ELSE 'r1' END, 1, '{{}}' FROM generate_series(1, 20000) AS n;
INSERT INTO replicas (id, name, version, polls, started, held_until, commits)
SELECT 'r' || n, 'process', 6, TRUE, 0, clock_ms() + 3600000, 9 FROM generate_series(0, 1) AS n;
INSERT INTO words (number, at, replica, kind, account, body)
SELECT
    n, clock_ms() - 50000 + n, 'r' || n % 2, 'followed', 'a' || n % {ACCOUNTS}, '{{}}' FROM generate_series(1, 50000) AS n;
INSERT INTO learnt (account, saved, record) SELECT 'a' || n, 0, '\\x00' FROM generate_series(1, 20000) AS n;
INSERT INTO streamranks (account, record) SELECT 'a' || n, '\\x00' FROM generate_series(1, 20000) AS n;
INSERT INTO broadcasts (account, broadcast_id, kind, followed, opened, labels)
SELECT
    'a' || n % 100, n, 'call', CASE WHEN n % 50 = 0 THEN 1 ELSE 0 END, n, '{{}}' FROM generate_series(1, 20000) AS n;
INSERT INTO watches (
    account, batch_id, opened, version, number, state, status, final, since, name, broadcast_id, created, size, remaining,
    enabled, asked, answered, looks, missing_count, refused_count, stuck_told, labels, band
)
SELECT
    'a' || account, batch, 1, 2, 1,
    CASE WHEN batch % 20 = 0 THEN 'open' WHEN batch % 333 = 1 THEN 'missing' WHEN batch % 97 = 0 THEN 'stopped'
        ELSE 'settled' END,
    CASE WHEN batch % 20 = 0 THEN 'VALIDATING' WHEN batch % 50 = 1 THEN 'ERRORS' ELSE 'ACTIVE' END,
    CASE WHEN batch % 20 = 0 THEN 0 ELSE 1 END, batch * 10, 'Autumn ' || batch, batch / 10, 1, 100, 100, 1,
    5, 6, 7, 0, 0, CASE WHEN batch % 250 = 0 THEN 1 ELSE 0 END, json_build_object('team', 't' || batch % 100)::text,
    CASE WHEN batch % 500 = 0 THEN 0 ELSE 1 END
FROM generate_series(1, {ACCOUNTS}) AS account, generate_series(1, {BATCHES}) AS batch;
INSERT INTO watch_labels (account, name, value, batch_id)
SELECT account, 'team', 't' || batch_id % 100, batch_id FROM watches;
INSERT INTO watch_words (account, batch_id, broadcast_id, words, marks)
SELECT account, batch_id, broadcast_id, chr(10) || 'autumn ' || batch_id, chr(10) || 'team:t' || batch_id % 100 FROM watches;
INSERT INTO endpoints (
    id, url, types, accounts, timeout, state, kept_by, description, broadcasts, labels, ordering, form, created, version,
    number, health
)
SELECT id, 'https://example.com', '[]', '[]', 15000, 'active', 'settings', '', '[]', '{{}}', 'batch', 'plain', 1, 1, 0, '{{}}'
FROM unnest(ARRAY['hook', 'other']) AS id;
INSERT INTO endpoints SELECT gone.* FROM endpoints, generate_series(1, 50) AS n, LATERAL (
    SELECT (json_populate_record(endpoints, json_build_object('id', 'gone_' || n, 'state', 'removed'))).*
) AS gone WHERE endpoints.id = 'hook';
INSERT INTO turns (endpoint_id) SELECT id FROM endpoints;
INSERT INTO events (position, id, type, at, account, batch_id, number, body)
SELECT
    CAST(n / {DAY} AS BIGINT) * {WIDTH} + n % {DAY} + 1, 'evt_' || n, 'batch.active', n,
    'a' || n % {ACCOUNTS}, n / {ACCOUNTS}, 1, repeat('x', 300)::bytea
FROM generate_series(0, {4 * DAY - 1}) AS n;
INSERT INTO deliveries (id, account, endpoint_id, position, created, due, attempts, state, cause, lane, behind)
SELECT
    position, account, CASE at % 2 WHEN 0 THEN 'hook' ELSE 'other' END, position, at, at, 1,
    CASE WHEN at % 1000 = 0 THEN 'pending' WHEN at % 2000 = 1 THEN 'dead' WHEN at % 2000 = 2 THEN 'held' ELSE 'done' END,
    'schedule', account || '/' || batch_id, 0
FROM events;
INSERT INTO claims (delivery_id, account, position, endpoint_id, token, claimed_until, receiver, since)
SELECT id, account, position, endpoint_id, 'mine', clock_ms() + 45000, 0, 1
FROM deliveries WHERE state = 'pending' ORDER BY id LIMIT 50;
INSERT INTO attempts (account, delivery_id, at, took, outcome, answer, cause)
SELECT account, id, created, 5, 'done', '\\x00', 'schedule' FROM deliveries;
UPDATE log SET last = (SELECT max(position) FROM events), words = 50000;
INSERT INTO submissions (
    id, account, broadcast_id, name, state, version, strict, recipients, labels, holder, idempotency_key, fingerprint, tries,
    created, absences, settled, detail
)
SELECT
    'sub_' || n, 'a' || n % 100, 1, 'Autumn [' || n || ']', 'followed', 1, 1, 1, '{{}}', 'me', 'key-' || n, '\\x00', 1, n, 0,
    CASE WHEN n % 500 <> 0 THEN n END, ''
FROM generate_series(1, 50000) AS n;
INSERT INTO once (holder, key, fingerprint, at, status, answer)
SELECT 'me', 'key-' || n, '\\x00', n, CASE WHEN n % 5000 <> 0 THEN 200 END, '\\x00' FROM generate_series(1, 50000) AS n;
INSERT INTO tokens (id, name, digest, scopes, created)
SELECT 'tok_' || n, '', n::text::bytea, '[]', 1 FROM generate_series(1, 9) AS n;
INSERT INTO sessions (digest, token_digest, created, expires)
SELECT n::text::bytea, (n % 9)::text::bytea, 1, n FROM generate_series(1, 50000) AS n;
RESET session_replication_role;
"""

ANALYZE: Final = """
DO $$ DECLARE name TEXT; BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ANALYZE %I', name);
    END LOOP;
END $$;
"""
