"""The part of the news that the interface tells: what became of requests and of streams."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed:
    """A request to our own interface met a mistake of ours and was answered with 500. `route` is the path's pattern."""

    method: str
    route: str
    error: str
    trace: str = field(repr=False)
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened:
    """A client began to listen to a stream: the events, or a page."""

    stream: Literal["events", "page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamClosed:
    """A client does not listen any more. It left, or we stop; or it was let go: it did not keep up (slow), took nothing for a
    while (stalled), its token is good no longer (token), or the store failed while it was caught up (store)."""

    stream: Literal["events", "page"]
    reason: Literal["left", "stopping", "slow", "stalled", "token", "store"]


AuthFailure = Literal["malformed", "unknown", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthFailed:
    """Somebody asked with a token that is none, is unknown, or whose time is over. `address` is the socket's other end."""

    reason: AuthFailure
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthCalm:
    """Nobody asked with a wrong token lately, after so many had."""

    failed: int
