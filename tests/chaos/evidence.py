"""What must add up in the end, however many replicas there were and whatever befell them: what was gathered, and what is wrong
with it, by the rule of DESIGN.md that it breaks. Values only, so that it can be tried on evidence that is known to be wrong."""

import json
import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from typing import Any, Final, NamedTuple

Json = Any
Batch = tuple[str, int]
"""An account and the id of one of its batches."""

WINDOWS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds. An account's budget is held against every window of these lengths that ends with a request."""
SLACK_MS: Final = 2.0
"""Two processes read the same clock, but not in the same millisecond, and we write down whole ones."""
FAILURES: Final = frozenset({"worker.failed", "request.failed"})
EXPECTED: Final = ("StoreError:", "UnknownOutcome:", "LeaseLost:")
ACCEPTED: Final = 300
"""The first code that is no acceptance of a webhook."""
OTHER: Final = 0
"""What is wrong and breaks none of the ten rules: a batch that was sent twice, a worker that failed."""


class Wrong(NamedTuple):
    """Something that is wrong, and the rule of DESIGN.md that it breaks."""

    rule: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What stands in the database: the number of each watch, and how many deliveries there are of each event of a batch, of which
    there should be one for each of so many `endpoints`."""

    numbers: Mapping[Batch, int]
    deliveries: Mapping[str, int]
    endpoints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A time, in Unix milliseconds, in which nothing was killed, and one endpoint never answered before its time-out (ms)."""

    began: float
    ended: float
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`rates` are the accounts' budgets, of as many `parts` each; `followed` what somebody was told is followed. `truth` and
    `requests` are what the simulator says, `watches` and `events` what a replica says, `received` what the receiver says, in the
    order in which it came, which is that of each batch where it must be `ordered`. `others` is what receivers say of endpoints
    that want no order, `streams` what followers of the stream of events got: positions and ids. `foreign` are writes of a poller
    that did not have the lease of its account (see `audit.sql`), `errors` what the replicas logged that nobody expects, whatever
    befalls them.

    Where it was gathered: `kept` is what the database has, `said` what was said, by where, in which no one of the `secrets` may
    be, and `submitted` the ids of batches that were submitted, by name."""

    rates: Mapping[str, float]
    followed: frozenset[Batch]
    truth: Sequence[Json]
    requests: Sequence[Json]
    watches: Sequence[Json]
    events: Sequence[Json]
    received: Sequence[Json]
    foreign: Sequence[str] = ()
    errors: Sequence[str] = ()
    others: Sequence[Sequence[Json]] = ()
    ordered: bool = True
    streams: Sequence[Sequence[tuple[int, str]]] = ()
    parts: int = 1
    kept: Kept | None = None
    beside: Beside | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    submitted: Mapping[str, int] = field(default_factory=dict)


def findings(evidence: Evidence) -> list[str]:
    """Everything that is wrong, in words; nothing where all adds up."""
    return [wrong.words for wrong in broken(evidence)]


def broken(evidence: Evidence) -> list[Wrong]:
    """Everything that is wrong, with the rule that it breaks."""
    return [
        *_about_watches(evidence),
        *_about_log(evidence),
        *_about_webhooks(evidence.events, evidence.received, ordered=evidence.ordered),
        *(wrong for each in evidence.others for wrong in _about_webhooks(evidence.events, each, ordered=False)),
        *_about_streams(evidence),
        *_about_budgets(evidence),
        *_about_rows(evidence),
        *_about_neighbours(evidence),
        *_about_secrets(evidence),
        *_about_submissions(evidence),
        *(Wrong(4, f"written without the lease: {each}") for each in evidence.foreign),
        *(Wrong(OTHER, f"logged: {each}") for each in evidence.errors),
    ]


def _about_watches(evidence: Evidence) -> Iterator[Wrong]:
    """Each batch is followed once, ends as it truly did, and its life was told."""
    truth = {(batch["account"], batch["id"]): batch for batch in evidence.truth}
    watches = {(watch["account"], watch["batch_id"]): watch for watch in evidence.watches}
    if len(watches) != len(evidence.watches):
        yield Wrong(2, "a batch is listed twice")
    told: dict[Batch, list[Json]] = defaultdict(list)
    for event in evidence.events:
        if event["data"].get("batch_id") is not None:
            told[event["data"]["account"], event["data"]["batch_id"]].append(event["data"])
    for batch in sorted(evidence.followed):
        if batch not in watches:
            yield Wrong(1, f"{batch} is not followed any more")
        elif watches[batch]["status"] != truth[batch]["end"]:
            yield Wrong(5, f"{batch} ended as {truth[batch]['end']} and is shown as {watches[batch]['status']}")
        else:
            yield from (Wrong(rule, f"{batch}: {words}") for rule, words in _about_life(told[batch], truth[batch]))
    for batch in sorted(told.keys() - evidence.followed):
        yield Wrong(8, f"{batch} was told of, and nobody followed it")


def _about_life(told: Sequence[Json], true: Json) -> Iterator[Wrong]:
    """The events of one batch against what really happened to it."""
    numbers = [event["number"] for event in told]
    if numbers != list(range(1, len(told) + 1)):
        yield Wrong(2 if len(set(numbers)) < len(numbers) else 1, f"its events have the numbers {numbers}")
    happened = {change["status"]: change["at"] for change in true["changes"]}
    order = [change["status"] for change in true["changes"]]
    statuses = [event["status"] for event in told]
    if statuses != [status for status in order if status in statuses] or statuses[-1:] != [true["end"]]:
        yield Wrong(_mistold(statuses, order), f"told were {statuses}, and it went through {order}")
        return
    if [event["previous_status"] for event in told] != [None, *statuses[:-1]]:
        yield Wrong(1, "an event names another status before than the one that was told")
    for event in told:
        at, window = happened[event["status"]], event["window"]
        if at > milliseconds(window["by"]) + SLACK_MS:
            yield Wrong(7, f"{event['status']} was told before it was true: {window}")
        if window["after"] is not None and not event["skipped"] and at < milliseconds(window["after"]) - SLACK_MS:
            yield Wrong(7, f"{event['status']} was true before the window that was told: {window}")


def _mistold(statuses: Sequence[str], order: Sequence[str]) -> int:
    """The rule that is broken by statuses that were told otherwise than they came."""
    if any(before == after for before, after in pairwise(statuses)):
        return 8  # what was known was told as new
    places = [order.index(status) if status in order else -1 for status in statuses]
    return 6 if places != sorted(places) else 5


def _about_log(evidence: Evidence) -> Iterator[Wrong]:
    """Positions rise, and neither an id nor a number of a batch is there twice."""
    positions = [event["position"] for event in evidence.events]
    if positions != sorted(set(positions)):
        yield Wrong(2, "positions of the log do not rise")
    if len({event["id"] for event in evidence.events}) != len(evidence.events):
        yield Wrong(2, "an id is in the log twice")
    yield from _repeated(evidence.events, "in the log")


def _repeated(events: Sequence[Json], where: str) -> Iterator[Wrong]:
    """A number of a batch that came with one id and then with another."""
    ids: dict[tuple[str, int, int], str] = {}
    for event in events:
        data = event["data"]
        if data.get("batch_id") is None:
            continue
        number = (data["account"], data["batch_id"], data["number"])
        if ids.setdefault(number, event["id"]) != event["id"]:
            yield Wrong(2, f"number {number} is {where} as {ids[number]} and as {event['id']}")


def _about_webhooks(log: Sequence[Json], received: Sequence[Json], *, ordered: bool) -> Iterator[Wrong]:
    """Every event was accepted, well signed, in its batch's order where that is wanted; what came again came with the same id and
    the same body."""
    events = {event["id"]: event for event in log}
    first: dict[str, Json] = {}
    accepted: dict[Batch, list[int]] = defaultdict(list)
    done: set[str] = set()
    for each in received:
        if not each["verified"]:
            yield Wrong(3, f"{each['id']} was not well signed")
        body = first.setdefault(each["id"], each["body"])
        if body != each["body"]:
            yield Wrong(3, f"{each['id']} came with two bodies")
        if each["answered"] < ACCEPTED and each["id"] not in done:
            done.add(each["id"])
            if body["data"].get("batch_id") is not None:
                accepted[body["data"]["account"], body["data"]["batch_id"]].append(body["data"]["number"])
    for lost in sorted(events.keys() - done):
        yield Wrong(3, f"{lost} was never accepted: {events[lost]['type']} {events[lost]['data'].get('batch_id')}")
    for invented in sorted(done - events.keys()):
        yield Wrong(3, f"{invented} was delivered, and is not in the log")
    for batch, numbers in accepted.items():
        if ordered and numbers != sorted(numbers):
            yield Wrong(3, f"{batch}: accepted in the order {numbers}")
    yield from _repeated([{"id": name, "data": body["data"]} for name, body in first.items()], "among the webhooks")
    for name, body in first.items():
        event = events.get(name)
        if event is not None and any(body[key] != event[key] for key in ("type", "timestamp", "data")):
            yield Wrong(3, f"{name} was delivered otherwise than the log has it")


def _about_streams(evidence: Evidence) -> Iterator[Wrong]:
    """Whoever follows the stream got each event once and in order, however often it ended."""
    log = [(event["position"], event["id"]) for event in evidence.events]
    for got in evidence.streams:
        if got != log:
            first = next(
                (place for place, (one, other) in enumerate(zip(got, log, strict=False)) if one != other), None
            )
            at = min(len(got), len(log)) if first is None else first
            yield Wrong(
                OTHER, f"a follower of the stream got {len(got)} of {len(log)} events, and the first {at} are right"
            )


def _about_budgets(evidence: Evidence) -> Iterator[Wrong]:
    """No window has more requests of an account than its rate allows, and one for each of its parts."""
    times = by_account(evidence.requests)
    for account in sorted(times.keys() - evidence.rates.keys()):
        yield Wrong(10, f"{len(times[account])} requests came without the right login")
    for account, rate in sorted(evidence.rates.items()):
        for window in WINDOWS:
            most, end = fullest(times.get(account, ()), window)
            if most > rate * window + evidence.parts:
                yield Wrong(
                    4, f"{account} was asked {most} times within {window:g} s until {clock(end)}, at a rate of {rate:g}"
                )


def _about_rows(evidence: Evidence) -> Iterator[Wrong]:
    """The watches' numbers, the log and the deliveries say the same."""
    kept = evidence.kept
    if kept is None:
        return
    last: Counter[Batch] = Counter()
    for event in evidence.events:
        data = event["data"]
        if data.get("batch_id") is None:
            continue
        batch = (data["account"], data["batch_id"])
        last[batch] = max(last[batch], data["number"])
        deliveries = kept.deliveries.get(event["id"], 0)
        if deliveries != kept.endpoints:
            yield Wrong(1, f"{event['id']} has {deliveries} deliveries, for {kept.endpoints} endpoints")
    for batch, number in sorted(kept.numbers.items()):
        if number != last[batch]:
            yield Wrong(1, f"{batch} has the number {number}, and its last event {last[batch]}")


def _about_neighbours(evidence: Evidence) -> Iterator[Wrong]:
    """An endpoint that does not answer is waited for by no delivery to another one; half a time-out is more than they need."""
    beside = evidence.beside
    if beside is None:
        return
    came: dict[str, float] = {}
    for each in evidence.received:
        came.setdefault(each["id"], each["at"])
    delays = [
        came.get(event["id"], inf) - milliseconds(event["timestamp"])
        for event in evidence.events
        if beside.began <= milliseconds(event["timestamp"]) <= beside.ended
    ]
    middle = statistics.median(delays) if delays else inf
    if middle > beside.timeout / 2:
        late = f"took {middle:.0f} ms or more" if middle < inf else "never came"
        yield Wrong(9, f"half of the webhooks {late} beside an endpoint that does not answer")


def _about_secrets(evidence: Evidence) -> Iterator[Wrong]:
    """No secret stands in anything that was said."""
    for where, text in evidence.said.items():
        count = sum(secret in text for secret in evidence.secrets)
        if count:
            yield Wrong(10, f"{count} of {len(evidence.secrets)} secrets: {where}")


def _about_submissions(evidence: Evidence) -> Iterator[Wrong]:
    """CallFire has each batch that was submitted once, under the id that was told."""
    there: dict[str, list[int]] = defaultdict(list)
    for batch in evidence.truth:
        there[batch.get("name", "").partition(" [")[0]].append(batch["id"])
    for name, told in sorted(evidence.submitted.items()):
        if there[name] != [told]:
            yield Wrong(OTHER, f"{name} is at CallFire as {there[name]}, and was told to be {told}")


def unexpected(log: str) -> Iterator[str]:
    """What a replica logged that is a fault of its own: a worker or a request that failed, but for want of the database or of a
    lease, and whatever is no line of the log."""
    for line in log.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            yield line
            continue
        if told["event"] in FAILURES and not told["error"].startswith(EXPECTED):
            yield f"{told['event']}: {told['error']}"


def by_account(requests: Sequence[Json]) -> dict[str, list[float]]:
    """When each account was asked, in Unix seconds, in order."""
    times: dict[str, list[float]] = defaultdict(list)
    for request in requests:
        times[request["account"]].append(request["at"] / 1000)
    return {account: sorted(each) for account, each in times.items()}


def fullest(times: Sequence[float], window: float) -> tuple[int, float]:
    """The most of these ordered moments in a window of that length, which has its end and not its beginning, and the end."""
    return max(
        ((index + 1 - bisect_right(times, end - window, 0, index + 1), end) for index, end in enumerate(times)),
        default=(0, 0.0),
    )


def clock(at: float) -> str:
    """A moment as the logs have it."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def milliseconds(instant: str) -> float:
    """RFC 3339 -> Unix milliseconds."""
    return datetime.fromisoformat(instant).timestamp() * 1000
