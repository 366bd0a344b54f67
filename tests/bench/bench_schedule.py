"""How late ends are noticed: polling.md's table and conditions of our own, with the daemon's own core, beside what scripts do.

In virtual time, so that every run gives the same figures; each strategy has the same batches. Delays are from the end of
validation to the look that sees it: mean / 95th percentile, in seconds, then the requests of one draw. Where polling.md has the
figure it stands in brackets, with the ratio of the means: the table there was made with broadcast and size known from the first
moment, no look at a new watch, and a request for every token (worth near 0). "Daemon" is what runs: nothing known of a new
watch, which is looked at first, and the usual settings; "eager" has worth = "5ms" and min_interval = "100ms". The oracle knows
the true law of durations. About seven minutes on two cores that have nothing else to do.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from typing import Final

from tests.bench.loads import OWN, SCRIPTED, TABLE, Drawn, all_drawn

Cells = Sequence[str]
Told = tuple[float, float | None]
Got = Mapping[tuple[str, str], Drawn]

SCRIPTS: Final = ("every 10 s", "round robin", "backoff x1.5", "backoff x2")
OURS: Final = ("scale-free", "learnt", "oracle", "learnt + pages")
AS_IT_IS: Final = ("daemon, no pages", "daemon")
AGAINST: Final = (
    *("round robin", "backoff x1.5", "backoff x1.5, a task a batch", "listing pages", "daemon", "daemon, eager"),
)
POLITE: Final = ("learnt, worth 0.1", "learnt + pages, worth 0.1")
UNSIZED: Final = ("100, 5/s, sizes unknown", "300, 5/s, sizes unknown")
POLLING: Final[Mapping[tuple[str, str], Told]] = {
    (load, name): told
    for load, row in {
        "10, 5/s": (
            (6.40, None),
            (0.55, None),
            (2.79, None),
            (4.10, None),
            (0.53, None),
            (0.52, None),
            (0.52, None),
            (0.50, None),
        ),
        "100, 5/s": (
            (6.5, 9.8),
            (4.2, 8.9),
            (2.9, 11.0),
            (4.2, 16.8),
            (1.93, 5.2),
            (1.68, 4.4),
            (1.43, 3.8),
            (0.63, 1.2),
        ),
        "100, 2/s": (
            (18.6, 35),
            (18.5, 35),
            (10.0, 18.8),
            (8.8, 17.9),
            (7.2, 18.1),
            (5.9, 13.9),
            (5.2, 12.4),
            (1.20, 3.4),
        ),
        "300, 5/s": (
            (25.7, 47),
            (25.6, 47),
            (17.2, 31),
            (14.9, 28),
            (10.3, 23.8),
            (8.2, 17.9),
            (7.1, 15.4),
            (1.08, 3.2),
        ),
        "1000, 20/s, 10 min": (
            *((11.1, 19), (10.7, 18.9), (6.7, 11.7), (6.1, 11.0), (5.8, 14.2), (4.7, 10.8), (4.3, 10.3), (0.76, 2.0)),
        ),
        "1000 at once, 5/s": (
            *((103, 193), (99, 188), (99, 188), (99, 188), (99, 188), (96, 177), (91, 171), (4.6, 9.5)),
        ),
    }.items()
    for name, told in zip((*SCRIPTS, *OURS), row, strict=True)
} | {
    ("10, 5/s", "learnt, worth 0.1"): (0.94, None),
    ("10, 5/s", "learnt + pages, worth 0.1"): (0.73, None),
    ("100, 5/s, sizes unknown", "learnt"): (1.86, 4.8),
    ("100, 5/s, sizes unknown", "learnt + pages"): (0.63, 1.2),
    ("300, 5/s, sizes unknown", "learnt"): (9.9, 19.2),
    ("300, 5/s, sizes unknown", "learnt + pages"): (1.11, 3.4),
}
"""Mean and 95th percentile, as the table and the sentence below it have them."""


def tables() -> Mapping[str, tuple[Cells, Sequence[Cells]]]:
    """By title: the columns and the rows."""
    compared = {
        "polling.md's table": (tuple(TABLE), (*SCRIPTS, *OURS, *AS_IT_IS)),
        "nothing below a worth of 0.1 s": (("10, 5/s",), POLITE),
        "the size unknown until the end": (UNSIZED, ("learnt", "learnt + pages")),
        "conditions of our own": (tuple(OWN), ("backoff x1.5", "listing pages", "daemon", "daemon that knows the law")),
        "against scripts: so many batches over 240 s, 5/s": (tuple(SCRIPTED), AGAINST),
    }
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as executor:
        got = all_drawn((pair for loads, names in compared.values() for pair in product(loads, names)), executor)
    return {
        "what is demanded": _demands(got),
        **{title: (("", *names), _rows(loads, names, got)) for title, (loads, names) in compared.items()},
        "ends foretold by the daemon": _foretold(got),
    }


def _rows(loads: Sequence[str], names: Sequence[str], got: Got) -> Sequence[Cells]:
    return [(load, *(_cell(got[load, name], POLLING.get((load, name))) for name in names)) for load in loads]


def _cell(drawn: Drawn, told: Told | None) -> str:
    text = f"{_short(drawn.mean)} / {_short(drawn.outcome.quantile(0.95))}, {drawn.requests:,.0f}"
    if told is None:
        return text
    mean, p95 = told
    theirs = _short(mean) if p95 is None else f"{_short(mean)} / {_short(p95)}"
    return f"{text} ({theirs}: {drawn.mean / mean:.2f})"


def _demands(got: Got) -> tuple[Cells, Sequence[Cells]]:
    rows = []
    for load in TABLE:
        backoff = min(got[load, "backoff x1.5"].mean, got[load, "backoff x2"].mean)
        ratios = [got[load, name].mean / backoff for name in ("learnt", "learnt + pages", "daemon")]
        ratios.insert(0, got[load, "learnt"].mean / got[load, "oracle"].mean)
        rows.append((load, *(f"{ratio:.2f}" for ratio in ratios)))
    return (
        "",
        "learnt / oracle",
        "learnt / better backoff",
        "with pages / better backoff",
        "daemon / better backoff",
    ), rows


def _foretold(got: Got) -> tuple[Cells, Sequence[Cells]]:
    """Each batch is foretold once, so each counts once."""
    rows = [
        (load, f"{told.foretold:,}", f"{100 * told.half / told.foretold:.1f}", f"{100 * told.most / told.foretold:.1f}")
        for (load, name), told in got.items()
        if name == "daemon" and told.foretold
    ]
    return ("", "batches", "ended before the 50 % moment, %", "before the 90 % moment, %"), rows


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 99.5 else f"{value:.3g}"
