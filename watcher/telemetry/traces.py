"""Makes spans of the news, afterwards, from what it says of when and how long: a listener beside metrics and logs.

The trace of an event begins with the look that found it; under it are that look's request, and every attempt at every one of its
deliveries, whichever replica made it. Any other request to CallFire is a trace by itself. Attributes follow OpenTelemetry's
semantic conventions for HTTP clients, and `watcher.*`. Of an address there are scheme, host and port: the rest may be a secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yarl import URL

from watcher.core import news as told
from watcher.core.answers import Answer, OtherAnswer, PageAnswer, SwitchAnswer
from watcher.core.endpoint import Attempt
from watcher.core.model import Look, Missing, Recorded, Seen, Unanswered
from watcher.core.news import News
from watcher.core.tracing import TRACED, first_span_of, is_sampled, parent_of, trace_of
from watcher.ports import Clock

Value = str | int | bool
Bits = Callable[[int], int]
"""Gives a random number of so many bits."""

REQUESTS: Final[Mapping[str, tuple[str, str]]] = {
    "batch": ("GET", "/campaigns/batches/{id}"),
    "page": ("GET", "/{kind}s/broadcasts/{id}/batches"),
    "submit": ("POST", "/{kind}s/broadcasts/{id}/batches"),
    "switch": ("PUT", "/campaigns/batches/{id}"),
}
"""What each operation asks for: the method, and what the address has behind the base URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span that is over. Trace and ids are in hexadecimal digits; without a parent it is the first of its trace. `client`: it
    is a request to somebody. `failure` is why it counts as failed: a code, or the kind of failure."""

    name: str
    trace: str
    id: str
    parent: str | None
    began: datetime
    ended: datetime
    client: bool
    failure: str | None
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How much is traced: which share of the events, and of the looks that found nothing."""

    events: float
    looks: float


class Traces:
    """Call it with each piece of news; it never raises and never waits. `put` gets the spans, `bits` draws what is called at
    random."""

    def __init__(self, put: Callable[[Span], None], *, shares: Shares, clock: Clock, bits: Bits) -> None:
        self._put = put
        self._shares = shares
        self._clock = clock
        self._bits = bits
        self._servers: dict[str, str] = {}  # by account: where it was asked last
        self._hearers: Mapping[type[News], Callable[[Any], None]] = {
            told.Answered: self._answered,
            told.Looked: self._looked,
            told.Attempted: self._attempted,
        }

    def __call__(self, news: News) -> None:
        hear = self._hearers.get(type(news))
        if hear is not None:
            hear(news)

    def _answered(self, news: told.Answered) -> None:
        """A request that is no look at a single batch: of that one it is told what came of it."""
        self._servers[news.account] = news.server
        answer = news.answer
        if news.operation == "batch" or answer is None:
            return
        trace = self._drawn(128)
        if is_sampled(trace, self._shares.looks if news.operation == "page" else self._shares.events):
            self._request(news, news.operation, answer, trace=trace, parent=None, attributes=_about(answer))

    def _looked(self, news: told.Looked) -> None:
        look = news.look
        if look is None:
            return
        operation = "page" if news.by == "page" else "batch"
        what: dict[str, Value] = {
            "watcher.batch_id": news.batch_id,
            "watcher.by": news.by,
            "watcher.result": news.result,
        }
        for event in news.events:
            trace = trace_of(event.id)
            if is_sampled(trace, self._shares.events):
                first = self._found(news, look, event, trace)
                self._request(news, operation, look, trace=trace, parent=first, attributes=what)
        if news.events or news.by == "page":  # the other rows of a page are in the one span of its request
            return
        trace = self._drawn(128)
        if is_sampled(trace, self._shares.looks):
            self._request(news, operation, look, trace=trace, parent=None, attributes=what)

    def _found(self, news: told.Looked, look: Look | Answer, event: Recorded, trace: str) -> str:
        """The first span of an event's trace: from when it was asked until the event was committed, which is now."""
        first = first_span_of(event.id)
        self._put(
            Span(
                name=event.type,
                trace=trace,
                id=first,
                parent=None,
                began=look.asked,
                ended=max(self._clock.now(), look.answered),
                client=False,
                failure=None,
                attributes={
                    "watcher.account": news.account,
                    "watcher.batch_id": news.batch_id,
                    "watcher.event_id": event.id,
                    "watcher.event_type": event.type,
                    "watcher.number": event.number,
                    "watcher.position": event.position,
                },
            )
        )
        return first

    def _request(
        self,
        news: told.Answered | told.Looked,
        operation: str,
        what: Look | Answer | OtherAnswer,
        *,
        trace: str,
        parent: str | None,
        attributes: Mapping[str, Value],
    ) -> None:
        """One request to CallFire."""
        method, template = REQUESTS[operation]
        outcome = _outcome(what)
        failure = None if outcome in ("200", "201") else outcome
        self._put(
            Span(
                name=f"{method} {template}",
                trace=trace,
                id=self._drawn(64),
                parent=parent,
                began=what.asked,
                ended=what.answered,
                client=True,
                failure=failure,
                attributes={
                    "http.request.method": method,
                    "url.template": template,
                    **_server(self._servers.get(news.account, "")),
                    **_came_of(int(outcome) if outcome.isdecimal() else None, failure),
                    "watcher.account": news.account,
                    "watcher.operation": operation,
                    **attributes,
                },
            )
        )

    def _attempted(self, news: told.Attempted) -> None:
        attempt = news.attempt
        if attempt is None:
            return
        sent = parent_of(attempt.traceparent)
        trace = trace_of(news.event_id) if sent is None else sent.trace
        if not (is_sampled(trace, self._shares.events) if sent is None else sent.sampled):
            return
        found = news.event_type.startswith(TRACED)
        failure = _failure(attempt)
        self._put(
            Span(
                name="deliver" if sent is None else "POST",
                trace=trace,
                id=self._drawn(64) if sent is None else sent.span,
                parent=first_span_of(news.event_id) if found else None,
                began=attempt.at,
                ended=attempt.at + attempt.took,
                client=True,
                failure=failure,
                attributes={
                    **({} if sent is None else _posted(attempt)),
                    **_came_of(None if sent is None else attempt.code, failure),
                    **_delivery(news),
                },
            )
        )

    def _drawn(self, bits: int) -> str:
        """An id of so many bits, in hexadecimal digits; 0 stands for none, and is not drawn."""
        return f"{self._bits(bits) or 1:0{bits // 4}x}"


def _outcome(what: Look | Answer | OtherAnswer) -> str:
    """The HTTP code, or the kind of failure."""
    match what:
        case Seen():
            return "200"
        case Missing():
            return "410" if what.gone else "404"
        case Unanswered():
            return what.reason
        case _:
            return what.outcome


def _about(answer: Answer | OtherAnswer) -> Mapping[str, Value]:
    """What the request was about, where its answer says it."""
    match answer:
        case PageAnswer():
            ref = answer.ref
            return {
                "watcher.broadcast_id": ref.broadcast_id,
                "watcher.kind": ref.kind,
                "watcher.page.offset": ref.offset,
                "watcher.page.limit": ref.limit,
                "watcher.page.rows": 0 if answer.page is None else len(answer.page.items),
            }
        case SwitchAnswer():
            return {"watcher.batch_id": answer.batch_id, "watcher.done": answer.done}
        case _:
            return {} if answer.batch_id is None else {"watcher.batch_id": answer.batch_id}


def _came_of(code: int | None, failure: str | None) -> Mapping[str, Value]:
    answered: Mapping[str, Value] = {} if code is None else {"http.response.status_code": code}
    return answered if failure is None else {**answered, "error.type": failure}


def _server(server: str) -> Mapping[str, Value]:
    """https://HOST:PORT in its parts."""
    if not server:
        return {}
    url = URL(server)
    return {"server.address": url.host or "", "server.port": url.port or 0, "url.scheme": url.scheme}


def _failure(attempt: Attempt) -> str | None:
    if attempt.code is None:
        return attempt.error or "unanswered"
    return None if attempt.accepted else str(attempt.code)


def _posted(attempt: Attempt) -> Mapping[str, Value]:
    """How a webhook was sent."""
    peer: Mapping[str, Value] = {} if attempt.address is None else {"network.peer.address": attempt.address}
    return {"http.request.method": "POST", **_server(attempt.server), **peer}


def _delivery(news: told.Attempted) -> Mapping[str, Value]:
    """Which attempt it was, and what came of it."""
    return {
        "watcher.endpoint": news.endpoint,
        "watcher.delivery_id": news.delivery,
        "watcher.event_id": news.event_id,
        "watcher.event_type": news.event_type,
        "watcher.attempt": news.attempts,
        "watcher.outcome": news.outcome,
    }
