"""What a scrape gets, letter by letter, and in which format."""

import math
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

from tests.fakes import NOON
from tests.telemetry.every_news import EVERYTHING, attempted, changed
from watcher.core import news as told
from watcher.core.endpoint import Attempt
from watcher.core.tracing import trace_of, traceparent
from watcher.telemetry.catalogue import Catalogue
from watcher.telemetry.exposition import OPENMETRICS, TEXT, Format, format_for, written
from watcher.telemetry.metrics import Metrics


def traced(share: float) -> Attempt:
    """An attempt at an event of whose traces such a share is kept."""
    header = traceparent("evt_1", 0.25, share)
    return Attempt(at=NOON, took=timedelta(seconds=0.2), code=200, traceparent=header)


GOLDEN = Path(__file__).parent / "golden"
OPENMETRICS_ASKED = "application/openmetrics-text; version=1.0.0"
RUN: tuple[told.News, ...] = (
    *EVERYTHING,
    told.Answered(account="b", operation="page", outcome="timeout", took=15.0),
    told.Answered(account="b", operation="submit", outcome="503", took=0.07),
    told.Answered(account="b", operation="switch", outcome="200", took=0.04),
    told.Looked(account="b", by="page", result="changed"),
    told.Looked(account="b", by="refresh", result="unanswered"),
    changed("batch.new", "NEW", previous=None, account="b"),
    changed("batch.errors", "ERRORS", account="b", window=45.0, validation=7200.0),
    changed("batch.unknown", "PONDERING", account="b", window=0.1),
    changed("watch.expired", "NEW", account="b"),
    told.ConditionChanged(account="b", condition="throttled", previous="ok", reason="429", until=NOON),
    told.BudgetUsed(account="b", configured=12.5, effective=1e6, used=0.1),
    told.Stepped(account="b", at=NOON + timedelta(milliseconds=123)),
    attempted("retried", code=503, endpoint="ep_2"),
    attempted("dead", code=None, error="timeout", endpoint="ep_2", took=15.0),
    attempted(delay=4000.0, endpoint="ep_2"),
    attempted(delay=0.3, endpoint="ep_2", attempt=traced(1.0)),
    attempted(delay=0.7, endpoint="ep_2", attempt=traced(0.0)),
    told.Backlog(endpoint="ep_2", pending=2, oldest_age=310.5, state="open"),
    told.EndpointChanged(endpoint="e", state="removed", reason="it was deleted"),
)
"""Everything once, and what more it takes for each kind of line."""


def scripted() -> Metrics:
    metrics = Metrics(version="1.2.3", loaded=NOON)
    for each in RUN:
        metrics(each)
    return metrics


def ours(text: bytes) -> str:
    """Without what the library says of the process, without the version of Python that runs, and without the time at which an
    exemplar was taken."""
    lines = [line for line in text.decode().splitlines(keepends=True) if re.match("(# [A-Z]+ )?watcher_", line)]
    return re.sub(r"( # {.*} [0-9.]+) [0-9.]+", r"\1 0", re.sub('python="[0-9.]+"', 'python="3"', "".join(lines)))


def plainly(text: bytes) -> list[str]:
    """Those of the library, without the moments when series were made: a fourth more of them, for nothing."""
    return [line for line in ours(text).splitlines() if "_created" not in line]


@pytest.mark.parametrize(("file", "accept"), [("text.txt", ""), ("openmetrics.txt", OPENMETRICS_ASKED)])
def test_a_scripted_run_is_written_exactly_as_it_was_reviewed(file: str, accept: str) -> None:
    """Others build on every name, label and bucket. After a change that is meant `make metrics` writes the files anew."""
    assert ours(scripted().render(accept)[0]) == (GOLDEN / file).read_text(encoding="utf-8")


NUMBERS = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 999_999.5, 1e6, 1e21, math.inf, -math.inf, math.nan])


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.text(max_size=5), st.sampled_from(["a", 'b"\\\n']), NUMBERS), max_size=5),
    st.lists(st.tuples(st.floats(0, 1e5), st.none() | st.text("abc", min_size=1, max_size=3)), max_size=5),
)
def test_it_is_what_the_library_writes(
    levels: list[tuple[str, str, float]], delays: list[tuple[float, str | None]]
) -> None:
    catalogue = Catalogue("1")
    for account, state, value in levels:
        catalogue.state.of(account, state).set(value)
        catalogue.throttled.of(account).inc()
    for seconds, trace in delays:
        catalogue.delay.observe(seconds, {"trace_id": trace} if trace else None)
        catalogue.attempt_duration.of("e").observe(seconds)
        text = written(
            catalogue.series, catalogue.process, TEXT
        )  # what was written is written anew where it has changed
        assert plainly(text) == plainly(generate_latest(catalogue.registry))
        openmetrics = written(catalogue.series, catalogue.process, OPENMETRICS)
        assert plainly(openmetrics) == plainly(generate_openmetrics(catalogue.registry))  # type: ignore[no-untyped-call]


def test_openmetrics_is_whole_and_ends_with_its_mark() -> None:
    body = scripted().render(OPENMETRICS_ASKED)[0].decode()
    families = {family.name for family in read_openmetrics(body)}  # type: ignore[no-untyped-call]
    assert {series.name.removesuffix("_total") for series in scripted().catalogue.series} < families
    assert (body.count("# EOF\n"), body.endswith("# EOF\n")) == (1, True)


def test_an_exemplar_is_read_as_the_span_that_was_sent() -> None:
    body = scripted().render(OPENMETRICS_ASKED)[0].decode()
    samples = [sample for family in read_openmetrics(body) for sample in family.samples]  # type: ignore[no-untyped-call]
    [found] = [(sample.name, sample.exemplar) for sample in samples if sample.exemplar is not None]
    span = {"trace_id": trace_of("evt_1"), "span_id": "4000000000000001"}
    assert (found[0], found[1].labels, found[1].value) == ("watcher_delivery_delay_seconds_bucket", span, 0.3)


PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_TEXT = "text/plain;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.4"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_TEXT, TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ('Application/OpenMetrics-Text ; Version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text; version=2.0.0", TEXT),
        ("application/openmetrics-text; version=abc", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=high", TEXT),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.1, text/*;q=0.9", OPENMETRICS),
        ("application/openmetrics-text;q=0.2, text/*;q=0.9", TEXT),
        ("application/openmetrics-text;=;;, ,;q", OPENMETRICS),
    ],
)
def test_openmetrics_is_for_whoever_would_rather_have_it(accept: str, form: Format) -> None:
    assert format_for(accept) == form


@given(st.text(max_size=60) | st.text(max_size=30).map("application/openmetrics-text;version={}".format))
def test_no_accept_header_breaks_a_scrape(accept: str) -> None:
    assert format_for(accept) in (TEXT, OPENMETRICS)
