-- Batches on their way to CallFire.

-- name: submission^
-- One of an account's.
SELECT * FROM submissions WHERE id = :id AND account = :account;

-- name: submission_by_key^
-- The one that its holder asked for with that key.
SELECT * FROM submissions WHERE holder = :holder AND idempotency_key = :idempotency_key;

-- name: make_submission!
-- Writes down a new one, unless its holder has one with that key.
INSERT INTO submissions (
    id, account, broadcast_id, kind, name, state, version, batch_id, request, strict, recipients, labels, correlation_id,
    expires_in, holder, idempotency_key, fingerprint, tries, created, sent, ended, absences, settled, detail
) VALUES (
    :id, :account, :broadcast_id, :kind, :name, :state, :version, :batch_id, :request, :strict, :recipients, :labels,
    :correlation_id, :expires_in, :holder, :idempotency_key, :fingerprint, :tries, :created, :sent, :ended, :absences, :settled,
    :detail
)
ON CONFLICT (holder, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;

-- name: swap_submission!
-- What may change of one, where nobody changed it meanwhile. Once it is settled, nobody needs to know whom it was for.
UPDATE submissions
SET kind = :kind, state = :state, version = :version + 1, batch_id = :batch_id, tries = :tries, sent = :sent, ended = :ended,
    absences = :absences, settled = :settled, detail = :detail,
    request = CASE WHEN :settled IS NULL THEN request END
WHERE id = :id AND version = :version;

-- name: unsettled_submissions
-- Those of an account that something is still to be done about, the oldest first.
SELECT * FROM submissions WHERE account = :account AND settled IS NULL ORDER BY created, id;

-- name: newest_submissions
-- Those of an account, the newest first, before the one given. Without what is sent, which may be megabytes.
SELECT
    id, account, broadcast_id, kind, name, state, version, batch_id, NULL AS request, strict, recipients, labels, correlation_id,
    expires_in, holder, idempotency_key, fingerprint, tries, created, sent, ended, absences, settled, detail
FROM submissions
WHERE account = :account AND (created, id) < (:created, :id)
ORDER BY created DESC, id DESC LIMIT :limit;

-- name: newest_unsettled_submissions
-- The same of those that are not settled.
SELECT
    id, account, broadcast_id, kind, name, state, version, batch_id, NULL AS request, strict, recipients, labels, correlation_id,
    expires_in, holder, idempotency_key, fingerprint, tries, created, sent, ended, absences, settled, detail
FROM submissions
WHERE account = :account AND settled IS NULL AND (created, id) < (:created, :id)
ORDER BY created DESC, id DESC LIMIT :limit;

-- name: forget_submissions!
-- Some of those that were settled long ago.
DELETE FROM submissions WHERE id IN (SELECT id FROM submissions WHERE settled < :cutoff ORDER BY settled LIMIT :most);

-- name: requests_kept
-- What is still to be sent, or may be; they are few.
SELECT id, request FROM submissions WHERE settled IS NULL AND request IS NOT NULL;

-- name: reseal_submission!
-- A request sealed with another key.
UPDATE submissions SET request = :request WHERE id = :id;
