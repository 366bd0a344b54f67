"""Sends notifications to people, each in a thread of its own, and says what came of it. As many as time out and still hang are
counted: an endpoint that hangs fails at once then, and holds up nobody else.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from watcher.core.endpoint import Attempt, Delivery, Endpoint
from watcher.core.notification import THREADS, Notification, notification_of
from watcher.ports import Clock, Handshake, Sender
from watcher.webhooks.failures import Failure, failed

MOST: Final = 64
"""Attempts that are under way at once; the others wait, within their time-out."""
HANGING: Final = 4
"""So many threads of an endpoint may still hang after their time-out; until one of them ends, nothing more is tried."""
ACCEPTED: Final = 200
"""The code of what was accepted: Apprise tells none."""
SAMPLE: Final = "test_"
"""How the ids of events begin that never happened."""

NO_URL: Final = failed("no_secret", "this daemon's settings do not have the endpoint's apprise_url")
NO_THREAD: Final = failed("timeout", "no thread was free for it in time: other notifications were under way")
HANGS: Final = failed("timeout", f"{HANGING} attempts before it still hang")
LATE: Final = failed("timeout", "no answer in time")

Announce = Callable[[str, Notification], Failure | None]
"""Tells it to whoever is behind the URL. Blocks, and raises nothing."""


class PeopleSender:
    """Sends to endpoints of kind `apprise`, as the port `Sender` promises."""

    def __init__(self, *, announce: Announce, clock: Clock, most: int = MOST) -> None:
        self._announce = announce
        self._clock = clock
        self._room = asyncio.Semaphore(most)
        self._hanging: Counter[str] = Counter()

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        at, began = self._clock.now(), self._clock.monotonic()
        failure = await self._failure(endpoint, delivery)
        return Attempt(
            at=at,
            took=timedelta(seconds=self._clock.monotonic() - began),
            code=None if failure else ACCEPTED,
            error=failure.kind if failure else None,
            detail=failure.detail if failure else None,
        )

    async def _failure(self, endpoint: Endpoint, delivery: Delivery) -> Failure | None:
        url = endpoint.secrets.apprise_url
        if url is None:
            return NO_URL
        notification = notification_of(delivery.body, sample=delivery.event_id.startswith(SAMPLE))
        late = NO_THREAD
        try:
            async with asyncio.timeout(endpoint.timeout.total_seconds()), self._room:
                if self._hanging[endpoint.id] >= HANGING:
                    return HANGS
                late = LATE
                return await self._announced(endpoint.id, url, notification)
        except TimeoutError:
            return late

    async def _announced(self, endpoint_id: str, url: str, notification: Notification) -> Failure | None:
        """What comes of it in a thread. A thread that nobody waits for any more counts as hanging until it ends."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[Failure | None] = loop.create_future()

        def ended(failure: Failure | None) -> None:
            if came.done():
                self._hanging[endpoint_id] -= 1
            else:
                came.set_result(failure)

        def work() -> None:
            failure = self._announce(url, notification)
            with suppress(RuntimeError):  # the daemon ended meanwhile
                loop.call_soon_threadsafe(ended, failure)

        # Not of a pool: the end of the process would wait for its threads, however long they hang.
        threading.Thread(target=work, name=f"{THREADS}{endpoint_id}", daemon=True).start()
        try:
            return await came
        except asyncio.CancelledError:
            if not came.done() or came.cancelled():
                self._hanging[endpoint_id] += 1
            raise


class ByKind:
    """Implements the port `Sender`: to each endpoint by the sender of its kind. For their consent only webhooks are asked."""

    def __init__(self, *, webhooks: Sender, people: PeopleSender) -> None:
        self._webhooks = webhooks
        self._people = people

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        sender = self._people if endpoint.kind == "apprise" else self._webhooks
        return await sender.send(endpoint, delivery)

    async def handshake(self, endpoint: Endpoint) -> Handshake:
        return await self._webhooks.handshake(endpoint)
