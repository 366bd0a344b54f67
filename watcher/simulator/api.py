"""CallFire's HTTP interface as far as batches go: authentication, budget, faults, then the answer."""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from watcher.simulator.answers import JSON, error, partial, partial_page, retry_after, suffer
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.faults import Fault, Faults, Operation
from watcher.simulator.journal import Entry, Journal
from watcher.simulator.world import ERRORS, Batch, Kind, World

LEAST_ZIPPED: Final = 512
"""Bytes from which on an answer is compressed where the client takes that."""
MOST_ITEMS: Final = 1000
PHONE: Final = re.compile(r"1\d{10}")

Answer = tuple[int, bytes]


class Api:
    """Answers requests out of the world, keeps the journal, and lets faults strike."""

    def __init__(self, world: World, config: SimulatorConfig, clock: Callable[[], float]) -> None:
        self.world = world
        self.journal = Journal()
        self.faults = Faults(world.chance)
        self.stopping = asyncio.Event()
        self._config = config
        self._clock = clock
        self._logins = {
            "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode(): account
            for account, (login, password) in config.accounts.items()
        }

    def routes(self) -> list[web.RouteDef]:
        """The paths below the base path."""
        base = self._config.base_path.rstrip("/")
        return [
            web.get(base + "/campaigns/batches/{id}", self._handler("batch", self._show)),
            web.put(base + "/campaigns/batches/{id}", self._handler("enable", self._enable)),
            *(
                route
                for kind in ("calls", "texts")
                for route in (
                    web.get(base + f"/{kind}/broadcasts/{{id}}/batches", self._handler("page", self._page)),
                    web.post(base + f"/{kind}/broadcasts/{{id}}/batches", self._handler("submit", self._submit)),
                )
            ),
        ]

    def _handler(
        self, operation: Operation, answer: Callable[[web.Request, str, int], Awaitable[Answer]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            now = self._clock()
            account = self._logins.get(request.headers.get("Authorization", ""))
            in_a_second = self.journal.arrived(account or "?", now)
            number = _number(request.match_info["id"])
            batch_id = number if operation in ("batch", "enable") else None

            def note(outcome: str) -> None:
                self.journal.write(Entry(now, account or "?", request.method, request.path, batch_id, outcome))

            if self._config.latency > 0:
                await asyncio.sleep(self.world.latency(self._config.latency))
            fault = self.faults.strike(account or "?", operation, batch_id, now)
            if fault is not None and fault.kind not in _AFTER:
                note(fault.kind if fault.kind != "code" else str(fault.code))
                return await suffer(request, fault, b"{}", now, self.stopping)
            if account is None:
                note("401")
                return error(401)
            if self._config.budget is not None and in_a_second > self._config.budget:
                note("429")
                return error(429, headers=retry_after(self._config.retry_after, now))
            code, body = (404, b"") if number is None else await answer(request, account, number)
            return await self._send(request, fault, code, body, now, note)

        return handle

    async def _send(
        self, request: web.Request, fault: Fault | None, code: int, body: bytes, now: float, note: Callable[[str], None]
    ) -> web.StreamResponse:
        if fault is not None:
            note(fault.kind)
            return await suffer(request, fault, body, now, self.stopping)
        note(str(code))
        if code >= 400:
            return error(code, body.decode())
        response = web.Response(status=code, body=body, content_type=JSON)
        if len(body) >= LEAST_ZIPPED and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _show(self, request: web.Request, account: str, number: int) -> Answer:
        batch = self._mine(number, account)
        if batch is None:
            return 404, b""
        return 200, _json(partial(self._shown(batch), request.query.get("fields")))

    async def _enable(self, request: web.Request, account: str, number: int) -> Answer:
        batch = self._mine(number, account)
        if batch is None:
            return 404, b""
        asked = await _body(request)
        if asked is None or not isinstance(asked.get("enabled"), bool):
            return 400, b"only enabled may change, and it is true or false"
        batch.enabled = bool(asked["enabled"])
        return 200, b""

    async def _page(self, request: web.Request, account: str, number: int) -> Answer:
        broadcast = self.world.broadcasts.get(number)
        if broadcast is None or broadcast.account != account or broadcast.kind != _kind(request):
            return 404, b""
        limit, offset = _number(request.query.get("limit", "100")), _number(request.query.get("offset", "0"))
        if limit is None or offset is None or not 1 <= limit <= MOST_ITEMS:
            return 400, b"limit is 1 to 1000, offset at least 0"
        ids = broadcast.batches[offset : offset + limit]
        page: dict[str, object] = {"limit": limit, "offset": offset}
        if self._config.total_count:
            page["totalCount"] = len(broadcast.batches)
        items = [self._shown(self.world.batches[batch_id]) for batch_id in ids]
        return 200, _json(partial_page(page, items, request.query.get("fields")))

    async def _submit(self, request: web.Request, account: str, number: int) -> Answer:
        broadcast = self.world.broadcasts.get(number)
        if broadcast is None or broadcast.account != account or broadcast.kind != _kind(request):
            return 404, b""
        asked = await _body(request)
        if asked is None:
            return 400, b"the body is no JSON object"
        recipients, listed = asked.get("recipients"), asked.get("contactListId")
        if (recipients is None) == (listed is None):
            return 400, b"either recipients or contactListId"
        if listed is not None:
            if not isinstance(listed, int) or isinstance(listed, bool):
                return 400, b"contactListId is a number"
            plan = self.world.plan(self._clock(), listed=True)
        else:
            read = _recipients(recipients, scrub=asked.get("scrubDuplicates") is True)
            if isinstance(read, str):
                return 400, read.encode()
            size, bad = read
            if bad and request.query.get("strictValidation", "").lower() == "true":
                return 400, f"{bad} of {size} numbers did not pass validation".encode()
            plan = self.world.plan(self._clock(), size=size, end=ERRORS if bad else None)
        name = asked.get("name")
        batch = self.world.add(broadcast, plan, name=name if isinstance(name, str) else "", contact_list_id=listed)
        return self._config.created_code, _json({"id": batch.id})

    def _mine(self, number: int, account: str) -> Batch | None:
        batch = self.world.batches.get(number)
        return batch if batch is not None and batch.account == account else None

    def _shown(self, batch: Batch) -> Mapping[str, object]:
        return batch.shown(self._clock(), sizes_late=self._config.sizes_late)


_AFTER: Final = frozenset({"no_status", "other_id", "unknown_status", "slow", "cut", "wrong_length", "lost"})
"""Faults that need the right answer, or happen after what was asked was done."""


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _kind(request: web.Request) -> Kind:
    return "texts" if "/texts/broadcasts/" in request.path else "calls"


async def _body(request: web.Request) -> Mapping[str, object] | None:
    try:
        body = json.loads(await request.read())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _recipients(recipients: object, *, scrub: bool) -> tuple[int, int] | str:
    """How many there are and how many of them have no good number; or what is wrong with the list."""
    if not isinstance(recipients, list) or not recipients:
        return "recipients is a list, and not empty"
    known: list[str] = []
    for recipient in recipients:
        if not isinstance(recipient, dict) or ("phoneNumber" in recipient) == ("contactId" in recipient):
            return "a recipient has either a phoneNumber or a contactId"
        known.append(str(recipient.get("phoneNumber", f"c{recipient.get('contactId')}")))
    if scrub:
        known = list(dict.fromkeys(known))
    return len(known), sum(not number.startswith("c") and not PHONE.fullmatch(number) for number in known)
