"""Broadcasts: what is kept of one, and how it stands. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from watcher.core.model import BroadcastKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """What is kept of a broadcast.

    `kind` None is not known yet: whoever lists its batches finds out by trying. `followed` False: nobody follows it as a
    whole, and it is kept for its kind. `opened` is when it began to be followed (or, not followed, to be known). `labels`
    and `correlation_id` are for the batches that are found in it.
    """

    account: str
    broadcast_id: int
    kind: BroadcastKind | None = None
    followed: bool = False
    opened: datetime
    labels: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastView:
    """A broadcast as it stands: how many of its batches are followed now, when it was last listed from end to end (None:
    never), and in words what keeps it from being listed, where something does."""

    broadcast: Broadcast
    batches: int = 0
    listed: datetime | None = None
    note: str = ""
