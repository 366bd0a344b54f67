"""So little memory that it does not do: whatever becomes of the process, nothing is lost or doubled."""

import resource
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.chaos.faults.alone import PATIENCE, Alone, alone, until
from tests.chaos.outcome import Figure, Outcome

MIB: Final = 1024 * 1024
ROOMS: Final = (0, 1, 2, 4, 6, 8, 12, 16, 24, 32)
"""MiB that it may have beside what it has when it has begun."""
LASTING: Final = 8.0
"""Seconds of each round."""
MANY: Final = 1_000
"""Batches asked for at once, of which the answer alone needs a megabyte or two."""
MOST: Final = 3_000
"""Batches of a round: all of them are to end in the last one."""


def run_out_of_memory(folder: Path, rooms: tuple[int, ...] = ROOMS, many: int = MANY) -> Outcome:
    """Round after round with some memory (RLIMIT_DATA), asked for more and more; then a restart without a limit."""
    ends: Counter[str] = Counter()
    with alone(folder, rates={"north": 200.0}) as place:
        for room in rooms:
            place.ours.start()
            until(lambda: place.answers("/readyz") == 200, PATIENCE, "it is ready")
            place.limit(resource.RLIMIT_DATA, _data(place) + room * MIB)
            ends[_press(place, many)] += 1
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


def _press(place: Alone, many: int) -> str:
    """Asks for more and more until that is enough, the time is over or the process has ended; how it ended."""
    deadline, enough = time.monotonic() + LASTING, len(place.followed) + MOST
    daemon = place.ours.daemon
    assert daemon is not None
    answered = True
    while daemon.poll() is None and time.monotonic() < deadline:
        if len(place.unsaid) < many and len(place.followed) < enough:
            place.add("north", many // 10, new_for=0.0, validating_for=1.0, end="ACTIVE")
        place.follow()
        answered = place.answers("/livez") == 200
    if daemon.poll() is None:
        place.drop()
        return "ran on" if answered else "ran on and did not answer"
    code = place.drop()
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _data(place: Alone) -> int:
    """Bytes that count for the limit now."""
    status = Path(f"/proc/{place.pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:")) * 1024
