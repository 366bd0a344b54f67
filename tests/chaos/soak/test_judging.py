"""What a long run is judged by: a leak of each kind is found by the figure that shows it, and by no other."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from tests.chaos.soak.judging import REMEDY, Judged, judged, rows
from tests.chaos.soak.soak import warnings
from tests.chaos.soak.taking import MIB, Taken

BEGAN = 1000.0
SECONDS = 960.0
EVERY = 5.0


def samples() -> list[Taken]:
    """A daemon that takes what it takes, a little more or less."""
    draw = random.Random(3)
    return [
        Taken(
            at=BEGAN + number * EVERY,
            rss=150.0 + draw.gauss(0.0, 0.3),
            own=120.0 + draw.gauss(0.0, 0.3),
            files=40 + draw.randrange(-4, 5),
            tasks=50 + draw.randrange(-4, 5),
            threads=4,
            blocks=900_000 + draw.randrange(-3000, 3001),
            collections=0,
            used=20.0 + 5.0 * (number % 12) / 12 + number * 0.01,
            watches=15.0 + number * 0.01,
            rows=round((15.0 + number * 0.01) * MIB / 300),
            file=30.0,
            wal=4.0,
            cpu=0.3 * number * EVERY,
        )
        for number in range(int(SECONDS / EVERY))
    ]


def told(some: list[Taken], later: float = 0.0) -> list[Judged]:
    """Each figure, where answers come so many seconds later in the end than at the beginning."""
    draw = random.Random(4)
    points = [(each.at, 0.02 + draw.expovariate(1000) + later * (each.at - BEGAN) / SECONDS) for each in some]
    return judged(some, points, points, BEGAN, BEGAN + SECONDS, 16)


def wrong(some: list[Taken], later: float = 0.0) -> dict[str, str]:
    """What is not flat, and the verdict."""
    return {each.name: each.verdict for each in told(some, later) if each.wrong}


def test_a_daemon_that_goes_up_and_down_is_flat() -> None:
    assert wrong(samples()) == {}


@pytest.mark.parametrize(
    ("figure", "name", "an_hour"),
    [
        ("rss", "memory, resident", 12.0),
        ("own", "memory, its own", 12.0),
        ("blocks", "blocks of memory in Python", 300_000.0),
        ("files", "open files", 120.0),
        ("tasks", "tasks", 120.0),
        ("threads", "threads", 20.0),
        ("used", "database, without watches", 12.0),
        ("wal", "write-ahead log", 4.0),
    ],
)
def test_a_leak_is_found_by_the_figure_that_shows_it(figure: str, name: str, an_hour: float) -> None:
    kind = type(getattr(samples()[0], figure))
    leaking = [
        replace(each, **{figure: kind(getattr(each, figure) + an_hour * (each.at - BEGAN) / 3600)})
        for each in samples()
    ]
    assert wrong(leaking) == {name: "grew"}


def test_watches_that_take_more_and_more_room_each_are_found() -> None:
    fatter = [
        replace(each, used=each.used + more, watches=each.watches + more)
        for each in samples()
        for more in [each.watches * 0.1 * (each.at - BEGAN) / SECONDS]
    ]
    assert wrong(fatter) == {"database, bytes a watch": "grew"}


def test_answers_and_webhooks_that_come_later_and_later_are_found() -> None:
    names = [f"delay of {of}, {what}" for of in ("webhooks", "answers") for what in ("median", "19 of 20")]
    assert wrong(samples(), later=0.2) == dict.fromkeys(names, "grew")


def test_what_goes_up_and_down_by_more_than_it_may_grow_is_not_called_flat() -> None:
    draw = random.Random(5)
    noisy = [replace(each, rss=each.rss + draw.gauss(0.0, 12.0)) for each in samples()]
    [memory] = [each for each in told(noisy) if each.wrong]
    assert (memory.name, memory.verdict) == ("memory, resident", "cannot say")
    assert memory.wrong.startswith("memory, resident: cannot say, by -")
    assert memory.wrong.endswith(f" MiB in 900 s, and may by {memory.bound:.4g}: {REMEDY}")


def test_a_leak_that_is_about_as_large_as_what_matters_is_not_called_flat() -> None:
    leaking = [replace(each, rss=each.rss + 1.5 * (each.at - BEGAN) / 900) for each in samples()]
    assert wrong(leaking) == {"memory, resident": "cannot say"}


def test_of_few_samples_nobody_can_say() -> None:
    few = samples()[:5]
    assert set(wrong(few).values()) == {"cannot say"}


def test_a_row_tells_the_level_the_slope_with_its_interval_and_the_verdict() -> None:
    still = [replace(each, threads=4, wal=4.0 + number) for number, each in enumerate(samples())]
    told = dict(rows(judged(still, [(BEGAN, 0.5)], [(BEGAN, 0.5)], BEGAN, BEGAN + SECONDS, 16)))
    assert told["threads"] == "4; an hour ±0, surely ±0 to ±0, may +2: flat"
    assert told["write-ahead log, MiB"] == "105; an hour +720, surely +720 to +720, may +21: grew"
    assert told["delay of answers, median, s"] == "0.5; an hour ±0, surely −inf to +inf, may anything: cannot say"


def test_what_may_be_logged_is_counted_and_what_may_not_is_shown() -> None:
    log = """\
{"level": "info", "event": "daemon.started"}
{"level": "warning", "event": "batch.changed", "status": "ERRORS"}
{"level": "warning", "event": "batch.changed", "status": "ERRORS"}
{"level": "warning", "event": "delivery.retried", "endpoint": "first"}
{"level": "error", "event": "endpoint.disabled", "reason": "it answered 410"}
{"level": "error", "event": "worker.failed", "error": "first"}
{"level": "error", "event": "worker.failed", "error": "second"}
Task was destroyed but it is pending!"""
    assert warnings(log) == (
        [
            'endpoint.disabled, logged 1 times: {"level": "error", "event": "endpoint.disabled", "reason": "it answered 410"}',
            'worker.failed, logged 2 times: {"level": "error", "event": "worker.failed", "error": "first"}',
            "no line of the log, logged 1 times: Task was destroyed but it is pending!",
        ],
        Counter({"batch.changed ERRORS": 2, "delivery.retried": 1}),
    )
