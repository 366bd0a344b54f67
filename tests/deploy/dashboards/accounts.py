"""The dashboard of accounts: what their budgets are, what is made of them, and what CallFire answers."""

from collections.abc import Sequence
from typing import Final

from tests.deploy.dashboards.overview import ACCOUNT_STATES, STATE_OF_ACCOUNT, STATUS_COLOURS
from tests.deploy.dashboards.panels import (
    BLUE,
    GREEN,
    ORANGE,
    RARE,
    RED,
    Column,
    Query,
    lines,
    quantiles,
    table,
    timeline,
)
from tests.deploy.dashboards.shape import ACCOUNT, Json, Panel, Row, dashboard, link

STATE: Final = STATE_OF_ACCOUNT.replace('job="$job"', 'job="$job", account=~"$account"')
_LOOKS: Final = 'watcher_looks_total{job="$job", account=~"$account", result!="unanswered"}'
_CHANGED: Final = 'watcher_looks_total{job="$job", account=~"$account", result="changed"}'
_REQUESTS: Final = 'watcher_upstream_requests_total{job="$job", account=~"$account", operation=~"batch|page"}'
LOOKS: Final = f"sum by (account) (rate({_LOOKS}[$__rate_interval]))"
CHANGED: Final = f"sum by (account) (rate({_CHANGED}[$__rate_interval]))"
REQUESTS: Final = f"sum by (account) (rate({_REQUESTS}[$__rate_interval]))"
USED: Final = 'sum by (account) (watcher_account_rate_used{job="$job", account=~"$account"})'
EFFECTIVE: Final = 'sum by (account) (watcher_account_rate_effective{job="$job", account=~"$account"})'
CONFIGURED: Final = 'sum by (account) (watcher_account_rate_configured{job="$job", account=~"$account"})'
OVERDUE: Final = 'sum by (account) (watcher_watches_overdue{job="$job", account=~"$account"})'
STUCK: Final = 'sum by (account) (watcher_watches_stuck{job="$job", account=~"$account"})'
OLDEST: Final = 'max by (account) (watcher_watch_oldest_look_age_seconds{job="$job", account=~"$account"})'

_THIS: Final = link("watcher-accounts", "Only this account", ("account", "${__value.text}"))


def build() -> Json:
    """All of it."""
    return dashboard(
        uid="watcher-accounts",
        title="accounts",
        text="Accounts at CallFire: their budgets, what is made of them, and what CallFire answers.",
        variables=(ACCOUNT,),
        rows=(
            Row("Now", (_now(), _states())),
            Row("Budget", _budget()),
            Row("What CallFire answers", _answers()),
            Row("Watches", _watches()),
            Row("Changes", _changes()),
            Row("Being told instead of asking", _streamrank()),
        ),
    )


def _now() -> Panel:
    return table(
        "Accounts",
        "Each account as it is now. Rates are requests a second; looks per request says what reading pages saves; yield is "
        "how many looks showed a change.",
        {"account": "Account"},
        Column(title="State", expr=STATE, states=ACCOUNT_STATES),
        Column(title="Configured", expr=CONFIGURED, unit="reqps"),
        Column(title="Effective", expr=EFFECTIVE, unit="reqps"),
        Column(title="Used", expr=USED, unit="reqps"),
        Column(title="Looks per request", expr=f"{LOOKS} / {REQUESTS}", decimals=1),
        Column(title="Yield", expr=f"{CHANGED} / {LOOKS}", unit="percentunit", decimals=1),
        Column(title="Overdue", expr=OVERDUE, bad=1),
        Column(title="Stuck", expr=STUCK, bad=1),
        Column(title="Oldest look", expr=OLDEST, unit="s"),
        linked=_THIS,
    )


def _states() -> Panel:
    return timeline(
        "State",
        "Throttled: CallFire asked for a pause. Paused: an operator wants no requests. Down: it fails again and again. "
        "Refused: it does not accept the login.",
        Query(STATE, "{{account}}"),
        ACCOUNT_STATES,
    )


def _budget() -> Sequence[Panel]:
    return (
        lines(
            "Budget of the chosen accounts together",
            "Configured is what the settings allow, effective what CallFire has shown that it really allows, used what was sent.",
            Query('sum(watcher_account_rate_configured{job="$job", account=~"$account"})', "configured"),
            Query('sum(watcher_account_rate_effective{job="$job", account=~"$account"})', "effective"),
            Query('sum(watcher_account_rate_used{job="$job", account=~"$account"})', "used"),
            unit="reqps",
            colours={"configured": BLUE, "effective": ORANGE, "used": GREEN},
        ),
        lines(
            "Used of what is effective",
            "Over 95 % while watches are overdue: the budget is too small for what is followed. "
            "Runbook: BudgetTooSmall.",
            Query(f"{USED} / {EFFECTIVE}", "{{account}}"),
            unit="percentunit",
            limit=0.95,
        ),
        lines(
            "Looks per request",
            "How many batches a request told of. 1: each by itself; more: pages of broadcasts.",
            Query(f"{LOOKS} / {REQUESTS}", "{{account}}", RARE),
        ),
        lines(
            "Yield",
            "How many of the looks showed a change. Low is normal while batches validate for long.",
            Query(f"{CHANGED} / {LOOKS}", "{{account}}", RARE),
            unit="percentunit",
        ),
    )


def _answers() -> Sequence[Panel]:
    return (
        lines(
            "Requests by outcome",
            "The HTTP code, or why there was none: timeout, reset, dns, tls, bad_body. 401 and 403: the login. 429: too many. "
            "Runbook: UpstreamErrorRatio, UpstreamSilent.",
            Query(
                "sum by (outcome) (rate("
                'watcher_upstream_requests_total{job="$job", account=~"$account"}[$__rate_interval]))',
                "{{outcome}}",
            ),
            unit="reqps",
            stacked=True,
            colours={"2..": GREEN, "4..": ORANGE, "5..": RED},
        ),
        lines(
            "Requests by what was asked",
            "A single batch, a page of a broadcast, a submission, or a switch of what is called.",
            Query(
                "sum by (operation) (rate("
                'watcher_upstream_requests_total{job="$job", account=~"$account"}[$__rate_interval]))',
                "{{operation}}",
            ),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Throttles",
            "How often CallFire asked for a pause (429). Again and again: rate is more than CallFire allows. "
            "Runbook: AccountThrottled.",
            Query(
                "sum by (account) (increase("
                'watcher_account_throttled_total{job="$job", account=~"$account"}[$__interval]))',
                "{{account}}",
            ),
            bars=True,
            stacked=True,
        ),
        lines(
            "Breaker opened",
            "How often all requests of an account were stopped: down, CallFire failed again and again; refused, the login.",
            Query(
                "sum by (account, reason) (increase("
                'watcher_account_breaker_opened_total{job="$job", account=~"$account"}[$__interval]))',
                "{{account}} {{reason}}",
            ),
            bars=True,
            stacked=True,
        ),
        quantiles(
            "Time to answer, all accounts",
            "How long CallFire takes for an answer. Near polling.look_timeout requests are lost.",
            'watcher_upstream_request_duration_seconds_bucket{job="$job"}',
        ),
        lines(
            "Time to answer by what was asked, all accounts",
            "p95: pages take longer than single batches.",
            Query(
                "histogram_quantile(0.95, sum by (le, operation) (rate("
                'watcher_upstream_request_duration_seconds_bucket{job="$job"}[$__rate_interval])))',
                "{{operation}}",
            ),
            unit="s",
        ),
    )


def _watches() -> Sequence[Panel]:
    return (
        lines(
            "Watches by status",
            "Followed batches by the status last seen, or by how following them ended.",
            Query('sum by (status) (watcher_watches{job="$job", account=~"$account"})', "{{status}}"),
            stacked=True,
            colours=STATUS_COLOURS,
        ),
        lines(
            "Overdue and stuck",
            "Overdue: not looked at for longer than polling.max_interval. Stuck: CallFire does not get on with the batch.",
            Query(OVERDUE, "{{account}} overdue"),
            Query(STUCK, "{{account}} stuck"),
        ),
        lines(
            "Oldest look",
            "How long ago the watch that waits longest was looked at.",
            Query(OLDEST, "{{account}}"),
            unit="s",
        ),
        lines(
            "Expected waiting",
            "How long changes have waited unseen, all watches together, as far as can be expected. It grows: the schedule falls "
            "behind.",
            Query('sum by (account) (watcher_expected_wait_seconds{job="$job", account=~"$account"})', "{{account}}"),
            unit="s",
        ),
    )


def _changes() -> Sequence[Panel]:
    return (
        lines(
            "Transitions",
            "Changes that were recorded, from status to status; none is a first look.",
            Query(
                'sum by (from, to) (increase(watcher_transitions_total{job="$job", account=~"$account"}[$__interval]))',
                "{{from}} → {{to}}",
            ),
            bars=True,
            stacked=True,
        ),
        lines(
            "Watches that ended",
            "Settled: the batch is done. Missing: CallFire does not have it. Expired: older than polling.max_age. Stopped: by "
            "somebody.",
            Query(
                'sum by (reason) (increase(watcher_watches_ended_total{job="$job", account=~"$account"}[$__interval]))',
                "{{reason}}",
            ),
            bars=True,
            stacked=True,
            colours={"settled": GREEN, "missing": RED, "expired": ORANGE, "stopped": BLUE},
        ),
        lines(
            "Batches on their way to CallFire",
            "Submissions by the state that they came into.",
            Query(
                'sum by (state) (increase(watcher_submissions_total{job="$job", account=~"$account"}[$__interval]))',
                "{{state}}",
            ),
            bars=True,
            stacked=True,
        ),
        lines(
            "Statuses that nobody knows",
            "CallFire used a status that is not in its documentation. Should stay at 0: look in the log for which. "
            "Runbook: StatusUnknown.",
            Query(
                "sum by (account) (increase("
                'watcher_status_unknown_total{job="$job", account=~"$account"}[$__interval]))',
                "{{account}}",
            ),
            bars=True,
            stacked=True,
        ),
    )


def _streamrank() -> Sequence[Panel]:
    return (
        lines(
            "Saved by being told",
            "How much less time and traffic the events took than the requests that brought them.",
            Query(
                'max by (account, of) (watcher_streamrank_saved_percentage{job="$job", account=~"$account"})',
                "{{account}} {{of}}",
            ),
            unit="percent",
            most=100,
        ),
        lines(
            "Looks that showed another status",
            "Of all looks since the account was first polled.",
            Query(
                'max by (account) (watcher_streamrank_change_percentage{job="$job", account=~"$account"})',
                "{{account}}",
            ),
            unit="percent",
        ),
    )
