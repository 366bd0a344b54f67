"""The control address: what really happened; more batches, ends, listings and faults. Whoever reaches it may do all of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from watcher.simulator.answers import complaint
from watcher.simulator.api import Api
from watcher.simulator.faults import Fault, Mixed
from watcher.simulator.listing import Listing
from watcher.simulator.questions import number, refusal, since
from watcher.simulator.world import ACTIVE, Batch, Kind, Plan

Asked = TypeVar("Asked", bound=BaseModel)
Seconds = Annotated[float, Field(ge=0, le=1e9)]


class More(BaseModel):
    """Batches to add now. With `validating_for` their plan is the one given (seconds), else it is drawn, and what is given
    of it holds."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    account: str | None = None
    kind: Kind | None = None
    size: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    new_for: Seconds | None = None
    validating_for: Seconds | None = None
    end: Annotated[str, Field(min_length=1)] | None = None
    skips: bool = False
    name: str = ""


class Trouble(RootModel[Mixed | Fault]):
    """A fault, or {"mixed": share}."""


class Control:
    """Handlers over one Api."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """What can be asked, and done."""
        return [
            web.get("/state", self._state),
            web.get("/truth", self._truth),
            web.get("/requests", self._requests),
            web.get("/budget", self._budget),
            web.post("/batches", self._batches),
            web.post("/batches/{number}/end", self._end),
            web.post("/listing", self._listing),
            web.post("/faults", self._faults),
            web.delete("/faults", self._clear),
            web.delete("/faults/{number}", self._remove),
        ]

    async def _state(self, _: web.Request) -> web.Response:
        now = self._now()
        world = self._api.world
        return web.json_response(
            {
                "batches": len(world.batches),
                "broadcasts": len(world.broadcasts),
                "by_status": Counter(batch.plan.status(now) for batch in world.batches.values()),
                "requests": len(self._api.journal.entries),
            }
        )

    async def _truth(self, request: web.Request) -> web.Response:
        """Every batch after `since` (an id), with its planned changes in Unix ms; those not yet come have `happened` false."""
        after, now = since(request), self._now()
        batches = [_true(batch, now) for batch in self._api.world.batches.values() if batch.id > after]
        return web.json_response({"now": round(now * 1000), "batches": batches})

    async def _requests(self, request: web.Request) -> web.Response:
        """The journal from index `since` on; `next` is the index to go on from."""
        start = since(request)
        shown = [asdict(entry) | {"at": entry.at * 1000} for entry in self._api.journal.entries[start:]]
        return web.json_response({"requests": shown, "next": start + len(shown)})

    async def _budget(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                account: {"total": spent.total, "most_in_a_second": spent.most, "at": spent.most_at * 1000}
                for account, spent in self._api.journal.spent.items()
            }
        )

    async def _batches(self, request: web.Request) -> web.Response:
        more = _read(More, await request.read() or b"{}")
        world, now = self._api.world, self._now()
        account = more.account if more.account is not None else world.accounts[0]
        if account not in world.accounts:
            raise refusal(f"no account {account}")
        batches = [self._make(more, account, now) for _ in range(more.count)]
        return web.json_response({"ids": [batch.id for batch in batches], "broadcast_id": batches[-1].broadcast_id})

    def _make(self, more: More, account: str, now: float) -> Batch:
        world = self._api.world
        if more == More(count=more.count, account=more.account):
            return world.arrive(now, account)
        if more.validating_for is None:
            drawn = world.plan(now, size=more.size, end=more.end)
            later = 0.0 if more.new_for is None else now + more.new_for - drawn.validating
            plan = replace(drawn, validating=drawn.validating + later, ended=drawn.ended + later, skips=more.skips)
        else:
            validating = now + (more.new_for or 0.0)
            plan = Plan(
                created=now,
                validating=validating,
                ended=validating + more.validating_for,
                end=more.end or ACTIVE,
                size=1000 if more.size is None else more.size,
                skips=more.skips,
            )
        return world.add(world.open_broadcast(account, more.kind or "calls"), plan, name=more.name)

    async def _end(self, request: web.Request) -> web.Response:
        """Has the batch end now, as it would have later; one that has ended stays as it is."""
        now = self._now()
        batch = self._api.world.batches.get(number(request.match_info["number"]))
        if batch is None:
            return web.json_response({"error": "no such batch"}, status=404)
        plan = batch.plan
        if plan.ended > now:
            batch.plan = replace(plan, validating=min(plan.validating, now), ended=now)
        return web.json_response(_true(batch, now))

    async def _listing(self, request: web.Request) -> web.Response:
        """Changes how broadcasts are listed, in what is named; says how they are listed from now on."""
        operations = self._api.operations
        operations.listing = operations.listing.changed(_read(Listing, await request.read() or b"{}"))
        return web.json_response(operations.listing.model_dump())

    async def _faults(self, request: web.Request) -> web.Response:
        trouble = _read(Trouble, await request.read()).root
        if isinstance(trouble, Fault):
            return web.json_response({"id": self._api.faults.add(trouble, self._clock())})
        self._api.faults.mix(trouble.mixed)
        return web.json_response({"mixed": trouble.mixed})

    async def _clear(self, _: web.Request) -> web.Response:
        self._api.faults.clear()
        return web.json_response({})

    async def _remove(self, request: web.Request) -> web.Response:
        found = self._api.faults.remove(number(request.match_info["number"]))
        return web.json_response({} if found else {"error": "no such fault"}, status=200 if found else 404)

    def _now(self) -> float:
        """The time, with everything there that has come by then."""
        now = self._clock()
        self._api.world.advance(now)
        return now


def _read(model: type[Asked], body: bytes) -> Asked:
    try:
        return model.model_validate_json(body)
    except ValidationError as wrong:
        raise refusal(complaint(wrong)) from wrong


def _true(batch: Batch, now: float) -> Mapping[str, object]:
    return {
        "id": batch.id,
        "account": batch.account,
        "broadcast_id": batch.broadcast_id,
        "kind": batch.kind,
        "name": batch.name,
        "size": batch.plan.size,
        "end": batch.plan.end,
        "changes": [
            {"status": status, "at": round(at * 1000, 3), "happened": at <= now} for status, at in batch.plan.changes()
        ],
    }
