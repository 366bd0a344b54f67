"""Answers that are given once: what the store keeps of requests that come with a key of their own (Idempotency-Key)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

KEPT_FOR: Final = timedelta(hours=24)
"""So long an answer is kept, from when its request began; after that its key is as good as new."""

Begun = Literal["fresh", "under-way", "unclear", "other"]
"""What a key stands for: nothing yet, so that the request is to be worked on; one that is being worked on; one that was, by a
process that has ended, so that nobody knows whether it was done; or another request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What was answered, to be answered again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Once(Protocol):
    """Requests by their holder (whoever sent it) and key, for KEPT_FOR. Durably, or StoreError, as with all of the store.

    What was under way at a process that is gone is unclear: nobody works on it any more.
    """

    async def begin(
        self, holder: str, key: str, fingerprint: bytes, now: datetime, *, again: bool = True
    ) -> Begun | KeptAnswer:
        """What was answered to the same request before; or "fresh": from now on it is under way. It is the same one where
        the fingerprint is. What is unclear is begun `again`, or said to be so."""
        ...

    async def finish(self, holder: str, key: str, answer: KeptAnswer) -> None:
        """That is what was answered to the request under way. Nothing happens where there is none."""
        ...

    async def abandon(self, holder: str, key: str) -> None:
        """The request under way came to nothing: it may be sent again with its key. What is answered stays."""
        ...
