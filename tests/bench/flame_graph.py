"""Flame graphs: samples of where the processor's time goes, as py-spy's format `raw` has them, drawn as a picture.

py-spy draws too, but what it draws is cut to its boxes by a script, which pages that show pictures do not run. A picture here has
no scripts and no paths, and is small.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 1200
ROW: Final = 16
LEAST: Final = 1.0
"""Pixels: of the picture, of a row, and of the narrowest box that is drawn."""
LETTER: Final = 6.7
COLOURS: Final = {"watcher": "#f0a35e", "aiohttp": "#8fb8de", "uvloop": "#b9d7a8", "asyncio": "#b9d7a8"}
"""By the package of a function."""
OTHERS: Final = "#d8d8d8"

Stack = tuple[str, ...]
"""The functions that were under way, as `name (file)`, the outermost first."""


@dataclass(slots=True)
class Node:
    """A function as called by those above it, and how many samples were in it."""

    samples: int = 0
    below: "dict[str, Node]" = field(default_factory=dict)


class Box(NamedTuple):
    """Where a function is drawn: how deep, and from where on how wide, in pixels."""

    depth: int
    left: float
    width: float
    name: str


def stacks_of(raw: str, wanted: Callable[[Stack], bool] = lambda _: True) -> Counter[Stack]:
    """From lines with functions, parted by semicolons, and a number of samples."""
    stacks: Counter[Stack] = Counter()
    for line in raw.splitlines():
        functions, _, samples = line.rpartition(" ")
        stack = tuple(functions.split(";"))
        if wanted(stack):
            stacks[stack] += int(samples)
    return stacks


def share(stacks: Counter[Stack], name: str) -> float:
    """The share of samples in which a function whose name begins so was under way."""
    within = sum(count for stack, count in stacks.items() if any(each.startswith(name) for each in stack))
    return within / stacks.total()


def picture(stacks: Counter[Stack], title: str) -> str:
    """As SVG: whoever calls stands below what it calls; the wider, the more time. A box says all of its name when pointed at."""
    root = Node()
    for stack, count in stacks.items():
        node = root
        node.samples += count
        for name in stack:
            node = node.below.setdefault(name, Node())
            node.samples += count
    boxes = list(_laid(root, "all", 0, 0.0, WIDTH / root.samples))
    height = (max(box.depth for box in boxes) + 3) * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" font-size="11">'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/><text x="4" y="12">{escape(title)}</text>'
    return "\n".join([head, ground, *(_drawn(box, height) for box in boxes), "</svg>\n"])


def _laid(node: Node, name: str, depth: int, left: float, scale: float) -> Iterator[Box]:
    yield Box(depth, left, node.samples * scale, name)
    for below, each in sorted(node.below.items()):
        if each.samples * scale >= LEAST:
            yield from _laid(each, below, depth + 1, left, scale)
        left += each.samples * scale


def _drawn(box: Box, height: int) -> str:
    top = height - (box.depth + 2) * ROW
    function, _, file = box.name.partition(" (")
    colour = COLOURS.get(file.partition("/")[0], OTHERS)
    room = int((box.width - 4) / LETTER)
    short = function if len(function) <= room else f"{function[: room - 1]}…"
    text = f'<text x="{box.left + 2:.1f}" y="{top + 12}">{escape(short)}</text>' if room >= 3 else ""
    told = escape(f"{box.name}: {100 * box.width / WIDTH:.1f} %")
    return (
        f'<g><title>{told}</title><rect x="{box.left:.1f}" y="{top}" width="{max(box.width - 0.4, 0.4):.1f}" '
        f'height="{ROW - 1}" fill="{colour}"/>{text}</g>'
    )
