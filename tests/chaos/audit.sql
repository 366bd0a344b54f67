-- Put into a campaign's database beside the tables: who had which account's lease when, and who wrote what a poller writes, with
-- who had the lease then. A process is known by the user that it is to the database; a lease's owner by its replica's name.

CREATE TABLE audit (
    writer TEXT NOT NULL,
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (writer, account, owner)
);

CREATE TABLE ownership (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION owner_of(asked TEXT) RETURNS TEXT LANGUAGE sql AS $$
SELECT coalesce(string_agg(replicas.name, ', ' ORDER BY leases.share), 'nobody')
FROM leases JOIN replicas ON replicas.id = leases.replica WHERE asked IN (leases.share, split_part(leases.share, '@', 1))
$$;

CREATE FUNCTION audit_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (writer, account, owner)
    VALUES (current_user, new.account, owner_of(new.account))
    ON CONFLICT (writer, account, owner) DO NOTHING;
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ownership (account, owner, epoch) VALUES (new.share, owner_of(new.share), new.epoch);
    RETURN NULL;
END
$$;

INSERT INTO ownership (account, owner, epoch) SELECT share, owner_of(share), epoch FROM leases;

CREATE TRIGGER audited AFTER UPDATE ON watches FOR EACH ROW
WHEN (new.number > old.number OR new.answered IS DISTINCT FROM old.answered)
EXECUTE FUNCTION audit_write();

CREATE TRIGGER audited AFTER INSERT ON events FOR EACH ROW WHEN (new.batch_id IS NOT NULL)
EXECUTE FUNCTION audit_write();

CREATE TRIGGER audited AFTER INSERT OR UPDATE OF epoch, replica ON leases FOR EACH ROW
EXECUTE FUNCTION audit_lease();
