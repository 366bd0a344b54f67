"""The endpoints that need a person, as pages show them: read now and then, once for all who look."""

from collections.abc import Sequence
from typing import Any, Final

from watcher.core.attention import needs_person
from watcher.core.tokens import Grant
from watcher.ports import Clock, EndpointView, Subscribing
from watcher.web.endpoint_shown import endpoint_shown

SHOWN_MOST: Final = 100
"""Endpoints that a page shows: the first of them, where more are in trouble."""
APART: Final = 1.0
"""Seconds between two times that they are read because something was told of one."""


class Troubled:
    """Those that were in trouble when they were read last."""

    def __init__(self, *, subscribing: Subscribing | None, clock: Clock) -> None:
        self._subscribing = subscribing
        self._clock = clock
        self._views: Sequence[EndpointView] = ()
        self._read = self.due = float("-inf")

    def told(self) -> None:
        """Something happened to an endpoint: they are due to be read, though not at once again and again."""
        self.due = min(self.due, self._read + APART)

    async def read(self, *, every: float) -> None:
        """As they are now; they are due again after so many seconds. StoreError where that cannot be told."""
        if self._subscribing is not None:
            known = await self._subscribing.endpoints()
            self._views = [view for view in known if needs_person(view.endpoint)]
        self._read = self._clock.monotonic()
        self.due = self._read + every

    def shown_to(self, grant: Grant) -> dict[str, dict[str, Any]]:
        """Those that exist for whoever has the grant, by id."""
        now = self._clock.now()
        seen = [view for view in self._views if grant.sees_all(view.endpoint.accounts)]
        return {view.endpoint.id: endpoint_shown(view, now).model_dump(mode="json") for view in seen[:SHOWN_MOST]}
