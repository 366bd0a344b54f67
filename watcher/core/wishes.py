"""Wishes to follow a batch, or a broadcast as a whole, and what became of them. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from watcher.core.broadcasts import Broadcast
from watcher.core.model import BroadcastKind, Key, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Somebody asks that a batch be followed. Labels and correlation id replace earlier ones, None leaves them.

    `broadcast_id` is the batch's broadcast, where whoever asks knows it; what CallFire showed counts more. `only_new` asks
    for nothing where there is a watch already, also one that has ended or was stopped.
    """

    key: Key
    labels: Mapping[str, str] | None = None
    correlation_id: str | None = None
    broadcast_id: int | None = None
    only_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of a wish: a new watch, one already followed, or one opened again."""

    what: Literal["created", "known", "reopened"]
    watch: Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastWish:
    """Somebody asks that every batch of a broadcast be followed, also those to come.

    What is given replaces what was there, None leaves it. A kind that is given is tried first;
    what CallFire then shows counts more.
    """

    account: str
    broadcast_id: int
    kind: BroadcastKind | None = None
    labels: Mapping[str, str] | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedBroadcast:
    """What became of such a wish: followed from now on, or already."""

    what: Literal["created", "known"]
    broadcast: Broadcast
