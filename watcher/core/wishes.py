"""Wishes to follow a batch, or a broadcast as a whole, and what became of them. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final, Literal

from watcher.core.broadcasts import Broadcast
from watcher.core.model import BroadcastKind, Key, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Somebody asks that a batch be followed. Labels and correlation id replace earlier ones, None leaves them. So does
    `expires_in`, after which the watch is given up, counted from now; None leaves an open watch what it has.

    `broadcast_id` is the batch's broadcast, where whoever asks knows it; what CallFire showed counts more. `only_new` asks
    for nothing where there is a watch already, also one that has ended or was stopped.
    """

    key: Key
    labels: Mapping[str, str] | None = None
    correlation_id: str | None = None
    broadcast_id: int | None = None
    expires_in: timedelta | None = None
    only_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of a wish: a new watch, one already followed, or one opened again. `told` where one already followed got
    other labels, another correlation id, or what else the wish told of it."""

    what: Literal["created", "known", "reopened"]
    watch: Watch
    told: bool = False


class Unset(Enum):
    """What is not said: something else than None, which is."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastWish:
    """Somebody asks that every batch of a broadcast be followed, also those to come.

    What is given replaces what was there, None leaves it. A kind that is given is tried first; what CallFire then shows counts
    more. `forgets_correlation`: there is to be no correlation id any more.
    """

    account: str
    broadcast_id: int
    kind: BroadcastKind | None = None
    labels: Mapping[str, str] | None = None
    correlation_id: str | None = None
    forgets_correlation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedBroadcast:
    """What became of such a wish: followed from now on, or already."""

    what: Literal["created", "known"]
    broadcast: Broadcast
