-- Broadcasts that are followed as a whole, or whose kind was found out; and what each account has learnt.

-- `kind` is NULL where it is not known yet.
CREATE TABLE broadcasts (
    account TEXT NOT NULL,
    broadcast_id INTEGER NOT NULL,
    kind TEXT,
    followed INTEGER NOT NULL,
    opened INTEGER NOT NULL,
    labels TEXT NOT NULL,
    correlation_id TEXT,
    PRIMARY KEY (account, broadcast_id)
) WITHOUT ROWID;

-- `record` is for whoever wrote it to read again, and for nobody else.
CREATE TABLE learnt (
    account TEXT PRIMARY KEY,
    saved INTEGER NOT NULL,
    record BLOB NOT NULL
);
