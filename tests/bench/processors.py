"""Whose CPU time a slice takes: that of groups of processes, each begun by this one, with all that they begin themselves."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil


@dataclass(slots=True)
class Groups:
    """The processes by the name of their group, in the order in which they were begun."""

    members: dict[str, list[psutil.Process]] = field(default_factory=dict)

    @contextmanager
    def begun(self, name: str) -> Iterator[None]:
        """What is begun by this process meanwhile is of that group."""
        before = set(psutil.Process(os.getpid()).children())
        yield
        self.members[name] = [each for each in psutil.Process(os.getpid()).children() if each not in before]

    def spent(self) -> dict[str, float]:
        """Seconds of CPU time until now, by group."""
        return {name: sum(_of_all(process) for process in processes) for name, processes in self.members.items()}


def _of_all(process: psutil.Process) -> float:
    """With its children, also those that have ended."""
    times = process.cpu_times()
    return sum(times[:4]) + _of_living(process.children(recursive=True))


def _of_living(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for each in processes:
        with suppress(psutil.NoSuchProcess):  # it ended just now, and counts as its parent's from now on
            total += sum(each.cpu_times()[:4])
    return total
