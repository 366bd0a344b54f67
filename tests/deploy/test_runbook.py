"""The runbook has an entry for every alert and for nothing else, and the metrics, log events and settings that
it tells to look at are there. Its links and commands are looked after in `documents`."""

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.fakes import NOON, FakeClock
from tests.telemetry.every_news import EVERYTHING, attempted
from watcher.core import news as told
from watcher.core.model import EVENT_TYPES
from watcher.settings import reference
from watcher.telemetry.logs import Logs
from watcher.telemetry.metrics import Metrics

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
RUNBOOK: Final = (DEPLOY / "runbook.md").read_text()
PARTS: Final = ["Meaning.", "First look.", "Remedy.", "Ignore when"]

ENTRIES: Final = dict(re.findall(r"^## ([^\n]+)\n\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
QUOTED: Final = re.findall(r"`([^`]+)`", RUNBOOK)
DOTTED: Final = re.compile(r"[a-z]+(\.[a-z_]+)+")

TROUBLE: Final = (
    told.ConditionChanged(account="b", condition="refused", previous="ok", reason="401", until=NOON),
    told.ConditionChanged(account="b", condition="ok", previous="refused", reason="", until=None),
    told.ConditionChanged(account="b", condition="throttled", previous="ok", reason="429", until=NOON),
    told.RateLearnt(account="b", rate=2.5, previous=5.0, configured=5.0, reason="lowered"),
    told.RateLearnt(account="b", rate=3.0, previous=2.5, configured=5.0, reason="found"),
    replace(attempted("dead"), code=None, error="guard"),
    told.Reloaded(at=NOON, error="http.listen is no address"),
)
"""What is logged otherwise than one piece of each news."""


def alerts() -> dict[str, set[str]]:
    """Their severities, by their names, in the order of the rules."""
    found: dict[str, set[str]] = {}
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            found.setdefault(rule["alert"], set()).add(rule["labels"]["severity"])
    return found


def test_every_alert_has_an_entry_and_no_entry_is_without_an_alert() -> None:
    assert list(ENTRIES) == list(alerts())


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_says_what_it_means_where_to_look_what_to_do_and_when_it_is_nothing(name: str) -> None:
    assert re.findall(r"^\*\*(.+?)\*\*", ENTRIES[name], re.MULTILINE) == PARTS


def test_what_wakes_somebody_is_listed_first() -> None:
    (paragraph,) = re.findall(r"^\*\*Pages\*\*.*?\n\n", RUNBOOK, re.MULTILINE | re.DOTALL)
    listed = set(re.findall(r"\[(\w+)\]", paragraph))
    assert listed == {name for name, severities in alerts().items() if "page" in severities}


def test_its_metrics_exist() -> None:
    metrics = Metrics(version="1.2.3", loaded=NOON)
    for news in EVERYTHING:
        metrics(news)
    families = list(metrics.catalogue.registry.collect())
    known = {family.name for family in families} | {sample.name for family in families for sample in family.samples}
    named = {quoted for quoted in QUOTED if re.fullmatch(r"(watcher|process)_\w+", quoted)}
    assert len(named) > 5
    assert named <= known


def test_its_log_events_and_settings_exist(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "watcher"):
        logs = Logs(clock=FakeClock())
        for news in (*EVERYTHING, *TROUBLE):
            logs(news)
    events = {record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)}
    settings = {key.replace(".NAME.", ".north.") for key in re.findall(r"^\| `([^`]+)`", reference(), re.MULTILINE)}
    named = {quoted for quoted in QUOTED if DOTTED.fullmatch(quoted)}
    assert len(named) > 20
    assert named <= events | set(EVENT_TYPES) | settings
