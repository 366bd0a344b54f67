-- Endpoints that are made by the interface, how endpoints stand, what a person does with deliveries, and what is forgotten.

-- `sealed` holds the secrets of an endpoint that the API keeps, encrypted where there is a key. `health` is JSON text.
ALTER TABLE endpoints ADD COLUMN kept_by TEXT NOT NULL DEFAULT 'settings';
ALTER TABLE endpoints ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE endpoints ADD COLUMN broadcasts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE endpoints ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE endpoints ADD COLUMN concurrency INTEGER;
ALTER TABLE endpoints ADD COLUMN rate DOUBLE PRECISION;
ALTER TABLE endpoints ADD COLUMN ordering TEXT NOT NULL DEFAULT 'none';
ALTER TABLE endpoints ADD COLUMN form TEXT NOT NULL DEFAULT 'plain';
ALTER TABLE endpoints ADD COLUMN sealed BLOB;
ALTER TABLE endpoints ADD COLUMN created INTEGER;
ALTER TABLE endpoints ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN health TEXT NOT NULL DEFAULT '{}';

-- Whom the settings no longer named was owed nothing new so far; from now on it is disabled, and its events are held.
UPDATE endpoints SET state = 'disabled', disabled_reason = coalesce(disabled_reason, 'the settings no longer name it')
WHERE state = 'removed';

-- Events about an endpoint have no account (''), and are numbered per endpoint.
ALTER TABLE events ADD COLUMN endpoint TEXT;
DROP INDEX events_once;
CREATE UNIQUE INDEX events_once ON events (account, coalesce(batch_id, 0), coalesce(endpoint, ''), number);

-- `lane` is that of `core.outbox.lane_of`, NULL where the endpoint wants no order; `behind` is 1 where an earlier delivery of
-- the lane is pending.
ALTER TABLE deliveries ADD COLUMN cause TEXT NOT NULL DEFAULT 'schedule';
ALTER TABLE deliveries ADD COLUMN lane TEXT;
ALTER TABLE deliveries ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;

-- To disable an endpoint, or to enable it, must not touch each of its deliveries, which may be very many. So from now on what
-- is pending for an endpoint that is disabled counts as held; 'held' is what stays so when it is enabled, or removed.
UPDATE deliveries SET state = 'pending' WHERE state = 'held';

-- At most one delivery per event and endpoint; also how events that are owed to nobody are found.
CREATE UNIQUE INDEX deliveries_once ON deliveries (position, endpoint_id);
-- For lists, and for counting.
CREATE INDEX deliveries_in_state ON deliveries (endpoint_id, state);
-- For the order within a lane.
CREATE INDEX deliveries_in_lane ON deliveries (endpoint_id, lane, position) WHERE state = 'pending' AND lane IS NOT NULL;

-- First attempts and retries are claimed apart, each oldest due first. Claims themselves are no longer written down on SQLite.
DROP INDEX deliveries_claimed;
DROP INDEX deliveries_pending;
CREATE INDEX deliveries_pending ON deliveries (endpoint_id, behind, (attempts > 0), due, id) WHERE state = 'pending';

-- How long an attempt took, as a whole and by part, is in microseconds from now on.
UPDATE attempts SET took = took * 1000;
ALTER TABLE attempts ADD COLUMN cause TEXT NOT NULL DEFAULT 'schedule';
ALTER TABLE attempts ADD COLUMN address TEXT;
ALTER TABLE attempts ADD COLUMN detail TEXT;
ALTER TABLE attempts ADD COLUMN dns INTEGER;
ALTER TABLE attempts ADD COLUMN connect INTEGER;
ALTER TABLE attempts ADD COLUMN tls INTEGER;
ALTER TABLE attempts ADD COLUMN first_byte INTEGER;

-- What was found out of broadcasts that nobody follows is forgotten, the oldest first.
CREATE INDEX broadcasts_unfollowed ON broadcasts (opened) WHERE followed = 0;
