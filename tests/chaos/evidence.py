"""What must add up in the end, however many replicas there were and whatever befell them: what was gathered, and what is wrong
with it. Values only, so that it can be tried on evidence that is known to be wrong."""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`rates` are the accounts' budgets, of as many `parts` each; `followed` what somebody was told is followed. `truth` and
    `requests` are what the simulator says, `watches` and `events` what a replica says, `received` what the receiver says, in the
    order in which it came. `foreign` are writes of a poller that did not have the lease of its account (see `audit.sql`),
    `errors` what the replicas logged that nobody expects, whatever befalls them."""

    rates: Mapping[str, float]
    followed: frozenset[Batch]
    truth: Sequence[Json]
    requests: Sequence[Json]
    watches: Sequence[Json]
    events: Sequence[Json]
    received: Sequence[Json]
    foreign: Sequence[str] = ()
    errors: Sequence[str] = ()
    parts: int = 1


def findings(evidence: Evidence) -> list[str]:
    """Everything that is wrong, in words; nothing where all adds up."""
    return [
        *_about_watches(evidence),
        *_about_log(evidence),
        *_about_webhooks(evidence),
        *_about_budgets(evidence),
        *(f"written without the lease: {each}" for each in evidence.foreign),
        *(f"logged: {each}" for each in evidence.errors),
    ]


def _about_watches(evidence: Evidence) -> Iterator[str]:
    """Each batch is followed once, ends as it truly did, and its life was told."""
    truth = {(batch["account"], batch["id"]): batch for batch in evidence.truth}
    watches = {(watch["account"], watch["batch_id"]): watch for watch in evidence.watches}
    if len(watches) != len(evidence.watches):
        yield "a batch is listed twice"
    told: dict[Batch, list[Json]] = defaultdict(list)
    for event in evidence.events:
        if event["data"].get("batch_id") is not None:
            told[event["data"]["account"], event["data"]["batch_id"]].append(event["data"])
    for batch in sorted(evidence.followed):
        if batch not in watches:
            yield f"{batch} is not followed any more"
        elif watches[batch]["status"] != truth[batch]["end"]:
            yield f"{batch} ended as {truth[batch]['end']} and is shown as {watches[batch]['status']}"
        else:
            yield from (f"{batch}: {wrong}" for wrong in _about_life(told[batch], truth[batch]))
    for batch in sorted(told.keys() - evidence.followed):
        yield f"{batch} was told of, and nobody followed it"


def _about_life(told: Sequence[Json], true: Json) -> Iterator[str]:
    """The events of one batch against what really happened to it."""
    numbers = [event["number"] for event in told]
    if numbers != list(range(1, len(told) + 1)):
        yield f"its events have the numbers {numbers}"
    happened = {change["status"]: change["at"] for change in true["changes"]}
    order = [change["status"] for change in true["changes"]]
    statuses = [event["status"] for event in told]
    if statuses != [status for status in order if status in statuses] or statuses[-1:] != [true["end"]]:
        yield f"told were {statuses}, and it went through {order}"
        return
    if [event["previous_status"] for event in told] != [None, *statuses[:-1]]:
        yield "an event names another status before than the one that was told"
    for event in told:
        at, window = happened[event["status"]], event["window"]
        if at > milliseconds(window["by"]) + SLACK_MS:
            yield f"{event['status']} was told before it was true: {window}"
        if window["after"] is not None and not event["skipped"] and at < milliseconds(window["after"]) - SLACK_MS:
            yield f"{event['status']} was true before the window that was told: {window}"


def _about_log(evidence: Evidence) -> Iterator[str]:
    """Positions rise, and neither an id nor a number of a batch is there twice."""
    positions = [event["position"] for event in evidence.events]
    if positions != sorted(set(positions)):
        yield "positions of the log do not rise"
    if len({event["id"] for event in evidence.events}) != len(evidence.events):
        yield "an id is in the log twice"
    yield from _repeated(evidence.events, "in the log")


def _repeated(events: Sequence[Json], where: str) -> Iterator[str]:
    """A number of a batch that came with one id and then with another."""
    ids: dict[tuple[str, int, int], str] = {}
    for event in events:
        data = event["data"]
        if data.get("batch_id") is None:
            continue
        number = (data["account"], data["batch_id"], data["number"])
        if ids.setdefault(number, event["id"]) != event["id"]:
            yield f"number {number} is {where} as {ids[number]} and as {event['id']}"


def _about_webhooks(evidence: Evidence) -> Iterator[str]:
    """Every event was accepted, well signed, in its batch's order; what came again came with the same id and the same body."""
    events = {event["id"]: event for event in evidence.events}
    first: dict[str, Json] = {}
    accepted: dict[Batch, list[int]] = defaultdict(list)
    done: set[str] = set()
    for each in evidence.received:
        if not each["verified"]:
            yield f"{each['id']} was not well signed"
        body = first.setdefault(each["id"], each["body"])
        if body != each["body"]:
            yield f"{each['id']} came with two bodies"
        if each["answered"] < ACCEPTED and each["id"] not in done:
            done.add(each["id"])
            if body["data"].get("batch_id") is not None:
                accepted[body["data"]["account"], body["data"]["batch_id"]].append(body["data"]["number"])
    for lost in sorted(events.keys() - done):
        yield f"{lost} was never accepted: {events[lost]['type']} {events[lost]['data'].get('batch_id')}"
    for invented in sorted(done - events.keys()):
        yield f"{invented} was delivered, and is not in the log"
    for batch, numbers in accepted.items():
        if numbers != sorted(numbers):
            yield f"{batch}: accepted in the order {numbers}"
    yield from _repeated([{"id": name, "data": body["data"]} for name, body in first.items()], "among the webhooks")
    for name, body in first.items():
        event = events.get(name)
        if event is not None and any(body[key] != event[key] for key in ("type", "timestamp", "data")):
            yield f"{name} was delivered otherwise than the log has it"


def _about_budgets(evidence: Evidence) -> Iterator[str]:
    """No window has more requests of an account than its rate allows, and one for each of its parts."""
    times = by_account(evidence.requests)
    for account in sorted(times.keys() - evidence.rates.keys()):
        yield f"{len(times[account])} requests came without the right login"
    for account, rate in sorted(evidence.rates.items()):
        for window in WINDOWS:
            most, end = fullest(times.get(account, ()), window)
            if most > rate * window + evidence.parts:
                yield f"{account} was asked {most} times within {window:g} s until {clock(end)}, at a rate of {rate:g}"


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
