"""The dashboard of the processes themselves: event loop, memory, store, leases, clients and series."""

from collections.abc import Sequence
from typing import Final

from tests.deploy.dashboards.panels import (
    ORANGE,
    RED,
    Column,
    Query,
    heatmap,
    lines,
    processes_down,
    quantiles,
    stat,
    table,
)
from tests.deploy.dashboards.shape import INSTANCE, Json, Panel, Row, dashboard, link

LAG: Final = 'watcher_event_loop_lag_seconds_bucket{job="$job", instance=~"$instance"}'
STORE: Final = 'watcher_store_operation_duration_seconds_bucket{job="$job", instance=~"$instance"}'
MEMORY: Final = 'sum by (instance) (process_resident_memory_bytes{job="$job", instance=~"$instance"})'
SAMPLES: Final = 'sum by (instance) (scrape_samples_scraped{job="$job", instance=~"$instance"})'
SLOWEST_LAG: Final = f"histogram_quantile(0.99, sum by (le, instance) (rate({LAG}[$__rate_interval])))"
WITHOUT_STEP: Final = (
    'time() - min by (instance) (watcher_poller_last_step_timestamp_seconds{job="$job", instance=~"$instance"})'
)

_THIS: Final = link("watcher-runtime", "Only this process", ("instance", "${__value.text}"))


def build() -> Json:
    """All of it."""
    return dashboard(
        uid="watcher-runtime",
        title="runtime",
        text="The processes themselves: event loop, memory, database, leases, clients, series.",
        variables=(INSTANCE,),
        rows=(
            Row("Wrong now", _wrong_now()),
            Row("Processes", (_processes(), *_resources())),
            Row("Database", _store()),
            Row("Who polls what", _leases()),
            Row("Clients and failures", _failures()),
            Row("Series", _series()),
        ),
    )


def _wrong_now() -> Sequence[Panel]:
    return (
        processes_down(),
        stat(
            "Settings refused",
            "Processes whose settings were read last and were wrong: they go on with those from before. The log says what is "
            "wrong; so does `watcher check`. Runbook: ReloadFailed.",
            'sum(1 - watcher_settings_last_reload_successful{job="$job"})',
            bad=1,
        ),
        stat(
            "Clock skew",
            "How far the clock of the worst machine is from the database's. From a minute on a process is not ready. "
            "Runbook: ClockSkew.",
            'max(abs(watcher_clock_skew_seconds{job="$job"}))',
            unit="s",
            warn=5,
            bad=30,
        ),
        stat(
            "Leases lost, last hour",
            "Accounts that turned out to be polled by another process: this one was frozen, or cut off from the database. "
            "Runbook: LeaseFlapping.",
            'sum(increase(watcher_lease_lost_total{job="$job"}[1h]))',
            decimals=0,
            bad=0.5,
        ),
        stat(
            "Failed steps, last hour",
            "Steps of workers that failed and were tried again. Should stay at 0: the log has each with its cause. "
            "Runbook: StoreFailing.",
            'sum(increase(watcher_worker_failures_total{job="$job"}[1h])) or vector(0)',
            decimals=0,
            bad=0.5,
        ),
        stat(
            "Answers 500, last hour",
            "Requests to the interface that met a mistake of ours. Should stay at 0: the log has each with its cause.",
            'sum(increase(watcher_http_request_failures_total{job="$job"}[1h])) or vector(0)',
            decimals=0,
            bad=0.5,
        ),
    )


def _processes() -> Panel:
    one = "max by (instance, version, python)"
    age = 'time() - process_start_time_seconds{job="$job", instance=~"$instance"}'
    return table(
        "Processes",
        "Each process that Prometheus scrapes, as it is now.",
        {"instance": "Process", "version": "Version", "python": "Python"},
        Column(
            title="Up for", expr=f"{one} (({age}) * on (instance) group_left (version, python) {_build()})", unit="s"
        ),
        Column(
            title="Settings read",
            expr="1000 * max by (instance) (watcher_settings_last_reload_timestamp_seconds"
            '{job="$job", instance=~"$instance"})',
            unit="dateTimeFromNow",
        ),
        Column(title="Leases held", expr=_held()),
        Column(title="Memory", expr=MEMORY, unit="bytes"),
        Column(title="Loop lag, p99", expr=SLOWEST_LAG, unit="s", bad=0.5),
        Column(title="Last step ago", expr=WITHOUT_STEP, unit="s", decimals=0, bad=60),
        Column(title="Series", expr=SAMPLES),
        linked=_THIS,
    )


def _resources() -> Sequence[Panel]:
    return (
        quantiles(
            "Event loop lag",
            "How much later than asked the event loop woke a sleeper. p99 over half a second: something blocks it. "
            "Runbook: EventLoopBlocked.",
            LAG,
            limit=0.5,
        ),
        lines(
            "Event loop lag by process, p99",
            "Which process it is.",
            Query(SLOWEST_LAG, "{{instance}}"),
            unit="s",
            limit=0.5,
        ),
        lines(
            "Processor",
            "Cores used. A process cannot use much more than one.",
            Query(
                'sum by (instance) (rate(process_cpu_seconds_total{job="$job", instance=~"$instance"}[$__rate_interval]))',
                "{{instance}}",
            ),
        ),
        lines(
            "Memory",
            "Resident memory. It grows with the number of watches, and should stay level with them.",
            Query(MEMORY, "{{instance}}"),
            unit="bytes",
        ),
        lines(
            "Open files",
            "Connections are among them. At 100 % of what the system allows nobody can connect any more.",
            Query(
                'max by (instance) (process_open_fds{job="$job", instance=~"$instance"}'
                ' / process_max_fds{job="$job", instance=~"$instance"})',
                "{{instance}}",
            ),
            unit="percentunit",
            limit=0.8,
        ),
        lines(
            "Last step of a poller",
            "How long ago the poller that is furthest behind took its last step. Over a minute it hangs.",
            Query(WITHOUT_STEP, "{{instance}}"),
            unit="s",
            limit=60,
        ),
    )


def _store() -> Sequence[Panel]:
    return (
        quantiles("Time of an operation", "How long the database took, waiting for its turn included.", STORE),
        lines(
            "Time by operation, p95",
            "Which operation it is.",
            Query(
                f"histogram_quantile(0.95, sum by (le, operation) (rate({STORE}[$__rate_interval])))", "{{operation}}"
            ),
            unit="s",
        ),
        lines(
            "Operations",
            "Operations a second.",
            Query(
                "sum by (operation) (rate("
                'watcher_store_operation_duration_seconds_count{job="$job", instance=~"$instance"}[$__rate_interval]))',
                "{{operation}}",
            ),
            unit="ops",
            stacked=True,
        ),
        heatmap("Operations by duration", "How many operations took how long.", STORE),
        lines(
            "Rows deleted",
            "Rows that were older than the retention allows.",
            Query(
                "sum by (kind) (increase("
                'watcher_retention_deleted_total{job="$job", instance=~"$instance"}[$__interval]))',
                "{{kind}}",
            ),
            bars=True,
            stacked=True,
            width=24,
        ),
    )


def _leases() -> Sequence[Panel]:
    return (
        lines(
            "Leases held",
            "Accounts, or parts of some, that are polled by each process.",
            Query(_held(), "{{instance}}"),
            stacked=True,
        ),
        lines(
            "Processes that poll",
            "As each of them sees it, and as many as Prometheus scrapes. They differ for long: some are cut off from the "
            "database.",
            Query('max(watcher_replicas{job="$job"})', "seen by the processes"),
            Query('sum(up{job="$job"})', "scraped"),
        ),
        lines(
            "Lost leases and refused writes",
            "Lost: another process turned out to poll the account. Refused: a write that came too late. Nothing is broken by "
            "either; again and again, processes freeze or the database is slow.",
            Query('sum(increase(watcher_lease_lost_total{job="$job", instance=~"$instance"}[$__interval]))', "lost"),
            Query(
                'sum(increase(watcher_fenced_writes_total{job="$job", instance=~"$instance"}[$__interval]))',
                "refused",
            ),
            bars=True,
            colours={"lost": ORANGE, "refused": RED},
        ),
        lines(
            "Clock skew by process",
            "How far each machine's clock is ahead of the database's.",
            Query('max by (instance) (watcher_clock_skew_seconds{job="$job", instance=~"$instance"})', "{{instance}}"),
            unit="s",
            least=None,
        ),
    )


def _failures() -> Sequence[Panel]:
    return (
        lines(
            "Clients of streams",
            "Clients that listen, by process. http.streams bounds them.",
            Query('sum by (instance) (watcher_stream_clients{job="$job", instance=~"$instance"})', "{{instance}}"),
            stacked=True,
        ),
        lines(
            "Clients let go",
            "Slow and stalled: they did not keep up. Token: theirs is good no longer. Store: the database failed.",
            Query(
                "sum by (reason) (increase("
                'watcher_stream_dropped_total{job="$job", instance=~"$instance"}[$__interval]))',
                "{{reason}}",
            ),
            bars=True,
            stacked=True,
        ),
        lines(
            "Wrong tokens",
            "Requests with a token that is none, is unknown, or whose time is over. Many: somebody guesses, or a client has an "
            "old one. The log has the addresses.",
            Query(
                "sum by (reason) (increase("
                'watcher_auth_failures_total{job="$job", instance=~"$instance"}[$__interval]))',
                "{{reason}}",
            ),
            bars=True,
            stacked=True,
        ),
        lines(
            "Mistakes of ours",
            "Steps of workers that failed, and requests answered with 500. Should stay at 0.",
            Query(
                "sum by (worker) (increase("
                'watcher_worker_failures_total{job="$job", instance=~"$instance"}[$__interval]))',
                "{{worker}}",
            ),
            Query(
                "sum by (route) (increase("
                'watcher_http_request_failures_total{job="$job", instance=~"$instance"}[$__interval]))',
                "{{route}}",
            ),
            bars=True,
            stacked=True,
        ),
    )


def _series() -> Sequence[Panel]:
    return (
        lines(
            "Series by process",
            "What a scrape brings. It grows with accounts and endpoints, of which at most 1,000 each have series of their own.",
            Query(SAMPLES, "{{instance}}"),
        ),
        lines(
            "Duration of a scrape",
            "Under 50 ms, whatever the number of watches.",
            Query('max by (instance) (scrape_duration_seconds{job="$job", instance=~"$instance"})', "{{instance}}"),
            unit="s",
        ),
        lines(
            "Metrics with most series",
            "The ten largest, over all processes.",
            Query('topk(10, count by (__name__) ({__name__=~"watcher_.+", job="$job"}))', "{{__name__}}"),
            width=24,
        ),
    )


def _build() -> str:
    return 'watcher_build_info{job="$job", instance=~"$instance"}'


def _held() -> str:
    return 'sum by (instance) (watcher_leases_held{job="$job", instance=~"$instance"})'
