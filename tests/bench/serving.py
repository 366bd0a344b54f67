"""The interface in the benchmark's own process, with its streams kept going as the daemon does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from tests.web.house import FakeHealth, no_metrics
from watcher.app.assembly import Town
from watcher.clock import SystemClock
from watcher.ports import Following, Store
from watcher.web.server import make_app, serve
from watcher.web.streams import Streams
from watcher.workers import Crew


@asynccontextmanager
async def streaming(
    store: Store, following: Following, *, town: Town, clock: SystemClock, crew: Crew, most: int
) -> AsyncIterator[str]:
    """Gives its URL. So many streams may be open at most; what has nothing to do with them is there for nobody."""
    streams = Streams(store=store, following=following, clock=clock, tell=town.tell, most=most)
    app = make_app(
        store=store,
        following=following,
        subscribing=None,  # type: ignore[arg-type]  # nobody asks
        submitting=None,  # type: ignore[arg-type]  # nobody asks
        planning=None,  # type: ignore[arg-type]  # nobody asks
        health=FakeHealth(),
        metrics_render=no_metrics,
        token=None,
        clock=clock,
        version="1",
        timeout=timedelta(seconds=15),
        tell=town.tell,
        streams=streams,
    )
    town.listen(streams.hear)
    async with serve(app, host="127.0.0.1", port=0) as url:
        for worker in streams.workers:
            crew.hire(worker)
        yield url
