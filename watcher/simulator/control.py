"""The control address: what really happened, more batches, and faults. On loopback only, for tests and the demo."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from watcher.simulator.api import Api
from watcher.simulator.faults import Fault
from watcher.simulator.world import Batch, Kind, Plan


class More(BaseModel):
    """Batches to add now. With `validating_for` their plan is the one given (seconds), else it is drawn."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    account: str | None = None
    kind: Kind = "calls"
    size: int | None = None
    new_for: Annotated[float, Field(ge=0)] = 0.0
    validating_for: Annotated[float, Field(ge=0)] | None = None
    end: str = "ACTIVE"
    skips: bool = False


class Control:
    """Handlers over one Api."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/state", self._state),
            web.get("/truth", self._truth),
            web.get("/requests", self._requests),
            web.get("/budget", self._budget),
            web.post("/batches", self._batches),
            web.post("/faults", self._faults),
            web.delete("/faults", self._clear),
            web.delete("/faults/{number}", self._remove),
        ]

    async def _state(self, _: web.Request) -> web.Response:
        now = self._clock()
        by_status: dict[str, int] = {}
        for batch in self._api.world.batches.values():
            status = batch.plan.status(now)
            by_status[status] = by_status.get(status, 0) + 1
        return web.json_response(
            {
                "batches": len(self._api.world.batches),
                "broadcasts": len(self._api.world.broadcasts),
                "by_status": by_status,
                "requests": len(self._api.journal.entries),
            }
        )

    async def _truth(self, request: web.Request) -> web.Response:
        """Every batch after `since` (an id), with its planned changes in Unix ms; those not yet come have `happened` false."""
        now, since = self._clock(), int(request.query.get("since", "0"))
        batches = [_true(batch, now) for batch in self._api.world.batches.values() if batch.id > since]
        return web.json_response({"now": round(now * 1000), "batches": batches})

    async def _requests(self, request: web.Request) -> web.Response:
        """The journal from index `since` on; `next` is the index to go on from."""
        since = int(request.query.get("since", "0"))
        entries = self._api.journal.entries[since:]
        shown = [entry._asdict() | {"at": entry.at * 1000} for entry in entries]
        return web.json_response({"requests": shown, "next": since + len(entries)})

    async def _budget(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                account: {"total": spent.total, "most_in_a_second": spent.most, "at": spent.most_at * 1000}
                for account, spent in self._api.journal.spent.items()
            }
        )

    async def _batches(self, request: web.Request) -> web.Response:
        try:
            more = More.model_validate_json(await request.read() or b"{}")
        except ValidationError as wrong:
            return _refused(wrong)
        world = self._api.world
        account = more.account or world.accounts[0]
        if account not in world.accounts:
            return web.json_response({"error": f"no account {account}"}, status=400)
        batches = [self._make(more, account) for _ in range(more.count)]
        return web.json_response({"ids": [batch.id for batch in batches], "broadcast_id": batches[-1].broadcast_id})

    def _make(self, more: More, account: str) -> Batch:
        world, now = self._api.world, self._clock()
        if more.validating_for is None:
            return world.arrive(now, account)
        mine = [each for each in world.broadcasts.values() if each.account == account and each.kind == more.kind]
        room = mine and len(mine[-1].batches) < world.workload.batches_a_broadcast
        broadcast = mine[-1] if room else world.broadcast(account, more.kind)
        plan = Plan(
            created=now,
            validating=now + more.new_for,
            ended=now + more.new_for + more.validating_for,
            end=more.end,
            size=more.size or 1000,
            skips=more.skips,
        )
        return world.add(broadcast, plan)

    async def _faults(self, request: web.Request) -> web.Response:
        """A fault, or {"mixed": share}."""
        try:
            asked = json.loads(await request.read())
            if isinstance(asked, dict) and isinstance(asked.get("mixed"), int | float):
                self._api.faults.mix(float(asked["mixed"]))
                return web.json_response({"mixed": asked["mixed"]})
            fault = Fault.model_validate(asked)
        except ValidationError as wrong:
            return _refused(wrong)
        except ValueError:
            return web.json_response({"error": "the body is no JSON"}, status=400)
        return web.json_response({"id": self._api.faults.add(fault, self._clock())})

    async def _clear(self, _: web.Request) -> web.Response:
        self._api.faults.clear()
        return web.json_response({})

    async def _remove(self, request: web.Request) -> web.Response:
        found = self._api.faults.remove(int(request.match_info["number"]))
        return web.json_response({}, status=200 if found else 404)


def _refused(wrong: ValidationError) -> web.Response:
    return web.json_response({"error": wrong.errors(include_url=False, include_context=False)}, status=400)


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
