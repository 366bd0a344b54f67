"""`/livez`, `/readyz` and `/metrics`: what machines ask about the daemon."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from watcher.ports import Check, Clock, Health
from watcher.web.models import CheckShown, HealthShown
from watcher.web.operations import Gives, Operation, gives
from watcher.web.paths import nothing_at
from watcher.web.shown import answer
from watcher.web.visible import grant

READY_DEADLINE: Final = 5.0
"""Seconds that the checks may take: a store that hangs is not ready."""

Render = Callable[[str], tuple[bytes, str]]
"""The metrics for an Accept header, and their content type. Called in a thread."""


class Probes:
    """The handlers that say how the daemon is."""

    def __init__(
        self, *, health: Health, render: Render, clock: Clock, version: str, deadline: float = READY_DEADLINE
    ) -> None:
        self._health = health
        self._render = render
        self._clock = clock
        self._version = version
        self._deadline = deadline

    def operations(self) -> list[Operation]:
        def probe(path: str, handler: Handler) -> Operation:
            verdict = gives(HealthShown, also={503: HealthShown})
            return Operation(method="GET", path=path, handler=handler, scope=None, tag="probes", gives=verdict)

        return [
            probe("/livez", self.live),
            probe("/readyz", self.ready),
            Operation(
                method="GET",
                path="/metrics",
                handler=self.metrics,
                scope="read",
                tag="probes",
                gives={200: Gives(media="text/plain")},
                problems=("unknown-path",),
            ),
        ]

    async def live(self, _: web.Request) -> web.Response:
        """200 where the loop turns and every poller takes steps, else 503."""
        return self._verdict(self._health.live())

    async def ready(self, _: web.Request) -> web.Response:
        """200 where the daemon can do its work, else 503."""
        try:
            async with asyncio.timeout(self._deadline):
                checks = await self._health.ready()
        except TimeoutError:
            checks = [Check(name="checks", ok=False, detail=f"They did not end within {self._deadline:g} s")]
        return self._verdict(checks)

    async def metrics(self, request: web.Request) -> web.Response:
        """The metrics, as text or OpenMetrics, of all accounts: for a token that is limited to some they do not exist. From this
        machine they may be read without a token."""
        if grant(request).accounts is not None:
            raise nothing_at(request)
        # With very many accounts writing them takes long enough to be in the way.
        accept = ",".join(request.headers.getall("Accept", []))
        body, content_type = await asyncio.to_thread(self._render, accept)
        return web.Response(body=body, headers={"Content-Type": content_type, "Vary": "Accept"})

    def _verdict(self, checks: Sequence[Check]) -> web.Response:
        ok = all(check.ok for check in checks)
        shown = HealthShown(
            status="ok" if ok else "failing",
            version=self._version,
            at=self._clock.now(),
            checks=[CheckShown(name=check.name, ok=check.ok, detail=check.detail, data=check.data) for check in checks],
        )
        return answer(shown, status=200 if ok else 503)
