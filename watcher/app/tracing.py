"""Traces, where the settings want them: what makes spans of the news, and what sends them. Else nothing of it is even loaded."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import watcher
from watcher.app.assembly import CannotStart, Town
from watcher.core.news import Tell
from watcher.ports import Clock
from watcher.settings.telemetry import Telemetry
from watcher.telemetry.traces import Shares, Traces
from watcher.workers import Crew

if TYPE_CHECKING:
    from watcher.telemetry.exporting import Exporter

WITHIN: Final = 2.0
"""Seconds at the end that the collector is given for what waits for it. By then everything else is closed."""
MISSING: Final = (
    "telemetry.traces_endpoint asks for traces, and the packages for them are not installed: "
    "install requirements-extras.txt (deploy/tracing.md), or take it out"
)

UNFIT: Final = (
    "telemetry.traces_endpoint asks for traces, and they cannot be made ({error}): mend OTEL_… in the environment"
)


@asynccontextmanager
async def tracing(telemetry: Telemetry, town: Town, crew: Crew, *, clock: Clock) -> AsyncIterator[None]:
    """While it lasts, what the town tells is traced where these settings want it. CannotStart where it cannot be."""
    if telemetry.traces_endpoint is None:
        yield
        return
    exporter = await asyncio.to_thread(exporter_of, telemetry, clock=clock, tell=town.tell)
    shares = Shares(events=telemetry.traces_ratio, looks=telemetry.traces_look_ratio)
    town.listen(Traces(exporter.put, shares=shares, clock=clock, bits=random.getrandbits))
    crew.hire(exporter)
    try:
        yield
    finally:
        await exporter.close(WITHIN)


def exporter_of(telemetry: Telemetry, *, clock: Clock, tell: Tell) -> "Exporter":
    """What sends spans to the collector of the settings. CannotStart where the packages are missing, or cannot make it."""
    try:
        from watcher.telemetry.exporting import Exporter, resource_of
    except ImportError as error:
        raise CannotStart(MISSING) from error
    try:
        return Exporter(
            telemetry.traces_endpoint or "",
            headers={name: value.get_secret_value() for name, value in telemetry.traces_headers.items()},
            resource=resource_of(telemetry.traces_service, watcher.__version__),
            clock=clock,
            tell=tell,
        )
    except Exception as error:  # whatever the SDK makes of OTEL_* in the environment, StopIteration too
        raise CannotStart(UNFIT.format(error=f"{type(error).__name__}: {error}".rstrip(": ."))) from error
