"""The part of the news that the store, and what keeps it small, tell."""

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFenced:
    """A write was refused, and nothing done: another replica has taken over what it was for."""

    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationsWait:
    """These steps of the tables are taken when no older process has the database any more; until then all works without."""

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasesMoved:
    """Shares (accounts, or parts of one) came to be polled here, were given back to the other replicas, or turned out to be
    polled by another one."""

    taken: tuple[str, ...] = ()
    given_back: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesNamed:
    """These shares (accounts, or parts of one) are those of the settings from now on, and there are no others."""

    shares: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DividedOtherwise:
    """Another replica polls these shares, of an account that it divides differently (accounts.NAME.parts): until they are given
    back this one takes nothing of the account. None are left where that has ended."""

    account: str
    shares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasesSeen:
    """It was looked how shares are spread: so many are polled here, by one of so many replicas. `skew` is by how many seconds
    this machine's clock is ahead of the database's. `unpolled` says of each account how many of its shares nobody polls; an
    account of which somebody polls shares of another division may be missing."""

    held: int
    replicas: int
    skew: float
    unpolled: Mapping[str, int]
