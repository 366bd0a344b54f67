"""Names that nobody can look up any more: the system's own resolver, with a name server of ours, which is away for a while.

The daemon is a process in a mount namespace of its own, where /etc/resolv.conf and /etc/hosts are ours: nothing else on the
machine sees them.
"""

import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from tests.chaos.campaign import http
from tests.chaos.faults.alone import PATIENCE, Alone, alone, until
from tests.chaos.outcome import CannotBe, Figure, Outcome

SERVERS: Final = {"gone": "127.0.53.1", "silent": "127.0.53.2"}
"""Where a name server of ours listens, by what befalls it."""
PORT: Final = 53
"""resolv.conf names no other."""
CALLFIRE: Final = "api.callfire.test"
HOOKS: Final = "hooks.receiver.test"
AWAY: Final = 5.0
"""Seconds after both have noticed. CallFire is asked again at most four times as long after it failed first."""
UNUSED: Final = 33.0
"""Seconds after which a connection to a receiver has ended, and what a name stands for is not remembered any more."""
RESETS: Final = 4
"""As many as there are connections to CallFire at most, and fewer than have it count as down."""
FOREVER: Final = 100_000.0
A: Final = 1
SAID: Final = ("account.down", "account.recovered", "delivery.retried", "delivery.recovered")


class NameServer:
    """Every name stands for 127.0.0.1. `be("silent")` has it hear and say nothing, `be("gone")` not even hear."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.mood = "gone"
        self.asked = 0
        self._socket: socket.socket | None = None

    def be(self, mood: str) -> Self:
        if mood == "gone" and self._socket is not None:
            ours, self._socket = self._socket, None
            ours.close()
        if mood != "gone" and self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.settimeout(0.2)
            self._socket.bind((self.address, PORT))
            threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()
        self.mood = mood
        return self

    def _serve(self, ours: socket.socket) -> None:
        while self._socket is ours:
            try:
                question, sender = ours.recvfrom(512)
                self.asked += 1
                if self.mood == "well":
                    ours.sendto(answer(question), sender)
            except TimeoutError:
                continue
            except OSError:
                return


def answer(question: bytes) -> bytes:
    """What a name server says: 127.0.0.1 to whoever asks for an address of the old kind, and that there is none of another."""
    end = question.index(b"\0", 12) + 5
    kind = struct.unpack("!H", question[end - 4 : end - 2])[0]
    found = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 1, 4) + bytes((127, 0, 0, 1)) if kind == A else b""
    head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if found else 0, 0, 0)
    return head + question[12:end] + found


def lose_names(folder: Path) -> Outcome:
    """Both at once, each with a daemon of its own: nearly all of it is waiting. Raises CannotBe where we may not."""
    _may()
    folders = [folder / mood for mood in SERVERS]
    for each in folders:
        each.mkdir()
    with ThreadPoolExecutor(len(SERVERS)) as pool:
        outcomes = list(pool.map(_lose, SERVERS, folders))
    return Outcome(
        figures=[figure for each in outcomes for figure in each.figures],
        wrong=[wrong for each in outcomes for wrong in each.wrong],
        verdict="It was said once each, it recovered by itself, and nothing was lost.",
    )


def _may() -> None:
    """Whether port 53 is ours to listen at, and /etc/resolv.conf to be replaced for a process."""
    for address in SERVERS.values():
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
                ours.bind((address, PORT))
        except OSError as error:
            raise CannotBe(f"port {PORT} of {address}: {error.strerror}") from error
    try:
        tried = subprocess.run(("unshare", "-m", "true"), capture_output=True, text=True, timeout=20, check=False)
    except OSError as error:
        raise CannotBe(f"unshare: {error.strerror}") from error
    if tried.returncode:
        raise CannotBe(f"a mount namespace: {tried.stderr.strip()}")


def _lose(mood: str, folder: Path) -> Outcome:
    """Connections that stand need no name: it is waited until that to the receiver has ended by itself before a batch ends, and
    those to CallFire are reset."""
    wrong: list[str] = []
    server = NameServer(SERVERS[mood]).be("well")
    try:
        with _elsewhere(folder, server) as place:
            _start(place, folder)
            place.add("north", 2, new_for=0.0, validating_for=FOREVER, end="ACTIVE")
            until(lambda: place.follow() and place.said()["batch.changed"] > 1, PATIENCE, "it works")
            first, last = sorted(number for _, number in place.followed)
            before = place.said()
            server.be(mood)
            time.sleep(UNUSED)
            http(f"{place.ours.control}/batches/{first}/end", {})
            refused = until(partial(place.said_since, before, "delivery.retried"), PATIENCE, "a webhook fails")
            http(f"{place.ours.control}/faults", {"kind": "reset", "count": RESETS})
            down = until(partial(place.said_since, before, "account.down"), PATIENCE, "CallFire is down")
            http(f"{place.ours.control}/faults", method="DELETE")
            time.sleep(AWAY)
            ready = place.answers("/readyz")
            server.be("well")
            back = until(partial(place.said_since, before, "account.recovered"), PATIENCE, "it is asked again")
            sent = back + until(partial(place.said_since, before, "delivery.recovered"), PATIENCE, "it is delivered")
            lines = [place.said_since(before, name) for name in SAID]
            http(f"{place.ours.control}/batches/{last}/end", {})
            wrong += [f"{mood}: {each}" for each in place.finish(4 * PATIENCE)]
    finally:
        server.be("gone")
    if lines != [1] * len(SAID) or ready != 200:
        wrong.append(f"{mood}: said {lines} times, /readyz {ready}")
    figures: list[Figure] = [
        (f"{mood}: delivery.retried logged after, s", f"{refused:.1f}"),
        (f"{mood}: account.down logged after, s", f"{down:.1f}"),
        (f"{mood}: /readyz meanwhile", f"{ready}"),
        (f"{mood}: CallFire asked again after names came back, s", f"{back:.1f}"),
        (f"{mood}: webhook delivered after names came back, s", f"{sent:.1f}"),
        (f"{mood}: {', '.join(SAID)} logged", ", ".join(map(str, lines))),
        (f"{mood}: times that the name server was asked", f"{server.asked}"),
    ]
    return Outcome(figures=figures, wrong=wrong)


@contextmanager
def _elsewhere(folder: Path, server: NameServer) -> Iterator[Alone]:
    """CallFire and the receiver by name."""
    (folder / "resolv.conf").write_text(
        f"nameserver {server.address}\noptions timeout:1 attempts:1\n", encoding="utf-8"
    )
    (folder / "hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")
    with alone(folder, rates={"north": 10.0}) as place:
        ours = place.ours
        ours.more["WATCHER_ACCOUNTS__NORTH__BASE_URL"] = _named(ours.api, CALLFIRE)
        ours.more["WATCHER_WEBHOOK_URL"] = _named(ours.receiver, HOOKS)
        yield place


def _named(url: str, name: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:{parts.port}").geturl()


def _start(place: Alone, folder: Path) -> None:
    """The daemon, where names are ours."""
    words = " && ".join(f"mount --bind {folder / name} /etc/{name}" for name in ("resolv.conf", "hosts"))
    place.ours.start(within=("unshare", "-m", "sh", "-c", f'{words} && exec "$@"', "sh"))
