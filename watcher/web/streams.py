"""The streams, put together: they share their clients' number and their end."""

from collections.abc import Sequence

from aiohttp import web

from watcher.core.news import News, Tell
from watcher.ports import Clock, Following, Store, Subscribing
from watcher.web.event_stream import EventStream
from watcher.web.listeners import MOST, Listeners
from watcher.web.operations import Operation
from watcher.web.page_stream import PageStream


class Streams:
    """All of them. It hears the news; `workers` are to be kept stepping. At most `most` clients listen at once. Pages show
    endpoints where somebody can be asked about them."""

    def __init__(
        self,
        *,
        store: Store,
        following: Following,
        subscribing: Subscribing | None = None,
        clock: Clock,
        tell: Tell,
        most: int = MOST,
    ) -> None:
        self._listeners = Listeners(tell=tell, most=most)
        self.events = EventStream(store=store, following=following, listeners=self._listeners, clock=clock)
        self.page = PageStream(
            store=store, following=following, subscribing=subscribing, listeners=self._listeners, clock=clock
        )

    def operations(self) -> list[Operation]:
        return [*self.events.operations(), *self.page.operations()]

    @property
    def workers(self) -> Sequence[EventStream | PageStream]:
        """Those that write to the clients."""
        return (self.events, self.page)

    def hear(self, news: News) -> None:
        """Something happened that clients may want to know, or the daemon stops."""
        self.events.hear(news)
        self.page.hear(news)

    async def end(self, _: web.Application) -> None:
        """Ends all of them: nothing else is waited for when the daemon stops."""
        self._listeners.end_all()
