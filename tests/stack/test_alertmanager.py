"""The example for Alertmanager: it is valid, whoever must hear of an alert does, and nobody is told the same twice."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import yaml

from tests.chaos.campaign import http
from tests.stack.processes import Program, a_port, wait_for
from tests.stack.stack import RULES, alertmanager

EXAMPLE: Final = RULES / "alertmanager.yml"
CONFIG: Final = yaml.safe_load(EXAMPLE.read_text())
ALERTS: Final = [
    rule for group in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
HEARS: Final[Mapping[str, str]] = {"page": "on-call", "ticket": "tickets", "none": "dead-mans-switch"}
"""Who hears of an alert of that severity."""


def amtool(*words: str) -> str:
    """What it says; it must find nothing wrong."""
    done = subprocess.run(["amtool", *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_finds_the_example_valid_also_with_all_that_it_has_commented_out(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    head, _, receivers = text.partition("\nreceivers:\n")
    whole = tmp_path / "alertmanager.yml"
    whole.write_text(head + "\nreceivers:\n" + re.sub(r"^    # ", "    ", receivers, flags=re.MULTILINE))
    kinds = {key for each in yaml.safe_load(whole.read_text())["receivers"] for key in each} - {"name"}
    assert kinds == {"webhook_configs", "pagerduty_configs", "slack_configs", "email_configs"}
    amtool("check-config", str(EXAMPLE), str(whole))


@pytest.mark.parametrize("severity", HEARS)
def test_an_alert_reaches_whoever_is_there_for_its_severity(severity: str) -> None:
    for name in {rule["alert"] for rule in ALERTS if rule["labels"]["severity"] == severity}:
        labels = (f"alertname={name}", f"severity={severity}", "job=watcher", "account=north")
        amtool("config", "routes", "test", f"--config.file={EXAMPLE}", f"--verify.receivers={HEARS[severity]}", *labels)


def test_what_the_example_names_are_alerts_that_there_are() -> None:
    matchers = re.findall(r'alertname=~?"([^"]+)"', EXAMPLE.read_text())
    assert {name for each in matchers for name in each.split("|")} <= {rule["alert"] for rule in ALERTS}


def test_everybody_is_told_when_it_is_over_but_the_watchdogs_receiver() -> None:
    told = {each["name"]: [how["send_resolved"] for how in each["webhook_configs"]] for each in CONFIG["receivers"]}
    assert told == {"on-call": [True], "tickets": [True], "dead-mans-switch": [False]}


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A real Alertmanager with the example; its address."""
    port = a_port(0)
    url = f"http://127.0.0.1:{port}"
    command = [str(each) for each in alertmanager(folder, RULES, {"alertmanager": port, "alarms": a_port(0)})]
    program = Program(name="alertmanager", command=command, url=url, log=folder / "log", up=f"{url}/-/ready")
    try:
        program.start()
        yield url
    finally:
        program.kill()


def test_a_page_silences_its_own_ticket_and_what_follows_from_it_and_no_other(tmp_path: Path) -> None:
    page, ticket = {"job": "watcher", "severity": "page"}, {"job": "watcher", "severity": "ticket"}
    loud = [
        page | {"alertname": "DeliveryBacklog", "endpoint": "crm"},
        page | {"alertname": "UpstreamSilent", "account": "north"},
        ticket | {"alertname": "DeliveryBacklog", "endpoint": "dialler"},
        ticket | {"alertname": "EndpointDisabled", "endpoint": "crm"},
        ticket | {"alertname": "AccountDown", "account": "south"},
        ticket | {"alertname": "BatchesStuck", "account": "north"},
    ]
    silent = [
        ticket | {"alertname": "DeliveryBacklog", "endpoint": "crm"},
        ticket | {"alertname": "AccountDown", "account": "north"},
    ]
    with running(tmp_path) as url:
        http(f"{url}/api/v2/alerts", [{"labels": labels} for labels in (*loud, *silent)])

        def found(**how: str) -> set[str]:
            alerts: list[Any] = http(f"{url}/api/v2/alerts?{urlencode(how)}")
            return {json.dumps(each["labels"], sort_keys=True) for each in alerts}

        expected = {json.dumps(labels, sort_keys=True) for labels in loud}
        wait_for(lambda: len(found(inhibited="false")) == len(loud), 60, "the silent ones to be silent")
        assert found(inhibited="false") == expected
        assert len(found()) == len(loud) + len(silent)


def test_the_document_has_a_command_that_makes_every_runbook_link_one_to_click_on(tmp_path: Path) -> None:
    (command,) = re.findall(r"^sed -i .*$", (RULES.parent / "stack.md").read_text(), re.MULTILINE)
    copy = tmp_path / "alerts.yml"
    copy.write_text((RULES / "alerts.yml").read_text())
    words = [str(copy) if word == "/etc/prometheus/alerts.yml" else word for word in shlex.split(command)]
    subprocess.run(words, check=True, timeout=60)
    links = [
        rule["annotations"]["runbook_url"]
        for group in yaml.safe_load(copy.read_text())["groups"]
        for rule in group["rules"]
    ]
    assert links == [f"https://git.example.org/watcher/{rule['annotations']['runbook_url']}" for rule in ALERTS]
