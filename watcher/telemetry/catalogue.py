"""The metrics themselves, with the names, labels and buckets of operations.md. What sets them is in `metrics`."""

import platform
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from watcher.telemetry.exposition import AnySeries
from watcher.telemetry.samples import Count, Level, Spread
from watcher.telemetry.series import Series

PREFIX: Final = "watcher"
REQUEST_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
WINDOW_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
VALIDATION_BUCKETS: Final = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400)
DELAY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600)
ATTEMPT_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
STORE_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Catalogue:
    """Every metric of the daemon, in one registry of their own: `series` has ours in order, `process` those of the process."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.process = CollectorRegistry()
        self.series: list[AnySeries] = []
        self._make_upstream()
        self._make_watches()
        self._make_ranks()
        self._make_deliveries()
        self._make_leases()
        self._make_daemon(version)
        self._make_process()

    def _counter(self, name: str, text: str, *labels: str) -> Series[Count]:
        metric = Count(name, text, labels, namespace=PREFIX, registry=self.registry)
        series = Series(metric, name=f"{PREFIX}_{name}", text=text, labels=labels)
        self.series.append(series)
        return series

    def _gauge(self, name: str, text: str, *labels: str) -> Series[Level]:
        metric = Level(name, text, labels, namespace=PREFIX, registry=self.registry)
        series = Series(metric, name=f"{PREFIX}_{name}", text=text, labels=labels)
        self.series.append(series)
        return series

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Series[Spread]:
        metric = Spread(name, text, labels, namespace=PREFIX, registry=self.registry, buckets=buckets)
        series = Series(metric, name=f"{PREFIX}_{name}", text=text, labels=labels)
        self.series.append(series)
        return series

    def _make_upstream(self) -> None:
        self.requests = self._counter(
            "upstream_requests_total", "Requests to CallFire.", "account", "operation", "outcome"
        )
        self.request_duration = self._histogram(
            "upstream_request_duration_seconds", "How long CallFire took to answer.", REQUEST_BUCKETS, "operation"
        )
        self.rate_configured = self._gauge("account_rate_configured", "Requests a second that are allowed.", "account")
        self.rate_effective = self._gauge("account_rate_effective", "Requests a second in force now.", "account")
        self.rate_used = self._gauge("account_rate_used", "Requests a second that were sent lately.", "account")
        self.state = self._gauge("account_state", "1 for the state the account is in.", "account", "state")
        self.throttled = self._counter("account_throttled_total", "Times CallFire asked for a pause.", "account")
        self.opened = self._counter(
            "account_breaker_opened_total", "Times all requests were stopped.", "account", "reason"
        )
        self.unpolled = self._gauge(
            "account_unpolled",
            "Parts of the account that no process polls; one that has none counts as one.",
            "account",
        )
        self.last_step = self._gauge(
            "poller_last_step_timestamp_seconds", "When the account's poller last took a step.", "account"
        )

    def _make_watches(self) -> None:
        self.watches = self._gauge("watches", "Watches by status, or by how they ended.", "account", "status")
        self.overdue = self._gauge("watches_overdue", "Watches not looked at for over max_interval.", "account")
        self.oldest_look = self._gauge(
            "watch_oldest_look_age_seconds", "Age of the last look at the watch that waits longest.", "account"
        )
        self.stuck = self._gauge("watches_stuck", "Watches whose batch does not move.", "account")
        self.expected_wait = self._gauge(
            "expected_wait_seconds", "Expected waiting that nobody has seen yet, all watches together.", "account"
        )
        self.looks = self._counter("looks_total", "Looks at batches.", "account", "by", "result")
        self.window = self._histogram(
            "transition_window_seconds",
            "Between the last look before a transition and the first after.",
            WINDOW_BUCKETS,
        ).of()
        self.transitions = self._counter("transitions_total", "Transitions of batches.", "account", "from", "to")
        self.validation = self._histogram(
            "batch_validation_duration_seconds", "From creation to the end of validation.", VALIDATION_BUCKETS, "final"
        )
        self.unknown = self._counter("status_unknown_total", "Statuses that nobody knows.", "account")
        self.ended = self._counter("watches_ended_total", "Watches that ended.", "account", "reason")
        self.submissions = self._counter(
            "submissions_total", "Batches on their way to CallFire, by what they became.", "account", "state"
        )

    def _make_ranks(self) -> None:
        self.rank_time = self._gauge(
            "streamrank_total_time_average_seconds",
            "How long a request took (polling), or an event to a webhook's acceptance (streaming).",
            "account",
            "by",
        )
        self.rank_size = self._gauge(
            "streamrank_size_download_average_bytes",
            "Length of the body of an answer (polling), or of an event (streaming).",
            "account",
            "by",
        )
        self.rank_saved = self._gauge(
            "streamrank_saved_percentage", "How much less the events took than the requests.", "account", "of"
        )
        self.rank_change = self._gauge(
            "streamrank_change_percentage", "How many of the looks showed another status.", "account"
        )

    def _make_deliveries(self) -> None:
        self.deliveries = self._counter(
            "deliveries_total", "Deliveries by what became of an attempt.", "endpoint", "outcome"
        )
        self.attempts = self._counter(
            "delivery_attempts_total", "Attempts by class of the answer's code, or kind of error.", "endpoint", "result"
        )
        self.delay = self._histogram(
            "delivery_delay_seconds", "From the commit of an event to its acceptance.", DELAY_BUCKETS
        ).of()
        self.attempt_duration = self._histogram(
            "delivery_attempt_duration_seconds", "How long an attempt took.", ATTEMPT_BUCKETS, "endpoint"
        )
        self.pending = self._gauge("deliveries_pending", "Deliveries owed.", "endpoint")
        self.oldest_delivery = self._gauge(
            "delivery_oldest_age_seconds", "How long the oldest delivery has been owed.", "endpoint"
        )
        self.endpoint_state = self._gauge("endpoint_state", "1 for the state the endpoint is in.", "endpoint", "state")
        self.operator_events = self._counter(
            "endpoint_events_total", "Events that told operators of the endpoint.", "endpoint", "type"
        )

    def _make_leases(self) -> None:
        self.leases_held = self._gauge("leases_held", "Accounts, or parts of some, that are polled here.").of()
        self.replicas = self._gauge("replicas", "Processes that poll, this one included.").of()
        self.lease_lost = self._counter(
            "lease_lost_total", "Accounts that turned out to be polled by another process."
        ).of()
        self.fenced_writes = self._counter(
            "fenced_writes_total", "Writes that were refused, as another process polls the account."
        ).of()
        self.clock_skew = self._gauge(
            "clock_skew_seconds", "How far this machine's clock is ahead of the database's."
        ).of()

    def _make_daemon(self, version: str) -> None:
        self.lag = self._histogram(
            "event_loop_lag_seconds", "How much later than asked the event loop woke a sleeper.", LAG_BUCKETS
        ).of()
        self.store = self._histogram(
            "store_operation_duration_seconds", "How long the store took.", STORE_BUCKETS, "operation"
        )
        self.swept = self._counter("retention_deleted_total", "Rows that were older than the retention allows.", "kind")
        self.worker_failures = self._counter("worker_failures_total", "Steps of workers that failed.", "worker")
        self.spans_lost = self._counter(
            "trace_spans_lost_total", "Spans that did not get to the collector of traces."
        ).of()
        self.request_failures = self._counter(
            "http_request_failures_total", "Requests answered with 500: a mistake of ours.", "route"
        )
        self.stream_clients = self._gauge("stream_clients", "Clients that listen to streams.").of()
        self.streams_dropped = self._counter("stream_dropped_total", "Clients of streams that were let go.", "reason")
        self.auth_failures = self._counter("auth_failures_total", "Requests with a token that is not right.", "reason")
        self.reload_ok = self._gauge(
            "settings_last_reload_successful", "1 where the settings read last are in force."
        ).of()
        self.reloaded_at = self._gauge(
            "settings_last_reload_timestamp_seconds", "When the settings in force were read."
        ).of()
        build = self._gauge("build_info", "Always 1; the labels say what runs.", "version", "python")
        build.of(version, platform.python_version()).set(1)

    def _make_process(self) -> None:
        """What the library has to say of the process and of Python."""
        for registry in (self.process, self.registry):
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            GCCollector(registry=registry)

    @property
    def of_accounts(self) -> Sequence[AnySeries]:
        """Those whose first label is an account."""
        return [series for series in self.series if series.labels[:1] == ("account",)]

    @property
    def standing_of_accounts(self) -> Sequence[AnySeries]:
        """Those that say how an account stands now, which only the process can say that polls it."""
        return [series for series in self.of_accounts if series.kind == "gauge" and series is not self.unpolled]

    @property
    def of_endpoints(self) -> Sequence[AnySeries]:
        """Those whose first label is an endpoint."""
        return [series for series in self.series if series.labels[:1] == ("endpoint",)]
