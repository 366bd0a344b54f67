"""What the store raises, and other replicas where they do not answer."""


class StoreError(Exception):
    """The store could not do it now, and did nothing: try again later. Polling goes on; nothing counts as seen."""


class UnusableStore(StoreError):
    """The store cannot be opened at all: the message says why and what to do. Trying again will not help."""


class StoreInUse(UnusableStore):
    """Another process has it, so this cannot: try again when that one has ended. Who opens a SQLite database has it alone; one on
    PostgreSQL is only in the way of what wants to be alone."""


class UnknownOutcome(StoreError):
    """The database was lost while it committed, and could not be asked since: this was done as a whole, or not at all."""


class LeaseLost(StoreError):
    """Another process polls the account by now: whoever wrote for it ends, and nothing was written."""


class NotAnswered(Exception):
    """Another replica polls the account, and did not say in time what only the poller knows: ask again in a moment."""
