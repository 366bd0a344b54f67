-- What is kept for StreamRank.

-- name: rank$
-- What was counted of an account.
SELECT record FROM streamranks WHERE account = :account;

-- name: put_rank*!
-- What was counted of an account by now.
INSERT INTO streamranks (account, record) VALUES (:account, :record)
ON CONFLICT (account) DO UPDATE SET record = excluded.record;
