"""Runs the simulator: the API on one port, its control on another, arrivals in between."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from watcher.simulator.api import Api
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.control import Control
from watcher.simulator.world import World


@asynccontextmanager
async def serve(config: SimulatorConfig, *, clock: Callable[[], float] = time.time) -> AsyncIterator[Addresses]:
    """The simulator, while the context lasts. Requests that hang are ended with it."""
    world = World(list(config.accounts), config.workload, config.seed)
    for _ in range(config.workload.at_start):
        world.arrive(clock())
    api = Api(world, config, clock)
    try:
        async with asyncio.TaskGroup() as tasks:
            arrivals = tasks.create_task(_arrive(world, clock), name="arrivals")
            async with (
                listening(api.routes(), config.host, config.port) as port,
                listening(Control(api, clock).routes(), config.host, config.control_port) as control_port,
            ):
                yield Addresses(
                    api=f"http://{config.host}:{port}{config.base_path}",
                    control=f"http://{config.host}:{control_port}",
                )
                api.stopping.set()
            arrivals.cancel()
    finally:
        api.stopping.set()


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
    """Serves the routes; the port, which for 0 is a free one."""
    app = web.Application(client_max_size=64 * 2**20)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _arrive(world: World, clock: Callable[[], float]) -> None:
    """Batches come by themselves, as many and as often as the workload says."""
    if world.workload.arrivals <= 0:
        return
    for _ in range(world.workload.batches):
        await asyncio.sleep(world.until_next())
        world.arrive(clock())
