-- Lists of watches: a portion of an account's. As those for SQLite, but for what each database says in its own way.

-- name: watches_of
-- Any watches.
SELECT * FROM watches
WHERE account = :account AND state <> 'stopped'
    AND batch_id > :after
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
ORDER BY batch_id LIMIT :limit;

-- name: watches_among
-- Those of the batches named, which travel as JSON in the order of the list.
SELECT watches.* FROM json_array_elements_text(CAST(:among AS json)) AS asked (value)
JOIN watches ON watches.account = :account AND watches.batch_id = CAST(asked.value AS BIGINT)
WHERE state <> 'stopped'
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
    AND (:broadcast_id IS NULL OR broadcast_id = :broadcast_id)
    AND (:since IS NULL OR since >= :since)
    AND (:name IS NULL OR EXISTS (
        SELECT 1 FROM watch_labels AS label
        WHERE label.account = watches.account AND label.batch_id = watches.batch_id
            AND label.name = :name AND label.value = :value
    ))
    AND (:labels IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each_text(CAST(:labels AS json)) AS wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM watch_labels AS label
            WHERE label.account = watches.account AND label.batch_id = watches.batch_id
                AND label.name = wanted.key AND label.value = wanted.value
        )
    ))
    AND (:needle IS NULL OR EXISTS (
        SELECT 1 FROM watch_words AS worded
        WHERE worded.account = watches.account AND worded.batch_id = watches.batch_id AND (
            strpos(worded.words, :needle) > 0 OR strpos(worded.marks, :mark) > 0
            OR strpos(CAST(worded.batch_id AS TEXT), :digits) = 1 OR strpos(CAST(worded.broadcast_id AS TEXT), :digits) = 1
        )
    ))
ORDER BY watches.batch_id LIMIT :limit;

-- name: watches_since
-- Those that came into their status later than a watch did, or at the same moment and have a greater id.
SELECT * FROM watches
WHERE account = :account AND (since, batch_id) > (:since, :after) AND state <> 'stopped'
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
    AND (:broadcast_id IS NULL OR broadcast_id = :broadcast_id)
    AND (:name IS NULL OR EXISTS (
        SELECT 1 FROM watch_labels AS label
        WHERE label.account = watches.account AND label.batch_id = watches.batch_id
            AND label.name = :name AND label.value = :value
    ))
    AND (:labels IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each_text(CAST(:labels AS json)) AS wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM watch_labels AS label
            WHERE label.account = watches.account AND label.batch_id = watches.batch_id
                AND label.name = wanted.key AND label.value = wanted.value
        )
    ))
    AND (:needle IS NULL OR EXISTS (
        SELECT 1 FROM watch_words AS worded
        WHERE worded.account = watches.account AND worded.batch_id = watches.batch_id AND (
            strpos(worded.words, :needle) > 0 OR strpos(worded.marks, :mark) > 0
            OR strpos(CAST(worded.batch_id AS TEXT), :digits) = 1 OR strpos(CAST(worded.broadcast_id AS TEXT), :digits) = 1
        )
    ))
ORDER BY since, batch_id LIMIT :limit;

-- name: watches_labelled
-- Those with a label, and others beside it.
SELECT watches.* FROM watch_labels
JOIN watches ON watches.account = watch_labels.account AND watches.batch_id = watch_labels.batch_id
WHERE watch_labels.account = :account AND watch_labels.name = :name AND watch_labels.value = :value
    AND watch_labels.batch_id > :after AND state <> 'stopped'
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
    AND (:broadcast_id IS NULL OR broadcast_id = :broadcast_id)
    AND (:labels IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each_text(CAST(:labels AS json)) AS wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM watch_labels AS label
            WHERE label.account = watches.account AND label.batch_id = watches.batch_id
                AND label.name = wanted.key AND label.value = wanted.value
        )
    ))
ORDER BY watch_labels.batch_id LIMIT :limit;

-- name: watches_of_broadcast
-- Those in a broadcast.
SELECT * FROM watches
WHERE account = :account AND broadcast_id = :broadcast_id AND state <> 'stopped'
    AND batch_id > :after
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
ORDER BY batch_id LIMIT :limit;

-- name: stuck_watches
-- Those that were told to be stuck and have not moved since.
SELECT * FROM watches
WHERE account = :account AND stuck_told > 0 AND state = 'open'
    AND batch_id > :after
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:state IS NULL OR state = :state)
    AND (:broadcast_id IS NULL OR broadcast_id = :broadcast_id)
    AND (:name IS NULL OR EXISTS (
        SELECT 1 FROM watch_labels AS label
        WHERE label.account = watches.account AND label.batch_id = watches.batch_id
            AND label.name = :name AND label.value = :value
    ))
    AND (:labels IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each_text(CAST(:labels AS json)) AS wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM watch_labels AS label
            WHERE label.account = watches.account AND label.batch_id = watches.batch_id
                AND label.name = wanted.key AND label.value = wanted.value
        )
    ))
ORDER BY batch_id LIMIT :limit;

-- name: lost_watches
-- Those that ended without a status that ends validation.
SELECT * FROM watches
WHERE account = :account AND state IN ('missing', 'expired')
    AND batch_id > :after
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
ORDER BY batch_id LIMIT :limit;

-- name: watches_with_status
-- Those that were last seen with the status.
SELECT * FROM watches
WHERE account = :account AND status = :status AND state <> 'stopped'
    AND batch_id > :after
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
ORDER BY batch_id LIMIT :limit;

-- name: listed_open_watches
-- Those that are open.
SELECT * FROM watches
WHERE account = :account AND state = 'open'
    AND batch_id > :after
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
ORDER BY batch_id LIMIT :limit;

-- name: unfinished_watches
-- Those whose status is not final, or not known.
SELECT * FROM watches
WHERE account = :account AND final = 0 AND state <> 'stopped'
    AND batch_id > :after
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
ORDER BY batch_id LIMIT :limit;

-- name: finished_watches
-- Those whose status is final: of each such status, merged.
SELECT * FROM (
    (
        SELECT * FROM watches
        WHERE account = :account AND status = :final_1 AND state <> 'stopped'
            AND batch_id > :after
            AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
            AND (:state IS NULL OR state = :state)
        ORDER BY batch_id LIMIT :limit
    )
    UNION ALL
    (
        SELECT * FROM watches
        WHERE account = :account AND status = :final_2 AND state <> 'stopped'
            AND batch_id > :after
            AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
            AND (:state IS NULL OR state = :state)
        ORDER BY batch_id LIMIT :limit
    )
    UNION ALL
    (
        SELECT * FROM watches
        WHERE account = :account AND status = :final_3 AND state <> 'stopped'
            AND batch_id > :after
            AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
            AND (:state IS NULL OR state = :state)
        ORDER BY batch_id LIMIT :limit
    )
) AS few
ORDER BY batch_id LIMIT :limit;

-- name: found_watches
-- Those that a person finds who searches; what is searched stands in the order of the list.
SELECT watches.* FROM watch_words AS worded
JOIN watches ON watches.account = worded.account AND watches.batch_id = worded.batch_id
WHERE worded.account = :account AND worded.batch_id > :after AND (
        strpos(worded.words, :needle) > 0 OR strpos(worded.marks, :mark) > 0
        OR strpos(CAST(worded.batch_id AS TEXT), :digits) = 1 OR strpos(CAST(worded.broadcast_id AS TEXT), :digits) = 1
    )
    AND state <> 'stopped'
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR final = :final)
    AND (:stuck IS NULL OR (stuck_told > 0 AND state = 'open') = (:stuck = 1))
    AND (:state IS NULL OR state = :state)
    AND (:broadcast_id IS NULL OR watches.broadcast_id = :broadcast_id)
    AND (:name IS NULL OR EXISTS (
        SELECT 1 FROM watch_labels AS label
        WHERE label.account = watches.account AND label.batch_id = watches.batch_id
            AND label.name = :name AND label.value = :value
    ))
    AND (:labels IS NULL OR NOT EXISTS (
        SELECT 1 FROM json_each_text(CAST(:labels AS json)) AS wanted
        WHERE NOT EXISTS (
            SELECT 1 FROM watch_labels AS label
            WHERE label.account = watches.account AND label.batch_id = watches.batch_id
                AND label.name = wanted.key AND label.value = wanted.value
        )
    ))
ORDER BY worded.batch_id LIMIT :limit;

-- name: watches_in_band
-- A window of a band, in its order: the keys. All that may be asked is in the index.
SELECT account, batch_id FROM watches
WHERE band = :band AND band <> 1 AND state <> 'stopped'
    AND (:accounts IS NULL OR account IN (SELECT json_array_elements_text(CAST(:accounts AS json))))
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR (coalesce(status, '') IN (:final_1, :final_2, :final_3)) = (:final = 1))
    AND (:state IS NULL OR state = :state)
ORDER BY since DESC NULLS LAST, account, batch_id LIMIT :limit OFFSET :offset;

-- name: count_of_band
-- How many watches there are in it.
SELECT count(*) FROM watches
WHERE band = :band AND band <> 1 AND state <> 'stopped'
    AND (:accounts IS NULL OR account IN (SELECT json_array_elements_text(CAST(:accounts AS json))))
    AND (:status IS NULL OR status = :status)
    AND (:final IS NULL OR (coalesce(status, '') IN (:final_1, :final_2, :final_3)) = (:final = 1))
    AND (:state IS NULL OR state = :state);
