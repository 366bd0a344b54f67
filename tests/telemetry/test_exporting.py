"""What a collector gets, and that one that is away, slow or wrong costs nothing but its spans."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.sockets import Reply, hang, http, listening, reset
from tests.telemetry.collector import Collector, Got, collecting
from watcher.core.news import SpansLost, TracesFailed, TracesRecovered
from watcher.ports import Clock
from watcher.telemetry.exporting import ANSWER, BATCH, QUEUE, STUCK, TOLD_EVERY, TRY, Exporter, endpoint_of, resource_of
from watcher.telemetry.traces import Span

SPAN: Final = Span(
    name="POST",
    trace="0af7651916cd43dd8448eb211c80319c",
    id="00f067aa0ba902b7",
    parent="b7ad6b7169203331",
    began=NOON,
    ended=NOON + timedelta(microseconds=250_001),
    client=True,
    failure="503",
    attributes={"http.response.status_code": 503, "watcher.endpoint": "crm", "watcher.done": False},
)
NOWHERE: Final = "http://127.0.0.1:9"
LONG: Final = 30.0
ONCE: Final = 0.7
"""Seconds: the library begins no second try, which it would 0.8 s after the first or later."""
NONE: Final[Mapping[str, str]] = MappingProxyType({})


def exporter_to(
    url: str, ear: Ear, *, clock: Clock | None = None, patience: float = TRY, headers: Mapping[str, str] = NONE
) -> Exporter:
    resource = resource_of(None, "1.2.3")
    return Exporter(url, headers=headers, resource=resource, clock=clock or FakeClock(), tell=ear, patience=patience)


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """What a test did not wait for is over before the next one begins: between two tries the library draws from `random`."""
    yield
    to_the_end()


def to_the_end() -> None:
    """Waits for all threads that send or end."""
    for thread in threading.enumerate():
        if thread.name.startswith(("OtelBatch", "traces end")):
            thread.join(LONG)
            assert not thread.is_alive()


@asynccontextmanager
async def exporting(
    url: str, ear: Ear, within: float = LONG, patience: float = TRY, **headers: str
) -> AsyncIterator[Exporter]:
    exporter = exporter_to(url, ear, headers=headers, patience=patience)
    try:
        yield exporter
    finally:
        await exporter.close(within)


async def fill(exporter: Exporter, collector: Collector, spans: int) -> None:
    """Has the collector be asked, and then so many spans wait."""
    for _ in range(BATCH):
        exporter.put(SPAN)
    await collector.asked.wait()
    for _ in range(spans):
        exporter.put(SPAN)


async def test_a_span_comes_in_as_it_was_made() -> None:
    ear = Ear()
    async with collecting() as collector, exporting(collector.url, ear, Authorization="Basic word") as exporter:
        exporter.put(SPAN)
        await exporter.close(LONG)
        nanoseconds = int(NOON.timestamp()) * 1_000_000_000
        assert collector.spans == [
            Got(
                name="POST",
                trace=SPAN.trace,
                id=SPAN.id,
                parent="b7ad6b7169203331",
                kind=3,
                status=2,
                began=nanoseconds,
                ended=nanoseconds + 250_001_000,
                attributes=SPAN.attributes,
            )
        ]
        assert (collector.paths, collector.headers[0]["authorization"]) == (["/v1/traces"], "Basic word")
        assert collector.resource["service.name"] == "callfire-batch-watcher"
        assert collector.resource["service.version"] == "1.2.3"
    assert ear.heard == []


def test_the_service_is_called_as_the_settings_say_else_as_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(service: str | None) -> object:
        return resource_of(service, "1").attributes["service.name"]

    assert (named(None), named("ours")) == ("callfire-batch-watcher", "ours")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "theirs")
    assert (named(None), named("ours")) == ("theirs", "ours")


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://otlp.example.org/v1/traces?tenant=7", "https://otlp.example.org/v1/traces?tenant=7"),
        ("https://otlp.example.org/otlp", "https://otlp.example.org/otlp"),
    ],
)
def test_an_address_without_a_path_means_the_usual_one(given: str, asked: str) -> None:
    assert endpoint_of(given) == asked


@pytest.mark.parametrize(
    ("code", "said"), [(400, "it answered 400"), (401, "it answered 401"), (302, "it answered 302")]
)
async def test_a_collector_that_will_not_have_them_is_told_once_until_it_does(code: int, said: str) -> None:
    ear = Ear()
    async with collecting() as collector, exporting(collector.url, ear) as exporter:
        collector.code = code
        for spans in range(1, 3):
            await fill(exporter, collector, 0)
            await told(exporter, ear, SpansLost(spans=BATCH), spans)
        collector.code = 200
        await fill(exporter, collector, 0)
        await told(exporter, ear, TracesRecovered(), 1)
        assert ear.of(TracesFailed, TracesRecovered) == [TracesFailed(error=said), TracesRecovered()]
        assert len(collector.spans) == BATCH


async def told(exporter: Exporter, ear: Ear, news: object, times: int) -> None:
    """Has it report until that was told so often, and lets its thread go on between."""
    async with asyncio.timeout(LONG):
        while ear.heard.count(news) < times:  # type: ignore[arg-type]
            exporter.report()
            await asyncio.to_thread(lambda: None)


async def test_no_more_wait_for_a_collector_that_hangs_than_the_queue_holds() -> None:
    ear = Ear()
    async with collecting(answering=False) as collector, exporting(collector.url, ear) as exporter:
        await fill(exporter, collector, QUEUE)
        exporter.report()
        assert ear.heard == [SpansLost(spans=BATCH)]
        collector.answering.set()
        await exporter.close(LONG)
        assert (len(collector.spans), ear.heard) == (QUEUE, [SpansLost(spans=BATCH)])


async def test_a_batch_that_takes_longer_than_any_should_counts_as_failed_until_it_is_over() -> None:
    ear, clock = Ear(), FakeClock()
    async with collecting(answering=False) as collector:
        exporter = exporter_to(collector.url, ear, clock=clock)
        await fill(exporter, collector, 0)
        clock.turn(seconds=STUCK - TOLD_EVERY)
        await exporter.step()
        assert ear.heard == []
        await exporter.step()
        assert ear.heard == [TracesFailed(error="no answer in time")]
        collector.answering.set()
        await exporter.close(LONG)
        assert ear.heard == [TracesFailed(error="no answer in time"), TracesRecovered()]


@pytest.mark.parametrize(
    ("reply", "said"), [(hang, "no answer in time"), (reset, "no connection"), (b"who knows\r\n\r\n", "no connection")]
)
async def test_why_a_collector_has_no_answer_is_said_in_words(reply: Reply, said: str) -> None:
    ear = Ear()
    async with listening(reply) as collector:
        exporter = exporter_to(collector.url, ear, patience=ONCE)
        exporter.put(SPAN)
        await exporter.close(LONG)
    assert ear.heard == [TracesFailed(error=said), SpansLost(spans=1)]


async def test_a_collector_without_tls_where_there_should_be_some_is_said() -> None:
    ear = Ear()
    async with collecting() as collector:
        exporter = exporter_to(collector.url.replace("http:", "https:"), ear, patience=ONCE)
        exporter.put(SPAN)
        await exporter.close(LONG)
    assert ear.of(TracesFailed) == [TracesFailed(error="no TLS, or a certificate that is not good")]


async def test_a_file_of_certificates_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem")
    ear = Ear()
    exporter = exporter_to("https://127.0.0.1:9", ear, patience=ONCE)
    exporter.put(SPAN)
    await exporter.close(LONG)
    assert ear.heard == [TracesFailed(error="a file of certificates cannot be read"), SpansLost(spans=1)]


async def test_a_header_that_cannot_be_sent_is_not_taken_for_an_answer() -> None:
    ear = Ear()
    async with listening(http(200)) as collector:
        exporter = exporter_to(collector.url, ear, headers={"X-Tenant": "one\ntwo"})
        exporter.put(SPAN)
        await exporter.close(LONG)
    assert (ear.of(TracesFailed), collector.heard) == ([TracesFailed(error="it could not be asked")], [])


async def endless(writer: asyncio.StreamWriter) -> None:
    """An answer whose body has no end."""
    writer.write(b"HTTP/1.1 200 Fine\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(bytes(ANSWER))
            await writer.drain()


async def endless_elsewhere(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n")
    await endless(writer)


async def test_of_an_answer_without_end_nothing_is_read() -> None:
    ear = Ear()
    async with listening(endless, endless_elsewhere) as collector:
        exporter = exporter_to(collector.url, ear)
        for _ in range(2 * BATCH):
            exporter.put(SPAN)
        await exporter.close(LONG)
    assert ear.heard == [TracesFailed(error="it answered 302"), SpansLost(spans=BATCH)]


async def test_the_connection_is_kept_where_the_answer_is_short() -> None:
    ear = Ear()
    async with listening(http(200, b"short")) as collector:
        exporter = exporter_to(collector.url, ear)
        for _ in range(2 * BATCH):
            exporter.put(SPAN)
        await exporter.close(LONG)
        assert ([each.connection for each in collector.heard], ear.heard) == ([1, 1], [])


async def test_at_the_end_a_collector_that_hangs_is_not_waited_for() -> None:
    ear = Ear()
    async with collecting(answering=False) as collector, exporting(collector.url, ear, 0.01) as exporter:
        await fill(exporter, collector, 1)
        await exporter.close(0.01)
        assert ear.heard == [SpansLost(spans=BATCH + 1)]
        collector.answering.set()
        await asyncio.to_thread(to_the_end)


async def test_nothing_of_its_troubles_is_logged_by_the_libraries() -> None:
    """Where all that is logged goes, at the level at which they say the most."""
    heard: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.name)

    root, listening, ear = logging.getLogger(), Listening(), Ear()
    root.addHandler(listening)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        async with exporting(NOWHERE, ear, 0.01, 0.5, Authorization="Basic word") as exporter:
            for _ in range(BATCH):
                exporter.put(SPAN)
    finally:
        root.setLevel(level)
        root.removeHandler(listening)
    assert [name for name in heard if name.startswith(("opentelemetry", "urllib3"))] == []
    assert ear.of(SpansLost) == [SpansLost(spans=BATCH)]
