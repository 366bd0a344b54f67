"""What a campaign tells: its figures, and what it found that is wrong."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Figure = tuple[str, str]


class CannotBe(Exception):
    """The campaign needs something that this machine or this user does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`wrong` is empty where everything that was promised held, which is what the `verdict` says. `columns` are the heads of the
    table of figures."""

    figures: Sequence[tuple[str, ...]]
    wrong: Sequence[str]
    verdict: str = "Nothing was lost, doubled or over a budget."
    columns: tuple[str, ...] = ("figure", "value")


def spread(what: str, seconds: Sequence[float | None]) -> list[Figure]:
    """The middle and the longest of these times; how many of them never came, where there are such."""
    came = sorted(each for each in seconds if each is not None)
    figures = [(f"{what}: never", str(len(seconds) - len(came)))] if len(came) < len(seconds) else []
    if came:
        figures += [
            (f"{what}: median, s", f"{statistics.median(came):.2f}"),
            (f"{what}: longest, s", f"{came[-1]:.2f}"),
        ]
    return figures
