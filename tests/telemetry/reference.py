"""The text of deploy/metrics.md: what the catalogue says of each metric, what its labels may say, and what it is good for."""

import itertools
import math
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.fakes import NOON
from tests.telemetry.every_news import attempted
from tests.telemetry.uses import USES
from watcher.core import news as told
from watcher.core.model import OPERATOR_TYPES
from watcher.core.streamrank import StreamRank
from watcher.core.submissions import SubmissionState
from watcher.telemetry import labels
from watcher.telemetry.catalogue import PREFIX, Catalogue
from watcher.telemetry.exposition import AnySeries
from watcher.telemetry.metrics import Metrics

REFERENCE: Final = Path(__file__).parents[2] / "deploy" / "metrics.md"


class Open(typing.NamedTuple):
    """What a label may say that is no closed set of words, and how many there may be."""

    text: str
    most: int


BY: Final[Sequence[told.By]] = ("single", "page")
RESULTS: Final[Sequence[told.Result]] = ("changed", "unchanged")
OPERATIONS: Final[Sequence[str]] = typing.get_args(typing.get_type_hints(told.Answered)["operation"])
SAYS: Final[Mapping[str, Sequence[str] | Open]] = {
    "account": Open("its name in the settings", labels.ACCOUNTS_MOST),
    "endpoint": Open("its id", labels.ENDPOINTS_MOST),
    "by": typing.get_args(told.By),
    "operation": OPERATIONS,
    "outcome": labels.OUTCOMES,
    "final": labels.FINALS,
    "from": ("none", *labels.STATUSES, "unknown"),
    "to": (*labels.STATUSES, "unknown"),
    "kind": labels.SWEPT,
    "type": OPERATOR_TYPES,
    "of": ("time", "size"),
    "version": Open("the program's", 1),
    "python": Open("the interpreter's", 1),
    "route": Open("the path's pattern, `none` where there is none", labels.OWN_WORDS_MOST),
    "worker": Open("what kind of worker", labels.WORDS_MOST),
    "account_state state": labels.CONDITIONS,
    "account_breaker_opened_total reason": labels.OPENED,
    "watches status": labels.WATCH_STATUSES,
    "looks_total result": labels.RESULTS,
    "watches_ended_total reason": labels.ENDED,
    "submissions_total state": tuple(SubmissionState),
    "streamrank_total_time_average_seconds by": ("polling", "streaming"),
    "streamrank_size_download_average_bytes by": ("polling", "streaming"),
    "endpoint_state state": labels.ENDPOINT_STATES,
    "delivery_attempts_total result": Open(
        "`2xx` and the like, or where no answer came `timeout`, `refused`, `reset`, `connect`, `dns`, `tls`, `proxy`, `files`, "
        "`bad_answer`, `too_large`, `bad_url`, `no_secret`, `not_accepted`",
        9 + labels.WORDS_MOST,
    ),
    "upstream_requests_total outcome": Open(
        "the HTTP code, or `timeout`, `reset`, `dns`, `tls`, `bad_body`, `files`", labels.WORDS_MOST
    ),
    "stream_dropped_total reason": labels.DROPPED,
    "auth_failures_total reason": labels.AUTH_FAILURES,
    "store_operation_duration_seconds operation": Open("the store's word for it", labels.OWN_WORDS_MOST),
}
"""By label, or by metric and label where one label says different things."""

HEAD: Final = """# Metrics

Made by `make metrics` from the code that counts; a test sees to it that it is current. `GET /metrics` answers in Prometheus' text
format, and in OpenMetrics where that is asked for (`Accept: application/openmetrics-text`, as Prometheus does). Every name begins
with `{prefix}_`. Times are seconds, sizes bytes. Names, labels and buckets change only with a note in the changelog.

- Nothing is looked up for a scrape: gauges are set as things happen, those of watches and deliveries every few seconds.
- Counters whose labels are closed begin at 0 with their account or endpoint, so that the first of anything is an increase. There
  are no `_created` series.
- **Several replicas**: each tells its own. How an account stands is told by the replica that polls it, and by no other: take the
  `max` over all, or the `sum` of what adds up over the parts of a divided account (rates, watches, waiting). Counters: `sum`.
  What an endpoint is owed, `account_unpolled`, `replicas` and `clock_skew_seconds` are of the whole: `max`, not `sum`.
- **Removed** accounts and endpoints: their series go away. One that comes again begins at 0.

## How many series

| | as soon as it works | at most |
| --- | --- | --- |
| the daemon itself | {daemon} | {daemon_most} |
| each account | {account} | {account_most} |
| each endpoint | {endpoint} | {endpoint_most} |

So {accounts} accounts and {endpoints} endpoints make about {example}. A histogram has as many series as buckets, and three more.
Accounts beyond the first {accounts_most} are counted together as `account="_other"` and have no gauges but `account_unpolled`;
endpoints likewise, beyond the first {endpoints_most}, and no gauges at all. Beside these there are some thirty of the process
(`process_*`: memory, processor, open files) and of Python (`python_*`).
"""


def reference() -> str:
    """The whole document."""
    by_name = {series.name: series for series in Catalogue("1").series}
    daemon, account, endpoint = series_of(0, 0), series_of(1, 0), series_of(0, 1)
    account, endpoint = account - daemon, endpoint - daemon
    parts = [
        HEAD.format(
            prefix=PREFIX,
            daemon=daemon,
            account=account,
            endpoint=endpoint,
            daemon_most=f"{_most(by_name.values(), None):,}",
            account_most=f"{_most(by_name.values(), 'account'):,}",
            endpoint_most=f"{_most(by_name.values(), 'endpoint'):,}",
            accounts=10,
            endpoints=20,
            example=f"{daemon + 10 * account + 20 * endpoint:,}",
            accounts_most=f"{labels.ACCOUNTS_MOST:,}",
            endpoints_most=f"{labels.ENDPOINTS_MOST:,}",
        )
    ]
    for section, uses in USES.items():
        parts.append(f"## {section}\n")
        for name, use in uses.items():
            parts.append(_entry(by_name[f"{PREFIX}_{name}"], name, use.text, use.query))
    return "\n".join(parts)


def _entry(series: AnySeries, name: str, use: str, query: str) -> str:
    labelled = [f"- `{label}`: {_said(says(name, label))}" for label in series.labels]
    bounds = " ".join(f"{bound:g}" for bound in series.bounds if not math.isinf(bound))
    lines = [
        f"### `{series.name}`\n",
        f"{series.kind.capitalize()}. {series.text}" + (f" Buckets: {bounds}." if bounds else ""),
        "\n".join(["", *labelled, ""]) if labelled else "",
        f"{use}\n",
        f"```promql\n{query}\n```\n",
    ]
    return "\n".join(lines)


def says(name: str, label: str) -> Sequence[str] | Open:
    """What a label of a metric may say."""
    return SAYS.get(f"{name} {label}") or SAYS[label]


def _said(said: Sequence[str] | Open) -> str:
    if isinstance(said, Open):
        return said.text + (f"; at most {said.most:,}, then `_other`" if said.most > 1 else "")
    return ", ".join(f"`{each}`" for each in said)


def _most(catalogue: Iterable[AnySeries], of: str | None) -> int:
    """Series of one account or endpoint if its labels say all they can say; or of what is of neither."""
    most = 0
    for series in catalogue:
        whose = next((label for label in series.labels if label in ("account", "endpoint")), None)
        if whose == of:
            name = series.name.removeprefix(f"{PREFIX}_")
            sizes = [_size(says(name, label)) for label in series.labels if label != of]
            most += math.prod(sizes) * (len(series.bounds) + 2 if series.bounds else 1)
    return most


def _size(said: Sequence[str] | Open) -> int:
    return said.most + (said.most > 1) if isinstance(said, Open) else len(said)


def working(accounts: int, endpoints: int) -> Metrics:
    """The metrics of a daemon at which all goes well, each account and endpoint having done what they do all day."""
    metrics = Metrics(version="1", loaded=NOON)
    for operation in ("commit", "save_looks", "tally", "owed", "claim", "settle"):
        metrics(told.StoreTook(operation=operation, took=0.001))
    for operation in ("batch", "page"):
        metrics.catalogue.request_duration.of(operation)
    for account in map("account-{}".format, range(accounts)):
        metrics(told.Answered(account=account, operation="batch", outcome="200", took=0.1))
        metrics(told.Answered(account=account, operation="page", outcome="200", took=0.1))
        for by, result in itertools.product(BY, RESULTS):
            metrics(told.Looked(account=account, by=by, result=result))
        metrics(told.BudgetUsed(account=account, configured=5.0, effective=5.0, used=1.0))
        metrics(
            told.Tally(
                account=account, by_status={"new": 1}, overdue=0, oldest_look_age=1.0, stuck=0, expected_wait=0.1
            )
        )
        metrics(told.StreamRanked(account=account, rank=StreamRank()))
        metrics(told.Stepped(account=account, at=NOON))
    unpolled = dict.fromkeys(map("account-{}".format, range(accounts)), 0)
    metrics(told.LeasesSeen(held=accounts, replicas=1, skew=0.0, unpolled=unpolled))
    for endpoint in map("ep_{}".format, range(endpoints)):
        metrics(attempted(endpoint=endpoint))
        metrics(told.Backlog(endpoint=endpoint, pending=0, oldest_age=0.0, state="active"))
    return metrics


def series_of(accounts: int, endpoints: int) -> int:
    """How many series such a daemon has, without those of the process."""
    text = working(accounts, endpoints).render("")[0].decode()
    return sum(line.startswith(PREFIX) for line in text.splitlines())
