-- What `watcher db copy` says to SQLite alone.

-- name: columns_of
-- The columns of a table.
SELECT name FROM pragma_table_info(:table);

-- name: numbers^
-- The numbers that were given out last.
SELECT
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS events,
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'), 0) AS deliveries,
    coalesce((SELECT max(id) FROM attempts), 0) AS attempts;

-- name: forget_number!
-- A table without a number that was given out last.
DELETE FROM sqlite_sequence WHERE name = :table;

-- name: put_number!
-- The number of a table that was given out last.
INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last);

-- name: paste_endpoints*!
-- Rows of a portion.
INSERT INTO endpoints (
    id, url, types, accounts, timeout, state, disabled_reason, paused_until, kept_by, description, broadcasts,
    labels, concurrency, rate, ordering, form, sealed, created, version, number, health
) VALUES (
    :id, :url, :types, :accounts, :timeout, :state, :disabled_reason, :paused_until, :kept_by, :description,
    :broadcasts, :labels, :concurrency, :rate, :ordering, :form, :sealed, :created, :version, :number, :health
);

-- name: paste_accounts*!
-- Rows of a portion.
INSERT INTO accounts (
    name, refused, reason, refusals, probe_at, credentials, number, learnt_rate, learnt_wall, learnt_probe_at
) VALUES (
    :name, :refused, :reason, :refusals, :probe_at, :credentials, :number, :learnt_rate, :learnt_wall,
    :learnt_probe_at
);

-- name: paste_watches*!
-- Rows of a portion.
INSERT INTO watches (
    account, batch_id, opened, version, number, state, status, final, since, name, broadcast_id, created, size,
    remaining, enabled, asked, answered, looks, missing_since, missing_count, refused_count, aside_until,
    stuck_told, stuck_last, labels, correlation_id, expires, band
) VALUES (
    :account, :batch_id, :opened, :version, :number, :state, :status, :final, :since, :name, :broadcast_id,
    :created, :size, :remaining, :enabled, :asked, :answered, :looks, :missing_since, :missing_count,
    :refused_count, :aside_until, :stuck_told, :stuck_last, :labels, :correlation_id, :expires, :band
);

-- name: paste_broadcasts*!
-- Rows of a portion.
INSERT INTO broadcasts (account, broadcast_id, kind, followed, opened, labels, correlation_id)
VALUES (:account, :broadcast_id, :kind, :followed, :opened, :labels, :correlation_id);

-- name: paste_learnt*!
-- Rows of a portion.
INSERT INTO learnt (account, saved, record) VALUES (:account, :saved, :record);

-- name: paste_streamranks*!
-- Rows of a portion.
INSERT INTO streamranks (account, record) VALUES (:account, :record);

-- name: paste_tokens*!
-- Rows of a portion.
INSERT INTO tokens (id, name, digest, scopes, accounts, created, expires, used)
VALUES (:id, :name, :digest, :scopes, :accounts, :created, :expires, :used);

-- name: paste_sessions*!
-- Rows of a portion.
INSERT INTO sessions (digest, token_digest, created, expires) VALUES (:digest, :token_digest, :created, :expires);

-- name: paste_submissions*!
-- Rows of a portion.
INSERT INTO submissions (
    id, account, broadcast_id, kind, name, state, version, batch_id, request, strict, recipients, labels,
    correlation_id, expires_in, holder, idempotency_key, fingerprint, tries, created, sent, ended, absences,
    settled, detail
) VALUES (
    :id, :account, :broadcast_id, :kind, :name, :state, :version, :batch_id, :request, :strict, :recipients,
    :labels, :correlation_id, :expires_in, :holder, :idempotency_key, :fingerprint, :tries, :created, :sent, :ended,
    :absences, :settled, :detail
);

-- name: paste_once*!
-- Rows of a portion.
INSERT INTO once (holder, key, fingerprint, at, status, answer)
VALUES (:holder, :key, :fingerprint, :at, :status, :answer);

-- name: paste_events*!
-- Rows of a portion.
INSERT INTO events (position, id, type, at, account, batch_id, number, body, endpoint)
VALUES (:position, :id, :type, :at, :account, :batch_id, :number, :body, :endpoint);

-- name: paste_deliveries*!
-- Rows of a portion.
INSERT INTO deliveries (id, account, endpoint_id, position, created, due, attempts, state, cause, lane, behind)
VALUES (:id, :account, :endpoint_id, :position, :created, :due, :attempts, :state, :cause, :lane, :behind);

-- name: paste_attempts*!
-- Rows of a portion.
INSERT INTO attempts (
    id, account, delivery_id, at, took, code, error, outcome, next_due, location, answer, cause, address, detail,
    dns, connect, tls, first_byte
) VALUES (
    :id, :account, :delivery_id, :at, :took, :code, :error, :outcome, :next_due, :location, :answer, :cause,
    :address, :detail, :dns, :connect, :tls, :first_byte
);

-- name: doubt_submissions!
-- In a backup: what was to be sent may have been sent by the time it is restored, and counts as under way.
UPDATE submissions SET state = 'sending', tries = tries + 1, sent = :now, ended = NULL, absences = 0 WHERE state = 'intended';
