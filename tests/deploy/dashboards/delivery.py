"""The dashboard of delivery: what endpoints are owed, what becomes of attempts, and how long they take."""

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
    quantiles,
    stat,
    table,
    timeline,
)
from tests.deploy.dashboards.shape import ENDPOINT, Json, Panel, Row, dashboard, link

ENDPOINT_STATES: Final[States] = {
    0: ("active", GREEN),
    1: ("paused", YELLOW),
    2: ("open", ORANGE),
    3: ("disabled", RED),
}
STATE: Final = (
    'max by (endpoint) (0 * watcher_endpoint_state{job="$job", endpoint=~"$endpoint", state="active"}'
    ' or 1 * watcher_endpoint_state{job="$job", endpoint=~"$endpoint", state="paused"}'
    ' or 2 * watcher_endpoint_state{job="$job", endpoint=~"$endpoint", state="open"}'
    ' or 3 * watcher_endpoint_state{job="$job", endpoint=~"$endpoint", state="disabled"})'
)
"""As a number of ENDPOINT_STATES: the worst that any process tells."""
PENDING: Final = 'max by (endpoint) (watcher_deliveries_pending{job="$job", endpoint=~"$endpoint"})'
OLDEST: Final = 'max by (endpoint) (watcher_delivery_oldest_age_seconds{job="$job", endpoint=~"$endpoint"})'
OUTCOMES: Final = {"done": GREEN, "retried": YELLOW, "dead": RED, "held": BLUE}

_THIS: Final = link("watcher-delivery", "Only this endpoint", ("endpoint", "${__value.text}"))


def build() -> Json:
    """All of it."""
    return dashboard(
        uid="watcher-delivery",
        title="delivery",
        text="Webhooks: what endpoints are owed, what becomes of attempts, how long they take.",
        variables=(ENDPOINT,),
        rows=(
            Row("Wrong now", _wrong_now()),
            Row("Endpoints", (_endpoints(), _states())),
            Row("Deliveries and attempts", _attempts()),
            Row("Backlog", _backlog()),
        ),
    )


def _wrong_now() -> Sequence[Panel]:
    return (
        stat(
            "Disabled",
            "Endpoints that are disabled: by 410, by an operator, or after days without success. What happens is held for them. "
            "Runbook: EndpointDisabled.",
            'sum(max by (endpoint) (watcher_endpoint_state{job="$job", endpoint=~"$endpoint", state="disabled"}))',
            bad=1,
            absent="no endpoint",
        ),
        stat(
            "Breaker open",
            "Endpoints that failed again and again: now and then one delivery is tried, the others wait.",
            'sum(max by (endpoint) (watcher_endpoint_state{job="$job", endpoint=~"$endpoint", state="open"}))',
            bad=1,
            absent="no endpoint",
        ),
        stat(
            "Owed",
            "Deliveries that are not accepted yet.",
            'sum(max by (endpoint) (watcher_deliveries_pending{job="$job", endpoint=~"$endpoint"}))',
            absent="no endpoint",
        ),
        stat(
            "Oldest",
            "How long the oldest delivery has been owed. Over five minutes a receiver is behind. "
            "Runbook: DeliveryBacklog.",
            'max(watcher_delivery_oldest_age_seconds{job="$job", endpoint=~"$endpoint"})',
            unit="s",
            decimals=0,
            warn=60,
            bad=300,
            absent="no endpoint",
        ),
        stat(
            "Given up, last hour",
            "Deliveries that are not tried again. `watcher endpoints recover` sends them once the receiver is well. "
            "Runbook: DeliveriesDead.",
            'sum(increase(watcher_deliveries_total{job="$job", endpoint=~"$endpoint", outcome="dead"}[1h]))',
            decimals=0,
            bad=0.5,
            absent="no endpoint",
        ),
        stat(
            "Accepted, last hour",
            "Of all attempts, how many were accepted. Red: fewer than nine of ten.",
            'sum(increase(watcher_deliveries_total{job="$job", endpoint=~"$endpoint", outcome="done"}[1h]))'
            ' / sum(increase(watcher_deliveries_total{job="$job", endpoint=~"$endpoint"}[1h]))',
            unit="percentunit",
            decimals=1,
            bad=0.9,
            below=True,
            absent="nothing sent",
        ),
    )


def _endpoints() -> Panel:
    attempts = 'rate(watcher_delivery_attempts_total{job="$job", endpoint=~"$endpoint"}[$__rate_interval])'
    done = 'rate(watcher_deliveries_total{job="$job", endpoint=~"$endpoint", outcome="done"}[$__rate_interval])'
    ended = 'rate(watcher_deliveries_total{job="$job", endpoint=~"$endpoint"}[$__rate_interval])'
    return table(
        "Endpoints",
        "Each endpoint as it is now. Accepted is the share of the attempts, the time that of single attempts.",
        {"endpoint": "Endpoint"},
        Column(title="State", expr=STATE, states=ENDPOINT_STATES),
        Column(title="Attempts", expr=f"sum by (endpoint) ({attempts})", unit="reqps"),
        Column(
            title="Accepted",
            expr=f"sum by (endpoint) ({done}) / sum by (endpoint) ({ended})",
            unit="percentunit",
            decimals=1,
        ),
        Column(title="p95 of an attempt", expr=_slowest(0.95), unit="s"),
        Column(title="Owed", expr=PENDING),
        Column(title="Oldest", expr=OLDEST, unit="s", bad=300),
        Column(
            title="Given up, last hour",
            expr='sum by (endpoint) (increase(watcher_deliveries_total{job="$job", endpoint=~"$endpoint", outcome="dead"}[1h]))',
            decimals=0,
            bad=0.5,
        ),
        linked=_THIS,
    )


def _states() -> Panel:
    return timeline(
        "State",
        "Paused: the receiver asked for a pause. Open: it failed again and again. Disabled: nothing is sent.",
        Query(STATE, "{{endpoint}}"),
        ENDPOINT_STATES,
    )


def _attempts() -> Sequence[Panel]:
    return (
        lines(
            "Deliveries by outcome",
            "Done: accepted. Retried: tried again later. Dead: given up. Held: the endpoint is disabled.",
            Query(
                "sum by (outcome) (rate("
                'watcher_deliveries_total{job="$job", endpoint=~"$endpoint"}[$__rate_interval]))',
                "{{outcome}}",
            ),
            unit="ops",
            stacked=True,
            colours=OUTCOMES,
        ),
        lines(
            "Attempts by endpoint",
            "Attempts a second.",
            Query(
                "sum by (endpoint) (rate("
                'watcher_delivery_attempts_total{job="$job", endpoint=~"$endpoint"}[$__rate_interval]))',
                "{{endpoint}}",
            ),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Attempts by answer",
            "The class of the answer's code, or the kind of error where there was none.",
            Query(
                "sum by (result) (rate("
                'watcher_delivery_attempts_total{job="$job", endpoint=~"$endpoint"}[$__rate_interval]))',
                "{{result}}",
            ),
            unit="reqps",
            stacked=True,
            colours={"2xx": GREEN, "3xx": GREY, "4xx": ORANGE, "5xx": RED},
        ),
        lines(
            "Duration of an attempt by endpoint, p95",
            "Near webhooks.timeout attempts are lost.",
            Query(_slowest(0.95), "{{endpoint}}", RARE),
            unit="s",
        ),
        heatmap(
            "Duration of attempts",
            "How many attempts took how long.",
            'watcher_delivery_attempt_duration_seconds_bucket{job="$job", endpoint=~"$endpoint"}',
        ),
        quantiles(
            "From commit to acceptance, all endpoints",
            "From the moment an event is recorded to the moment its receiver accepts it, all attempts included.",
            'watcher_delivery_delay_seconds_bucket{job="$job"}',
            step=RARE,
        ),
    )


def _backlog() -> Sequence[Panel]:
    return (
        lines("Owed by endpoint", "Deliveries that are not accepted yet.", Query(PENDING, "{{endpoint}}")),
        lines(
            "Oldest by endpoint",
            "How long the oldest delivery has been owed. Over five minutes alerts.",
            Query(OLDEST, "{{endpoint}}"),
            unit="s",
            limit=300,
        ),
        lines(
            "What operators were told",
            "Events about endpoints: failing, disabled, recovered, and deliveries that were given up.",
            Query(
                "sum by (endpoint, type) (increase("
                'watcher_endpoint_events_total{job="$job", endpoint=~"$endpoint"}[$__interval]))',
                "{{endpoint}} {{type}}",
            ),
            bars=True,
            stacked=True,
            width=24,
        ),
    )


def _slowest(share: float) -> str:
    buckets = 'watcher_delivery_attempt_duration_seconds_bucket{job="$job", endpoint=~"$endpoint"}'
    return f"histogram_quantile({share}, sum by (le, endpoint) (rate({buckets}[$__rate_interval])))"
