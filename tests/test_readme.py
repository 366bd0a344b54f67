"""The README tells the truth: each of its command blocks is run, in its order, as one user would on one afternoon; and its
tables say what the code says."""

import json
import os
import re
import subprocess
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml
from aiohttp.test_utils import unused_port

from tests.cli.conftest import process
from watcher.settings import reference
from watcher.settings.model import EVENT_TYPES, Http

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text()

RECEIVED: Final = "until [ $(grep -c batch.active received.txt) -ge 5 ]; do sleep 0.1; done"

PATIENCE: Final = 120
"""Seconds after which a block is given up."""

RECEIVING: Final = """
python receiver.py > received.txt 2> receiver.log &
"""
RUNNING: Final = """
mkdir -p var
make --silent -C "$PROJECT" run > daemon.log 2>&1 &
until curl -sf http://127.0.0.1:8080/readyz > /dev/null; do kill -0 $! || exit 9; sleep 0.1; done
"""


class Block(NamedTuple):
    """A fenced block: the language it names, and its text."""

    language: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)]


def section(title: str) -> str:
    """The text below a heading, up to the next."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


COMMANDS: Final = [block.text for block in blocks() if block.language == "sh"]
RECEIVER: Final = next(block.text for block in blocks() if block.language == "python")


class Afternoon(NamedTuple):
    """What came of running everything: what each block printed, and what the receiver printed."""

    said: list[str]
    received: list[list[str]]
    ids: list[int]


def control(address: str, path: str, body: object) -> Any:
    request = urllib.request.Request(address + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    """All the blocks but the first, in one shell: only the addresses, and the batches, are those of this test."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "receiver.py").write_text(RECEIVER.replace("9000", port := str(unused_port())))
    # The login and the batches that the README speaks of are a simulated CallFire's.
    with process(
        *("simulate", "--at-start", 0, "--login", "your-api-login", "--password", "your-api-password"), folder=folder
    ) as simulator:
        life = {"count": 5, "new_for": 0.5, "validating_for": 0.5, "end": "ACTIVE"}
        ids = control(simulator["control"], "/batches", life)["ids"]
        address, made = f"127.0.0.1:{unused_port()}", dict(zip(range(13, 18), ids, strict=True))
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("WATCHER_", "CALLFIRE_"))},
            "PROJECT": str(ROOT),
            "CALLFIRE_BASE_URL": simulator["api"],
            "CALLFIRE_RATE": "50",
            "WATCHER_POLLING__MIN_INTERVAL": "100ms",
            "WATCHER_DATABASE_URL": f"sqlite:///{folder / 'var' / 'watcher.db'}",
            "WATCHER_LISTEN": address,
            "WATCHER_URL": f"http://{address}",
        }
        script = ["trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT", "set -e"]
        for number, block in enumerate(COMMANDS[1:]):
            text = re.sub(r"\b1[3-7]\b", lambda found: str(made[int(found[0])]), block)
            text = text.replace("127.0.0.1:8080", address).replace("9000", port)
            text = text.replace("$PWD/.venv", "$PROJECT/.venv")
            text = text.replace("make run\n", (RECEIVING + RUNNING).replace("127.0.0.1:8080", address))
            script.append(f"{{\n{text}}} > said-{number}.txt")
        ended = subprocess.run(
            ["bash", "-c", "\n".join([*script, RECEIVED])],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr + (folder / "daemon.log").read_text()
        yield Afternoon(
            said=[(folder / f"said-{number}.txt").read_text() for number in range(len(COMMANDS) - 1)],
            received=[line.split() for line in (folder / "received.txt").read_text().splitlines()],
            ids=ids,
        )


def test_every_block_is_accounted_for() -> None:
    assert [block.language for block in blocks()] == ["text", "sh", "sh", "sh", "python", "sh", "sh", "yaml", "sh"]


def test_the_two_commands_are_there_and_the_demo_shows_that_nothing_was_lost() -> None:
    assert COMMANDS[0].splitlines() == ["make demo", "make test"]
    demo = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"


def test_registering_says_what_is_followed(afternoon: Afternoon) -> None:
    first, put, posted, *listed = afternoon.said[1].splitlines()
    assert first == "2 now followed"
    assert json.loads(put)["batch_id"] == afternoon.ids[2]
    assert [item["batch_id"] for item in json.loads(posted)["items"]] == afternoon.ids[3:]
    assert [int(line.split()[1]) for line in listed[1:6]] == afternoon.ids


def test_the_receiver_gets_every_end_verified_by_the_library(afternoon: Afternoon) -> None:
    ends = [int(batch_id) for _, kind, batch_id in afternoon.received if kind == "batch.active"]
    assert sorted(ends) == afternoon.ids
    assert len({number for number, _, _ in afternoon.received}) == len(afternoon.received)


def test_the_log_can_be_read(afternoon: Afternoon) -> None:
    document, *_ = afternoon.said[2].splitlines()
    assert {event["type"].partition(".")[0] for event in json.loads(document)["items"]} <= {"batch"}


def test_a_script_goes_on_when_the_batches_are_ready(afternoon: Afternoon) -> None:
    assert afternoon.said[3].splitlines()[-1] == "start the campaign"


def test_what_is_scraped_is_there(afternoon: Afternoon) -> None:
    said = afternoon.said[4]
    for metric in re.findall(r"`(watcher_\w+)`", section("Scraping")):
        assert f"\n# TYPE {metric} " in "\n" + said
    assert said.count('"ok":true') + said.count('"ok": true') >= 2


def test_the_scraper_is_sent_to_where_the_daemon_serves() -> None:
    config = yaml.safe_load(next(block.text for block in blocks() if block.language == "yaml"))
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": [str(Http().listen)]}]


def test_the_settings_table_is_the_reference() -> None:
    """`watcher check --reference` prints it: put its output between the two marks."""
    found = re.search(r"<!-- settings -->\n(.*)<!-- /settings -->", README, re.DOTALL)
    assert found is not None
    assert found[1] == reference()


def test_the_event_types_are_those_that_are_sent() -> None:
    named = [kind for row in rows(section("Subscribing")) for kind in re.findall(r"`([a-z_.]+)`", row[0])]
    assert sorted(named) == sorted(EVENT_TYPES)


def test_python_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "Python 3.11 to 3.13" in README
