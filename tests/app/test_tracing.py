"""Traces from end to end: what the receiver is told is what the collector gets; and what it is without them."""

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest

from tests.app.house import PATIENCE, asked, daemon, settings_for
from tests.cli.conftest import ROOT
from tests.fakes import NOON, FakeClock
from tests.sockets import http, listening
from tests.telemetry.collector import collecting
from watcher.app import CannotStart, Finding, check, run
from watcher.app.assembly import Town
from watcher.app.tracing import MISSING, UNFIT, tracing
from watcher.core.model import Unanswered
from watcher.core.news import Attempted, Looked, TracesFailed
from watcher.core.tracing import first_span_of, parent_of, trace_of
from watcher.settings.telemetry import Telemetry
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload
from watcher.workers import Crew

EMPTY: Final = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
SECRET: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOWHERE: Final = "http://127.0.0.1:9"
OPENMETRICS: Final = {"Accept": "application/openmetrics-text; version=1.0.0"}


def without_packages(code: str, *, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Runs it where the packages of the extra are not to be had."""
    hidden = "import sys\nsys.modules['opentelemetry'] = None\n"
    command = [sys.executable, "-c", hidden + textwrap.dedent(code)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


async def test_the_span_that_the_receiver_is_told_of_is_the_one_that_the_collector_gets(tmp_path: Path) -> None:
    async with serve(EMPTY) as callfire, listening(http(200)) as receiver, collecting() as collector:
        made = await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ACTIVE"})
        more = {
            "WATCHER_WEBHOOK_URL": f"{receiver.url}/hook?key=hidden",
            "WATCHER_WEBHOOK_SECRET": SECRET,
            "WATCHER_TELEMETRY__TRACES_ENDPOINT": collector.url,
            "WATCHER_TELEMETRY__TRACES_HEADERS": "X-Tenant: seven",
            "WATCHER_TELEMETRY__TRACES_SERVICE": "ours",
        }
        async with daemon(settings_for(tmp_path, callfire.api, **more)) as running:
            await running.follow(*made["ids"])
            await running.until(Attempted, outcome="done")
            async with running.session.get(running.url + "/metrics", headers=OPENMETRICS) as answer:
                scrape = await answer.text()
        heard = receiver.heard[0].headers
        sent, event_id = parent_of(heard["traceparent"]), heard["webhook-id"]
        assert sent is not None
        assert (sent.trace, sent.sampled) == (trace_of(event_id), True)

        trace = collector.of(sent.trace)
        attempt = trace[sent.span]
        found = trace[attempt.parent]
        [look] = [span for span in trace.values() if span.id not in (attempt.id, found.id)]
        assert (found.id, found.name, found.parent) == (first_span_of(event_id), "batch.active", "")
        assert (look.name, look.parent) == ("GET /campaigns/batches/{id}", found.id)
        assert found.began == look.began <= look.ended <= found.ended <= attempt.ended
        assert (attempt.name, attempt.attributes["watcher.outcome"], attempt.attributes["server.port"]) == (
            "POST",
            "done",
            receiver.port,
        )
        assert look.attributes["server.port"] == int(callfire.api.split(":")[2].partition("/")[0])
        assert (collector.resource["service.name"], collector.headers[0]["x-tenant"]) == ("ours", "seven")
        assert "hidden" not in repr(collector.spans)
        assert f'# {{span_id="{sent.span}",trace_id="{sent.trace}"}}' in scrape


async def test_a_collector_that_hangs_costs_neither_looks_nor_webhooks_nor_the_end(tmp_path: Path) -> None:
    async with (
        serve(EMPTY) as callfire,
        listening(http(200)) as receiver,
        collecting(answering=False) as collector,
    ):
        made = await asked(callfire.control, "/batches", {"count": 3, "validating_for": 0, "end": "ACTIVE"})
        more = {
            "WATCHER_WEBHOOK_URL": receiver.url,
            "WATCHER_WEBHOOK_SECRET": SECRET,
            "WATCHER_TELEMETRY__TRACES_ENDPOINT": collector.url,
        }
        async with asyncio.timeout(PATIENCE):
            async with daemon(settings_for(tmp_path, callfire.api, **more)) as running:
                await running.follow(*made["ids"])
                await running.until(Looked, times=3)
                await running.until(Attempted, times=3, outcome="done")
        assert (collector.asked.is_set(), collector.spans) == (True, [])


async def test_that_a_collector_will_not_have_them_is_told_while_the_daemon_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    town, clock, heard = Town(), FakeClock(), asyncio.Event()
    town.listen(lambda news: heard.set() if isinstance(news, TracesFailed) else None)
    look = Unanswered(asked=NOON, answered=NOON, reason="timeout")
    async with collecting() as collector, Crew(clock=clock, tell=town.tell, grace=0.0) as crew:
        collector.code = 401
        async with tracing(Telemetry(traces_endpoint=collector.url), town, crew, clock=clock):
            town.tell(Looked(account="a", by="single", result="unanswered", batch_id=7, look=look))
            async with asyncio.timeout(PATIENCE):
                await heard.wait()


async def test_without_a_collector_nothing_is_said_to_be_kept(tmp_path: Path) -> None:
    async with serve(EMPTY) as callfire, listening(http(200)) as receiver:
        made = await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ACTIVE"})
        more = {"WATCHER_WEBHOOK_URL": receiver.url, "WATCHER_WEBHOOK_SECRET": SECRET}
        async with daemon(settings_for(tmp_path, callfire.api, **more)) as running:
            await running.follow(*made["ids"])
            await running.until(Attempted, outcome="done")
        sent = parent_of(receiver.heard[0].headers["traceparent"])
        assert sent is not None
        assert (sent.trace, sent.sampled) == (trace_of(receiver.heard[0].headers["webhook-id"]), False)


def test_without_a_collector_the_packages_are_not_even_loaded() -> None:
    """By a daemon that serves, and ends."""
    ran = without_packages(
        f"""
        import asyncio
        from pathlib import Path
        from tempfile import TemporaryDirectory
        from tests.app.house import settings_for
        from watcher.app import run

        async def once(folder):
            stop = asyncio.Event()
            await run(settings_for(Path(folder), {NOWHERE!r}), announce=lambda _: stop.set(), stop=stop)

        with TemporaryDirectory() as folder:
            asyncio.run(once(folder))
        print(sorted(name for name in sys.modules if name.startswith(("opentelemetry.", "requests"))))
        """
    )
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr


def test_traces_that_cannot_be_made_are_refused_at_the_start_and_by_check(tmp_path: Path) -> None:
    ran = without_packages(
        f"""
        import asyncio
        from pathlib import Path
        from tests.app.house import settings_for
        from watcher.app import CannotStart, check, run

        folder = Path({str(tmp_path)!r})
        settings = settings_for(folder, {NOWHERE!r}, WATCHER_TELEMETRY__TRACES_ENDPOINT={NOWHERE!r})
        print([each.detail for each in asyncio.run(check(settings, upstream=False)) if not each.ok])
        try:
            asyncio.run(run(settings, announce=print))
        except CannotStart as error:
            print(error)
        """
    )
    assert (ran.stdout, ran.stderr) == (f"{[MISSING]}\n{MISSING}\n", "")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "ValueError: schedule_delay_millis must be positive"),
        ("OTEL_PYTHON_METER_PROVIDER", "nobody", "StopIteration"),
    ],
)
async def test_an_environment_with_which_no_traces_can_be_made_is_refused_at_the_start_and_by_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    monkeypatch.setenv(name, value)
    settings = settings_for(tmp_path, NOWHERE, WATCHER_TELEMETRY__TRACES_ENDPOINT=NOWHERE)
    async with asyncio.timeout(PATIENCE):
        [found] = [each.detail for each in await check(settings, upstream=False) if not each.ok]
        with pytest.raises(CannotStart) as caught:
            await run(settings, announce=print)
    assert found == str(caught.value) == UNFIT.format(error=why)


async def test_check_says_where_traces_go_without_what_may_be_a_secret(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOWHERE, WATCHER_TELEMETRY__TRACES_ENDPOINT=f"{NOWHERE}/v1/traces?key=hidden")
    found = [each for each in await check(settings, upstream=False) if each.name == "traces"]
    assert found == [Finding(name="traces", ok=True, detail=f"{NOWHERE}/v1/traces?********")]
