"""The simulator and the receiver as servers: the ports they take, and how they are stopped."""

import asyncio
import signal
import socket

import aiohttp
import pytest

from tests.simulator.house import PATIENCE, open_house
from watcher.simulator import receiver, server
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.receiver import ReceiverConfig, receive
from watcher.simulator.server import serve

SECRET = "whsec_" + "QUJD" * 8


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_the_simulator_runs_until_it_is_asked_to_stop(stop: signal.Signals) -> None:
    said: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(server.run(SimulatorConfig(latency=0.0), said.set_result))
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        addresses = await said
        async with session.get(f"{addresses.api}/campaigns/batches/1") as answer:
            assert answer.status == 401
        signal.raise_signal(stop)
        await running
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{addresses.control}/state")


async def test_the_receiver_runs_until_it_is_asked_to_stop() -> None:
    said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(receiver.run(ReceiverConfig(secret=SECRET), said.set_result))
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        url = await said
        async with session.get(url + "journal") as answer:
            assert await answer.json() == {"received": [], "next": 0}
        signal.raise_signal(signal.SIGTERM)
        await running
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url + "journal")


async def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        for config in (SimulatorConfig(port=taken), SimulatorConfig(control_port=taken)):
            with pytest.raises(OSError, match="in use"):
                async with serve(config):
                    pass
        with pytest.raises(OSError, match="in use"):
            async with receive(ReceiverConfig(secret=SECRET, port=taken)):
                pass


async def test_a_port_that_was_asked_for_is_the_one_served_on() -> None:
    """Here one that has just been another's, who is gone."""
    async with open_house() as gone:
        port = int(gone.addresses.api.removesuffix("/v2").rpartition(":")[2])
    async with open_house(port=port) as here:
        assert here.addresses.api == f"http://127.0.0.1:{port}/v2"
