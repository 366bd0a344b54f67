"""Hands spans to an OpenTelemetry collector, by the SDK's own batches and OTLP over HTTP, in a thread that nobody waits for.

The only module that needs the extra `otel`: it is imported where traces are wanted, and not before. What does not get through is
counted and dropped; the SDK's own log lines are not written, as what is wrong is told here, once.
"""

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from watcher.core.news import SpansLost, Tell, TracesFailed, TracesRecovered
from watcher.ports import Clock
from watcher.telemetry.traces import Span

SERVICE: Final = "callfire-batch-watcher"
QUEUE: Final = 2048
"""Spans that wait for the collector at most, those that are being sent among them; what comes then is dropped."""
BATCH: Final = 512
TRY: Final = 10.0
"""Seconds that the collector is given for a batch, all tries together."""
STUCK: Final = 30.0
"""Seconds after which a batch is no more taken to get through: a name that is looked up, or an answer that comes byte by byte, is
not held to TRY."""
ANSWER: Final = 65_536
"""Bytes of an answer at most for which its connection is kept; of a longer one nothing is read."""
TOLD_EVERY: Final = 2.0
"""Seconds between two looks at how the collector takes it."""
QUIET: Final = ("opentelemetry", "urllib3")
"""Libraries that would warn of every try, and whose debug lines have the address whole."""
USUAL_PATH: Final = "/v1/traces"
NO_ANSWER: Final = "no answer in time"
UNASKED: Final = "it could not be asked"
SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


class Exporter:
    """Takes spans as they come, and sends them every few seconds. As a worker it tells, now and then, what became of them.

    `headers` win over OTEL_EXPORTER_OTLP_HEADERS; certificates, compression and the time between two batches are the
    environment's to say. Proxies of the environment, .netrc and redirects are not heeded: headers are for the collector alone.
    """

    name: Final = "traces"

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        resource: Resource,
        clock: Clock,
        tell: Tell,
        patience: float = TRY,
    ) -> None:
        for library in QUIET:
            logging.getLogger(library).propagate = False
            logging.getLogger(library).addHandler(logging.NullHandler())
        self._resource = resource
        self._scope = InstrumentationScope(SERVICE)
        self._line = _Line()
        inner = OTLPSpanExporter(
            endpoint_of(endpoint), headers=dict(headers) or None, timeout=patience, session=self._line
        )
        self._counted = _Counted(inner, self._line, clock)
        self._processor = BatchSpanProcessor(self._counted, max_queue_size=QUEUE, max_export_batch_size=BATCH)
        self._tell = tell
        self._clock = clock
        self._taken = 0
        self._refused = 0
        self._told_lost = 0
        self._failing = False

    def put(self, span: Span) -> None:
        """Takes a span, or drops it where too many wait already. Never waits."""
        if self._taken - self._counted.over >= QUEUE:
            self._refused += 1
            return
        self._taken += 1
        self._processor.on_end(self._readable(span))

    async def step(self) -> None:
        await self._clock.sleep(TOLD_EVERY)
        self.report()

    def report(self) -> None:
        """Tells whether the collector takes what it gets, where that is otherwise than it was; and what was lost."""
        stuck = self._counted.stuck
        failing = self._counted.failing or stuck
        if failing and not self._failing:
            self._tell(TracesFailed(error=NO_ANSWER if stuck else self._line.came))
        elif self._failing and not failing:
            self._tell(TracesRecovered())
        self._failing = failing
        lost = self._refused + self._counted.lost
        if lost > self._told_lost:
            self._tell(SpansLost(spans=lost - self._told_lost))
            self._told_lost = lost

    async def close(self, within: float) -> None:
        """Sends what waits, for so many seconds at most; what is left then is lost, and its thread ends with the
        process."""
        ending = threading.Thread(target=self._processor.shutdown, name="traces end", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, within)
        if ending.is_alive():
            self._refused += self._taken - self._counted.over
        self.report()

    def _readable(self, span: Span) -> ReadableSpan:
        """As the SDK's own exporters read it. A tracer would give it another id and other times."""
        trace = int(span.trace, 16)
        return ReadableSpan(
            name=span.name,
            context=SpanContext(trace, int(span.id, 16), is_remote=False, trace_flags=SAMPLED),
            parent=None
            if span.parent is None
            else SpanContext(trace, int(span.parent, 16), is_remote=True, trace_flags=SAMPLED),
            resource=self._resource,
            attributes=span.attributes,
            kind=SpanKind.CLIENT if span.client else SpanKind.INTERNAL,
            status=Status(StatusCode.UNSET if span.failure is None else StatusCode.ERROR),
            start_time=_nanoseconds(span.began),
            end_time=_nanoseconds(span.ended),
            instrumentation_scope=self._scope,
        )


class _Counted(SpanExporter):
    """The exporter, with what came of it counted. The SDK calls it in a thread of its own; only that one writes here."""

    def __init__(self, inner: OTLPSpanExporter, line: "_Line", clock: Clock) -> None:
        self._inner = inner
        self._line = line
        self._clock = clock
        self._began: float | None = None
        self.over = 0
        self.lost = 0
        self.failing = False

    @property
    def stuck(self) -> bool:
        """Whether a batch is under way for longer than any should be."""
        began = self._began
        return began is not None and self._clock.monotonic() - began > STUCK

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        self._began = self._clock.monotonic()
        try:
            result = self._inner.export(spans)
        finally:
            self._began = None
            self.failing = result is not SpanExportResult.SUCCESS
            if self.failing:
                self.lost += len(spans)
            self.over += len(spans)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()  # type: ignore[no-untyped-call]


class _Line(requests.Session):
    """The connections to the collector. `came` is what came of the last request, in words without any address."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.came = UNASKED

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 # none is followed, nor its body read
        return None

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        try:
            answer = super().send(request, **(more | {"stream": True}))
            _let_go(answer)
        except requests.Timeout:
            self.came = NO_ANSWER
            raise
        except requests.exceptions.SSLError:
            self.came = "no TLS, or a certificate that is not good"
            raise
        except requests.RequestException:
            self.came = "no connection"
            raise
        except OSError:
            self.came = "a file of certificates cannot be read"
            raise
        self.came = f"it answered {answer.status_code}"
        if 300 <= answer.status_code < 400:  # the exporter would take it for a success
            raise requests.RequestException(self.came)
        return answer


def _let_go(answer: requests.Response) -> None:
    """Has the connection serve again where the body is short, and ends it where that is not known: nobody wants the body."""
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) <= ANSWER:
        answer.content  # noqa: B018 # reads it
    else:
        answer.close()


def resource_of(service: str | None, version: str) -> Resource:
    """What all spans have in common: the service as it is called here, else in the environment; and OTEL_RESOURCE_ATTRIBUTES."""
    given = {SERVICE_VERSION: version} | ({} if service is None else {SERVICE_NAME: service})
    resource = Resource.create(given)
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
    return resource


def endpoint_of(address: str) -> str:
    """The whole address of a collector: where it has no path, the usual one is meant."""
    parts = urlsplit(address)
    return address if parts.path.strip("/") else urlunsplit(parts._replace(path=USUAL_PATH))


def _nanoseconds(at: datetime) -> int:
    """Since 1970. A float of seconds would not have the microseconds right."""
    return (at - EPOCH) // MICROSECOND * 1_000
