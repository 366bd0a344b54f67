"""The whole stack in short: one alert from the metric to whoever is told, and back; rules and routes wait for a second."""

import re
import shutil
import time
from collections import Counter
from pathlib import Path

from tests.stack.alarms import Alarm
from tests.stack.campaign import unexpected
from tests.stack.processes import wait_for
from tests.stack.stack import PORTS, RULES, standing
from tests.stack.troubles import Heard, Refused, Ring

WAITS = re.compile(r"(\b(?:for|group_wait|group_interval): )\S+")
"""What takes long in the files of deploy/, as it would at night."""


def hurried(folder: Path) -> Path:
    """Copies of the rules and of Alertmanager's example in which nothing waits for longer than a second."""
    folder.mkdir()
    for name in ("prometheus.yml", "recording.yml", "alerts.yml", "alertmanager.yml"):
        shutil.copyfile(RULES / name, folder / name)
    for name in ("alerts.yml", "alertmanager.yml"):
        text, count = WAITS.subn(r"\g<1>1s", (folder / name).read_text())
        assert count > 5
        (folder / name).write_text(text)
    return folder


def test_a_refused_account_pages_and_the_page_is_over_after_the_runbooks_remedy(tmp_path: Path) -> None:
    heard: Counter[tuple[str, str, str]] = Counter()

    def hear(alarm: Alarm) -> None:
        heard[alarm.name, alarm.receiver, alarm.status] += 1

    trouble = Refused(account="north", code=401)
    anywhere = dict.fromkeys(PORTS, 0)
    rules = hurried(tmp_path / "rules")
    with standing(tmp_path, hear=hear, wanted=anywhere, rules=rules, every="1s") as stack:
        stack.add("north", new_for=0.1, validating_for=1000.0)

        def rung() -> bool:
            trouble.listen(stack)
            return trouble.rung

        def over() -> bool:
            trouble.listen(stack)
            return trouble.over

        trouble.start(stack)
        wait_for(rung, 60, "the page")
        trouble.cure(stack)
        wait_for(over, 60, "its end")
    assert trouble.heard[0].ring == Ring("AccountRefused", "north", "on-call")
    assert heard["AccountRefused", "on-call", "firing"] == heard["AccountRefused", "on-call", "resolved"] == 1
    assert heard["Watchdog", "dead-mans-switch", "firing"] >= 1


def alarm(name: str, about: str, receiver: str) -> Alarm:
    labels = {"alertname": name, "account": about}
    said = {"summary": "something", "description": "More of it.", "runbook_url": "deploy/runbook.md"}
    return Alarm(at=time.time(), receiver=receiver, status="firing", labels=labels, annotations=said, began="")


def test_the_campaign_finds_what_fires_or_rings_without_a_reason() -> None:
    trouble = Refused(account="north", code=401)
    trouble.heard = [Heard(ring=Ring("AccountRefused", "north", "on-call"))]
    meant = alarm("AccountRefused", "north", "on-call")
    others = [alarm("AccountRefused", "south", "on-call"), alarm("Down", "", "on-call")]
    states = {"Watchdog firing": 9, "AccountRefused firing": 2, "Down firing": 1, "DetectionSlow pending": 1}
    assert unexpected(states, [meant, *others], [trouble]) == [
        "Down firing without a reason",
        *(each.line() for each in others),
    ]
