"""The daemon, killed by itself at a named point: `python -m tests.chaos.crashing POINT NTH`, settings from the environment.

A point is `before` or `after` one method of the store, the sender or CallFire: `before:commit`, `after:send`. The process ends
as by SIGKILL at the NTH call of it. The product has no switch for this: the parts are replaced before they are wired.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

from watcher.app import Parts, run
from watcher.app.process import loop_factory
from watcher.ports import Sender, Store, Upstream
from watcher.settings import load
from watcher.telemetry.logs import configure

SENDER_POINTS = ("send",)
UPSTREAM_POINTS = ("submit",)
POINTS = tuple(
    f"{when}:{method}"
    for method in ("follow", "commit", "save_looks", "claim", "send", "settle")
    for when in ("before", "after")
)
"""Those on the way of a change to whoever is told of it."""
SUBMIT_POINTS = tuple(
    f"{when}:{method}"
    for method in ("intend", "change_submission", "submit", "accept_submission")
    for when in ("before", "after")
)
"""Those on the way of a batch to CallFire. The first change of a submission is that it leaves."""


class Fuse:
    """Burns down with each call of the method, whoever has it: on PostgreSQL each lease has a store of its own."""

    def __init__(self, when: str, method: str, nth: int) -> None:
        self._when = when
        self.method = method
        self._left = nth

    def deadly(self, real: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        """The method, at the nth call of which the process ends."""

        async def call(*args: object, **kwargs: object) -> object:
            self._left -= 1
            last = self._left == 0
            if last and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = await real(*args, **kwargs)
            if last:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call


class Crashing:
    """Passes everything on, and dies at the nth call of one method."""

    def __init__(self, real: Any, fuse: Fuse) -> None:
        self._real = real
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return self._fuse.deadly(real) if name == self._fuse.method else real

    def held(self, lease: object) -> "Crashing":
        """The store of whoever has the lease is as deadly."""
        return Crashing(self._real.held(lease), self._fuse)


def decorated(parts: Parts, point: str, nth: int) -> Parts:
    """The parts, one of them deadly."""
    when, method = point.split(":")
    fuse = Fuse(when, method, nth)
    if method in SENDER_POINTS:
        return replace(parts, sender=cast(Sender, Crashing(parts.sender, fuse)))
    if method in UPSTREAM_POINTS:
        upstreams = {name: cast(Upstream, Crashing(each, fuse)) for name, each in parts.upstreams.items()}
        return replace(parts, upstreams=upstreams)
    return replace(parts, store=cast(Store, Crashing(parts.store, fuse)))


def main(point: str, nth: int, announce: Callable[[str], None]) -> int:
    """The daemon, until its end; its exit code. `announce` gets its address."""
    settings = load(None, os.environ)
    configure(format="json", level="info")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(run(settings, announce=announce, decorate=lambda parts: decorated(parts, point, nth)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), lambda url: print(url, flush=True))
