"""Runs the simulator: the API on one port, its control on another."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from watcher.simulator.api import Api
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.control import Control
from watcher.simulator.world import World

LARGEST: Final = 64 * 2**20
"""Bytes of a request's body."""
GRACE: Final = 0.05
"""Seconds that requests in flight are given when it ends. Those that hang have waited long enough."""


@asynccontextmanager
async def serve(config: SimulatorConfig, *, clock: Callable[[], float] = time.time) -> AsyncIterator[Addresses]:
    """The simulator, while the context lasts. Requests that hang are ended with it. OSError where a port is taken."""
    world = World(list(config.accounts), config.workload, config.seed, clock())
    api = Api(world, config, clock)
    async with (
        listening(api.routes(), config.host, config.port) as port,
        listening(Control(api, clock).routes(), config.host, config.control_port) as control_port,
    ):
        yield Addresses(
            api=f"http://{config.host}:{port}{config.root}",
            control=f"http://{config.host}:{control_port}",
        )


async def run(config: SimulatorConfig, announce: Callable[[Addresses], None]) -> None:
    """The simulator until SIGTERM or SIGINT."""
    stopped = stop_signal()
    async with serve(config) as addresses:
        announce(addresses)
        await stopped.wait()


def stop_signal() -> asyncio.Event:
    """Is set when the process is asked to stop."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


@asynccontextmanager
async def listening(routes: list[web.RouteDef], host: str, port: int) -> AsyncIterator[int]:
    """Serves the routes; the port, which for 0 is a free one. A handler is cancelled when its client goes."""
    app = web.Application(client_max_size=LARGEST)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
