"""Logs how accounts stand and how fast they are asked: of a thousand to which the same happens at once in a few lines."""

from typing import Any, Final

from watcher.core import news as told
from watcher.core.message import instant
from watcher.ports import Clock
from watcher.telemetry.crowds import Crowds
from watcher.telemetry.lines import own_logger
from watcher.telemetry.troubles import Troubles, times

CALM: Final = 900.0
"""Seconds without a pause after which an account is no longer slowed down: about as long as a rate that CallFire does not bear is
left alone before it is tried again, and as the alert looks back."""

LEVELS: Final = {"refused": "error", "recovered": "info", "rate_restored": "info", "rate_found": "info"}
"""Of what happens to accounts; all else is a warning."""


class AccountLines:
    """Hand it the news that its methods are named after."""

    def __init__(self, *, clock: Clock) -> None:
        self._pauses = Troubles(clock)  # that CallFire asks accounts for
        self._crowds = Crowds(clock)
        self._rates: dict[str, bool] = {}  # accounts that may not use their configured rate -> whether theirs was found
        self.listen_up()

    def listen_up(self) -> None:
        """Goes by the level that is configured now."""
        self._log = own_logger()

    def say_together(self, *, at_once: bool = False) -> None:
        """Logs whom the same befell as many others, after a moment or now."""
        for event, many, names in self._crowds.gathered(all_of_them=at_once):
            _, _, verb = event.partition(".")
            getattr(self._log, LEVELS.get(verb, "warning"))(f"others.{verb}", count=many, accounts=names)

    def _say(self, verb: str, account: str, **more: Any) -> None:
        """By itself, unless many others were in the same just now."""
        event = f"account.{verb}"
        level = LEVELS.get(verb, "warning") if self._crowds.alone(event, account) else "debug"
        getattr(self._log, level)(event, account=account, **more)

    def condition_changed(self, news: told.ConditionChanged) -> None:
        """Of an account that is throttled again and again as little is said as of any failure: each pause ends with a good
        answer, and the next may be seconds away. That it is over is said when none came for a while."""
        until = None if news.until is None else instant(news.until)
        what: dict[str, Any] = {"account": news.account, "reason": news.reason, "until": until}
        if news.condition == "throttled":
            again = self._pauses.again(news.account, news.condition)
            if again is None:
                self._log.debug("account.throttled", **what)
            else:
                self._say("throttled", **what | times(again))
        elif news.condition != "ok":
            self._pauses.over(news.account)  # it is in another trouble, whose end will be told
            self._say(news.condition, **what)
        elif news.previous == "throttled":
            self._log.debug("account.resumed", account=news.account)
        else:
            self._say("recovered", news.account, previous=news.previous)

    def budget_used(self, news: told.BudgetUsed) -> None:
        """Told every few seconds of each account: it is what there is to look at a clock by."""
        if self._pauses.over_after(news.account, CALM):
            self._say("recovered", news.account, previous="throttled")
        self.say_together()

    def rate_learnt(self, news: told.RateLearnt) -> None:
        """When it falls below what is configured, when what CallFire allows is found, and when all may be used again; what lies
        between is there for debugging."""
        what: dict[str, Any] = {"account": news.account, "rate": round(news.rate, 3), "configured": news.configured}
        found = self._rates.get(news.account)
        if news.rate >= news.configured:
            self._rates.pop(news.account, None)
            self._say("rate_restored", **what)
        elif found is None:
            self._rates[news.account] = False
            self._say("rate_lowered", **what, reason=news.reason)
        elif news.reason == "found" and not found:
            self._rates[news.account] = True
            self._say("rate_found", **what)
        else:
            self._log.debug("account.rate_changed", **what, reason=news.reason)
