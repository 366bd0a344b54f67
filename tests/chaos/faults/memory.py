"""So little memory that it does not do: whatever becomes of the process, nothing is lost or doubled."""

import resource
import signal
import socket
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from tests.chaos.faults.alone import PATIENCE, Alone, alone, until
from tests.chaos.outcome import Figure, Outcome

OK: Final = 200
BOTH: Final = 2
MIB: Final = 1024 * 1024
ROOMS: Final = (0, 1, 2, 4, 6, 8, 12, 16, 24, 32)
"""MiB that it may have beside what it has when it has begun."""
LASTING: Final = 8.0
"""Seconds of each round."""
FOUND: Final = 90.0
"""Seconds within which one that does not answer must be found: /livez says so of what has stood still for 60 s."""
PROBED: Final = 10.0
MISSED: Final = 3
"""Seconds between two questions of a liveness probe, and how many in a row fail where it ends the process, as in the chart."""
WATCHDOG: Final = 30.0
"""Seconds without a sign of life after which systemd ends it, as in the unit."""
MANY: Final = 1_000
"""Batches asked for at once, of which the answer alone needs a megabyte or two."""
MOST: Final = 3_000
"""Batches of a round: all of them are to end in the last one."""


class Manager:
    """The service manager: it hears signs of life, and ends nothing."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        self._heard = time.monotonic()

    def attend(self) -> None:
        """It waits for signs of life from now on."""
        self.would_end()
        self._heard = time.monotonic()

    def would_end(self) -> bool:
        """Whether it heard nothing for too long; to be asked more often than that."""
        with suppress(BlockingIOError):
            while True:
                if b"WATCHDOG=1" in self._socket.recv(4096):
                    self._heard = time.monotonic()
        return time.monotonic() - self._heard > WATCHDOG

    def close(self) -> None:
        self._socket.close()


def run_out_of_memory(folder: Path, rooms: tuple[int, ...] = ROOMS, many: int = MANY) -> Outcome:
    """Round after round with some memory (RLIMIT_DATA), asked for more and more; then a restart without a limit."""
    ends: Counter[str] = Counter()
    with closing(Manager(folder)) as manager, alone(folder, rates={"north": 200.0}) as place:
        place.ours.more |= {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": f"{WATCHDOG * 1e6:.0f}"}
        for room in rooms:
            place.ours.start()
            until(lambda: place.answers("/readyz") == OK, PATIENCE, "it is ready")
            place.limit(resource.RLIMIT_DATA, _data(place) + room * MIB)
            ends[_press(place, many, manager)] += 1
        place.ours.start()
        lines = place.said()
        wrong = place.finish(4 * PATIENCE)
        figures: list[Figure] = [
            ("rounds; MiB beside what it has at its start", f"{len(rooms)}; {', '.join(map(str, rooms))}"),
            *((f"rounds that ended so: {how}", f"{count}") for how, count in sorted(ends.items())),
            ("failures of the store, of workers, of requests", _counted(lines)),
            ("batches followed", f"{len(place.followed)}"),
        ]
    return Outcome(
        figures=figures, wrong=wrong, verdict="However it ended, nothing was lost or doubled after a restart."
    )


def _counted(lines: Counter[str]) -> str:
    return ", ".join(f"{lines[name]}" for name in ("store.failed", "worker.failed", "request.failed"))


def _press(place: Alone, many: int, manager: Manager) -> str:
    """Asks for more and more until that is enough, the time is over or the process has ended; how it ended."""
    deadline, enough = time.monotonic() + LASTING, len(place.followed) + MOST
    daemon = place.ours.daemon
    assert daemon is not None
    answered = True
    while daemon.poll() is None and time.monotonic() < deadline:
        if len(place.unsaid) < many and len(place.followed) < enough:
            place.add("north", many // 10, new_for=0.0, validating_for=1.0, end="ACTIVE")
        place.follow()
        answered = place.answers("/livez") == OK
    found = "" if answered or daemon.poll() is not None else _found(place, manager)
    runs = daemon.poll() is None
    code = place.drop()
    if runs:
        return f"ran on{found}"
    return (signal.Signals(-code).name if code < 0 else f"exit code {code}") + found


def _found(place: Alone, manager: Manager) -> str:
    """It did not answer: who would end it, a liveness probe that asks as that of the chart does, or systemd's watchdog."""
    daemon, began, missed = place.ours.daemon, time.monotonic(), 0
    finders: dict[str, str] = {}
    assert daemon is not None
    manager.attend()
    while daemon.poll() is None and time.monotonic() < began + FOUND and len(finders) < BOTH:
        code = place.answers("/livez")
        missed = missed + 1 if code != OK else 0
        if missed == MISSED:
            finders.setdefault("probe", f"the probe, for {code or 'no answer'} {MISSED} times in a row")
        if manager.would_end():
            finders.setdefault("watchdog", "the watchdog")
        time.sleep(PROBED)
    if daemon.poll() is not None:
        return ", after it had not answered"
    if finders:
        return f", did not answer, and would be ended by {' and '.join(sorted(finders.values()))}"
    return ", did not answer, and was well again" if place.follow() else ", answered /livez alone"


def _data(place: Alone) -> int:
    """Bytes that count for the limit now."""
    status = Path(f"/proc/{place.pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:")) * 1024
