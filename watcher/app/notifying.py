"""What the service manager is told: that the daemon is up, reads its settings again, or stops; and again and again that it works.

The protocol is that of sd_notify(3): datagrams with assignments, to the socket that NOTIFY_SOCKET names.
"""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from watcher.core.news import News, Reloaded, Started, Stopping
from watcher.ports import Check, Clock

SHOWN: Final = 10
"""Keys that a status names, of the hundreds that may have changed."""
OFTEN: Final = 2
"""How many signs of life come within the time after which the service manager would end the daemon."""

OpenSocket = Callable[[], socket.socket]
"""Makes the socket that datagrams are sent through."""


def unix_socket() -> socket.socket:
    """One that waits for nobody."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    made.settimeout(0.0)
    return made


class Notices:
    """Hears the news, and hands on what concerns the service manager. Where there is none, nothing is sent."""

    def __init__(self, environ: Mapping[str, str], *, clock: Clock, open_socket: OpenSocket = unix_socket) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        self._open_socket = open_socket
        self._serves = ""
        self.every = _interval(environ) if self._address else None
        """Seconds between two signs of life; None where nobody waits for any."""

    def __call__(self, news: News) -> None:
        """Hands on one piece of news, where it concerns the service manager."""
        match news:
            case Started():
                self._serves = f"serves {news.listen}"
                accounts = f"{news.accounts} account{'' if news.accounts == 1 else 's'}"
                self._send("READY=1", f"STATUS={self._serves}: {accounts}, {news.watches} open watches at the start")
            case Stopping():
                self._send("STOPPING=1", f"STATUS=stops ({news.reason}): what flies ends, then all is given back")
            case Reloaded():
                self._send("READY=1", f"STATUS={self._serves}: {_came_of(news)}")
            case _:
                pass

    def reloading(self) -> None:
        """The settings are being read again; a `Reloaded` follows."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}")

    def alive(self) -> None:
        """A sign of life."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        """That the service manager hears nothing is no reason to stop."""
        if self._address:
            message = "\n".join(" ".join(each.split()) for each in assignments)
            with suppress(OSError), self._open_socket() as sender:
                sender.sendto(message.encode(), self._address)


class Watchdog:
    """Gives signs of life as long as /livez would say that all is well; without them the service manager starts it anew."""

    name: Final = "watchdog"

    def __init__(self, notices: Notices, *, every: float, live: Callable[[], Sequence[Check]], clock: Clock) -> None:
        self._notices = notices
        self._every = every
        self._live = live
        self._clock = clock

    async def step(self) -> None:
        if all(check.ok for check in self._live()):
            self._notices.alive()
        await self._clock.sleep(self._every)


def _address(named: str) -> str | None:
    """A path, or, where it begins with @, an abstract address. Of anything else nothing is known."""
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else None


def _interval(environ: Mapping[str, str]) -> float | None:
    within, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not within.isdecimal() or not int(within) or process not in ("", str(os.getpid())):
        return None
    return int(within) / 1e6 / OFTEN


def _came_of(news: Reloaded) -> str:
    if news.error is not None:
        return f"the settings were refused, those of before are in force: {news.error}"
    if news.restart:
        more = f" and {len(news.restart) - SHOWN} more" if len(news.restart) > SHOWN else ""
        return f"settings read again, restart needed for {', '.join(news.restart[:SHOWN])}{more}"
    return "settings read again"
