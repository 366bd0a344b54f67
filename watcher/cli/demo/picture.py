"""What is seen of the demo: a live table on a terminal, plain lines elsewhere, and the verdict at the end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from watcher.cli.demo.play import Audience, Scene
from watcher.cli.demo.verdict import Verdict, mean, quantile
from watcher.cli.printing import STYLES, console, say

STATUSES: Final = ("NEW", "VALIDATING", "ACTIVE", "ERRORS", "SOURCE_ERROR")
EVERY: Final = 5.0
"""Seconds between two lines where there is no terminal."""
BAR: Final = 40
EDGES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, float("inf"))
"""Seconds: the upper edges of the plot's rows."""


class Lines:
    """For where there is no terminal."""

    def __init__(self) -> None:
        self._next = 0.0

    def see(self, scene: Scene) -> None:
        if scene.seconds >= self._next:
            self._next = scene.seconds + EVERY
            self.hear(
                f"{scene.seconds:4.0f} s  {scene.come} batches, {scene.ended} ended, {scene.settled} learnt; "
                f"webhooks: {scene.accepted} accepted, {scene.refused} refused"
            )

    def hear(self, line: str) -> None:
        say(line)


class Silence:
    """For programs."""

    def see(self, scene: Scene) -> None:
        """Nothing is shown."""

    def hear(self, line: str) -> None:
        """Nothing is said."""


class Painting:
    """For a terminal: a table that is kept up to date, with what happened above it."""

    def __init__(self, live: Live, batches: int) -> None:
        self._live = live
        self._progress = Progress(
            TextColumn("{task.description:<18}"), BarColumn(BAR), MofNCompleteColumn(), TimeElapsedColumn()
        )
        self._bars = [self._progress.add_task(name, total=batches) for name in ("ended in CallFire", "learnt")]
        self._webhooks = self._progress.add_task("webhooks accepted", total=None)

    def see(self, scene: Scene) -> None:
        for bar, count in zip(self._bars, (scene.ended, scene.settled), strict=True):
            self._progress.update(bar, completed=count)
        self._progress.update(
            self._webhooks, completed=scene.accepted, total=max(sum(scene.learnt.values()), scene.accepted)
        )
        table = Table("", *STATUSES, box=None, pad_edge=False, header_style="bold")
        for name, counts in (("true", scene.happened), ("learnt", scene.learnt)):
            table.add_row(name, *(Text(str(counts.get(status, 0)), style=STYLES[status]) for status in STATUSES))
        self._live.update(Group(table, self._progress, *(Text(line, style="dim") for line in scene.last)))

    def hear(self, line: str) -> None:
        self._live.console.print(Text(line))


@contextmanager
def open_picture(batches: int, *, quiet: bool) -> Iterator[Audience]:
    """Whoever watches: a person at a terminal, a log, or nobody."""
    there = console()
    if quiet:
        yield Silence()
    elif not there.is_terminal:
        yield Lines()
    else:
        with Live(console=there, transient=True, refresh_per_second=8) as live:
            yield Painting(live, batches)


def print_verdict(verdict: Verdict) -> None:
    """The summary, with a plot of the delays."""
    there = console()
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in verdict.findings:
        mark = Text("WRONG", style="bold red") if finding.wrong else Text("ok", style="green")
        table.add_row(mark, finding.what, finding.figure)
    there.print("")
    there.print(table)
    for name, delays in (("look", verdict.to_look), ("webhook", verdict.to_webhook)):
        figures = f"mean {mean(delays):.2f} s, p95 {quantile(delays, 0.95):.2f} s"
        there.print(Text(f"\nfrom the end of validation to the {name}: {figures}"))
        for line in plot(delays):
            there.print(Text(line))
    for finding in verdict.findings:
        for wrong in finding.wrong:
            there.print(Text(f"{finding.what}: {wrong}", style="red"))
    ending = "nothing was lost, doubled or over budget" if verdict.good else "this should not have happened"
    there.print(Text(f"\nIn {verdict.seconds:.0f} s: {ending}.", style="bold green" if verdict.good else "bold red"))


def plot(delays: Sequence[float]) -> list[str]:
    """How many delays there were up to each edge, as bars; rows above the greatest delay are left out."""
    counts = [sum(low <= delay < high for delay in delays) for low, high in zip((0.0, *EDGES), EDGES, strict=False)]
    rows = max((number for number, count in enumerate(counts, 1) if count), default=0)
    most = max(counts, default=0)
    names = [f"under {edge:g} s" for edge in EDGES[:-1]] + [f"from {EDGES[-2]:g} s"]
    return [
        f"  {name:<11} {'█' * max(round(BAR * count / most), count > 0) or '·'} {count}"
        for name, count in zip(names[:rows], counts[:rows], strict=True)
    ]
