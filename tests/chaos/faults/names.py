"""Names that nobody can look up any more: the system's own resolver, with a name server of ours, which is away for a while.

The daemon is a process in a mount namespace of its own, where /etc/resolv.conf and /etc/hosts are ours: nothing else on the
machine sees them.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from tests.chaos.campaign import http
from tests.chaos.faults.alone import PATIENCE, Alone, alone, until
from tests.chaos.outcome import Figure, Outcome

SERVER: Final = "127.0.53.1"
"""Where the name server listens, at port 53: resolv.conf names no port."""
CALLFIRE: Final = "api.callfire.test"
HOOKS: Final = "hooks.receiver.test"
MOODS: Final = ("gone", "silent")
AWAY: Final = 20.0
UNUSED: Final = 33.0
"""Seconds after which a connection to a receiver has ended, and what a name stands for is not remembered any more."""
RESETS: Final = 4
"""As many as there are connections to CallFire at most, and fewer than have it count as down."""
FOREVER: Final = 100_000.0
A: Final = 1


class NameServer:
    """Every name stands for 127.0.0.1. `be("silent")` has it hear and say nothing, `be("gone")` not even hear."""

    def __init__(self) -> None:
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
            self._socket.bind((SERVER, 53))
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
    """Gone, back, silent, back. Connections that stand need no name: it is waited until that to the receiver has ended by itself
    before a batch ends, and those to CallFire are reset."""
    figures: list[Figure] = []
    wrong: list[str] = []
    server = NameServer().be("well")
    try:
        with _elsewhere(folder) as place:
            _start(place, folder)
            place.add("north", 1 + len(MOODS), new_for=0.0, validating_for=FOREVER, end="ACTIVE")
            until(lambda: place.follow() and place.said()["batch.changed"] > len(MOODS), PATIENCE, "it works")
            last, *others = sorted(number for _, number in place.followed)
            for mood, number in zip(MOODS, others, strict=True):
                before = place.said()
                server.be(mood)
                time.sleep(UNUSED)
                http(f"{place.ours.control}/batches/{number}/end", {})
                refused = until(partial(_said, place, before, "delivery.retried"), PATIENCE, "a webhook fails")
                http(f"{place.ours.control}/faults", {"kind": "reset", "count": RESETS})
                down = until(partial(_said, place, before, "account.down"), PATIENCE, "CallFire is down")
                time.sleep(AWAY)
                ready = place.answers("/readyz")
                server.be("well")
                back = until(partial(_said, place, before, "account.recovered"), 4 * PATIENCE, "it asks again")
                lines = [
                    _new(place, before, name) for name in ("account.down", "account.recovered", "delivery.retried")
                ]
                figures += [
                    (f"{mood}: delivery.retried logged after, s", f"{refused:.1f}"),
                    (f"{mood}: account.down logged after, s", f"{down:.1f}"),
                    (f"{mood}: /readyz meanwhile", f"{ready}"),
                    (f"{mood}: CallFire asked again after names came back, s", f"{back:.1f}"),
                    (f"{mood}: account.down, account.recovered, delivery.retried logged", ", ".join(map(str, lines))),
                ]
                if lines != [1, 1, 1] or ready != 200:
                    wrong.append(f"{mood}: said {lines} times, /readyz {ready}")
            http(f"{place.ours.control}/batches/{last}/end", {})
            wrong += place.finish(4 * PATIENCE)
            figures += [("names asked for", f"{server.asked}"), ("batches", f"{len(place.followed)}")]
    finally:
        server.be("gone")
    return Outcome(
        figures=figures, wrong=wrong, verdict="It was said once, it recovered by itself, and nothing was lost."
    )


def _new(place: Alone, before: Mapping[str, int], event: str) -> int:
    return place.said()[event] - before.get(event, 0)


def _said(place: Alone, before: Mapping[str, int], event: str) -> bool:
    return _new(place, before, event) > 0


@contextmanager
def _elsewhere(folder: Path) -> Iterator[Alone]:
    """CallFire and the receiver by name."""
    (folder / "resolv.conf").write_text(f"nameserver {SERVER}\noptions timeout:1 attempts:1\n", encoding="utf-8")
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
