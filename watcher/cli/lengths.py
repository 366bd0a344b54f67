"""How long an account's batches take, as learnt so far, by their size: for a person or for a program."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from watcher.cli.chart import short
from watcher.cli.formats import say_data
from watcher.cli.printing import Output, say, say_table

if TYPE_CHECKING:
    from watcher.app.planning import Experience


def say_learnt(known: "Experience", output: Output) -> None:
    """A line a size, or the document with all of it."""
    ends, sizes = known.lengths.ends, known.lengths.sizes
    if output is Output.CSV:
        say_data([asdict(each) for each in sizes], output)
        return
    if say_data({"account": known.account, "ends": ends, "sizes": [asdict(each) for each in sizes]}, output):
        return
    if not sizes:
        say(f"account {known.account} has seen no end yet")
        return
    say(f"account {known.account} has seen {ends} ends")
    say_table(
        ("CONTACTS", "ENDS", "HALF WITHIN", "90 % WITHIN"),
        [
            (contacts(each.smallest, each.largest), f"{each.ends:.1f}", _within(each.p50), _within(each.p90))
            for each in sizes
        ],
        spare=("ENDS",),
    )


def contacts(smallest: int | None, largest: int | None) -> str:
    """Sizes from the one to the other, in words; None and None: not known."""
    if smallest is None:
        return "not known"
    return f"{smallest} and more" if largest is None else f"{smallest} to {largest}"


def _within(seconds: float | None) -> str:
    return "too few to say" if seconds is None else f"{short(seconds)} s"
