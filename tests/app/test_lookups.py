"""Look-ups of names: found as the system finds them, and never waited for at the end."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import ROOT
from watcher.app.lookups import Lookups
from watcher.app.process import loop_factory

PATIENCE = 60.0


def found(*addresses: tuple[int, tuple[Any, ...]]) -> Callable[..., list[tuple[Any, ...]]]:
    return lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", address) for family, address in addresses]


async def test_every_address_of_a_name_is_given_in_figures() -> None:
    looked = Lookups(
        found(
            (socket.AF_INET, ("192.0.2.1", 80)),
            (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
            (socket.AF_INET6, ("fe80::1", 80, 0, 2)),
            (socket.AF_INET6, ("fe80::1%eth0", 80, 0, 2)),
        )
    )
    hosts = await looked.resolve("hook.example.org", 80, socket.AF_UNSPEC)
    assert [host["host"] for host in hosts] == ["192.0.2.1", "2001:db8::1", "fe80::1%2", "fe80::1%eth0"]
    assert {(host["hostname"], host["port"], host["proto"]) for host in hosts} == {("hook.example.org", 80, 6)}
    await looked.close()


async def test_the_systems_own_look_up_is_used() -> None:
    (host,) = await Lookups().resolve("127.0.0.1", 81)
    assert (host["host"], host["port"], host["family"]) == ("127.0.0.1", 81, socket.AF_INET)


@pytest.mark.parametrize(
    "error", [socket.gaierror(socket.EAI_AGAIN, "try again"), OSError("odd"), UnicodeError("label empty or too long")]
)
async def test_a_name_that_is_not_found_is_an_oserror(error: Exception) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise error

    with pytest.raises(OSError, match=r"try again|odd|label"):
        await Lookups(fail).resolve("hook.example.org")


async def test_what_hangs_takes_the_places_of_its_own_party_only_as_long_as_it_hangs() -> None:
    going = threading.Event()

    def hang(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        if host == "hangs":
            assert going.wait(PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]

    looked = Lookups(hang, at_once=1)
    hanging = asyncio.create_task(looked.resolve("hangs"))
    waiting = asyncio.create_task(looked.resolve("works"))
    await asyncio.sleep(0)
    hanging.cancel()
    await asyncio.wait([hanging])
    assert not waiting.done()
    assert [host["host"] for host in await Lookups(hang).resolve("works")] == ["192.0.2.1"]
    going.set()
    async with asyncio.timeout(PATIENCE):
        assert [host["host"] for host in await waiting] == ["192.0.2.1"]


async def test_where_there_are_no_threads_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    looked = Lookups(at_once=1)
    for _ in range(2):
        with pytest.raises(OSError, match=r"cannot be looked up: can't start new thread"):
            await looked.resolve("hook.example.org")


HANGING = """
import asyncio, threading
from watcher.app.process import loop_factory
from watcher.app.lookups import Lookups

begun = threading.Event()

def hang(*_, **__):
    begun.set()
    threading.Event().wait()

async def main():
    looking = asyncio.create_task(Lookups(hang).resolve("hook.example.org"))
    await asyncio.to_thread(begun.wait)
    looking.cancel()
    await asyncio.wait([looking])

with asyncio.Runner(loop_factory=FACTORY) as runner:
    runner.run(main())
print("ended")
"""


@pytest.mark.parametrize("factory", ["loop_factory()", "None"])
def test_the_process_ends_though_a_look_up_hangs(factory: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING.replace("FACTORY", factory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


def test_a_look_up_that_outlives_its_loop_says_nothing(recwarn: pytest.WarningsRecorder) -> None:
    going, gone = threading.Event(), threading.Event()

    def late(*_: object, **__: object) -> list[tuple[Any, ...]]:
        going.wait(PATIENCE)
        gone.set()
        return []

    async def leave() -> None:
        looking = asyncio.create_task(Lookups(late).resolve("hook.example.org"))
        await asyncio.sleep(0)
        looking.cancel()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(leave())
    before = threading.enumerate()
    going.set()
    for thread in before:
        if thread.name.startswith("look-up "):
            thread.join(PATIENCE)
    assert gone.is_set()
    assert list(recwarn) == []
