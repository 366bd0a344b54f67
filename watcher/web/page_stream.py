"""`/v1/stream`: what a page shows, as server-sent events: once as a whole (`data`), then what changes of it (`patch`), and why it
ends (`error`). The form is Streamdata.io's, so that its clients can read it.

Views are kept once for all who look at the same. What changes is gathered for a quarter of a second.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from math import inf
from typing import Final, NamedTuple

from aiohttp import web

from watcher.core.model import Key, State
from watcher.core.news import AccountTold, Changed, ConditionChanged, EndpointChanged, EndpointTold, News
from watcher.core.news import Following as FollowingNews
from watcher.core.tokens import Grant
from watcher.core.viewing import Sight
from watcher.ports import Clock, Following, Store, StoreError, Subscribing
from watcher.web.asked_accounts import asked_accounts
from watcher.web.bodies import read_query
from watcher.web.event_stream import AGAIN, HEARTBEAT, SSE
from watcher.web.frames import Frames, alive, frames, greeting, told
from watcher.web.listeners import FULL, Listener, Listeners, too_many
from watcher.web.operations import Gives, Operation
from watcher.web.ordered_view import view_of
from watcher.web.patches import Change, written
from watcher.web.shares import Shares
from watcher.web.stream_models import PageParams
from watcher.web.troubled import Troubled
from watcher.web.views import View
from watcher.web.visible import grant
from watcher.web.watch_models import status_of

BEAT: Final = 0.25
"""Seconds between two patches at least."""
ROWS_IN_ALL: Final = 500_000
"""Rows that all views together may come to, as many as each might show: about a kilobyte each."""
SLOW_BEAT: Final = 5.0
"""Seconds between two times that looks, accounts and counts are shown anew."""


class Place(NamedTuple):
    """What a view is known by: what is to be seen, the accounts whose condition and counts are, and what of endpoints may be."""

    sight: Sight
    accounts: tuple[str, ...]
    grant: Grant


class Shared:
    """A view, who asked for it first, and those who look at it. For who is still being written the snapshot, what changes
    meanwhile waits."""

    def __init__(self, view: View, granted: Grant, maker: Grant) -> None:
        self.view = view
        self.grant = granted
        self.maker = maker
        self.users = 0
        self._waiting: dict[Listener, list[Frames]] = {}
        self._joined: set[Listener] = set()

    async def show(self, listener: Listener) -> None:
        """Writes the snapshot, then what changed meanwhile, until the client is where the view is: then it is one of all."""
        async with self.view.lock:
            pieces = self.view.snapshot()
            waiting = self._waiting[listener] = []
            position = self.view.position
        await listener.write(b"id: %d\nevent: data\ndata: " % position)
        for piece in pieces:
            await listener.write(piece)
        await listener.write(b"\n\n")
        while waiting and listener.reason is None:
            await listener.write(waiting.pop(0).plain)
        del self._waiting[listener]
        if listener.reason is None:
            self._joined.add(listener)

    def leave(self, listener: Listener) -> None:
        """It is written to no more."""
        self._joined.discard(listener)
        self._waiting.pop(listener, None)

    def tell(self, changes: Sequence[Change]) -> None:
        """What changed, if anything did."""
        if changes:
            self.send(frames(told("patch", written(changes), self.view.position)))

    def send(self, sent: Frames) -> None:
        """To all of them, at once or as soon as the snapshot is with them."""
        for listener in list(self._joined):
            listener.send(sent)
        for listener, waiting in self._waiting.items():
            waiting.append(sent)
            if sum(len(each.plain) for each in waiting) > FULL:
                listener.end("slow")


class PageStream:
    """The handler, and the loop that writes to all who look: `step` by `step`. It hears the news."""

    name: Final = "page stream"

    def __init__(
        self,
        *,
        store: Store,
        following: Following,
        subscribing: Subscribing | None,
        listeners: Listeners,
        clock: Clock,
        rows: int = ROWS_IN_ALL,
    ) -> None:
        self._store = store
        self._following = following
        self._listeners = listeners
        self._clock = clock
        self._troubled = Troubled(subscribing=subscribing, clock=clock)
        self._wake = asyncio.Event()
        self._views: dict[Place, Shared] = {}
        self._rows = Shares(rows)
        self._position = 0
        self._beat = self._slow_beat = self._sign = clock.monotonic()

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/stream",
                handler=self.stream,
                scope="read",
                tag="streams",
                query=PageParams,
                gives={200: Gives(media=SSE)},
                problems=("unknown-account", "too-many-streams", "stopping"),
            )
        ]

    def hear(self, news: News) -> None:
        """Marks what may look otherwise now."""
        if isinstance(news, Changed | AccountTold | EndpointTold):
            self._position = max(self._position, news.position)
        if isinstance(news, Changed | FollowingNews):
            for shared in self._views.values():
                if shared.view.concerns(news.account):
                    shared.view.dirty.add(Key(news.account, news.batch_id))
                    shared.view.uncounted.add(news.account)
                    self._wake.set()
        elif isinstance(news, ConditionChanged):
            self._slow_beat = float("-inf")
            self._wake.set()
        elif isinstance(news, EndpointTold | EndpointChanged) and self._views:
            self._troubled.told()
            self._wake.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Watches, accounts and counts for a page, as server-sent events: `event: data` with all of it, then `event: patch` with
        JSON Patches (RFC 6902) of what changes; `event: error` says why the stream ends (a problem document). The document is
        {"watches": {"ACCOUNT/BATCH": a watch as in GET /v1/watches}, "more": whether there are others that are not shown,
        "accounts": {NAME: as in GET /v1/accounts}, "counts": {NAME: {STATUS: how many}}, "endpoints": {ID: as in
        GET /v1/endpoints} of those that need a person, the first 100, "position": of the log}. Changes of watches are told
        within a quarter of a second; of `looks`, `last_look`, `next_look` and `eta` every five seconds, of 200 watches at most,
        in turn. With `order=attention` it has also "order": ["ACCOUNT/BATCH", …], the window of `limit` watches (1000 at most)
        behind the first `offset` in this order: those that need a person (the newest `since` first), then open ones (the
        soonest `eta` first), then the rest (the newest first); "total": how many match in all; "attention": how many of those
        need a person. What is expected and what is counted is worked out every five seconds. Of more than 10,000 that match a
        search (`q`, `label`, `broadcast`, `stuck`) so many are put in order, and "more" is true. Who comes again gets all of it
        again."""
        params = read_query(request, PageParams, repeatable=("account", "label"))
        asked = await asked_accounts(request, params.account, self._following, self._store)
        if request.method == "HEAD":
            return web.Response(content_type=SSE)
        self._listeners.require_place(request)
        asks = grant(request)
        async with self._looking(self._place(params, asked, asks), asks) as shared:
            begin = greeting(shared.view.position)
            async with self._listeners.listening(request, "page", begin) as listener:
                try:
                    await shared.show(listener)
                    await listener.ended()
                finally:
                    shared.leave(listener)
        return listener.response

    async def step(self) -> None:
        """Waits until something happened or is due, and writes to all what it changes."""
        now = self._clock.monotonic()
        troubled = self._troubled.due if self._views else inf
        due = min(self._slow_beat + SLOW_BEAT, self._sign + HEARTBEAT, troubled) - now
        await self._clock.wait(self._wake, max(due, 0.0))
        await self._clock.sleep(max(self._beat + BEAT - self._clock.monotonic(), 0.0))
        self._wake.clear()
        self._beat = now = self._clock.monotonic()
        slow = now - self._slow_beat >= SLOW_BEAT
        if slow:
            self._slow_beat = now
        try:
            await self._show_troubled(now)
            for shared in list(self._views.values()):
                await self._renew(shared, slow=slow)
        except StoreError:  # which the store tells of; everybody stays, and is shown it later
            await self._clock.sleep(AGAIN)
            self._wake.set()
        if now - self._sign >= HEARTBEAT:
            self._sign = now
            for shared in list(self._views.values()):
                shared.send(frames(alive(shared.view.position)))

    def _place(self, params: PageParams, asked: Sequence[str] | None, granted: Grant) -> Place:
        sight = Sight(
            accounts=None if asked is None else tuple(sorted(set(asked))),
            status=status_of(params.status),
            state=None if params.state is None else State(params.state),
            final=params.final,
            stuck=params.stuck,
            broadcast_id=params.broadcast,
            labels=params.labels,
            q=params.q,
            order=params.order,
            offset=params.offset,
            limit=params.limit,
        )
        accounts = tuple(name for name in self._following.accounts if sight.concerns(name))
        return Place(sight, accounts, replace(granted, holder="", scopes=frozenset(), expires=None))

    @asynccontextmanager
    async def _looking(self, place: Place, asks: Grant) -> AsyncIterator[Shared]:
        """The view, read where nobody has looked at it yet; a Problem where others have too many rows for that. Known from the
        first moment, it misses nothing that is told while it is being read."""
        shared = self._views.get(place)
        if shared is None:
            view = view_of(place.sight, place.accounts, store=self._store, following=self._following)
            if not self._rows.take(asks, place.sight.limit):
                raise too_many("So many rows are shown already that there is no room for those of another view.")
            shared = self._views[place] = Shared(view, place.grant, asks)
        shared.users += 1
        try:
            async with shared.view.lock:
                if not shared.view.loaded:
                    span = await self._store.log_span()
                    self._position = max(self._position, span.last)
                    await self._show_troubled(self._clock.monotonic())
                    shared.view.show_endpoints(self._troubled.shown_to(place.grant))
                    await shared.view.load(self._position)
                    self._wake.set()  # what was told of it meanwhile waited for that
            yield shared
        finally:
            shared.users -= 1
            if shared.users == 0:
                del self._views[place]
                self._rows.give_back(shared.maker, place.sight.limit)

    async def _renew(self, shared: Shared, *, slow: bool) -> None:
        view = shared.view
        if not view.loaded:  # it is being read, which may take long: nobody else waits for that
            return
        async with view.lock:
            position = self._position
            if slow:
                shared.tell(await view.refresh())
            if view.behind:
                shared.tell(await view.update(position))

    async def _show_troubled(self, now: float) -> None:
        """The endpoints that need a person, to all who may see them, where they are due to be read."""
        if not self._views or now < self._troubled.due:
            return
        await self._troubled.read(every=SLOW_BEAT)
        for shared in list(self._views.values()):
            if shared.view.loaded:
                async with shared.view.lock:
                    shared.tell(shared.view.show_endpoints(self._troubled.shown_to(shared.grant)))
