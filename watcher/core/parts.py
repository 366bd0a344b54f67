"""A huge account in parts: which broadcasts, and so which batches, each part polls. A broadcast is one part's, with its pages.

The parts have the account's budget between them. What is decided here is the same in every process and every version: two that
disagreed would poll the same batches, or leave some to each other.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import compress
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watcher.core.account import Account, AccountRecord, Condition
from watcher.core.model import Watch
from watcher.core.opened import NONE, Opened

LATER: Final = timedelta(seconds=30)
"""By so much later than the part before it does a part try again whether an account is still refused: one request will do."""
MARK: Final = "@"
"""What stands between an account and its part; no account has it in its name."""


class Part(NamedTuple):
    """A part of an account: the one of that number, from 1 on, `of` so many. An account that is not divided is one part."""

    account: str
    number: int = 1
    of: int = 1

    @property
    def share(self) -> str:
        """Its name among the leases: "name", or "name@k/n"."""
        return self.account if self.of == 1 else f"{self.account}{MARK}{self.number}/{self.of}"

    @property
    def told(self) -> str:
        """What is told of it beside the account: its name, and nothing where the account is not divided."""
        return "" if self.of == 1 else self.share

    @property
    def first(self) -> bool:
        """Whether it is the part that keeps what there is one of for the whole account."""
        return self.number == 1

    def has(self, watch: Watch) -> bool:
        """Whether the watch is this part's, as far as is known of it now."""
        return self.of == 1 or number_of(self.of, watch.broadcast_id, watch.batch_id) == self.number

    def lists(self, broadcast_id: int) -> bool:
        """Whether the broadcast is this part's."""
        return self.of == 1 or number_of(self.of, broadcast_id) == self.number

    def among(self, opened: Opened) -> Opened:
        """Those of the open watches that are this part's."""
        if self.of == 1:
            return opened
        broadcast, batch = opened.column("broadcast_id"), opened.column("batch_id")
        ids = np.where(broadcast == NONE, batch, broadcast)
        ours = _mixed(ids) % np.uint64(self.of) == np.uint64(self.number - 1)
        return Opened(opened.table[ours], list(compress(opened.statuses, ours)))


def parts_of(account: str, of: int) -> list[Part]:
    """All parts of the account."""
    return [Part(account, number, of) for number in range(1, of + 1)]


def part_named(share: str) -> Part:
    """The part that `Part.share` names. Raises ValueError where the text names none."""
    account, mark, rest = share.rpartition(MARK)
    if not mark:
        return Part(share)
    number, _, of = rest.partition("/")
    part = Part(account, int(number), int(of))
    if not 1 <= part.number <= part.of or part.share != share:
        raise ValueError(f"{share!r} names no part of an account")
    return part


def number_of(of: int, broadcast_id: int | None, batch_id: int = 0) -> int:
    """The number of the part that polls the broadcast; where that is not known yet, the part of the batch."""
    return int(_mixed(np.array([batch_id if broadcast_id is None else broadcast_id]))[0] % np.uint64(of)) + 1


def adopted(account: Account, record: AccountRecord, part: Part, now: datetime) -> Account:
    """The account of a part as the record of the whole has it, which another part may have changed. A refusal by one is one for
    all, and so is its end; who is to try first whether it has ended is the first part, then the others, each LATER."""
    refused = account.condition is Condition.REFUSED
    if account.condition is Condition.PAUSED or not (refused or record.refused):
        return replace(account, number=record.number)
    if not record.refused:
        return Account(
            name=account.name,
            credentials=account.credentials,
            proven=True,
            number=record.number,
            learnt_rate=account.learnt_rate,
        )
    return replace(
        account,
        condition=Condition.REFUSED,
        reason=record.reason,
        since=account.since if refused else now,
        until=None if record.probe_at is None else record.probe_at + LATER * (part.number - 1),
        proven=False,
        refusals=record.refusals,
        number=record.number,
    )


def _mixed(ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The ids well mixed, so that neighbours, which are alike in size and age, are spread over all parts: the last step of
    SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)."""
    mixed = ids.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
