"""What choosing costs: the poller's calls into the schedule at 20 requests a second, as a share of one core.

In virtual time and processor time, with 100,000 and 1,000,000 open watches, alone and on pages (20 watches a broadcast). Per
request: wait_until twice, choose, what the answer shows (note; for a page page_shown, and note for each row), land; a new hazard
every two seconds. All watches were looked at before and none will end, so that many more are due than there are requests: the
worst case. Bytes a watch: all that roster, listings and schedule hold, with the index and the spare room.
"""

import gc
import random
import time
import tracemalloc
from datetime import UTC, datetime

from watcher.core.hazard import Hazard, scale_free
from watcher.core.listings import Listings
from watcher.core.model import VALIDATING, Batch, Page, Seen, Watch
from watcher.core.ranking import Pace
from watcher.core.roster import Roster
from watcher.core.schedule import PageChoice, Schedule
from watcher.core.transitions import Rules

RATE = 20
SECONDS = 60
ANEW = 2.0
PER_BROADCAST = 20
BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC).timestamp()


class Meter:
    """Adds up what is done between two clicks, and keeps the longest."""

    def __init__(self) -> None:
        self.total = 0.0
        self.longest = 0.0
        self._last = time.thread_time()

    def begin(self) -> None:
        self._last = time.thread_time()

    def click(self) -> None:
        """What was done since the last click, or `begin`, was one call."""
        now = time.thread_time()
        self.total += now - self._last
        self.longest = max(self.longest, now - self._last)
        self._last = now


def filled(count: int, *, pages: bool) -> tuple[Roster, Schedule]:
    """So many watches, half an hour old in the mean, last asked about within the last quarter of an hour."""
    dice = random.Random(1)
    roster = Roster(Rules())
    for number in range(1, count + 1):
        asked = BEGIN - dice.uniform(0, 900)
        watch = Watch(
            account="default",
            batch_id=number,
            opened=_instant(asked - dice.expovariate(1 / 1800)),
            status=VALIDATING,
            broadcast_id=1 + number // PER_BROADCAST if pages else None,
            size=int(10 ** dice.uniform(1, 6)),
            created=_instant(asked - 3600),
            asked=_instant(asked),
            answered=_instant(asked),
            looks=3,
            name="batch",
        )
        roster.put(watch)
    listings = Listings(roster)
    return roster, Schedule(roster, Pace(), listings)


def measured(count: int, *, pages: bool) -> dict[str, float]:
    """Share of a core, and the longest call in seconds, once it has settled; the longest call while it settles."""
    roster, schedule = filled(count, pages=pages)
    rates = scale_free().rates
    gc.collect()
    gc.freeze()
    meter, settling = Meter(), Meter()
    began = None
    now, number, requests = BEGIN, 0, 0
    while began is None or number < RATE * SECONDS:
        now += 1 / RATE
        running = meter if began is not None else settling
        running.begin()
        if number % int(RATE * ANEW) == 0:
            schedule.hazard = Hazard(rates * (1 + 1e-3 * (number % 7)))
            running.click()
        schedule.wait_until(now)
        running.click()
        until = schedule.wait_until(now)
        running.click()
        number += 1
        if until == now:
            choice = schedule.choose(now)
            running.click()
            if choice is not None:
                requests += 1
                if isinstance(choice, PageChoice):
                    items = tuple(_batch(each, choice.ref.broadcast_id) for each in choice.members)
                    page = Page(offset=0, limit=100, items=items, total=len(items))
                    running.begin()
                    schedule.page_shown(choice, page, now)
                    running.click()
                    for batch in items:
                        if schedule.counts(choice, batch.id):
                            roster.note(Seen(asked=_instant(now), answered=_instant(now), batch=batch))
                    running.click()
                else:
                    batch = _batch(choice.batch_id, None)
                    running.begin()
                    roster.note(Seen(asked=_instant(now), answered=_instant(now), batch=batch))
                schedule.land(choice)
                running.click()
        if began is None and number >= 2 * RATE + count / 1000:
            began, number, requests = now, 0, 0
    gc.unfreeze()
    return {
        "share of a core, %": 100 * meter.total / SECONDS,
        "longest call, ms": 1000 * meter.longest,
        "longest call at the start, ms": 1000 * settling.longest,
        "requests/s": requests / SECONDS,
    }


def weighed(count: int, *, pages: bool) -> float:
    """Bytes a watch, with a ranking made."""
    gc.collect()
    tracemalloc.start()
    roster, schedule = filled(count, pages=pages)
    schedule.wait_until(BEGIN)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(roster)


def run() -> dict[str, float]:
    """About three minutes."""
    figures: dict[str, float] = {}
    for count in (100_000, 1_000_000):
        for pages in (False, True):
            name = f"{count:,} watches, {'on pages' if pages else 'alone'}"
            figures |= {f"{name}: {figure}": value for figure, value in measured(count, pages=pages).items()}
    for pages in (False, True):
        name = f"1,000,000 watches, {'on pages' if pages else 'alone'}"
        figures[f"{name}: bytes a watch"] = weighed(1_000_000, pages=pages)
    return figures


def _batch(batch_id: int, broadcast_id: int | None) -> Batch:
    return Batch(id=batch_id, status=VALIDATING, broadcast_id=broadcast_id)


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<70} {value:.3g}")
