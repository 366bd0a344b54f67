"""`/v1/accounts/{account}/batches/{batch_id}/explanation`: why a batch is looked at when it is, in figures and in words."""

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final

from aiohttp import web

from watcher.core.explaining import Ahead, Explanation, Why
from watcher.core.model import Key, State
from watcher.ports import AccountView, Clock, Following, Store
from watcher.web.models import Given, Instant
from watcher.web.operations import Operation, gives
from watcher.web.paths import key_of
from watcher.web.shown import answer
from watcher.web.visible import accounts_of
from watcher.web.watch_shown import kept_watch, not_open

WORDS: Final[dict[Why, tuple[str, str]]] = {
    "in flight": ("in_flight", "It is being asked about at this moment."),
    "asked for": ("asked_for", "Somebody asked for a look at it, so it goes before others."),
    "new": ("new", "It is new, so it goes before others."),
    "aside": ("aside", "CallFire did not take the last question about it, so it is set aside for a while."),
    "resting": ("resting", "It was asked about {waited} ago, and not again before polling.min_interval is over."),
    "not worth it yet": (
        "not_worth_it_yet",
        "A look at it would end {worth} of expected waiting, and no request is made for less than {threshold}.",
    ),
    "on a page": (
        "on_a_page",
        "A look at it would end {worth} of expected waiting, the page of broadcast {broadcast} that shows it {page_worth}.",
    ),
    "by itself": ("by_itself", "A look at it would end {worth} of expected waiting."),
}
"""How each reason is called here, and what it is in words."""


class AheadShown(Given):
    """A request that is due and goes before: for one batch, or for a page (counted from 1) of a broadcast. `worth` is in seconds;
    one that is overdue goes before all others, however little it is worth."""

    batch_id: int | None
    broadcast_id: int | None
    page: int | None
    worth: float


class ExplanationShown(Given):
    """Why a batch is looked at when it is; `summary` says it in words. Durations are seconds.

    `age` is that of the batch, `waited` how long ago it was last asked about, `hazard` what has come together since then: the
    chance that it has ended meanwhile is 1 - exp(-hazard). `worth` is the expected waiting that a look at it by itself would
    end, `page_worth` what asking for the `page` (counted from 1) would that it is on, null where that does not compete; no
    request is made for less than `threshold`. `rank` is its place among the requests that are due, 1 where nothing goes
    before it; `ahead` are the first of those that do. `next_look` is when its turn is expected, null where nobody can tell.
    `part` names the part of the account that polls it, where the account is divided (accounts.NAME.parts): rank and what goes
    before are of that part alone.
    """

    account: str
    batch_id: int
    part: str | None
    at: Instant
    why: str
    summary: str
    age: float
    waited: float
    hazard: float
    worth: float
    threshold: float
    broadcast_id: int | None
    page: int | None
    page_worth: float | None
    rank: int
    ahead: list[AheadShown]
    next_look: Instant | None


class Explanations:
    """The handler that explains."""

    def __init__(self, *, store: Store, following: Following, clock: Clock) -> None:
        self._store = store
        self._following = following
        self._clock = clock

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/accounts/{account}/batches/{batch_id}/explanation",
                handler=self.read,
                scope="read",
                tag="watches",
                gives=gives(ExplanationShown),
                problems=("unknown-account", "bad-batch-id", "not-followed", "not-open", "poller-silent"),
            )
        ]

    async def read(self, request: web.Request) -> web.Response:
        """Why the batch is looked at when it is."""
        key = key_of(request, accounts_of(request, self._following))
        watch = await kept_watch(self._store, key)
        found = await self._following.explain(key) if watch.state is State.OPEN else None
        if found is None:
            raise not_open(key, watch.state)
        return answer(explained(key, found, await self._following.view(key.account), self._clock.now()))


def explained(key: Key, found: Explanation, view: AccountView, now: datetime) -> ExplanationShown:
    """The explanation as it is shown; `view` is that of the watch's account."""
    turn = expected(found, view, now)
    name, _ = WORDS[found.why]
    return ExplanationShown(
        account=key.account,
        batch_id=key.batch_id,
        part=found.part,
        at=now,
        why=name,
        summary=" ".join(_sentences(found, view, turn, now)),
        age=_seconds(found.age + found.waited),
        waited=_seconds(found.waited),
        hazard=_figures(found.hazard),
        worth=_figures(found.worth),
        threshold=found.threshold,
        broadcast_id=found.broadcast,
        page=None if found.page is None else found.page + 1,
        page_worth=None if found.page_worth is None else _figures(found.page_worth),
        rank=found.rank + 1,
        ahead=[_ahead(each) for each in found.ahead],
        next_look=turn,
    )


def expected(found: Explanation, view: AccountView, now: datetime) -> datetime | None:
    """When its turn is expected: when it is worth a request, or goes first, but not before those that stand before it had theirs,
    nor before the account may be asked. None where nobody can tell."""
    if view.condition == "paused" or not isfinite(found.due):
        return None
    turn = max(datetime.fromtimestamp(found.due, UTC), now)
    if found.why == "in flight":
        return now
    if found.first is None:
        turn = max(turn, now + timedelta(seconds=found.rank / view.effective_rate))
    return turn if view.until is None else max(turn, view.until)


def _sentences(found: Explanation, view: AccountView, turn: datetime | None, now: datetime) -> list[str]:
    _, words = WORDS[found.why]
    worth, page_worth, threshold = (_told(each or 0.0) for each in (found.worth, found.page_worth, found.threshold))
    said = [
        words.format(
            waited=_told(found.waited),
            worth=worth,
            page_worth=page_worth,
            threshold=threshold,
            broadcast=found.broadcast,
        )
    ]
    if found.why == "in flight":
        return said
    if found.why in ("by itself", "on a page") and max(found.worth, found.page_worth or 0.0) < 0.9 * found.threshold:
        said.append(f"It is due all the same, having waited for {_told(found.waited)}.")
    one = found.rank == 1
    if found.rank == 0:
        said.append("Nothing that is due goes before it.")
    elif found.first is not None:
        more = "1 request is worth more" if one else f"{found.rank} requests are worth more"
        said.append(f"{more}, and {'has' if one else 'have'} every other turn.")
    else:
        said.append(f"{'1 request goes' if one else f'{found.rank} requests go'} before it.")
    if view.condition != "ok":
        because = f" ({view.reason})" if view.reason else ""
        until = "" if view.until is None else f": it is not asked before {_clock(view.until, now)} UTC"
        said.append(f"The account is {view.condition}{because}{until}.")
    said.append("When its turn comes nobody can tell." if turn is None else f"Its turn is expected {_when(turn, now)}.")
    return said


def _ahead(each: Ahead) -> AheadShown:
    if each[0] == "batch":
        return AheadShown(batch_id=each[1], broadcast_id=None, page=None, worth=_figures(each[2]))
    return AheadShown(batch_id=None, broadcast_id=each[1], page=each[2] + 1, worth=_figures(each[3]))


def _seconds(value: float) -> float:
    return round(value, 3)


def _figures(value: float) -> float:
    """To four figures: a small worth is still compared with a smaller threshold, and is not 0."""
    return float(f"{value:.4g}")


UNITS: Final = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


def _told(seconds: float) -> str:
    """A duration for people, to two digits or so: 0.013 s, 4.2 s, 12 min."""
    for unit, name in UNITS:
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def _clock(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def _when(at: datetime, now: datetime) -> str:
    left = (at - now).total_seconds()
    return "now" if left < 0.5 else f"in about {_told(left)}, at {_clock(at, now)} UTC"
