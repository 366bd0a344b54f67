"""What is kept of who may ask: tokens, sessions of browsers; and to whose accounts endpoints and deliveries belong."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from watcher.core.tokens import Session, Token


class Tokens(Protocol):
    """What is kept of tokens and sessions. As with all of the store, a method does all it says, durably, or raises StoreError."""

    async def tokens(self) -> list[Token]:
        """All of them, also those whose time is over, in the order in which they were made (of one moment: of their ids)."""
        ...

    async def make_token(self, token: Token) -> bool:
        """Keeps it. False, and nothing done, where there is one of its id or its digest."""
        ...

    async def remove_token(self, token_id: str) -> bool:
        """Deletes it and the sessions that were made with it. False where there was none."""
        ...

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        """When tokens, by id, were last used. A moment before the one that is kept changes nothing, nor does one of a token that
        is not there."""
        ...

    async def sessions(self) -> list[Session]:
        """All of them, also those that are over, in the order in which they end."""
        ...

    async def make_session(self, session: Session) -> None:
        """Keeps it."""
        ...

    async def remove_session(self, digest: bytes) -> bool:
        """Deletes it. False where there was none."""
        ...

    async def forget_sessions(self, now: datetime) -> int:
        """Deletes those that are over; how many these were."""
        ...


class Whose(Protocol):
    """To whose accounts things belong. Each question is one reading, and as much work where the answer is None."""

    async def accounts_of_endpoint(self, endpoint_id: str) -> Sequence[str] | None:
        """The accounts of its filter, none standing for all; None where there is no such endpoint."""
        ...

    async def accounts_of_delivery(self, delivery_id: int) -> tuple[str, Sequence[str]] | None:
        """The account of its event ("" where it has none), and those of its endpoint's filter; None where there is no such
        delivery, or where its endpoint was removed."""
        ...
