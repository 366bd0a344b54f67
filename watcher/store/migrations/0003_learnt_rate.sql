-- What CallFire was found to allow an account: the rate in force (requests a second, NULL where all that is configured may be
-- used), the lowest rate at which it said no, and when that is to be tried again.
ALTER TABLE accounts ADD COLUMN learnt_rate DOUBLE PRECISION;
ALTER TABLE accounts ADD COLUMN learnt_wall DOUBLE PRECISION;
ALTER TABLE accounts ADD COLUMN learnt_probe_at INTEGER;
