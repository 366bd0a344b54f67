"""The alerts: promtool's own tests of them, and that none is without tests, a runbook entry, or metrics that are there."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from tests.fakes import NOON
from tests.telemetry.every_news import EVERYTHING
from watcher.callfire.wire import kind_of
from watcher.core.answers import Kind
from watcher.core.model import FINAL_STATUSES
from watcher.polling.keeping import Keeper
from watcher.telemetry.metrics import Metrics

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
SCRAPED: Final = frozenset({"job", "instance"})
"""Labels that Prometheus adds."""

PAGES: Final = {
    *("Down", "StoreFailing", "PollerStalled", "AccountWithoutOwner", "AccountRefused", "UpstreamSilent"),
    "DeliveryBacklog",
}
TICKETS: Final = {
    *("ReplicaDown", "EventLoopBlocked", "ClockSkew", "LeaseFlapping", "ReloadFailed"),
    *("AccountThrottled", "AccountDown", "UpstreamErrorRatio"),
    *("DetectionSlow", "WatchesOverdue", "BudgetTooSmall", "BatchesStuck", "BatchFailureRatio", "StatusUnknown"),
    *("DeliveryBacklog", "EndpointDisabled", "DeliveriesDead"),
}

WORDS: Final = frozenset(
    {
        *("and", "or", "unless", "by", "on", "offset", "sum", "max", "group", "abs", "vector", "absent", "time"),
        *("timestamp", "increase", "rate", "changes", "resets", "histogram_quantile", "avg_over_time"),
        "last_over_time",
    }
)
"""What is no metric in an expression."""
SELECTOR: Final = re.compile(r"([a-z_:][\w:]*)\{([^}]*)\}")
MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING: Final = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
NAME: Final = re.compile(r"(?<![\w.])[a-zA-Z_:][\w:]*")

OPEN: Final[Mapping[tuple[str, str], set[str]]] = {
    ("watcher_upstream_requests_total", "outcome"): {"timeout", "reset", "dns", "tls", "bad_body", "files"}
    | {str(code) for code in range(200, 600)},
    ("watcher_account_throttled_total", "account"): {"_other"},
    ("watcher_transitions_total", "to"): {status.lower() for status in FINAL_STATUSES},
    ("watcher_worker_failures_total", "worker"): {Keeper.name},
    ("up", "job"): {"watcher"},
}
"""Values of labels that one piece of each news does not bring about."""


class Alert(NamedTuple):
    name: str
    severity: str


class Case(NamedTuple):
    """One world of the unit tests: the samples there are, and of each alert that is asked about whether it ever fires."""

    name: str
    samples: Mapping[str, set[str]]
    asked: Mapping[str, set[str]]  # alert -> severities that fire


def rules(file: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load((FOLDER / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS: Final = rules("alerts.yml")
RECORDS: Final = {rule["record"]: rule["expr"] for rule in rules("recording.yml")}


@cache
def cases() -> Sequence[Case]:
    found = []
    for file in sorted((FOLDER / "tests").glob("*.yml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            samples = {}
            for given in test["input_series"]:
                name, _, matchers = given["series"].partition("{")
                samples[name] = {label for label, _, _ in MATCHER.findall(matchers)}
            asked: dict[str, set[str]] = defaultdict(set)
            for look in test.get("alert_rule_test", []):
                asked[look["alertname"]] |= {alert["exp_labels"]["severity"] for alert in look["exp_alerts"]}
            found.append(Case(test["name"], samples, asked))
    return found


@cache
def exposed() -> tuple[Mapping[str, set[str]], Mapping[tuple[str, str], set[str]]]:
    """The labels of every sample that the daemon exposes, and the values of each."""
    metrics = Metrics(version="1.2.3", loaded=NOON)
    for news in EVERYTHING:
        metrics(news)
    labels: dict[str, set[str]] = {"up": set()}
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for family in metrics.catalogue.registry.collect():
        for sample in family.samples:
            labels[sample.name] = set(sample.labels)
            for label, value in sample.labels.items():
                values[sample.name, label].add(value)
    return labels, {**values, **OPEN}


def metrics_in(expr: str) -> set[str]:
    """The metrics and records that an expression names."""
    return set(NAME.findall(GROUPING.sub(" ", SELECTOR.sub(r" \1 ", expr)))) - WORDS


def made_of(expr: str) -> set[str]:
    """The metrics that an expression is made of in the end."""
    return {each for name in metrics_in(expr) for each in (made_of(RECORDS[name]) if name in RECORDS else {name})}


def test_promtool_finds_the_rules_valid_and_every_unit_test_passes() -> None:
    tests = sorted(str(path) for path in (FOLDER / "tests").glob("*.yml"))
    for command in (
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "recording.yml", "alerts.yml"),
        ("test", "rules", *tests),
    ):
        done = subprocess.run(
            ["promtool", *command], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_the_example_loads_all_rules_and_scrapes_the_job_that_they_know() -> None:
    example = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert (example["rule_files"], [job["job_name"] for job in example["scrape_configs"]]) == (
        ["recording.yml", "alerts.yml"],
        ["watcher"],
    )


def test_the_alerts_and_how_urgent_each_is_are_those_that_were_agreed_on() -> None:
    found = [(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS]
    assert sorted(found) == sorted(
        [("Watchdog", "none"), *((name, "page") for name in PAGES), *((name, "ticket") for name in TICKETS)]
    )


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_says_what_is_wrong_in_words_and_leads_to_its_entry(rule: dict[str, Any]) -> None:
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url"}
    assert said["runbook_url"] == f"deploy/runbook.md#{rule['alert'].lower()}"
    assert len(said["summary"]) < 80


def test_every_alert_has_a_world_in_which_it_fires_and_one_near_it_in_which_it_does_not() -> None:
    fires, quiet = set(), set()
    for rule in ALERTS:
        alert = Alert(rule["alert"], rule["labels"]["severity"])
        for case in cases():
            if alert.name in case.asked:
                if alert.severity in case.asked[alert.name]:
                    fires.add(alert)
                elif made_of(rule["expr"]) & case.samples.keys():
                    quiet.add(alert)
    every = {Alert(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    assert fires == every
    assert quiet == every - {Alert("Watchdog", "none")}  # which is there to be always on


def test_every_record_is_used_and_has_a_test_of_its_figure() -> None:
    used = {name for rule in ALERTS for name in metrics_in(rule["expr"])} & RECORDS.keys()
    looked_at = {
        look["expr"]
        for test in yaml.safe_load((FOLDER / "tests" / "records.yml").read_text())["tests"]
        for look in test["promql_expr_test"]
    }
    assert used == set(RECORDS) == looked_at


@pytest.mark.parametrize("expr", [*RECORDS.values(), *(rule["expr"] for rule in ALERTS)])
def test_an_expression_names_metrics_labels_and_values_that_there_are(expr: str) -> None:
    labels, values = exposed()
    assert metrics_in(expr) <= labels.keys() | RECORDS.keys()
    for metric, matchers in SELECTOR.findall(expr):
        own = grouped(RECORDS[metric]) if metric in RECORDS else labels[metric]
        for label, _, value in MATCHER.findall(matchers):
            assert label in own | SCRAPED, f"{metric} has no label {label}"
            source = "watcher_transitions_total" if metric in RECORDS else metric
            for each in value.split("|"):
                assert any(re.fullmatch(each, known) for known in values[source, label]), f"{metric} {label} {each}"
    reached = set().union(*(labels[name] for name in made_of(expr)), SCRAPED)
    assert grouped(expr) <= reached


def grouped(expr: str) -> set[str]:
    """The labels by which something is put together or compared."""
    return {label.strip() for labels in GROUPING.findall(expr) for label in labels.split(",")}


def test_the_worlds_of_the_unit_tests_have_series_as_the_daemon_exposes_them() -> None:
    labels, _ = exposed()
    made = {(case.name, name): given - SCRAPED for case in cases() for name, given in case.samples.items()}
    assert made == {(case, name): labels[name] for case, name in made}


def test_what_counts_as_a_failure_of_callfire_is_what_the_client_takes_for_one() -> None:
    selector = dict(SELECTOR.findall(RECORDS["account:watcher_requests_failed:increase10m"]))
    ((label, how, value),) = MATCHER.findall(selector["watcher_upstream_requests_total"])
    assert (label, how) == ("outcome", "!~")
    codes = [
        *range(300, 600)
    ]  # a code of 200 and some is no failure, unless its body is bad, which is an outcome of its own
    assert [code for code in codes if not re.fullmatch(value, str(code))] == [
        code for code in codes if kind_of(code) is Kind.FAILED
    ]
