"""The loops of the tests: what was there in time is not too late because the machine stood still."""

import asyncio
import socket
import time
from collections.abc import Callable

import pytest

from tests.unhurried import TICK, UnhurriedLoop, UnhurriedUvloop

STILL = 15 * TICK


@pytest.fixture(params=[UnhurriedLoop, UnhurriedUvloop])
def runner(request: pytest.FixtureRequest) -> asyncio.Runner:
    factory: Callable[[], asyncio.AbstractEventLoop] = request.param
    return asyncio.Runner(loop_factory=factory)


def test_what_came_while_the_machine_stood_still_came_in_time(runner: asyncio.Runner) -> None:
    async def story() -> bytes:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        async with asyncio.timeout(STILL / 3):
            theirs.send(b"x")
            time.sleep(STILL)  # noqa: ASYNC251 # as if the process did not run
            got = await reader.read(1)
        writer.close()
        theirs.close()
        return got

    with runner:
        assert runner.run(story()) == b"x"


def test_no_more_than_a_moment_passes_meanwhile(runner: asyncio.Runner) -> None:
    async def story() -> float:
        began = asyncio.get_running_loop().time()
        time.sleep(STILL)  # noqa: ASYNC251
        return asyncio.get_running_loop().time() - began

    with runner:
        assert runner.run(story()) <= TICK


def test_where_nothing_comes_time_passes(runner: asyncio.Runner) -> None:
    """Never faster than that of the machine."""

    async def story() -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(STILL):
                await asyncio.Event().wait()
        return time.monotonic() - began

    with runner:
        assert runner.run(story()) >= STILL


def test_timers_fire_in_their_order_but_for_those_that_were_cancelled(runner: asyncio.Runner) -> None:
    async def story() -> list[int]:
        fired: list[int] = []
        loop, last = asyncio.get_running_loop(), asyncio.Event()
        timers = [loop.call_later((5 - number) * TICK, fired.append, number) for number in range(5)]
        timers[4].cancel()
        timers[2].cancel()
        loop.call_later(6 * TICK, last.set)
        await last.wait()
        return fired

    with runner:
        assert runner.run(story()) == [3, 1, 0]
