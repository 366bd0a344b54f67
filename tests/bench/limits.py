"""The limits that speed is held to, beside what was reached: one table, made of what stands in the sections of RESULTS.md."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench.results import cells_of, table
from tests.bench.waiting import BEST

Place = tuple[str, str, str]
"""A cell of a section: the table's title, the row's first cell, the column."""
COLUMNS: Final = ("what", "asked", "reached", "is it", "measured in", "in the way")
UNKNOWN: Final = "?"
"""What a section was to say, and does not."""
NUMBER: Final = r"-?[\d,]*\.?\d+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What is asked of a figure: `least` or, of what is to be small, `most`, which it stays below. Where its rounds are not in
    the brackets of the same cell, `spread` has the places of the least and the greatest. `way` says what is in the way, with
    figures of the same section by name, of which it has the medians."""

    what: str
    section: str
    figure: Place
    least: float | None = None
    most: float | None = None
    spread: tuple[Place, Place] | None = None
    way: str = ""
    figures: Mapping[str, Place] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        return f"at least {self.least:g}" if self.least is not None else f"less than {self.most:g}"

    def holds(self, value: float) -> bool:
        return value >= self.least if self.least is not None else self.most is not None and value < self.most


def limits(sections: Mapping[str, str], known: Sequence[Limit] | None = None) -> str:
    """The section that says of each limit whether it is reached."""
    rows = [_row(limit, cells_of(sections.get(limit.section, ""))) for limit in (LIMITS if known is None else known)]
    return f"## limits\n\n{ABOUT}\n\n{table(COLUMNS, rows)}\n"


def _row(limit: Limit, cells: Mapping[Place, str]) -> Sequence[str]:
    told = cells.get(limit.figure, UNKNOWN)
    if limit.spread is not None:
        least, greatest = (cells.get(place, UNKNOWN) for place in limit.spread)
        told = f"{told} ({least} to {greatest})"
    values = [float(number.replace(",", "")) for number in re.findall(NUMBER, told)]
    verdict = UNKNOWN
    if UNKNOWN not in told:
        held = [limit.holds(value) for value in values]
        verdict = "yes" if all(held) else "in the median" if held[0] else "no"
    told_by = {name: cells.get(place, UNKNOWN).partition(" (")[0] for name, place in limit.figures.items()}
    way = limit.way.format(**told_by)
    return limit.what, limit.asked, told, verdict, f"`{limit.section}`", "" if verdict == "yes" else way


ABOUT: Final = """What is asked, and what was reached: the median, and in brackets the least and the greatest of the rounds, as
the sections below have them. Reached in the median is what was missed in a round or more. What is in the way is measured there,
too."""


STARTED: Final = "From the start, in seconds"
TOGETHER: Final = "From the start to the first look"
CHANGED: Final = "CPU time of a change, microseconds"
SENT: Final = "Deliveries a second, 400 in flight"
SPENT: Final = "CPU time of a delivery, microseconds, 400 in flight"
WAITED: Final = "What the deliveries of a replica wait for, 400 in flight"
A_THOUSAND: Final = "first look of 1,000,000 watches in 1,000 accounts"
IN_ONE: Final = "first look of 1,000,000 watches in one account"
READ_FIRST: Final = (
    "its million rows are taken in before: {ours} s of processor time until then, of a thousand accounts {other}"
)


def _value(row: str) -> Place:
    return "", row, "value"


def _deliveries_on_postgres(bare: str, column: str, loop: str) -> Limit:
    return Limit(
        what=f"durable deliveries a second / {bare}, PostgreSQL",
        section="replicas",
        figure=(SENT, "1", column),
        least=0.95,
        way=(
            "a delivery takes {ours} µs of CPU time, {database} of them the database's, one of that loop {bare}; "
            "and in {none} % of the time none is in flight"
        ),
        figures={
            "ours": (SPENT, "a replica", "in all"),
            "database": (SPENT, "a replica", "the database"),
            "bare": (SPENT, loop, "in all"),
            "none": (WAITED, "time with none in flight, %", "value"),
        },
    )


def _deliveries_on_sqlite(bare: str, loop: str) -> Limit:
    return Limit(
        what=f"durable deliveries a second / {bare}, SQLite",
        section="throughput",
        figure=_value(f"outbox / {loop}"),
        least=0.73,
        way="the store alone does {store} a second, the sender alone {sender}, and both are of one process",
        figures={
            "store": _value("the store alone: claimed and settled a second"),
            "sender": _value("the sender alone: sent a second"),
        },
    )


def _changes_on_postgres(bare: str, column: str, loop: str) -> Limit:
    return Limit(
        what=f"changes a second / {bare}, PostgreSQL",
        section="replicas",
        figure=("Changes a second", "1", column),
        least=0.8,
        way="a change takes {ours} µs of CPU time, one of that loop {bare}",
        figures={"ours": (CHANGED, "a replica", "in all"), "bare": (CHANGED, loop, "in all")},
    )


def _first_look(database: str, accounts: str, what: str, way: str = "", **figures: Place) -> Limit:
    """Of one process."""
    figure = (STARTED, f"{database}, {accounts}", "first look")
    return Limit(what=f"{what}, {database}, s", section="cold", figure=figure, most=3, way=way, figures=figures)


def _first_look_in_one(database: str) -> Limit:
    ours, other = ((STARTED, f"{database}, {accounts}", "CPU until then") for accounts in ("1", "1,000"))
    return _first_look(database, "1", IN_ONE, READ_FIRST, ours=ours, other=other)


def _idle(watches: str, what: str, column: str, most: float) -> Limit:
    libraries = ("asyncio, with ssl", "numpy", "pydantic", "aiohttp, client and server")
    return Limit(
        what=f"{what}, {watches}",
        section="idle",
        figure=("A daemon", watches, column),
        most=most,
        way=(
            "what is loaded takes {all} MB before anything is done: the interpreter {a}, ssl {b}, numpy {c}, "
            "pydantic {d}, aiohttp {e}"
        ),
        figures={
            name: ("What is loaded", row, "more resident, MB")
            for name, row in zip(
                ("all", "a", "b", "c", "d", "e"), ("in all", "the interpreter", *libraries), strict=True
            )
        },
    )


LIMITS: Final[Sequence[Limit]] = (
    Limit(
        what="looks a second / the bare aiohttp loop's",
        section="looks",
        figure=_value("ratio (median of the rounds)"),
        spread=(_value("ratio (least)"), _value("ratio (greatest)")),
        least=0.9,
        way="a look takes {ours} µs of processor time, a GET of the bare loop {bare}",
        figures={
            "ours": ("", "a look, all of it", "microseconds"),
            "bare": ("", "bare: GET by aiohttp's session, JSON read", "microseconds"),
        },
    ),
    _deliveries_on_sqlite("the bare POST loop's", "bare loop"),
    _deliveries_on_sqlite("the bare POST loop's at its best", f"bare loop at its best ({BEST} in flight)"),
    _deliveries_on_postgres("the bare POST loop's", "ratio", "the bare loop"),
    _deliveries_on_postgres(
        "the bare POST loop's at its best", "ratio at their best", f"the bare loop, {BEST} in flight"
    ),
    Limit(
        what="changes a second / the bare store loop's, SQLite",
        section="store",
        figure=_value("store 256 at once / bare a hundred together"),
        least=0.8,
        way="a change takes {ours} µs of processor time, one of the bare loop {bare}",
        figures={
            "ours": ("", "a change, all of it", "microseconds"),
            "bare": ("", "bare: all of it", "microseconds"),
        },
    ),
    _changes_on_postgres("the bare store loop's, a row a statement", "ratio", "the bare loop, a row a statement"),
    _changes_on_postgres(
        "the bare store loop's, many rows a statement", "ratio, many rows", "the bare loop, many rows a statement"
    ),
    Limit(what="memory of a watch, bytes", section="million", figure=_value("bytes a watch"), most=250),
    _first_look("SQLite", "1,000", A_THOUSAND),
    _first_look("PostgreSQL", "1,000", A_THOUSAND),
    _first_look_in_one("SQLite"),
    _first_look_in_one("PostgreSQL"),
    Limit(
        what=f"{A_THOUSAND}, PostgreSQL and two replicas, s",
        section="million",
        figure=(TOGETHER, "2", "first look, s"),
        most=3,
        way="until then {ours} s of CPU time are spent, {busy} % of all cores, by one replica alone {alone}",
        figures={
            "ours": (TOGETHER, "2", "CPU in all, s"),
            "busy": (TOGETHER, "2", "of the cores, %"),
            "alone": (TOGETHER, "1", "CPU in all, s"),
        },
    ),
    Limit(what="`watcher --help`, ms", section="adding", figure=_value("ms for `watcher --help`"), most=150),
    _idle("no watches", "idle daemon, resident MB", "resident, MB", 60),
    _idle("10,000 quiet", "idle daemon, resident MB", "resident, MB", 60),
    _idle("no watches", "idle daemon, % of a core", "CPU, % of a core", 0.5),
    _idle("10,000 quiet", "idle daemon, % of a core", "CPU, % of a core", 0.5),
)
