"""Logs the news: noun.verb events with key-value pairs. A failure is logged when it begins and when it ends, not on every try.

What is said on every try, and every look, is there at level debug. How lines are written is in `lines`.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from watcher.core import news as told
from watcher.core.message import instant
from watcher.core.model import TRANSITION_TYPES
from watcher.core.news import News
from watcher.ports import Clock
from watcher.telemetry.account_lines import AccountLines
from watcher.telemetry.lines import configure, own_logger
from watcher.telemetry.remedies import ALIKE, ENCRYPT, FILES, RESTART, WAIT
from watcher.telemetry.troubles import Troubles, times

__all__ = ["Logs", "configure"]

WORDS_MOST: Final = 1_000
"""How many unknown statuses are remembered as told."""
NAMED: Final = 10
"""Accounts or settings that a line names, of a thousand that may move at once."""
DOUBTFUL: Final = frozenset({"unclear", "absent", "refused"})
"""States of a submission that somebody should look at."""
WARNED_OF: Final = frozenset(
    {"batch.errors", "batch.source_error", "batch.unknown", "batch.missing", "batch.stuck", "watch.expired"}
)


class Logs:
    """Writes news down. Call it with each; it never raises. `configure` comes first: the level is read when this is made."""

    def __init__(self, *, clock: Clock) -> None:
        self._words: set[str] = set()
        self._unfit: set[str] = set()
        self._workers, self._stores, self._attempts = Troubles(clock), Troubles(clock), Troubles(clock)
        self._accounts = AccountLines(clock=clock)
        self._deliveries: dict[str, int] = {}
        self._endpoints: dict[str, str] = {}
        self._exposed = False
        self.listen_up()

    def listen_up(self) -> None:
        """Goes by the level that is configured now."""
        self._log = own_logger()
        self._accounts.listen_up()
        self._hearers = self._table()
        if self._log.is_enabled_for(logging.DEBUG):
            self._hearers = {**self._chatter(), **self._hearers}

    def __call__(self, news: News) -> None:
        """Writes down one piece of news, where it is worth a line."""
        hear = self._hearers.get(type(news))
        if hear is not None:
            hear(news)

    def _table(self) -> Mapping[type[News], Callable[[Any], None]]:
        return {
            told.Changed: self._changed,
            told.UnknownStatus: self._unknown_status,
            told.SetAside: self._set_aside,
            told.Submitted: self._submitted,
            told.ConditionChanged: self._accounts.condition_changed,
            told.BudgetUsed: self._accounts.budget_used,
            told.RateLearnt: self._accounts.rate_learnt,
            told.Attempted: self._attempted,
            told.EndpointChanged: self._endpoint_changed,
            told.EndpointTold: self._endpoint_told,
            told.DividedOtherwise: self._divided_otherwise,
            told.LeasesMoved: self._leases_moved,
            told.MigrationsWait: lambda news: self._log.info("migration.waits", steps=news.steps, remedy=WAIT),
            told.SecretsExposed: self._secrets_exposed,
            told.Swept: self._swept,
            told.WorkerFailed: self._worker_failed,
            told.WorkerRecovered: self._worker_recovered,
            told.RequestFailed: self._request_failed,
            told.AuthFailed: self._auth_failed,
            told.AuthCalm: self._auth_calm,
            told.StoreFailed: self._store_failed,
            told.StoreRecovered: self._store_recovered,
            told.TracesFailed: lambda news: self._log.warning("traces.failed", error=news.error),
            told.TracesRecovered: lambda _: self._log.info("traces.recovered"),
            told.FilesFew: lambda news: self._log.error("files.few", limit=news.limit, remedy=FILES),
            told.FilesPlenty: lambda news: self._log.info("files.recovered", limit=news.limit),
            told.Started: self._started,
            told.Stopping: self._stopping,
            told.Reloaded: self._reloaded,
        }

    def _chatter(self) -> Mapping[type[News], Callable[[Any], None]]:
        """What comes thousands of times a second, or says little: for level debug only."""
        debug = self._log.debug
        return {
            told.Answered: lambda news: debug(
                "request.answered",
                account=news.account,
                operation=news.operation,
                outcome=news.outcome,
                took=round(news.took, 4),
                size=news.size,
            ),
            told.Looked: lambda news: debug("batch.looked", account=news.account, by=news.by, result=news.result),
            told.Following: lambda news: debug(f"watch.{news.what}", account=news.account, batch_id=news.batch_id),
            told.AccountTold: lambda news: debug(
                "event.committed",
                account=news.account,
                type=news.type,
                position=news.position,
                deliveries=news.deliveries,
            ),
            told.StreamOpened: lambda news: debug("stream.opened", stream=news.stream),
            told.StreamClosed: lambda news: debug("stream.closed", stream=news.stream, reason=news.reason),
            told.Throttled: lambda news: debug("account.waits", account=news.account, until=instant(news.until)),
        }

    def _changed(self, news: told.Changed) -> None:
        say = self._log.warning if news.type in WARNED_OF else self._log.info
        say(
            "batch.changed" if news.type in TRANSITION_TYPES else news.type,
            account=news.account,
            batch_id=news.batch_id,
            number=news.number,
            status=news.status,
            previous=news.previous,
            window=None if news.window is None else round(news.window, 3),
            position=news.position,
            deliveries=news.deliveries,
        )

    def _unknown_status(self, news: told.UnknownStatus) -> None:
        if news.status in self._words or len(self._words) >= WORDS_MOST:
            return
        self._words.add(news.status)
        self._log.warning("status.unknown", status=news.status, account=news.account, batch_id=news.batch_id)

    def _set_aside(self, news: told.SetAside) -> None:
        """Every batch of an account may be in the same trouble: the first is logged, the others are there for debugging."""
        kind = f"{news.account} {news.outcome}"
        say = self._log.debug if kind in self._unfit else self._log.warning
        self._unfit.add(kind)
        say("watch.set_aside", account=news.account, batch_id=news.batch_id, outcome=news.outcome, detail=news.detail)

    def _submitted(self, news: told.Submitted) -> None:
        say = self._log.warning if news.state in DOUBTFUL else self._log.info
        say(
            f"submission.{news.state}",
            account=news.account,
            broadcast_id=news.broadcast_id,
            submission=news.submission,
            batch_id=news.batch_id,
            tries=news.tries,
            detail=news.detail,
        )

    def _stopping(self, news: told.Stopping) -> None:
        self._accounts.say_together(at_once=True)
        self._log.info("daemon.stopping", reason=news.reason)

    def _attempted(self, news: told.Attempted) -> None:
        what = {
            "endpoint": news.endpoint,
            "delivery": news.delivery,
            "event_id": news.event_id,
            "attempts": news.attempts,
            "code": news.code,
            "error": news.error,
        }
        failed = self._deliveries.get(news.endpoint, 0)
        if news.outcome == "done":
            if failed:
                del self._deliveries[news.endpoint]
                self._log.info("delivery.recovered", endpoint=news.endpoint, failed=failed)
            self._log.debug("delivery.done", **what, took=round(news.took, 4))
            return
        if news.outcome in ("retried", "dead"):
            self._deliveries[news.endpoint] = failed + 1
        if news.outcome == "dead":
            self._log.error("delivery.dead", **what)
        elif news.outcome == "retried" and not failed:
            self._log.warning("delivery.retried", **what)
        else:
            self._log.debug(f"delivery.{news.outcome}", **what)

    def _endpoint_changed(self, news: told.EndpointChanged) -> None:
        if news.state == "removed":
            for troubles in (self._deliveries, self._endpoints):  # all of them are over
                troubles.pop(news.endpoint, None)
            self._log.info("endpoint.removed", endpoint=news.endpoint, reason=news.reason)
            return
        if self._endpoints.get(news.endpoint, "active") == news.state:
            return
        self._endpoints[news.endpoint] = news.state
        if news.state == "active":
            self._log.info("endpoint.resumed", endpoint=news.endpoint)
            return
        say = self._log.error if news.state == "disabled" else self._log.warning
        until = None if news.until is None else instant(news.until)
        say(f"endpoint.{news.state}", endpoint=news.endpoint, reason=news.reason, until=until)

    def _endpoint_told(self, news: told.EndpointTold) -> None:
        """That it was disabled, and that a delivery ran out, is logged where it happened."""
        say = {"endpoint.failing": self._log.warning, "endpoint.recovered": self._log.info}.get(news.type)
        what = {"endpoint": news.endpoint, "position": news.position, "deliveries": news.deliveries}
        if say is None:
            self._log.debug("event.committed", type=news.type, **what)
        else:
            say(news.type, **what)

    def _secrets_exposed(self, news: told.SecretsExposed) -> None:
        """Once: it is told again with every endpoint that is made."""
        say = self._log.debug if self._exposed else self._log.warning
        self._exposed = True
        say("secrets.unencrypted", endpoints=news.endpoints, remedy=ENCRYPT)

    def _divided_otherwise(self, news: told.DividedOtherwise) -> None:
        if news.shares:
            self._log.warning(
                "leases.divided_otherwise", account=news.account, shares=news.shares[:NAMED], remedy=ALIKE
            )
        else:
            self._log.info("leases.divided_alike", account=news.account)

    def _leases_moved(self, news: told.LeasesMoved) -> None:
        """One line for all that moved at once."""
        for how, shares in (("taken", news.taken), ("given_back", news.given_back)):
            if shares:
                self._log.info(f"leases.{how}", count=len(shares), accounts=shares[:NAMED])
        if news.lost:
            self._log.warning("leases.lost", count=len(news.lost), accounts=news.lost[:NAMED])

    def _swept(self, news: told.Swept) -> None:
        self._log.info(
            "retention.swept",
            events=news.events,
            deliveries=news.deliveries,
            broadcasts=news.broadcasts,
            took=round(news.took, 3),
        )

    def _worker_failed(self, news: told.WorkerFailed) -> None:
        again = self._workers.again(news.worker, news.error)
        if again is None:
            self._log.debug("worker.failed", worker=news.worker, error=news.error, pause=news.pause)
            return
        self._log.error(
            "worker.failed",
            worker=news.worker,
            error=news.error,
            pause=news.pause,
            exception=news.trace,
            **times(again),
        )

    def _worker_recovered(self, news: told.WorkerRecovered) -> None:
        self._workers.over(news.worker)
        self._log.info("worker.recovered", worker=news.worker)

    def _request_failed(self, news: told.RequestFailed) -> None:
        self._log.error(
            "request.failed",
            method=news.method,
            route=news.route,
            request_id=news.request_id,
            error=news.error,
            exception=news.trace,
        )

    def _auth_failed(self, news: told.AuthFailed) -> None:
        again = self._attempts.again(news.reason, news.reason)
        say = self._log.debug if again is None else self._log.warning
        say("auth.failing", reason=news.reason, address=news.address, **times(again))

    def _auth_calm(self, news: told.AuthCalm) -> None:
        self._attempts.all_over()
        self._log.info("auth.calm", failed=news.failed)

    def _store_failed(self, news: told.StoreFailed) -> None:
        again = self._stores.again(news.operation, news.error)
        say = self._log.debug if again is None else self._log.error
        say("store.failed", operation=news.operation, error=news.error, **times(again))

    def _store_recovered(self, news: told.StoreRecovered) -> None:
        self._stores.over(news.operation)
        self._log.info("store.recovered", operation=news.operation)

    def _started(self, news: told.Started) -> None:
        self._log.info(
            "daemon.started", version=news.version, listen=news.listen, accounts=news.accounts, watches=news.watches
        )

    def _reloaded(self, news: told.Reloaded) -> None:
        if news.error is not None:
            self._log.error("settings.refused", error=news.error)
            return
        self._log.info("settings.reloaded", count=len(news.changed), changed=news.changed[:NAMED])
        if news.restart:
            self._log.warning("settings.wait", count=len(news.restart), settings=news.restart[:NAMED], remedy=RESTART)
        for warning in news.warnings:
            self._log.warning("settings.warning", warning=warning)
