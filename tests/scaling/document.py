"""The tables of deploy/scaling.md, each between two marks of its name: what the formula, the simulation and the lists say."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.results import table
from tests.scaling.figures import MEASURED
from tests.scaling.sharding import AT_ONE_PLACE, BY_ACCOUNT, CROSSING, EVERYWHERE
from tests.scaling.simulating import as_they_come
from tests.scaling.sizing import EVENTS, Installation, life_of, log_of, needs, strain, total

DOCUMENT: Final = Path(__file__).parents[2] / "deploy" / "scaling.md"
ONE: Final = Installation(accounts=10, batches=10_000)
"""One times: what a single daemon on SQLite does without effort."""
TIMES: Final = (1, 10, 100, 1_000, 10_000)
LOGS: Final = ((139, 2), (1_389, 4), (1_389, 16), (1_389, 64), (5_000, 16), (10_000, 16))
"""Changes a second, and replicas that make them."""
CORES: Final = 16
SECONDS: Final = 10.0


def times(factor: float) -> Installation:
    """So many times as much of everything."""
    return replace(ONE, accounts=ONE.accounts * factor, batches=ONE.batches * factor, pages=ONE.pages * factor)


def tables() -> Mapping[str, str]:
    """All of them, by name."""
    return {
        "costs": table(("of one", "database's core", "our core", "WAL", "disk"), _costs()),
        "sizes": _by_times(_needs),
        "parts": table(
            ("what", "a second", "WAL/s", "our cores", "database's cores", "database's cores at 10,000x"), _parts()
        ),
        "strain": _by_times(_strain),
        "log": table(
            (
                "changes/s",
                "replicas",
                "log locked",
                "changes in a commit",
                "formula",
                "commit after p50",
                "formula, mean",
                "p99",
            ),
            [_log(changes, replicas) for changes, replicas in LOGS],
        ),
        "tables": table(("where", "tables"), _places()),
        "crossing": table(("why", "statements"), [(why, _names(names)) for why, names in CROSSING.items()]),
    }


def written(text: str) -> str:
    """The document with its tables as they are now."""
    for name, there in tables().items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, count = marks.subn(partial(_between, there), text)
        if count != 1:
            raise ValueError(f"deploy/scaling.md has no marks for {name}")
    return text


def _between(there: str, found: re.Match[str]) -> str:
    return f"{found[1]}{there}\n{found[2]}"


def shown(asked: Installation) -> str:
    """What one installation needs."""
    lines = [
        *_needs(asked).items(),
        *((f"of one database: {what}", _share(share)) for what, share in strain(asked).items()),
    ]
    return table(("what", "needed"), lines)


def _costs() -> list[tuple[str, str, str, str, str]]:
    figures = MEASURED
    sizes = {
        "followed": figures.watch_bytes,
        "change": figures.event_bytes,
        "owed": figures.delivery_bytes,
        "settled": figures.attempt_bytes,
    }
    rows = []
    for what, name in (
        ("batch taken in", "followed"),
        ("look at CallFire", "look"),
        ("look saved", "saved"),
        ("change with its event", "change"),
        ("transaction that writes, whatever is in it", "transaction"),
        ("delivery made", "owed"),
        ("delivery claimed and settled", "settled"),
        ("the same, more for each day kept", "settled_a_day"),
        ("delivery signed and sent", "sent"),
        ("event heard by one more replica", "heard"),
        ("page of 100 rows of a list", "listed"),
        ("share on the board, once", "on_board"),
        ("share described, once", "described"),
    ):
        cost = getattr(figures, name)
        wal = _bytes(cost.wal) if cost.wal else ""
        rows.append((what, _micro(cost.theirs), _micro(cost.ours), wal, _bytes(sizes[name]) if name in sizes else ""))
    life, disk = life_of(endpoints=ONE.endpoints, saved=1, together=1)
    owed = [(ONE.endpoints, figures.owed), (ONE.endpoints, figures.settled)]
    event = total([(1.0, figures.change), *owed])
    of_event = figures.event_bytes + ONE.endpoints * (figures.delivery_bytes + figures.attempt_bytes)
    for what, cost, size in (
        (f"**an event, delivered to {ONE.endpoints:.0f} endpoints**", event, of_event),
        (f"**a batch with {EVENTS:.0f} such events, each committed alone**", life, disk),
    ):
        rows.append((what, _micro(cost.theirs), _micro(cost.ours), _bytes(cost.wal), _bytes(size)))
    return rows


def _needs(asked: Installation) -> dict[str, str]:
    need = needs(asked)
    return {
        "accounts": _count(asked.accounts),
        "batches a day": _count(asked.batches),
        "**at the busiest time**": "",
        "batches in flight": _count(need.load.in_flight),
        "requests to CallFire/s, at most": _count(need.load.requests),
        "changes and events/s": _count(need.load.changes),
        "deliveries/s": _count(need.load.deliveries),
        "WAL/s": _bytes(need.wal),
        "WAL/s with pages written whole": _bytes(need.wal_whole_pages),
        "replicas (a core each)": _count(need.replicas),
        "cores of the database": _count(need.their_cores),
        "connections": _count(need.connections),
        "memory of a replica": _bytes(need.memory),
        "log locked": _share(need.log.busy),
        "a change waits for its commit": _seconds(need.log.waits),
        "**kept**": "",
        "bytes a day": _bytes(need.disk_a_day),
        f"events and deliveries after {asked.days:.0f} days, watches after a year": _bytes(need.disk),
        "of that watches, which are never deleted": _bytes(need.watches_a_year),
    }


def _parts() -> list[tuple[str, ...]]:
    need, more = needs(times(1_000)), needs(times(10_000))
    lines = []
    for what, (many, cost) in need.parts.items():
        at_more, _ = more.parts[what]
        cores = (many * cost.ours, many * cost.theirs, at_more * cost.theirs)
        lines.append((what, _count(many), _bytes(many * cost.wal), *map(_cores, cores)))
    cores = (need.our_cores, need.their_cores, more.their_cores)
    return [*lines, ("**all**", "", _bytes(need.wal), *map(_cores, cores))]


def _strain(asked: Installation) -> dict[str, str]:
    """In one order for all columns: the worst of the largest first."""
    shares = strain(asked)
    return {what: _share(shares[what]) for what in strain(times(max(TIMES)))}


def _by_times(told: Callable[[Installation], Mapping[str, str]]) -> str:
    columns = [told(times(factor)) for factor in TIMES]
    names = list(columns[-1])
    return table(
        ("", *(f"{factor:,}x" for factor in TIMES)), [(name, *(column[name] for column in columns)) for name in names]
    )


def _log(changes: float, replicas: int) -> tuple[str, ...]:
    played = as_they_come(replicas, changes=changes, cores=CORES, seconds=SECONDS)
    said = log_of(changes, replicas)
    return (
        _count(changes),
        _count(replicas),
        _share(played.busy),
        f"{played.together:.1f}",
        f"{said.together:.1f}",
        _seconds(played.p50),
        _seconds(said.waits),
        _seconds(played.p99),
    )


def _places() -> list[tuple[str, str]]:
    return [
        ("by account", _names(BY_ACCOUNT)),
        ("the same in every shard (reference)", _names(EVERYWHERE)),
        ("at one place", _names(AT_ONE_PLACE)),
    ]


def _names(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in sorted(names))


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _share(value: float) -> str:
    return f"{100 * value:,.0f} %" if value >= 0.095 else f"{100 * value:.1g} %"


def _seconds(value: float) -> str:
    return f"{1e3 * value:,.1f} ms" if value < 0.1 else f"{value:,.2f} s"


def _micro(value: float) -> str:
    return f"{1e6 * value:,.0f} µs" if value >= 10e-6 else f"{1e6 * value:.2g} µs" if value else ""


def _cores(value: float) -> str:
    return f"{value:.2f}" if value >= 0.005 else ""


def _bytes(value: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}" if value < 999.5 * size else f"{value / size:,.0f} {unit}"
    return f"{value:.0f} B" if value else ""
