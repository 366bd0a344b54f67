"""What a page shows: which watches belong to it, and under what a watch is counted. From values to values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from watcher.core.asking import BandQuery, WatchQuery
from watcher.core.attention import Band
from watcher.core.finding import is_found, needle_of
from watcher.core.model import ACTIVE, Key, State, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody wants to see: `limit` watches to which all that is given applies, in the order of account and batch id or
    in that of `core.attention`, there behind the first `offset`. `accounts` None means all, `q` is what is searched for. Equal
    ones show the same, whoever looks."""

    accounts: tuple[str, ...] | None = None
    status: str | None = None
    state: State | None = None
    final: bool | None = None
    stuck: bool | None = None
    broadcast_id: int | None = None
    labels: frozenset[tuple[str, str]] = frozenset()
    q: str | None = None
    order: Literal["key", "attention"] = "key"
    offset: int = 0
    limit: int = 1000

    def query(self, after: Key | None, limit: int) -> WatchQuery:
        """What the store is asked for, to have so many of them from behind that watch on."""
        return WatchQuery(
            accounts=self.accounts,
            status=self.status,
            state=self.state,
            final=self.final,
            stuck=self.stuck,
            broadcast_id=self.broadcast_id,
            labels=dict(self.labels),
            q=self.q,
            after=after,
            limit=limit,
        )

    def band(self, band: Band, offset: int = 0, limit: int = 0) -> BandQuery:
        """What the store is asked for, to have so many of a band behind the first of it, where the sight is not narrow."""
        return BandQuery(
            band=band,
            accounts=self.accounts,
            status=self.status,
            state=self.state,
            final=self.final,
            limit=limit,
            offset=offset,
        )

    @property
    def narrow(self) -> bool:
        """Whether more is asked for than bands know of: all that matches is looked for then, and put in order here."""
        return self.q is not None or bool(self.labels) or self.broadcast_id is not None or self.stuck is not None

    @property
    def shows_open(self) -> bool:
        """Whether an open watch that needs nobody can be among what is wanted."""
        return self.state in (None, State.OPEN)

    @property
    def shows_rest(self) -> bool:
        """Whether a watch that is over and needs nobody can be: its status is ACTIVE."""
        return self.state in (None, State.SETTLED) and self.status in (None, ACTIVE) and self.final in (None, True)

    def concerns(self, account: str) -> bool:
        """Whether watches of the account may be seen."""
        return self.accounts is None or account in self.accounts


def belongs(watch: Watch, sight: Sight) -> bool:
    """Whether the watch is one of those wanted, were there no limit."""
    if watch.state is State.STOPPED or not sight.concerns(watch.account):
        return False
    if sight.status is not None and watch.status != sight.status:
        return False
    if sight.state is not None and watch.state is not sight.state:
        return False
    if sight.final is not None and watch.final is not sight.final:
        return False
    if sight.stuck is not None and (watch.state is State.OPEN and watch.stuck_told > 0) is not sight.stuck:
        return False
    if sight.broadcast_id is not None and watch.broadcast_id != sight.broadcast_id:
        return False
    if sight.q is not None and not is_found(watch, needle_of(sight.q)):
        return False
    return all(watch.labels.get(name) == value for name, value in sight.labels)


def counted(tally: Mapping[tuple[str, str | None], int]) -> dict[str, int]:
    """How many watches there are by what is said of each: its status while it is open or settled (`unseen` before the first
    look), else how it ended. In the order of the names."""
    counts: dict[str, int] = {}
    for (state, status), count in tally.items():
        if state == State.STOPPED:
            continue
        name = (status or "unseen").lower() if state in (State.OPEN, State.SETTLED) else state
        counts[name] = counts.get(name, 0) + count
    return dict(sorted(counts.items()))
