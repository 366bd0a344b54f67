"""What came of the demo, compared with what was true. Pure: facts in, verdict out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

CLOCK: Final = 2.0
"""Milliseconds by which two processes may read and round the same moment differently."""

COUNTERS: Final = {
    "requests": "upstream_requests",
    "looks": "looks",
    "transitions": "transitions",
    "attempts": "delivery_attempts",
}
"""What the demo shows of the metrics."""

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`truth` is the simulator's, `watches` and `events` the daemon's, `received` the receiver's journal.

    `followed` is when each batch was registered, in Unix ms. `rate` is the budget, requests a second; the simulator counted
    `requests` in all and `most_in_a_second`. The daemon was killed, and started again, `kills` times. `metrics` is what it
    served for Prometheus before it was killed and at the end, as text.
    """

    truth: Sequence[Item]
    expected: int
    followed: Mapping[int, float]
    watches: Sequence[Item]
    events: Sequence[Item]
    received: Sequence[Item]
    rate: float
    requests: int
    most_in_a_second: int
    kills: int
    seconds: float
    metrics: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was compared: what was asked of it, what it was, and what was wrong."""

    what: str
    figure: str
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings, and the delays in seconds from the end of validation to the look, and to the accepted webhook."""

    findings: tuple[Finding, ...]
    to_look: tuple[float, ...]
    to_webhook: tuple[float, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled, false or over budget."""
        return not any(finding.wrong for finding in self.findings)

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "good": self.good,
            "seconds": round(self.seconds, 1),
            "findings": [{"what": f.what, "figure": f.figure, "wrong": list(f.wrong)} for f in self.findings],
            "delay_to_look": _summary(self.to_look),
            "delay_to_webhook": _summary(self.to_webhook),
        }


def judge(facts: Facts) -> Verdict:
    """Whether what was learnt and delivered is what was true."""
    to_look, to_webhook = _delays(facts)
    return Verdict(
        findings=tuple(
            find(facts) for find in (_kills, _batches, _events, _windows, _webhooks, _signatures, _budget, _metrics)
        ),
        to_look=tuple(to_look),
        to_webhook=tuple(to_webhook),
        seconds=facts.seconds,
    )


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that is not exceeded by this share of them."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {"mean": round(mean(values), 3), "p95": round(quantile(values, 0.95), 3)}


def _kills(facts: Facts) -> Finding:
    """A daemon that nobody killed has not shown that it forgets nothing."""
    if not facts.kills:
        return Finding(what="kills", figure="none", wrong=("the daemon was never killed",))
    often = "once" if facts.kills == 1 else f"{facts.kills} times"
    return Finding(what="kills", figure=f"the daemon was killed {often}, and started again")


def _batches(facts: Facts) -> Finding:
    known = {watch["batch_id"]: watch for watch in facts.watches}
    wrong = [] if len(facts.truth) == facts.expected else [f"only {len(facts.truth)} of {facts.expected} batches came"]
    learnt = 0
    for batch in facts.truth:
        status = known[batch["id"]]["status"] if batch["id"] in known else None
        if status == batch["end"]:
            learnt += 1
        else:
            wrong.append(f"batch {batch['id']} ended with {batch['end']}, and {status} was learnt")
    return Finding(what="batches", figure=f"{len(facts.truth)} finished / {learnt} learnt", wrong=tuple(wrong))


def _events(facts: Facts) -> Finding:
    """Numbers without gap or repeat, no status told twice, and the last one tells the true end."""
    by_batch = _by_batch(facts.events)
    wrong = []
    for batch in facts.truth:
        mine = by_batch.get(batch["id"], [])
        numbers = [event["data"]["number"] for event in mine]
        if numbers != list(range(1, len(numbers) + 1)):
            wrong.append(f"batch {batch['id']} has events numbered {numbers}")
        told = Counter(event["type"] for event in mine)
        wrong += [f"batch {batch['id']} has {count} events {kind}" for kind, count in told.items() if count > 1]
        if not mine or mine[-1]["data"]["status"] != batch["end"]:
            wrong.append(f"batch {batch['id']} has no event of its end {batch['end']}")
    others = {event["type"] for event in facts.events if "batch_id" not in event["data"]}
    wrong += [f"there was an event {kind}" for kind in sorted(others)]
    return Finding(what="events", figure=f"{len(facts.events)}, numbered without gap or repeat", wrong=tuple(wrong))


def _windows(facts: Facts) -> Finding:
    """Each window holds the moment at which the status really came."""
    moments = {(batch["id"], change["status"]): change["at"] for batch in facts.truth for change in batch["changes"]}
    wrong, held = [], 0
    for event in facts.events:
        data = event["data"]
        at = moments.get((data.get("batch_id"), data.get("status")))
        if at is None or "window" not in data:
            continue
        after = -CLOCK if data["window"]["after"] is None else _ms(data["window"]["after"])
        if after - CLOCK <= at <= _ms(data["window"]["by"]) + CLOCK:
            held += 1
        else:
            wrong.append(f"batch {data['batch_id']} became {data['status']} outside of the window told")
    return Finding(what="windows", figure=f"{held} of {held + len(wrong)} hold the true moment", wrong=tuple(wrong))


def _webhooks(facts: Facts) -> Finding:
    """Every event accepted, under one id; what came twice came under the same."""
    accepted = Counter(message["id"] for message in facts.received if message["answered"] < 300)
    logged = {event["id"] for event in facts.events}
    wrong = [f"event {event['id']} was never accepted" for event in facts.events if event["id"] not in accepted]
    wrong += [f"webhook {number} belongs to no event" for number in accepted if number not in logged]
    ids: dict[tuple[object, object], set[str]] = {}
    for message in facts.received:
        data = (message["body"] or {}).get("data", {})
        ids.setdefault((data.get("batch_id"), data.get("number")), set()).add(message["id"])
    wrong += [
        f"batch {batch} number {number} came under {len(mine)} ids"
        for (batch, number), mine in ids.items()
        if len(mine) > 1
    ]
    refused = sum(message["answered"] >= 300 for message in facts.received)
    again = sum(count > 1 for count in accepted.values())
    figure = f"{len(accepted)} events accepted, {again} of them again; {refused} refused first"
    return Finding(what="webhooks", figure=figure, wrong=tuple(wrong))


def _signatures(facts: Facts) -> Finding:
    good = sum(bool(message["verified"]) for message in facts.received)
    wrong = () if good == len(facts.received) else (f"{len(facts.received) - good} webhooks had a wrong signature",)
    return Finding(what="signatures", figure=f"{good} of {len(facts.received)} good", wrong=wrong)


def _budget(facts: Facts) -> Finding:
    most = int(facts.rate) + 1
    over = facts.most_in_a_second > most
    figure = f"{facts.requests}, at most {facts.most_in_a_second} in any second; the budget is {facts.rate:g}"
    return Finding(what="requests", figure=figure, wrong=(f"more than {most} requests in one second",) if over else ())


def _metrics(facts: Facts) -> Finding:
    """The daemon counted what it did, before it was killed and after."""
    counted = {what: _counted(facts.metrics, f"watcher_{name}_total") for what, name in COUNTERS.items()}
    figure = ", ".join(f"{count:g} {what}" for what, count in counted.items())
    wrong = tuple(f"no {what} were counted" for what, count in counted.items() if not count)
    return Finding(what="metrics", figure=figure, wrong=wrong)


def _counted(metrics: str, name: str) -> float:
    """The sum of a counter over its labels."""
    lines = (line for line in metrics.splitlines() if line.startswith((name + "{", name + " ")))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _delays(facts: Facts) -> tuple[list[float], list[float]]:
    """Seconds from the end of validation (or from when the batch was registered, if that was later)."""
    accepted: dict[str, float] = {}
    for message in facts.received:
        if message["answered"] < 300:
            accepted.setdefault(message["id"], message["at"])
    by_batch = _by_batch(facts.events)
    to_look, to_webhook = [], []
    for batch in facts.truth:
        ends = [event for event in by_batch.get(batch["id"], []) if event["data"].get("final")]
        if not ends or batch["id"] not in facts.followed:
            continue
        from_ = max(batch["changes"][-1]["at"], facts.followed[batch["id"]])
        to_look.append(max(_ms(ends[0]["data"]["window"]["by"]) - from_, 0.0) / 1000)
        if ends[0]["id"] in accepted:
            to_webhook.append(max(accepted[ends[0]["id"]] - from_, 0.0) / 1000)
    return to_look, to_webhook


def _by_batch(events: Sequence[Item]) -> dict[int, list[Item]]:
    found: dict[int, list[Item]] = {}
    for event in events:
        if "batch_id" in event["data"]:
            found.setdefault(event["data"]["batch_id"], []).append(event)
    return found


def _ms(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp() * 1000
