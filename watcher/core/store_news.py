"""The part of the news that the store, and what keeps it small, tell."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsExposed:
    """Secrets of so many endpoints are kept in the database as they are: there is no key to encrypt them with."""

    endpoints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was older than the retention allows was deleted: so many rows of each."""

    events: int
    deliveries: int
    broadcasts: int
    took: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTook:
    """How long an operation of the store took, in seconds."""

    operation: str
    took: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFailed:
    """The store could not do what was asked (disk full, damaged, locked)."""

    operation: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecovered:
    """The store, which had failed, did something again."""

    operation: str
