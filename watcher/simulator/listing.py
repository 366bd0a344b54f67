"""How a broadcast's batches are listed: whether they are, in what order, and whether their number is told."""

import random
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

ListingState = Literal[
    "on",
    "refused",  # 403
    "missing",  # 404, as where there is no such operation
]
Order = Literal[
    "added",  # what came last stands at the end
    "newest",  # what came last stands in front, and moves the rest on
    "shuffled",  # another one for every page: a batch may be on several pages, and on none
]


class Listing(BaseModel):
    """What holds for all listings, and over the control address may change at any time."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    listing: ListingState = "on"
    order: Order = "added"
    total_count: bool = True

    def changed(self, change: "Listing") -> "Listing":
        """With what the other one says, and as before where that says nothing."""
        return self.model_copy(update=change.model_dump(exclude_unset=True))


def ordered(batches: Sequence[int], order: Order, chance: random.Random) -> Sequence[int]:
    """The batches, given in the order in which they came, as they are listed now."""
    match order:
        case "added":
            return batches
        case "newest":
            return batches[::-1]
        case "shuffled":
            return chance.sample(batches, len(batches))
