"""The whole stack, with six troubles at once: an alert must fire, reach whoever is told, and be over after the remedy.

Seconds are counted from when the trouble began, and of the end from when the remedy was applied. One replica is killed while
other alerts are on their way. Whatever else rings or fires is wrong.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.stack.alarms import Alarm
from tests.stack.pictures import take, take_alerts
from tests.stack.quiet import alerts
from tests.stack.stack import Stack, standing
from tests.stack.traffic import Traffic, flowing
from tests.stack.troubles import Dead, Gone, Killed, Refused, Stuck, Trouble

WARM_UP: Final = 120.0
"""Seconds until the troubles begin: batches have come and ended, so that there is something to compare with."""
CALM: Final = 120.0
"""Seconds that are looked at when everything is over."""
PATIENCE: Final = 50 * 60.0
MEDIAN: Final = 40.0
EVERY: Final = 3.0
"""Seconds: of a batch's validation, and between two batches."""


class Told(NamedTuple):
    """What there is to tell, and what is wrong."""

    rows: Sequence[Sequence[str]]
    figures: Sequence[Sequence[str]]
    wrong: Sequence[str]


def troubles() -> Sequence[Trouble]:
    """All of them. What rings soon is mended before the replica is killed, what rings late is not."""
    return [
        Refused(account="north", code=401),
        Refused(account="east", code=403),
        Gone(endpoint="reports"),
        Killed(number=2, after=480.0),
        Dead(endpoint="dialler"),
        Stuck(account="south"),
    ]


def campaign(folder: Path, pictures: Path) -> Told:
    """Until everything is over."""
    pictures.mkdir(parents=True, exist_ok=True)
    every = troubles()
    with standing(folder, hear=lambda alarm: print(alarm.line(), flush=True)) as stack:
        began = time.time()
        with flowing(Traffic(stack=stack, median=MEDIAN, every=EVERY)) as traffic:
            time.sleep(WARM_UP)
            wrong = gone_through(stack, every, pictures)
            time.sleep(CALM)
        states = alerts(stack, began, time.time())
        wrong += unexpected(states, stack.alarms.came, every)
        figures = [
            ("lasted, min", f"{(time.time() - began) / 60:.1f}"),
            ("batches that came meanwhile", f"{traffic.come.total():,}"),
            *((f"samples of ALERTS: {name}", f"{count:,}") for name, count in sorted(states.items())),
        ]
    return Told([row for trouble in every for row in rows(trouble)], figures, wrong)


def gone_through(stack: Stack, every: Sequence[Trouble], pictures: Path) -> list[str]:
    """Each trouble begins, rings, is mended, and is over; what did not come in time."""
    began = time.time()
    while not all(each.over for each in every):
        passed = time.time() - began
        if passed > PATIENCE:
            return [f"{each.title}: not over after {passed:.0f} s, {each.heard}" for each in every if not each.over]
        for each in every:
            each.listen(stack)
            if not each.began and passed >= each.after:
                print(f"--- {each.title}", flush=True)
                each.start(stack)
        rung = [each for each in every if each.rung and not each.mended]
        for each in rung:
            pictured(stack, each, pictures)
        for each in rung:
            print(f"--- {each.remedy}", flush=True)
            each.cure(stack)
        time.sleep(0.5)
    return []


def pictured(stack: Stack, trouble: Trouble, pictures: Path) -> None:
    """What an operator sees now, on the page and in Prometheus."""
    places = trouble.shown()
    if places:
        take(pictures, stack.url, places)
    for name in places:
        take_alerts(pictures / f"prometheus-{name}.png", stack.prometheus.url)


def unexpected(states: Mapping[str, int], came: Sequence[Alarm], every: Sequence[Trouble]) -> list[str]:
    """What fired or rang although nothing was wrong with it."""
    meant = {each.ring for trouble in every for each in trouble.heard}
    names = {"Watchdog", *(ring.alert for ring in meant)}
    fired = [f"{name} without a reason" for name in states if name.endswith(" firing") and name.split()[0] not in names]
    rang = [
        alarm.line()
        for alarm in came
        if alarm.name != "Watchdog" and (alarm.name, alarm.about, alarm.receiver) not in meant
    ]
    return fired + rang


def rows(trouble: Trouble) -> Sequence[Sequence[str]]:
    """A row for each alert of it."""
    return [
        (
            trouble.title if number == 0 else "",
            f"{each.ring.alert} to {each.ring.receiver}",
            _seconds(trouble.began, each.fired),
            _seconds(trouble.began, each.reached),
            trouble.remedy if number == 0 else "",
            _seconds(trouble.mended, each.over),
        )
        for number, each in enumerate(trouble.heard)
    ]


def _seconds(since: float, at: float) -> str:
    return f"{at - since:.0f}" if at else "never"
