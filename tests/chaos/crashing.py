"""The daemon, killed by itself at a named point: `python -m tests.chaos.crashing POINT NTH`, settings from the environment.

A point is `before` or `after` one method of the store, the sender or CallFire: `before:commit`, `after:send`. The process ends
as by SIGKILL at the NTH call of it. The product has no switch for this: the parts are replaced before they are wired.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sized
from dataclasses import replace
from typing import Any, Final, cast

from watcher.app import Parts, run
from watcher.app.process import loop_factory
from watcher.ports import Sender, Store, Upstream
from watcher.settings import load
from watcher.telemetry.logs import configure

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
ALL_POINTS = (*POINTS, *SUBMIT_POINTS)
LOOKS = ("look", "page")
WATCHED = {*LOOKS, *(point.partition(":")[2] for point in ALL_POINTS)}


DIED: Final = "crashing.died"
"""The event of what is said last: what was under way when the process ended, and what it had begun."""


class Fuse:
    """Burns down with each call of one method, whoever has it: on PostgreSQL each lease has a store of its own. Calls of all that
    matter are counted, so that it can be told what was cut off."""

    def __init__(self, when: str, method: str, nth: int) -> None:
        self._when = when
        self._method = method
        self._left = nth
        self._begun = Counter[str]()
        self._under_way = Counter[str]()
        self._claimed = 0

    def deadly(self, name: str, real: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        """The method of that name, at the nth call of which the process ends, if it is the one."""

        async def call(*args: object, **kwargs: object) -> object:
            self._left -= name == self._method
            last = name == self._method and self._left == 0
            self._begun[name] += 1
            self._under_way[name] += 1
            if last and self._when == "before":
                self._die()
            try:
                result = await real(*args, **kwargs)
                if name == "claim" and isinstance(result, Sized):
                    self._claimed = max(self._claimed, len(result))
                return result
            finally:
                self._under_way[name] -= 1
                if last:  # whatever came of it
                    self._die()

        return call

    def _die(self) -> None:
        told = {"event": DIED, "claimed": self._claimed, "under_way": self._under_way, "begun": self._begun}
        os.write(2, json.dumps(told).encode() + b"\n")
        os.kill(os.getpid(), signal.SIGKILL)


class Crashing:
    """Passes everything on, and dies at the nth call of one method."""

    def __init__(self, real: Any, fuse: Fuse) -> None:
        self._real = real
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return self._fuse.deadly(name, real) if name in WATCHED else real

    def held(self, lease: object) -> "Crashing":
        """The store of whoever has the lease is as deadly."""
        return Crashing(self._real.held(lease), self._fuse)


def decorated(parts: Parts, point: str, nth: int) -> Parts:
    """The parts, one method of which is deadly."""
    when, method = point.split(":")
    fuse = Fuse(when, method, nth)
    return replace(
        parts,
        store=cast(Store, Crashing(parts.store, fuse)),
        sender=cast(Sender, Crashing(parts.sender, fuse)),
        upstreams={name: cast(Upstream, Crashing(each, fuse)) for name, each in parts.upstreams.items()},
    )


def main(point: str, nth: int, announce: Callable[[str], None]) -> int:
    """The daemon, until its end; its exit code. `announce` gets its address."""
    settings = load(None, os.environ)
    configure(format="json", level="info")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(run(settings, announce=announce, decorate=lambda parts: decorated(parts, point, nth)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), lambda url: print(url, flush=True))
