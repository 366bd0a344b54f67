"""Sends notifications to people, each in a thread of its own, and says what came of it. As many as time out and still hang are
counted: an endpoint that hangs fails at once then, and holds up nobody else.

People see every message, and pay for some. So what is accepted after the time-out counts when the delivery is tried again: it is
not sent once more, as a webhook would be.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final, NamedTuple

from watcher.core.endpoint import Attempt, Cause, Delivery, Endpoint
from watcher.core.notification import THREADS, Notification, notification_of
from watcher.ports import Clock, Handshake, Sender
from watcher.webhooks.failures import Failure, failed

MOST: Final = 16
"""Attempts at an endpoint that are under way at once, whatever its concurrency; the others wait, within their time-out."""
HANGING: Final = 4
"""So many threads of an endpoint may still hang after their time-out; until one of them ends, nothing more is tried."""
REMEMBERED: Final = 1000
"""So many attempts are known still of those that came to an end after their time-out."""
ACCEPTED: Final = 200
"""The code of what was accepted: Apprise tells none."""
SAMPLE: Final = "test_"
"""How the ids of events begin that never happened."""

NO_URL: Final = failed("no_secret", "this daemon's settings do not have the endpoint's apprise_url")
NO_THREAD: Final = failed("timeout", "no thread was free in time: other attempts at the endpoint were under way")
HANGS: Final = failed("timeout", f"{HANGING} attempts before it still hang")
LATE: Final = failed("timeout", "no answer in time")

Announce = Callable[[str, Notification], Failure | None]
"""Tells it to whoever is behind the URL. Blocks, and raises nothing."""
_Came = asyncio.Future[Failure | None]


class _Told(NamedTuple):
    """Who is told of what."""

    endpoint: str
    url: str
    event_id: str


class PeopleSender:
    """Sends to endpoints of kind `apprise`, as the port `Sender` promises."""

    def __init__(self, *, announce: Announce, clock: Clock, most: int = MOST, remembered: int = REMEMBERED) -> None:
        self._announce = announce
        self._clock = clock
        self._remembered = remembered
        self._rooms: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(most))
        self._late: dict[_Told, _Came] = {}

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
        told = _Told(endpoint.id, url, delivery.event_id)
        known = self._known(told, delivery.cause)
        late = NO_THREAD
        try:
            async with asyncio.timeout(endpoint.timeout.total_seconds()), self._rooms[endpoint.id]:
                if known is None and self._hanging(told) >= HANGING:
                    return HANGS
                late = LATE
                return await self._outcome(told, known or self._begun(told, delivery))
        except TimeoutError:
            return late

    def _known(self, told: _Told, cause: Cause) -> _Came | None:
        """What an attempt before comes to that hangs, or came to that was accepted late; a person who resends it has it anew."""
        known = self._late.get(told)
        if known is None or not known.done():
            return known
        return known if cause == "schedule" and known.result() is None else None

    def _hanging(self, told: _Told) -> int:
        """How many attempts there still hang."""
        there = (came for each, came in self._late.items() if (each.endpoint, each.url) == (told.endpoint, told.url))
        return sum(not came.done() for came in there)

    async def _outcome(self, told: _Told, came: _Came) -> Failure | None:
        """What comes of it. Where it is not waited for any longer, it is remembered."""
        self._late.pop(told, None)
        try:
            return await asyncio.shield(came)
        except asyncio.CancelledError:
            self._remember(told, came)
            raise

    def _remember(self, told: _Told, came: _Came) -> None:
        self._late[told] = came
        ended = [each for each, one in self._late.items() if one.done()]
        for each in ended[: max(len(self._late) - self._remembered, 0)]:
            del self._late[each]

    def _begun(self, told: _Told, delivery: Delivery) -> _Came:
        """It is told in a thread; what comes of it."""
        notification = notification_of(delivery.body, sample=delivery.event_id.startswith(SAMPLE))
        loop = asyncio.get_running_loop()
        came: _Came = loop.create_future()

        def work() -> None:
            failure = self._announce(told.url, notification)
            with suppress(RuntimeError):  # the daemon ended meanwhile
                loop.call_soon_threadsafe(came.set_result, failure)

        # Not of a pool: the end of the process would wait for its threads, however long they hang.
        threading.Thread(target=work, name=f"{THREADS}{told.endpoint}", daemon=True).start()
        return came


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
