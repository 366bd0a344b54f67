-- What the page needs: watches in the order in which they are shown to a person, and found by what a person knows of them.

-- `band` is that of `core.attention`: 0 needs a person, 1 is open and needs nobody, 2 is the rest. What is open is put in order
-- elsewhere, so that a watch costs nothing here before it ends or needs somebody; a stopped one is in no list.
ALTER TABLE watches ADD COLUMN band INTEGER NOT NULL DEFAULT 1;
UPDATE watches SET band = CASE
    WHEN state IN ('missing', 'expired') OR status NOT IN ('NEW', 'VALIDATING', 'ACTIVE') THEN 0
    WHEN state = 'open' AND stuck_told > 0 THEN 0
    WHEN state = 'open' THEN 1
    ELSE 2
END
WHERE state <> 'stopped';
CREATE INDEX watches_by_band ON watches (band, since DESC, account, batch_id, status, state)
WHERE band <> 1 AND state <> 'stopped';

-- What is searched of each watch, in small letters: `words` are its name and the values of its labels, of which any part is
-- found; `marks` are its correlation id and its labels, NAME:VALUE, which are found as a whole. Each has a line of its own.
CREATE TABLE watch_words (
    account TEXT NOT NULL,
    batch_id INTEGER NOT NULL,
    broadcast_id INTEGER,
    words TEXT NOT NULL,
    marks TEXT NOT NULL,
    PRIMARY KEY (account, batch_id)
) WITHOUT ROWID;

CREATE TRIGGER watch_worded AFTER INSERT ON watches
BEGIN
    INSERT INTO watch_words (account, batch_id, broadcast_id, words, marks)
    SELECT
        new.account, new.batch_id, new.broadcast_id,
        char(10) || lower(coalesce(new.name, '')) || char(10) || coalesce(group_concat(lower(value), char(10)), ''),
        char(10) || lower(coalesce(new.correlation_id, '')) || char(10)
            || coalesce(group_concat(lower(key || ':' || value), char(10)), '') || char(10)
    FROM json_each(new.labels);
END;

CREATE TRIGGER watch_reworded AFTER UPDATE OF name, broadcast_id, labels, correlation_id ON watches
WHEN new.name IS NOT old.name OR new.broadcast_id IS NOT old.broadcast_id OR new.labels <> old.labels
    OR new.correlation_id IS NOT old.correlation_id
BEGIN
    REPLACE INTO watch_words (account, batch_id, broadcast_id, words, marks)
    SELECT
        new.account, new.batch_id, new.broadcast_id,
        char(10) || lower(coalesce(new.name, '')) || char(10) || coalesce(group_concat(lower(value), char(10)), ''),
        char(10) || lower(coalesce(new.correlation_id, '')) || char(10)
            || coalesce(group_concat(lower(key || ':' || value), char(10)), '') || char(10)
    FROM json_each(new.labels);
END;

-- Those that are there already.
INSERT INTO watch_words (account, batch_id, broadcast_id, words, marks)
SELECT
    account, batch_id, broadcast_id,
    char(10) || lower(coalesce(name, '')) || char(10)
        || coalesce((SELECT group_concat(lower(value), char(10)) FROM json_each(labels)), ''),
    char(10) || lower(coalesce(correlation_id, '')) || char(10)
        || coalesce((SELECT group_concat(lower(key || ':' || value), char(10)) FROM json_each(labels)), '') || char(10)
FROM watches;
