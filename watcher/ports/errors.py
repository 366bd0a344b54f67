"""What the store raises."""


class StoreError(Exception):
    """The store could not do it now, and did nothing: try again later. Polling goes on; nothing counts as seen."""


class UnusableStore(StoreError):
    """The store cannot be opened at all: the message says why and what to do. Trying again will not help."""


class StoreInUse(UnusableStore):
    """Another process has it, and with it the budget of its accounts."""


class UnknownOutcome(StoreError):
    """The database was lost while it committed, and could not be asked since: this was done as a whole, or not at all."""
