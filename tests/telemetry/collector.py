"""A collector of traces on 127.0.0.1, which reads what OTLP sends it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from watcher.simulator.server import listening


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """A span as it came in: times in nanoseconds since 1970; `kind` and `status` by OTLP's own numbers."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    status: int
    began: int
    ended: int
    attributes: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Collector:
    """Answers `code` to everything, where it answers at all (`answering` is set). Headers are kept by lower-case name."""

    port: int = 0
    code: int = 200
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    spans: list[Got] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def take(self, request: web.Request) -> web.Response:
        self.paths.append(request.path_qs)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        body = ExportTraceServiceRequest.FromString(await request.read())
        self.asked.set()
        await self.answering.wait()
        if self.code == 200:
            for of_resource in body.resource_spans:
                self.resource = _plain(of_resource.resource.attributes)
                self.spans += [_got(span) for scope in of_resource.scope_spans for span in scope.spans]
        return web.Response(status=self.code, headers={"Location": "/elsewhere"} if 300 <= self.code < 400 else None)

    def of(self, trace: str) -> dict[str, Got]:
        """The spans of a trace by their ids, in the order in which they began."""
        return {span.id: span for span in sorted(self.spans, key=lambda span: span.began) if span.trace == trace}


@asynccontextmanager
async def collecting(*, answering: bool = True) -> AsyncIterator[Collector]:
    """A collector, while the context lasts."""
    collector = Collector()
    if answering:
        collector.answering.set()
    async with listening([web.post("/{path:.*}", collector.take)], "127.0.0.1", 0) as port:
        collector.port = port
        try:
            yield collector
        finally:
            collector.answering.set()


def _got(span: Any) -> Got:
    return Got(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        status=span.status.code,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        attributes=_plain(span.attributes),
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
