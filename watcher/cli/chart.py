"""A chart of bars for a terminal, in characters: delays by rate."""

from collections.abc import Sequence
from math import ceil
from typing import Final

EIGHTHS: Final = " ▏▎▍▌▋▊▉"
STROKES: Final = "▁▂▃▄▅▆▇█"
LEAST_BAR: Final = 10
"""Columns that the longest bar has at least."""


def bars(groups: Sequence[tuple[str, Sequence[tuple[str, float]]]], *, unit: str, width: int) -> list[str]:
    """A line a bar, within `width` columns: groups have a name, bars a label and a value (at least 0), told behind the bar
    with its unit; the longest takes what room there is."""
    greatest = max((value for _, some in groups for _, value in some), default=0.0)
    names = max((len(name) for name, _ in groups), default=0)
    labels = max((len(label) for _, some in groups for label, _ in some), default=0)
    told = max((len(_told(value, unit)) for _, some in groups for _, value in some), default=0)
    room = max(width - names - labels - told - 5, LEAST_BAR)
    lines = []
    for name, some in groups:
        for number, (label, value) in enumerate(some):
            length = value / greatest * room if greatest > 0 else 0.0
            bar = "█" * int(length) + EIGHTHS[int(length % 1 * 8)].strip()
            head = f"{name if number == 0 else '':>{names}}  {label:<{labels}}"
            lines.append(f"{head}  {bar}{' ' if bar else ''}{_told(value, unit)}")
    return lines


def spark(values: Sequence[float]) -> str:
    """A stroke for each of the values (at least 0), as high as it is beside the greatest; a dot where it is 0."""
    greatest = max(values, default=0.0)
    return "".join(STROKES[ceil(value / greatest * len(STROKES)) - 1] if value else "·" for value in values)


def _told(value: float, unit: str) -> str:
    return f"{short(value)} {unit}"


def short(value: float) -> str:
    """Three digits, as many as a reader needs."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"
