"""The overview: whether all is well, and where to look if not. Its figures are those of the whole installation.

How an account stands is told by whoever polls it, by several processes where it is divided: what adds up is a sum over all of
them. What an endpoint is owed every process tells, the same of each: that is a maximum.
"""

from collections.abc import Sequence
from typing import Final

from tests.deploy.dashboards.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RARE,
    RED,
    YELLOW,
    Column,
    Query,
    States,
    heatmap,
    lines,
    processes_down,
    quantiles,
    stat,
    table,
    timeline,
)
from tests.deploy.dashboards.shape import Json, Panel, Row, dashboard, link

ACCOUNT_STATES: Final[States] = {
    0: ("ok", GREEN),
    1: ("throttled", YELLOW),
    2: ("paused", BLUE),
    3: ("down", ORANGE),
    4: ("refused", RED),
}
STATE_OF_ACCOUNT: Final = (
    'max by (account) (0 * watcher_account_state{job="$job", state="ok"}'
    ' or 1 * watcher_account_state{job="$job", state="throttled"}'
    ' or 2 * watcher_account_state{job="$job", state="paused"}'
    ' or 3 * watcher_account_state{job="$job", state="down"}'
    ' or 4 * watcher_account_state{job="$job", state="refused"})'
)
"""As a number of ACCOUNT_STATES: the worst that any process tells."""

STATUS_COLOURS: Final = {
    "new": BLUE,
    "validating": YELLOW,
    "active": GREEN,
    "errors|source_error|unknown|missing": RED,
    "unseen|expired": GREY,
}

_TO_ACCOUNT: Final = link("watcher-accounts", "Open this account", ("account", "${__field.labels.account}"))
_TO_ACCOUNTS: Final = link("watcher-accounts", "Open accounts")
_TO_DELIVERY: Final = link("watcher-delivery", "Open delivery")
_TO_RUNTIME: Final = link("watcher-runtime", "Open runtime")


def build() -> Json:
    """All of it."""
    return dashboard(
        uid="watcher-overview",
        title="overview",
        text="Whether all is well: what is wrong now, batches and how late their changes are noticed and delivered.",
        variables=(),
        rows=(
            Row("Wrong now", (*_wrong_now(), _alerts())),
            Row("Accounts", _accounts()),
            Row("Batches", _batches()),
            Row("From a change to its acceptance", _delays()),
        ),
    )


def _wrong_now() -> Sequence[Panel]:
    return (
        processes_down(width=3, linked=_TO_RUNTIME),
        stat(
            "Accounts not polled",
            "Accounts that are refused (401, 403: wrong login) or down (CallFire fails again and again). Their batches are not "
            "looked at. Runbook: AccountRefused, AccountDown.",
            'sum(max by (account) (watcher_account_state{job="$job", state=~"down|refused"}))',
            bad=1,
            width=3,
            linked=_TO_ACCOUNTS,
        ),
        stat(
            "Longest without a step",
            "How long ago the poller that is furthest behind took its last step. Over a minute it hangs. "
            "Runbook: PollerStalled.",
            'max(time() - watcher_poller_last_step_timestamp_seconds{job="$job"})',
            unit="s",
            decimals=0,
            warn=30,
            bad=60,
            width=3,
            linked=_TO_RUNTIME,
        ),
        stat(
            "Watches overdue",
            "Watches that were not looked at for longer than polling.max_interval: the budget is too small, or CallFire is "
            "down. Runbook: WatchesOverdue.",
            'sum(watcher_watches_overdue{job="$job"})',
            warn=1,
            width=3,
            linked=_TO_ACCOUNTS,
        ),
        stat(
            "Batches stuck",
            "Batches that have been NEW or VALIDATING for too long. CallFire does not get on with them: ask CallFire. "
            "Runbook: BatchesStuck.",
            'sum(watcher_watches_stuck{job="$job"})',
            warn=1,
            width=3,
            linked=_TO_ACCOUNTS,
        ),
        stat(
            "Endpoints not served",
            "Endpoints to which nothing is sent: disabled, or their breaker is open because they failed again and again. "
            "Runbook: EndpointDisabled.",
            'sum(max by (endpoint) (watcher_endpoint_state{job="$job", state=~"open|disabled"}))',
            bad=1,
            absent="no endpoint",
            width=3,
            linked=_TO_DELIVERY,
        ),
        stat(
            "Oldest delivery",
            "How long the oldest delivery has been owed, of all endpoints. Over five minutes a receiver is behind. "
            "Runbook: DeliveryBacklog.",
            'max(watcher_delivery_oldest_age_seconds{job="$job"})',
            unit="s",
            decimals=0,
            warn=60,
            bad=300,
            absent="no endpoint",
            width=3,
            linked=_TO_DELIVERY,
        ),
        stat(
            "Given up, last hour",
            "Deliveries that are not tried again. `watcher endpoints recover` sends them once the receiver is well. "
            "Runbook: DeliveriesDead.",
            'sum(increase(watcher_deliveries_total{job="$job", outcome="dead"}[1h]))',
            decimals=0,
            bad=0.5,
            absent="no endpoint",
            width=3,
            linked=_TO_DELIVERY,
        ),
    )


def _alerts() -> Panel:
    return table(
        "Alerts",
        "What fires, or will if it stays so (pending). deploy/runbook.md has an entry for each. Empty: nothing, or the rules of "
        "deploy/prometheus are not loaded.",
        {
            "alertname": "Alert",
            "alertstate": "State",
            "severity": "Severity",
            "account": "Account",
            "endpoint": "Endpoint",
            "instance": "Process",
        },
        Column(
            title="Since",
            expr="1000 * max by (alertname, alertstate, severity, account, endpoint, instance) ("
            'ALERTS{job="$job", alertname!="Watchdog"} * ignoring (alertstate) ALERTS_FOR_STATE{job="$job"})',
            unit="dateTimeFromNow",
        ),
        height=6,
    )


def _accounts() -> Sequence[Panel]:
    return (
        timeline(
            "State by account",
            "Throttled: CallFire asked for a pause. Paused: an operator wants no requests. Down: it fails again and again. "
            "Refused: it does not accept the login.",
            Query(STATE_OF_ACCOUNT, "{{account}}"),
            ACCOUNT_STATES,
            linked=_TO_ACCOUNT,
        ),
    )


def _batches() -> Sequence[Panel]:
    return (
        lines(
            "Batches by status",
            "Followed batches by the status last seen, or by how following them ended.",
            Query('sum by (status) (watcher_watches{job="$job"})', "{{status}}"),
            stacked=True,
            colours=STATUS_COLOURS,
        ),
        lines(
            "Validations finished and failed",
            "Batches whose validation ended, by how. Errors never start: somebody must look at them. "
            "Runbook: BatchFailureRatio.",
            Query(
                'sum by (final) (increase(watcher_batch_validation_duration_seconds_count{job="$job"}[$__interval]))',
                "{{final}}",
            ),
            stacked=True,
            bars=True,
            colours=STATUS_COLOURS,
        ),
        heatmap(
            "Time to validate",
            "From a batch's creation to the end of its validation: how many took how long.",
            'watcher_batch_validation_duration_seconds_bucket{job="$job"}',
            step=RARE,
        ),
        lines(
            "Stuck and overdue",
            "Stuck: CallFire does not get on with the batch. Overdue: we did not look for longer than polling.max_interval.",
            Query('sum(watcher_watches_stuck{job="$job"})', "stuck"),
            Query('sum(watcher_watches_overdue{job="$job"})', "overdue"),
            colours={"stuck": ORANGE, "overdue": RED},
        ),
    )


def _delays() -> Sequence[Panel]:
    return (
        quantiles(
            "Detection window",
            "Between the last look with the old status and the first with the new one: a change is noticed no later than this. "
            "Runbook: DetectionSlow.",
            'watcher_transition_window_seconds_bucket{job="$job"}',
            limit=60,
            step=RARE,
        ),
        quantiles(
            "From commit to acceptance",
            "From the moment an event is recorded to the moment its receiver accepts it, all attempts included.",
            'watcher_delivery_delay_seconds_bucket{job="$job"}',
            step=RARE,
        ),
    )
