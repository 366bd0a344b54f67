"""What programs take: CPU seconds and memory of processes and all that they start, looked at again and again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil


@dataclass(kw_only=True)
class Usage:
    """`pids` are the processes now, without what they started. What one takes between the last look and its end is missed."""

    pids: Callable[[], Sequence[int]]
    peak: float = 0.0
    """Bytes: the most that all had together at any look, what they share counted once (PSS)."""
    _spent: dict[tuple[int, float], float] = field(default_factory=dict)
    _before: float = 0.0

    def begin(self) -> None:
        """What was spent before is not counted."""
        self.look()
        self._before = sum(self._spent.values())

    def look(self) -> None:
        """Notes what there is now."""
        memory = 0.0
        for process in self._processes():
            with suppress(psutil.Error):  # it has ended meanwhile
                times = process.cpu_times()
                self._spent[process.pid, process.create_time()] = times.user + times.system
                memory += process.memory_full_info().pss
        self.peak = max(self.peak, memory)

    @property
    def cpu(self) -> float:
        """Seconds of CPU since it began."""
        return sum(self._spent.values()) - self._before

    def _processes(self) -> Iterator[psutil.Process]:
        for pid in self.pids():
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                yield process
                yield from process.children(recursive=True)
