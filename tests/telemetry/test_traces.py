"""Which spans are made of which news: names, parents, times and attributes."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

from tests.fakes import NOON, FakeClock
from tests.telemetry.every_news import EVERYTHING, attempted
from watcher.core import news as told
from watcher.core.answers import Answer, Kind, PageAnswer, SubmitAnswer, SwitchAnswer
from watcher.core.endpoint import Attempt
from watcher.core.model import Batch, Look, Missing, Page, PageRef, Recorded, Seen, Unanswered
from watcher.core.tracing import first_span_of, trace_of, traceparent
from watcher.telemetry.traces import Shares, Span, Traces

ASKED: Final = NOON
ANSWERED: Final = NOON + timedelta(seconds=0.25)
COMMITTED: Final = NOON + timedelta(seconds=0.3)
SEEN: Final = Seen(asked=ASKED, answered=ANSWERED, batch=Batch(id=7, status="ACTIVE"))
SERVER: Final[dict[str, Any]] = {"server.address": "api.callfire.com", "server.port": 443, "url.scheme": "https"}
LOOK: Final[dict[str, Any]] = {
    "http.request.method": "GET",
    "url.template": "/campaigns/batches/{id}",
    "watcher.operation": "batch",
}
PAGE: Final[dict[str, Any]] = {"http.request.method": "GET", "url.template": "/{kind}s/broadcasts/{id}/batches"}
FIRST: Final = first_span_of("evt_1")


def event(name: str = "evt_1", kind: str = "batch.active") -> Recorded:
    return Recorded(position=9, id=name, type=kind, at=NOON, account="a", batch_id=7, number=3, body=b"{}")


def looked(look: Look | Answer, result: told.Result = "unchanged", **more: Any) -> told.Looked:
    return told.Looked(account="a", result=result, batch_id=7, look=look, **{"by": "single", **more})


def answered(operation: Any, answer: Any) -> told.Answered:
    server = "https://api.callfire.com"
    return told.Answered(
        account="a", operation=operation, outcome=answer.outcome, took=0.25, server=server, answer=answer
    )


BATCH: Final = Answer(batch_id=7, asked=ASKED, answered=ANSWERED, kind=Kind.SEEN, outcome="200")


def spans(*news: told.News, events: float = 1.0, looks: float = 1.0) -> list[Span]:
    """What is made of them. Random numbers are 1, 2, 3…"""
    made: list[Span] = []
    numbers = count(1)
    traces = Traces(
        made.append,
        shares=Shares(events=events, looks=looks),
        clock=FakeClock(now=COMMITTED),
        bits=lambda _: next(numbers),
    )
    for each in news:
        traces(each)
    return made


def number(value: int, digits: int = 16) -> str:
    return f"{value:0{digits}x}"


def test_a_look_that_found_nothing_is_a_trace_by_itself() -> None:
    [span] = spans(answered("batch", BATCH), looked(SEEN))
    assert span == Span(
        name="GET /campaigns/batches/{id}",
        trace=number(1, 32),
        id=number(2),
        parent=None,
        began=ASKED,
        ended=ANSWERED,
        client=True,
        failure=None,
        attributes={
            **LOOK,
            **SERVER,
            "http.response.status_code": 200,
            "watcher.account": "a",
            "watcher.batch_id": 7,
            "watcher.by": "single",
            "watcher.result": "unchanged",
        },
    )


def test_a_look_that_found_events_is_in_the_trace_of_each() -> None:
    made = spans(answered("batch", BATCH), looked(SEEN, "changed", events=[event(), event("evt_2", "batch.unstuck")]))
    assert [(span.name, span.trace, span.id, span.parent) for span in made] == [
        ("batch.active", trace_of("evt_1"), FIRST, None),
        ("GET /campaigns/batches/{id}", trace_of("evt_1"), number(1), FIRST),
        ("batch.unstuck", trace_of("evt_2"), first_span_of("evt_2"), None),
        ("GET /campaigns/batches/{id}", trace_of("evt_2"), number(2), first_span_of("evt_2")),
    ]
    assert made[0] == Span(
        name="batch.active",
        trace=trace_of("evt_1"),
        id=FIRST,
        parent=None,
        began=ASKED,
        ended=COMMITTED,
        client=False,
        failure=None,
        attributes={
            "watcher.account": "a",
            "watcher.batch_id": 7,
            "watcher.event_id": "evt_1",
            "watcher.event_type": "batch.active",
            "watcher.number": 3,
            "watcher.position": 9,
        },
    )


def test_of_a_page_there_is_one_span_and_one_in_the_trace_of_each_event_it_brought() -> None:
    ref = PageRef(broadcast_id=14, kind="text", offset=0, limit=100)
    page = PageAnswer(
        ref=ref,
        asked=ASKED,
        answered=ANSWERED,
        kind=Kind.SEEN,
        outcome="200",
        page=Page(offset=0, limit=100, items=(SEEN.batch,), total=1),
    )
    rows = [looked(SEEN, by="page"), looked(SEEN, "changed", by="page", events=[event()])]
    nothing = told.Looked(account="a", by="page", result="untouched")
    made = spans(answered("page", page), *rows, nothing)
    assert [(span.name, span.trace, span.parent) for span in made] == [
        ("GET /{kind}s/broadcasts/{id}/batches", number(1, 32), None),
        ("batch.active", trace_of("evt_1"), None),
        ("GET /{kind}s/broadcasts/{id}/batches", trace_of("evt_1"), FIRST),
    ]
    assert made[0].attributes == {
        **PAGE,
        **SERVER,
        "http.response.status_code": 200,
        "watcher.account": "a",
        "watcher.operation": "page",
        "watcher.broadcast_id": 14,
        "watcher.kind": "text",
        "watcher.page.offset": 0,
        "watcher.page.limit": 100,
        "watcher.page.rows": 1,
    }
    [unanswered] = spans(answered("page", replace(page, page=None, outcome="timeout")))
    assert (unanswered.failure, unanswered.attributes["watcher.page.rows"]) == ("timeout", 0)


def test_what_is_sent_and_switched_is_traced_as_events_are() -> None:
    sent = SubmitAnswer(asked=ASKED, answered=ANSWERED, kind=Kind.SEEN, outcome="201", batch_id=8)
    lost = replace(sent, batch_id=None, outcome="reset")
    switched = SwitchAnswer(batch_id=8, asked=ASKED, answered=ANSWERED, kind=Kind.SEEN, outcome="200", done=True)
    news = (answered("submit", sent), answered("submit", lost), answered("switch", switched))
    made = spans(*news, looks=0.0)
    assert [(span.name, span.failure) for span in made] == [
        ("POST /{kind}s/broadcasts/{id}/batches", None),
        ("POST /{kind}s/broadcasts/{id}/batches", "reset"),
        ("PUT /campaigns/batches/{id}", None),
    ]
    assert [
        (
            span.attributes.get("watcher.batch_id"),
            span.attributes.get("watcher.done"),
            span.attributes.get("error.type"),
        )
        for span in made
    ] == [(8, None, None), (None, None, "reset"), (8, True, None)]
    assert spans(*news, events=0.0) == []


def test_how_a_look_failed_is_its_code_or_the_kind_of_failure() -> None:
    looks: list[Look | Answer] = [
        Missing(asked=ASKED, answered=ANSWERED, gone=False),
        Missing(asked=ASKED, answered=ANSWERED, gone=True),
        Unanswered(asked=ASKED, answered=ANSWERED, reason="403"),
        Unanswered(asked=ASKED, answered=ANSWERED, reason="timeout"),
        replace(BATCH, kind=Kind.THROTTLED, outcome="429"),
    ]
    made = spans(*(looked(look) for look in looks))
    assert [
        (span.failure, span.attributes["error.type"], span.attributes.get("http.response.status_code")) for span in made
    ] == [
        ("404", "404", 404),
        ("410", "410", 410),
        ("403", "403", 403),
        ("timeout", "timeout", None),
        ("429", "429", 429),
    ]


def test_an_attempt_is_the_span_that_its_header_named() -> None:
    attempt = Attempt(
        at=COMMITTED,
        took=timedelta(seconds=0.2),
        code=200,
        address="192.0.2.7",
        server="https://hook.example.org:8443",
        traceparent=traceparent("evt_1", 0.25, 1.0),
    )
    [span] = spans(attempted(event_type="batch.active", attempt=attempt))
    assert span == Span(
        name="POST",
        trace=trace_of("evt_1"),
        id="4000000000000001",
        parent=FIRST,
        began=COMMITTED,
        ended=COMMITTED + timedelta(seconds=0.2),
        client=True,
        failure=None,
        attributes={
            "http.request.method": "POST",
            "server.address": "hook.example.org",
            "server.port": 8443,
            "url.scheme": "https",
            "network.peer.address": "192.0.2.7",
            "http.response.status_code": 200,
            "watcher.endpoint": "e",
            "watcher.delivery_id": 1,
            "watcher.event_id": "evt_1",
            "watcher.event_type": "batch.active",
            "watcher.attempt": 1,
            "watcher.outcome": "done",
        },
    )
    assert spans(attempted(attempt=replace(attempt, traceparent=traceparent("evt_1", 0.25)))) == []


def test_an_event_that_no_look_found_has_attempts_alone() -> None:
    attempt = Attempt(at=NOON, took=timedelta(0), code=503, traceparent=traceparent("evt_1", 0.25, 1.0))
    [span] = spans(attempted("retried", event_type="account.refused", attempt=attempt))
    assert (span.parent, span.failure, span.attributes["error.type"]) == (None, "503", "503")


def test_what_was_not_even_sent_is_an_attempt_without_a_request() -> None:
    attempt = Attempt(at=NOON, took=timedelta(0), code=None, error="no_secret")
    news = attempted("retried", event_type="batch.active", attempt=attempt)
    [span] = spans(news)
    assert (span.name, span.trace, span.id, span.parent, span.failure) == (
        "deliver",
        trace_of("evt_1"),
        number(1),
        FIRST,
        "no_secret",
    )
    assert "http.request.method" not in span.attributes
    assert spans(news, events=0.0) == []
    assert spans(attempted(attempt=replace(attempt, error=None)))[0].failure == "unanswered"


def test_of_an_attempt_by_other_means_than_a_webhook_the_code_is_not_said() -> None:
    """Nobody answered it: what people are told goes by a library."""
    [span] = spans(attempted(attempt=Attempt(at=NOON, took=timedelta(0), code=200)))
    assert (span.name, span.failure, "http.response.status_code" in span.attributes) == ("deliver", None, False)


def test_looks_and_events_have_shares_of_their_own() -> None:
    nothing, found = looked(SEEN), looked(SEEN, "changed", events=[event()])
    assert [span.name for span in spans(nothing, found, looks=0.0)] == ["batch.active", "GET /campaigns/batches/{id}"]
    assert [span.trace for span in spans(nothing, found, events=0.0)] == [number(1, 32)]


def test_news_that_says_nothing_of_when_makes_no_span() -> None:
    assert spans(*EVERYTHING) == []
