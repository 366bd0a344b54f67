"""What the store keeps for StreamRank."""

from collections.abc import Mapping
from typing import Protocol


class Ranks(Protocol):
    """What was counted of accounts. As with all of the store, durably, or StoreError."""

    async def save_ranks(self, records: Mapping[str, bytes]) -> None:
        """Puts what was counted of these accounts by now in the place of what was saved before. The store does not read it."""
        ...

    async def rank(self, account: str) -> bytes | None:
        """What was saved of the account last, byte for byte; None where nothing was."""
        ...
