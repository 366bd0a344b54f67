"""What the system's signals ask of the daemon, and what they do to it when it heeds them no more."""

import asyncio
import signal
import subprocess
import sys

import pytest

from watcher.app.assembly import Town
from watcher.app.signals import heed_no_reload, signals


def test_being_asked_to_read_the_settings_ends_it_at_no_moment() -> None:
    """A loop that heeds a signal no more leaves it to the system for a moment, which would end the process."""
    removed: list[tuple[int, object]] = []

    class Loop(asyncio.SelectorEventLoop):
        def remove_signal_handler(self, sig: int) -> bool:
            removed.append((sig, signal.getsignal(signal.SIGHUP)))
            return super().remove_signal_handler(sig)

    async def asked_once() -> None:
        reload = asyncio.Event()
        with signals(asyncio.Event(), reload, Town()):
            signal.raise_signal(signal.SIGHUP)
            await reload.wait()

    before = signal.getsignal(signal.SIGHUP)
    try:
        heed_no_reload()
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(asked_once())
    finally:
        signal.signal(signal.SIGHUP, before)
    ignored = [(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGINT)]
    assert removed == ignored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_once_more_while_its_loop_is_closed_it_ends_at_once_and_says_nothing(number: signal.Signals) -> None:
    code = """
import asyncio, signal, sys
from watcher.app import daemon
from watcher.settings import load

class Loop(asyncio.SelectorEventLoop):
    def close(self):
        signal.raise_signal(int(sys.argv[1]))
        print("goes on")
        super().close()

async def run(*_, **__):
    return 0

daemon.loop_factory, daemon.run = lambda: Loop, run
daemon.main(load(None, dict(CALLFIRE_LOGIN="a", CALLFIRE_PASSWORD="b")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(int(number))], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "")
