"""What an installation on PostgreSQL needs: from how much is to be followed to cores, bytes, connections and replicas.

Pure, and beside the benchmarks rather than in the product: its figures are theirs, and the daemon never asks it. It is a formula
for the first estimate; deploy/scaling.md shows what it says, and how far that was from what was measured.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, exp, inf
from typing import Final

from tests.scaling.figures import MEASURED, Cost, Figures

DAY: Final = 86_400.0
EVENTS: Final = 3.0
"""Of a batch: it is seen NEW, VALIDATING, and at its end."""
BUSY: Final = 0.6
"""Of a core: what is asked of a replica, or of the database, at the busiest time; the rest is for what comes unevenly."""
PAGE: Final = 8192.0
SELDOM: Final = 300.0
"""Seconds: polling.max_interval."""
FORGETFUL: Final = 300.0
"""Seconds from one checkpoint of PostgreSQL's to the next; the first write to a page after it has the whole page in the WAL."""
SAVED_EVERY: Final = 3.0
"""Seconds: polling.save_interval."""
ROUND: Final = 1.5
"""Seconds from one look at the leases to the next: a quarter of database.lease."""
DESCRIBED_EVERY: Final = 5.0
"""Seconds after which a replica says again how its shares stand."""
LEAST: Final = 2
"""Replicas, for one may fail."""
MOST_TOGETHER: Final = 500
"""Changes in one transaction."""
HALVINGS: Final = 60
WIDTH: Final = 1e9
"""Events, and deliveries, that a partition has room for: a day's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is to be followed: accounts, each with so many requests a second, batches a day of all accounts together, the mean
    seconds from a batch's making to its end, endpoints that get each event, days for which events and deliveries are kept, pages
    of lists read a second.

    `peak` is how much more than the mean there is at the busiest time, `idle` how many watches are open that do not end (what was
    forgotten, or waits to be started for days). `connections` are each replica's (database.connections, and one that listens).
    """

    accounts: float
    batches: float
    rate: float = 5.0
    validation: float = 93.0
    endpoints: float = 2.0
    days: float = 30.0
    pages: float = 1.0
    peak: float = 4.0
    idle: float = 0.0
    connections: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The end of the log, which whoever appends locks until its commit: the share of time that it is locked, changes in one
    commit, seconds until a change is committed, and how many changes a second there can be at most."""

    busy: float
    together: float
    waits: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What happens in a second of the busiest time, and how many batches are in flight meanwhile. `jobs` are what replicas
    write: a change, a claim or a settle, an account's looks."""

    begun: float
    in_flight: float
    requests: float
    saved: float
    changes: float
    deliveries: float
    jobs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """At the busiest time, but for what is kept. `parts` are what is done, how often a second, and what each costs; `cores` are
    seconds of a core a second, WAL is in bytes a second, the rest in bytes."""

    load: Load
    parts: Mapping[str, tuple[float, Cost]]
    wal: float
    wal_whole_pages: float
    replicas: int
    their_cores: float
    our_cores: float
    log: Log
    connections: int
    memory: float
    disk_a_day: float
    disk: float
    watches_a_year: float
    fullest_partition: float


def load_of(asked: Installation) -> Load:
    """Nothing is asked for more often than once a second, nor where the budget does not allow it; a watch that does not end is
    looked at every five minutes, with a page of others."""
    begun = asked.batches / DAY * asked.peak
    in_flight = begun * asked.validation
    requests = min(asked.accounts * asked.rate, in_flight + asked.idle / SELDOM)
    changes = begun * EVENTS
    deliveries = changes * asked.endpoints
    return Load(
        begun=begun,
        in_flight=in_flight + asked.idle,
        requests=requests,
        saved=in_flight / SAVED_EVERY + asked.idle / SELDOM,
        changes=changes,
        deliveries=deliveries,
        jobs=changes + 2 * deliveries + min(asked.accounts, in_flight) / SAVED_EVERY,
    )


def needs(asked: Installation, figures: Figures = MEASURED) -> Needs:
    """What it needs with as few replicas as bear the load, and never fewer than two, for one may fail."""
    load = load_of(asked)
    works = _works(asked, load, figures)
    looked_at = asked.accounts / ROUND
    there = total([(load.changes, figures.heard), (looked_at, figures.on_board)])
    replicas = _replicas(total(works.values()).ours, there.ours, load, figures)
    parts = works | {
        "transactions that write": (transactions(load.jobs, replicas, figures), figures.transaction),
        "events heard by every replica": (replicas * load.changes, figures.heard),
        "shares on the board, by every replica": (replicas * looked_at, figures.on_board),
    }
    log = log_of(load.changes, replicas, figures)
    done = total(parts.values())
    of_delivery = asked.endpoints * (figures.delivery_bytes + figures.attempt_bytes)
    a_day = asked.batches * EVENTS * (figures.event_bytes + of_delivery)
    watches = asked.batches * figures.watch_bytes
    return Needs(
        load=load,
        parts=parts,
        wal=done.wal,
        wal_whole_pages=done.wal + whole_pages(load.saved + load.changes, load.in_flight * figures.watch_bytes),
        replicas=replicas,
        their_cores=done.theirs,
        our_cores=done.ours,
        log=log,
        connections=replicas * asked.connections,
        memory=figures.resident + load.in_flight * figures.hot / replicas,
        disk_a_day=a_day + watches,
        disk=a_day * asked.days + watches * 365,
        watches_a_year=watches * 365,
        fullest_partition=asked.batches * EVENTS * max(1.0, asked.endpoints) / WIDTH,
    )


def _works(asked: Installation, load: Load, figures: Figures) -> dict[str, tuple[float, Cost]]:
    """What is done by one of the replicas, whichever."""
    settled = total([(1.0, figures.settled), (asked.days, figures.settled_a_day)])
    return {
        "requests to CallFire": (load.requests, figures.look),
        "looks saved": (load.saved, figures.saved),
        "batches taken in": (load.begun, figures.followed),
        "changes with their events": (load.changes, figures.change),
        "deliveries made": (load.deliveries, figures.owed),
        "deliveries claimed and settled": (load.deliveries, settled),
        "deliveries signed and sent": (load.deliveries, figures.sent),
        "pages of lists": (asked.pages, figures.listed),
        "shares described": (asked.accounts / DESCRIBED_EVERY, figures.described),
    }


def life_of(*, endpoints: float, saved: float, together: float, figures: Figures = MEASURED) -> tuple[Cost, float]:
    """What a batch costs from being followed to the last of its deliveries, but for what is asked of CallFire and sent; and bytes
    on disk. So many looks at it are saved, its changes are committed with so many others."""
    owed = EVENTS * endpoints
    first = EVENTS / together
    works = [
        (1.0, figures.followed),
        (saved, figures.saved),
        (EVENTS, figures.change),
        (first, figures.transaction),
        (owed, figures.owed),
        (owed, figures.settled),
    ]
    size = figures.watch_bytes + EVENTS * figures.event_bytes + owed * (figures.delivery_bytes + figures.attempt_bytes)
    return total(works), size


def total(works: Iterable[tuple[float, Cost]]) -> Cost:
    """So many of each."""
    ours = theirs = wal = 0.0
    for many, cost in works:
        ours += many * cost.ours
        theirs += many * cost.theirs
        wal += many * cost.wal
    return Cost(theirs=theirs, ours=ours, wal=wal)


def log_of(changes: float, replicas: int, figures: Figures = MEASURED) -> Log:
    """The end of the log where so many changes a second come from so many replicas, each of which has one commit under way.

    While that takes `cycle` seconds, `more` changes gather at the replica for the next one, which has one at least: more +
    exp(-more) in the mean. Commits come to the lock by chance and hold it equally long, so they wait as Pollaczek and Khinchine
    say, but for no more than all the others. The more they wait, the more gather, the fewer they are: one cycle fits to itself.
    """
    group = figures.group
    most = MOST_TOGETHER / _of(group.locked, MOST_TOGETHER)
    if changes >= most:
        return Log(busy=1.0, together=MOST_TOGETHER, waits=inf, most=most)

    def gathered(cycle: float) -> tuple[float, float]:
        more = changes / replicas * cycle
        return more, _gathered(more)

    def waited(cycle: float) -> float:
        together = gathered(cycle)[1]
        locked = _of(group.locked, together)
        busy = changes / together * locked
        queued = inf if busy >= 1 else locked * (1 + busy / (2 * (1 - busy)))
        return min(queued, replicas * locked)

    least, greatest = 0.0, replicas * _of(group.locked, MOST_TOGETHER) * 2
    for _ in range(HALVINGS):
        cycle = (least + greatest) / 2
        least, greatest = (cycle, greatest) if waited(cycle) > cycle else (least, cycle)
    more, together = gathered(greatest)
    beside = _of(group.ours, together) + max(
        0.0, _of(group.theirs, together) - _of(group.locked, together) + group.flush
    )
    return Log(
        busy=min(1.0, changes / together * _of(group.locked, together)),
        together=together,
        waits=beside + greatest * (1 + more / (2 * together)),  # who came meanwhile had half a cycle to wait for it
        most=most,
    )


def _of(cost: tuple[float, float], many: float) -> float:
    first, each = cost
    return first + each * many


def whole_pages(writes: float, size: float) -> float:
    """Bytes a second of pages written whole, where so many writes a second hit pages of so many bytes at random."""
    pages = size / PAGE
    touched = pages * (1 - exp(-writes * FORGETFUL / pages)) if pages else 0.0
    return touched * PAGE / FORGETFUL


def transactions(jobs: float, replicas: int, figures: Figures = MEASURED, took: float | None = None) -> float:
    """How many a second: each replica has one at a time, and what comes meanwhile is done together in its next one. It takes as
    long as its parts, or that many seconds where it `took` longer, for others have the cores too."""
    cost = figures.transaction
    seconds = cost.theirs + cost.ours + figures.group.flush if took is None else took
    return jobs / _gathered(jobs / replicas * seconds)


def _gathered(more: float) -> float:
    """How much is done at once where so much comes meanwhile in the mean; never nothing."""
    return min(MOST_TOGETHER, more + exp(-more))


def _replicas(work: float, there: float, load: Load, figures: Figures) -> int:
    """How many do the work and its transactions, each of which has to do that much for being there. Raises ValueError where no
    number of them can."""
    if there >= BUSY:
        raise ValueError("each replica would have more to do for being there than it can")
    replicas, wanted = 0, LEAST
    while wanted > replicas:  # the more there are, the less is done together
        replicas = wanted
        whole = work + transactions(load.jobs, replicas, figures) * figures.transaction.ours
        wanted = ceil(whole / (BUSY - there))
    return replicas


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one database has: cores, WAL bytes a second that its disk takes, bytes of disk, connections; and
    for how long a change may wait for its commit."""

    cores: float = 16
    wal: float = 100e6
    disk: float = 2e12
    connections: float = 100
    waits: float = 0.5


USUAL: Final = Limits()


def strain(asked: Installation, limits: Limits = USUAL, figures: Figures = MEASURED) -> dict[str, float]:
    """How much of each limit is needed, the worst first; above 1 it breaks."""
    need = needs(asked, figures)
    shares = {
        "connections": need.connections / limits.connections,
        "disk": need.disk / limits.disk,
        "the database's cores": need.their_cores / (BUSY * limits.cores),
        "WAL to disk": need.wal_whole_pages / limits.wal,
        "the end of the log: changes a second": need.load.changes / need.log.most,
        "the end of the log: waiting for a commit": need.log.waits / limits.waits,
        "a partition's numbers": need.fullest_partition,
    }
    return dict(sorted(shares.items(), key=lambda each: -each[1]))
