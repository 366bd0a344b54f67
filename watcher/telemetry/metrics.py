"""Counts the news: a listener that sets the metrics of the catalogue.

Gauges are set as things happen, so that a scrape only writes down what is there. Nothing here asks anything of anybody.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from watcher.core import news as told
from watcher.core.endpoint import Attempt
from watcher.core.model import FINAL_STATUSES, OPERATOR_TYPES, TRANSITION_TYPES
from watcher.core.news import News
from watcher.core.parts import part_named
from watcher.core.tracing import SAMPLED, parent_of
from watcher.telemetry import labels
from watcher.telemetry.catalogue import Catalogue
from watcher.telemetry.exposition import format_for, written
from watcher.telemetry.parts import Parts
from watcher.telemetry.series import OTHER, Capped


class Metrics:
    """Counts news in a registry of its own. Call it with each; it never raises and never waits. `loaded` is when the settings
    in force were read.

    An account beyond the first 1,000 is counted under `_other` and has no gauges: added up or overwritten they would mislead.
    """

    def __init__(self, *, version: str, loaded: datetime) -> None:
        self.catalogue = Catalogue(version)
        self._accounts = Capped(labels.ACCOUNTS_MOST)
        self._endpoints = Capped(labels.ENDPOINTS_MOST)
        self._named = Capped(labels.ACCOUNTS_MOST)
        self._labels: dict[str, str] = {}
        self._endpoint_labels: dict[str, str] = {}
        self._unpolled: set[str] = set()
        self._parts = Parts()
        self._outcomes = Capped(labels.WORDS_MOST)
        self._errors = Capped(labels.WORDS_MOST)
        self._operations = Capped(labels.OWN_WORDS_MOST)
        self._routes = Capped(labels.OWN_WORDS_MOST)
        self._workers = Capped(labels.WORDS_MOST)
        self._hearers = self._table()
        self._begin()
        self._reloaded(told.Reloaded(at=loaded, error=None))

    def __call__(self, news: News) -> None:
        """Counts one piece of news."""
        hear = self._hearers.get(type(news))
        if hear is not None:
            hear(news)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Everything, as text or as OpenMetrics, whichever the Accept header asks for; and its content type."""
        form = format_for(accept)
        return written(self.catalogue.series, self.catalogue.process, form), form.content_type

    def _table(self) -> Mapping[type[News], Callable[[Any], None]]:
        """Who hears what. The rest of the news is told otherwise, or is for the logs only."""
        return {
            told.Answered: self._answered,
            told.Looked: self._looked,
            told.Changed: self._changed,
            told.UnknownStatus: lambda news: self.catalogue.unknown.of(self._account(news.account)).inc(),
            told.Following: self._following,
            told.Submitted: lambda news: self.catalogue.submissions.of(self._account(news.account), news.state).inc(),
            told.Tally: self._tally,
            told.StreamRanked: self._streamranked,
            told.ConditionChanged: self._condition_changed,
            told.Throttled: self._throttle,
            told.BudgetUsed: self._budget_used,
            told.Stepped: self._stepped,
            told.Attempted: self._attempted,
            told.Backlog: self._backlog,
            told.EndpointChanged: self._endpoint_changed,
            told.EndpointTold: lambda news: self.catalogue.operator_events.of(
                self._endpoint(news.endpoint), news.type
            ).inc(),
            told.LeasesMoved: self._leases_moved,
            told.LeasesSeen: self._leases_seen,
            told.SharesNamed: self._shares_named,
            told.Swept: self._swept,
            told.WriteFenced: lambda _: self.catalogue.fenced_writes.inc(),
            told.WorkerFailed: self._worker_failed,
            told.RequestFailed: lambda news: self.catalogue.request_failures.of(self._routes.label(news.route)).inc(),
            told.StreamOpened: lambda _: self.catalogue.stream_clients.inc(),
            told.StreamClosed: self._stream_closed,
            told.AuthFailed: lambda news: self.catalogue.auth_failures.of(news.reason).inc(),
            told.LoopLag: lambda news: self.catalogue.lag.observe(news.seconds),
            told.StoreTook: self._store_took,
            told.SpansLost: lambda news: self.catalogue.spans_lost.inc(news.spans),
            told.Reloaded: self._reloaded,
        }

    # Labels

    def _begin(self) -> None:
        """What has closed labels and is of no account and no endpoint starts at 0, so that the first of it is an increase."""
        for reason in labels.DROPPED:
            self.catalogue.streams_dropped.of(reason)
        for reason in labels.AUTH_FAILURES:
            self.catalogue.auth_failures.of(reason)
        for kind in labels.SWEPT:
            self.catalogue.swept.of(kind)
        for final in labels.FINALS:
            self.catalogue.validation.of(final)

    def _account(self, name: str) -> str:
        """The account's label. On first sight its counters start at 0, so that the first of anything is an increase."""
        label = self._labels.get(name)
        if label is None:
            label = self._labels[name] = self._accounts.label(name)
            self.catalogue.throttled.of(label)
            self.catalogue.unknown.of(label)
            for reason in labels.OPENED:
                self.catalogue.opened.of(label, reason)
            for reason in labels.ENDED:
                self.catalogue.ended.of(label, reason)
            for final in labels.FINALS:
                self.catalogue.transitions.of(label, "validating", final)
            if not self._parts.elsewhere(name):
                self._show_account(label, "ok")
        return label

    def _endpoint(self, name: str) -> str:
        label = self._endpoint_labels.get(name)
        if label is None:
            label = self._endpoint_labels[name] = self._endpoints.label(name)
            for outcome in labels.OUTCOMES:
                self.catalogue.deliveries.of(label, outcome)
            for event_type in OPERATOR_TYPES:
                self.catalogue.operator_events.of(label, event_type)
            self._show_endpoint(label, "active")
        return label

    def _show_account(self, label: str, condition: str) -> None:
        if label != OTHER:
            for state in labels.CONDITIONS:
                self.catalogue.state.of(label, state).set(state == condition)

    def _show_endpoint(self, label: str, now: str) -> None:
        if label != OTHER:
            for state in labels.ENDPOINT_STATES:
                self.catalogue.endpoint_state.of(label, state).set(state == now)

    # What is heard

    def _answered(self, news: told.Answered) -> None:
        outcome = self._outcomes.label(news.outcome)
        self.catalogue.requests.of(self._account(news.account), news.operation, outcome).inc()
        self.catalogue.request_duration.of(news.operation).observe(news.took)

    def _looked(self, news: told.Looked) -> None:
        if news.result in labels.RESULTS:
            self.catalogue.looks.of(self._account(news.account), news.by, news.result).inc()

    def _changed(self, news: told.Changed) -> None:
        account = self._account(news.account)
        if news.type in labels.ENDINGS:
            self.catalogue.ended.of(account, labels.ENDINGS[news.type]).inc()
        if news.type not in TRANSITION_TYPES:
            return
        self.catalogue.transitions.of(
            account, labels.status_label(news.previous), labels.status_label(news.status)
        ).inc()
        if news.window is not None:
            self.catalogue.window.observe(news.window)
        if news.status in FINAL_STATUSES:
            self.catalogue.ended.of(account, "settled").inc()
            if news.validation is not None:
                self.catalogue.validation.of(labels.status_label(news.status)).observe(news.validation)

    def _following(self, news: told.Following) -> None:
        account = self._account(news.account)
        if news.what == "stopped":
            self.catalogue.ended.of(account, "stopped").inc()

    def _tally(self, news: told.Tally) -> None:
        account = self._account(news.account)
        if account == OTHER or self._parts.elsewhere(news.account, news.part):
            return
        news = self._parts.tally(news)
        counts = dict.fromkeys(labels.WATCH_STATUSES, 0)
        for status, count in news.by_status.items():
            counts[status if status in counts else "unknown"] += count
        for status, count in counts.items():
            self.catalogue.watches.of(account, status).set(count)
        self.catalogue.overdue.of(account).set(news.overdue)
        self.catalogue.oldest_look.of(account).set(news.oldest_look_age)
        self.catalogue.stuck.of(account).set(news.stuck)
        self.catalogue.expected_wait.of(account).set(news.expected_wait)

    def _streamranked(self, news: told.StreamRanked) -> None:
        account, rank, catalogue = self._account(news.account), news.rank, self.catalogue
        if account == OTHER or self._parts.elsewhere(news.account):
            return
        catalogue.rank_time.of(account, "polling").set(rank.polling_total_time_average)
        catalogue.rank_time.of(account, "streaming").set(rank.streaming_total_time_average)
        catalogue.rank_size.of(account, "polling").set(rank.polling_size_download_average)
        catalogue.rank_size.of(account, "streaming").set(rank.streaming_size_download_average)
        catalogue.rank_saved.of(account, "time").set(rank.time_percentage)
        catalogue.rank_saved.of(account, "size").set(rank.size_percentage)
        catalogue.rank_change.of(account).set(rank.change_percentage)

    def _condition_changed(self, news: told.ConditionChanged) -> None:
        account = self._account(news.account)
        if not self._parts.elsewhere(news.account):
            self._show_account(account, news.condition)
        if news.condition in labels.OPENED:
            self.catalogue.opened.of(account, news.condition).inc()

    def _throttle(self, news: told.Throttled) -> None:
        account = self._account(news.account)
        if not news.again:
            self.catalogue.throttled.of(account).inc()

    def _budget_used(self, news: told.BudgetUsed) -> None:
        account = self._account(news.account)
        if account != OTHER and not self._parts.elsewhere(news.account, news.part):
            news = self._parts.budget(news)
            self.catalogue.rate_configured.of(account).set(news.configured)
            self.catalogue.rate_effective.of(account).set(news.effective)
            self.catalogue.rate_used.of(account).set(news.used)

    def _stepped(self, news: told.Stepped) -> None:
        account = self._account(news.account)
        if account != OTHER and not self._parts.elsewhere(news.account, news.part):
            self.catalogue.last_step.of(account).set(self._parts.step(news).at.timestamp())

    def _attempted(self, news: told.Attempted) -> None:
        endpoint = self._endpoint(news.endpoint)
        if news.outcome in labels.OUTCOMES:
            self.catalogue.deliveries.of(endpoint, news.outcome).inc()
        self.catalogue.attempts.of(endpoint, self._result(news)).inc()
        self.catalogue.attempt_duration.of(endpoint).observe(news.took)
        if news.delay is not None:
            self.catalogue.delay.observe(news.delay, _exemplar(news.attempt))

    def _result(self, news: told.Attempted) -> str:
        if news.code is not None:
            return f"{news.code // 100}xx"
        return self._errors.label(news.error or "none")

    def _endpoint_changed(self, news: told.EndpointChanged) -> None:
        if news.state == "removed":  # the last that is told of it
            self._forget_endpoint(news.endpoint)
        else:
            self._show_endpoint(self._endpoint(news.endpoint), news.state)

    def _forget_endpoint(self, endpoint: str) -> None:
        """It was removed: its series go away."""
        label = self._endpoint_labels.pop(endpoint, OTHER)
        if label != OTHER:
            for series in self.catalogue.of_endpoints:
                series.forget(label)
            self._endpoints.forget(label)

    def _backlog(self, news: told.Backlog) -> None:
        endpoint = self._endpoint(news.endpoint)
        if endpoint != OTHER:
            self.catalogue.pending.of(endpoint).set(news.pending)
            self.catalogue.oldest_delivery.of(endpoint).set(news.oldest_age)
            self._show_endpoint(endpoint, news.state)

    def _worker_failed(self, news: told.WorkerFailed) -> None:
        kind = news.worker.partition(" ")[0]  # «poller default»: the account is no kind of worker
        self.catalogue.worker_failures.of(self._workers.label(kind)).inc()

    def _store_took(self, news: told.StoreTook) -> None:
        self.catalogue.store.of(self._operations.label(news.operation)).observe(news.took)

    def _leases_moved(self, news: told.LeasesMoved) -> None:
        """How an account stands is told by whoever polls it: here no more, or from now on. One that is new gets its series with
        the first that is told of it: those of a thousand accounts at once would keep the first look waiting."""
        self.catalogue.lease_lost.inc(len(news.lost))
        for share in (*news.given_back, *news.lost):
            account = part_named(share).account
            label = self._labels.get(account, OTHER)
            if self._parts.leave(account, share) and label != OTHER:
                for series in self.catalogue.standing_of_accounts:
                    series.forget(label)
        for share in news.taken:
            account = part_named(share).account
            self._parts.come(account, share)
            label = self._labels.get(account, OTHER)
            if label != OTHER and not self.catalogue.state.has(label, "ok"):
                self._show_account(label, "ok")

    def _shares_named(self, news: told.SharesNamed) -> None:
        """Series of accounts that are no longer in the settings go away. What they still bring is counted with all others'."""
        self._parts.name(news.shares)
        named = {part_named(share).account for share in news.shares}
        gone = self._labels.keys() - named
        for label in (self._labels[account] for account in gone if self._labels[account] != OTHER):
            for series in self.catalogue.of_accounts:
                series.forget(label)
            self._accounts.forget(label)
        self._labels = {account: label for account, label in self._labels.items() if label != OTHER}
        self._labels |= dict.fromkeys(gone, OTHER)

    def _leases_seen(self, news: told.LeasesSeen) -> None:
        self.catalogue.leases_held.set(news.held)
        self.catalogue.replicas.set(news.replicas)
        self.catalogue.clock_skew.set(news.skew)
        self._parts.among(news.replicas)
        self._show_unpolled(news.unpolled)

    def _show_unpolled(self, unpolled: Mapping[str, int]) -> None:
        """Of every account in the settings, whoever polls it, so these have labels of their own: here few may be known by news.
        Those beyond the cap add up to something that can be acted on."""
        shown: Counter[str] = Counter()
        for label in self._unpolled - unpolled.keys():
            self._named.forget(label)
        for account, parts in unpolled.items():
            shown[self._named.label(account)] += parts
        for label in self._unpolled - shown.keys():
            self.catalogue.unpolled.forget(label)
        for label, parts in shown.items():
            self.catalogue.unpolled.of(label).set(parts)
        self._unpolled = set(shown)

    def _stream_closed(self, news: told.StreamClosed) -> None:
        self.catalogue.stream_clients.dec()
        if news.reason in labels.DROPPED:
            self.catalogue.streams_dropped.of(news.reason).inc()

    def _swept(self, news: told.Swept) -> None:
        self.catalogue.swept.of("events").inc(news.events)
        self.catalogue.swept.of("deliveries").inc(news.deliveries)
        self.catalogue.swept.of("broadcasts").inc(news.broadcasts)

    def _reloaded(self, news: told.Reloaded) -> None:
        self.catalogue.reload_ok.set(news.error is None)
        if news.error is None:
            self.catalogue.reloaded_at.set(news.at.timestamp())


def _exemplar(attempt: Attempt | None) -> dict[str, str] | None:
    """The trace, and the span in it, where there is one to be found."""
    if attempt is None or not attempt.traceparent.endswith(SAMPLED):
        return None
    sent = parent_of(attempt.traceparent)
    return None if sent is None else {"trace_id": sent.trace, "span_id": sent.span}
