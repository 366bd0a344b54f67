"""The README tells the truth: each of its command blocks is run, in its order, as one user would on one afternoon; and its
tables say what the code says."""

import json
import os
import re
import shutil
import stat
import subprocess
import tomllib
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml
from aiohttp.test_utils import unused_port

from tests.cli.conftest import process
from tests.fakes import FakeClock
from tests.web.house import open_house
from watcher.cli.program import program
from watcher.core.message import body_of, event_id
from watcher.core.model import EVENT_TYPES, Batch, Event, Seen, Watch
from watcher.core.transitions import Rules, learn
from watcher.settings import reference
from watcher.settings.model import Http
from watcher.store.opening import ORIGIN_LENGTH
from watcher.web.delivery_models import DeliveriesParams, OwnDeliveriesParams
from watcher.web.endpoint_models import EndpointsParams
from watcher.web.explaining import WORDS
from watcher.web.models import EventsParams
from watcher.web.server import make_app
from watcher.web.submission_models import SubmissionsParams
from watcher.web.token_models import TokensParams
from watcher.web.watch_models import BroadcastsParams, WatchesParams

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text()

RECEIVED: Final = "until [ $(grep -c batch.active received.txt) -ge 5 ]; do sleep 0.1; done"

PATIENCE: Final = 120
"""Seconds after which a block is given up."""

RECEIVING: Final = """
python receiver.py > received.txt 2> receiver.log &
"""
RUNNING: Final = """
make run > daemon.log 2>&1 &
until curl -sf http://127.0.0.1:8080/readyz > /dev/null; do kill -0 $! || exit 9; sleep 0.1; done
"""
LISTEN: Final = re.compile(r"^(watcher listen .*)$", re.MULTILINE)
LISTENING: Final = r"""\1 > listened.txt &
until grep -q listening listened.txt; do kill -0 $! || exit 9; sleep 0.1; done"""


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
RECEIVER, PROGRAM = (block.text for block in blocks() if block.language == "python")
EVENT, PROBLEM = (json.loads(block.text) for block in blocks() if block.language == "json")

CLONED: Final = ("Makefile", "pyproject.toml", "requirements.txt")
"""What the commands use of the project's folder, beside .venv."""


class Afternoon(NamedTuple):
    """What came of running everything: what each block printed, and what the receivers printed."""

    said: list[str]
    received: list[list[str]]
    program: list[str]
    listened: list[list[str]]
    ids: list[int]


def clone(folder: Path) -> Path:
    """A folder that is like a clone of the project, without its own `var/`: what is kept there is the user's."""
    subprocess.run(["make", "install"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for name in CLONED:
        shutil.copyfile(ROOT / name, folder / name)
        os.utime(folder / name, (0, 0))  # newer than .venv it would be installed anew, from here
    return folder


def beginner() -> dict[str, str]:
    """The environment of somebody who has not installed anything yet, and measures nothing."""
    ours = ("WATCHER_", "CALLFIRE_", "COVERAGE_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    paths = environ["PATH"].split(os.pathsep)
    return environ | {"PATH": os.pathsep.join(path for path in paths if Path(path) != ROOT / ".venv" / "bin")}


def control(address: str, path: str, body: object) -> Any:
    request = urllib.request.Request(address + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    """All the blocks but the first, in one shell: only the addresses, and the batches, are those of this test."""
    folder = clone(tmp_path_factory.mktemp("readme"))
    (folder / "receiver.py").write_text(RECEIVER.replace("9000", port := str(unused_port())))
    # The login and the batches that the README speaks of are a simulated CallFire's.
    with process(
        *("simulate", "--at-start", 0, "--login", "your-api-login", "--password", "your-api-password"), folder=folder
    ) as simulator:
        life = {"count": 5, "new_for": 0.5, "validating_for": 0.5, "end": "ACTIVE"}
        ids = control(simulator["control"], "/batches", life)["ids"]
        other = str(unused_port())
        address, made = f"127.0.0.1:{unused_port()}", dict(zip(range(13, 18), ids, strict=True))
        environ = {
            **beginner(),
            "CALLFIRE_BASE_URL": simulator["api"],
            "CALLFIRE_RATE": "50",
            "WATCHER_POLLING__MIN_INTERVAL": "100ms",
            "WATCHER_LISTEN": address,
            "WATCHER_URL": f"http://{address}",
        }
        script = ["trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT", "set -e"]
        for number, block in enumerate(COMMANDS[1:]):
            text = re.sub(r"\b1[3-7]\b", lambda found: str(made[int(found[0])]), block)
            text = text.replace("127.0.0.1:8080", address).replace("9000", port).replace("9001", other)
            text = LISTEN.sub(LISTENING, text)
            text = text.replace("make run\n", (RECEIVING + RUNNING).replace("127.0.0.1:8080", address))
            script.append(f"{{\n{text}}} > said-{number}.txt")
        example = re.sub(r"\b1[3-5]\b", lambda found: str(made[int(found[0])]), PROGRAM)
        (folder / "program.py").write_text(example.replace("127.0.0.1:8080", address))
        script.append("python program.py > said-program.txt")
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
            program=(folder / "said-program.txt").read_text().splitlines(),
            listened=[line.split() for line in (folder / "listened.txt").read_text().splitlines()[3:]],
            ids=ids,
        )


def test_every_block_is_accounted_for() -> None:
    assert [block.language for block in blocks()] == [
        *("text", "sh", "sh", "sh", "python", "json", "sh", "sh", "sh", "json", "sh", "python", "yaml", "sh", "sh")
    ]


def test_the_two_commands_are_there_and_the_demo_shows_that_nothing_was_lost() -> None:
    assert COMMANDS[0].splitlines() == ["make demo", "make test"]
    demo = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=beginner(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"


def test_nothing_is_used_before_it_is_installed() -> None:
    """A fresh clone has neither the command nor the interpreter that the blocks use."""
    before, installing, _ = "".join(COMMANDS).partition("make install")
    assert installing
    assert before.split() == ["make", "demo", "make", "test"]


def test_a_real_start_makes_the_secret_once_and_keeps_it_to_its_user(tmp_path: Path) -> None:
    start = COMMANDS[1].removesuffix("make run\n")
    secrets = []
    folder = clone(tmp_path)
    for _ in range(2):
        subprocess.run(["bash", "-ec", start], cwd=folder, env=beginner(), check=True)
        secrets.append((folder / "var" / "secret").read_text())
    assert secrets[0].startswith("whsec_")
    assert secrets[0] == secrets[1]
    assert stat.S_IMODE((folder / "var" / "secret").stat().st_mode) == 0o600
    assert "/var/" in (ROOT / ".gitignore").read_text().splitlines()


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


def test_an_endpoint_made_by_command_gets_what_is_sent_to_it(afternoon: Afternoon) -> None:
    assert afternoon.said[4].splitlines()[0] == "the receiver answered 204"
    assert afternoon.said[4].splitlines()[-1] == "endpoint trial is deleted"
    assert {line[line.index("->") - 1] for line in afternoon.listened} == {"verified"}
    sample, *recovered = (line[1] for line in afternoon.listened)
    assert sample.startswith("test_")
    assert recovered
    assert all(number.startswith("evt_") for number in recovered)


def test_a_script_goes_on_when_the_batches_are_ready(afternoon: Afternoon) -> None:
    assert afternoon.said[5].splitlines()[-1] == "start the campaign"


def test_a_python_program_follows_waits_and_reads_what_happened(afternoon: Afternoon) -> None:
    followed, ended, *events = afternoon.program
    assert followed == "['reopened', 'reopened']"  # for they have ended by then
    assert ended == str(dict.fromkeys(afternoon.ids[:3], "ACTIVE"))
    assert {line.split()[-1] for line in events} <= {str(each) for each in afternoon.ids}
    assert len(events) == 3


def test_the_commands_are_those_that_there_are() -> None:
    told = [name for row in rows(section("Commands")) for name in re.findall(r"`([a-z]+)`", row[0])]
    groups = {group.name for group in program.registered_groups}
    there = {command.name for command in program.registered_commands if not command.hidden} | groups
    assert sorted(told) == sorted(filter(None, there))


def test_what_is_scraped_is_there(afternoon: Afternoon) -> None:
    said = afternoon.said[6]
    for metric in re.findall(r"`(watcher_\w+)`", section("Scraping")):
        assert f"\n# TYPE {metric} " in "\n" + said
    assert said.count('"ok":true') + said.count('"ok": true') >= 2


def test_a_plan_tells_what_a_budget_buys(afternoon: Afternoon) -> None:
    lines = afternoon.said[7].splitlines()
    assert lines[0].split() == ["MEAN", "P50", "P95", "P99", "REQUESTS"]
    assert "requests a second" in "".join(lines[6:])
    assert lines[-1].startswith("account default has seen ") or " to " in lines[-1] or "not known" in lines[-1]


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


def test_the_http_interface_is_what_there_is() -> None:
    nothing: Any = None
    app = make_app(
        store=nothing,
        following=nothing,
        subscribing=nothing,
        submitting=nothing,
        planning=nothing,
        health=nothing,
        metrics_render=nothing,
        token=None,
        clock=FakeClock(),
        version="1",
        timeout=nothing,
    )
    there = [
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"  # comes with each GET
    ]
    told = [
        (row[0].strip("`"), row[1].strip("`")) for row in rows(section("The HTTP interface")) if row[1].startswith("`/")
    ]
    assert sorted(told) == sorted(there)


def test_the_event_is_as_it_is_sent() -> None:
    """To the last value: a batch is seen NEW, VALIDATING and ACTIVE at the moments that the event names."""
    seen = EVENT["data"]
    after, by = (datetime.fromisoformat(seen["window"][name]) for name in ("after", "by"))
    batch = {name: seen[name] for name in ("name", "broadcast_id", "size", "remaining", "enabled")}
    watch = Watch(account=seen["account"], batch_id=seen["batch_id"], opened=after, labels=seen["labels"])
    events: list[Event] = []
    for status, asked in (("NEW", after), ("VALIDATING", after), ("ACTIVE", by)):
        look = Seen(asked=asked, answered=asked, batch=Batch(id=seen["batch_id"], status=status, **batch))
        learnt = learn(watch, look, Rules())
        watch = learnt.watch
        events += learnt.events
    event = events[-1]
    assert json.loads(body_of(event)) == EVENT
    assert list(json.loads(body_of(event))["data"]) == list(seen)
    (webhook_id,) = re.findall(r"`(evt_\w+)`", section("Subscribing"))
    assert webhook_id == event_id(webhook_id.split("_")[1], event)
    assert len(webhook_id.split("_")[1]) == ORIGIN_LENGTH


def test_the_reasons_of_an_explanation_are_those_that_there_are() -> None:
    (told,) = re.findall(r"`why` is one of ([^.]*)\.", section("The HTTP interface"))
    assert re.findall(r"`(\w+)`", told) == [name for name, _ in WORDS.values()]


def test_the_filters_are_those_that_there_are() -> None:
    text = section("The HTTP interface")
    for path, model in (
        ("/v1/watches", WatchesParams),
        ("/v1/broadcasts", BroadcastsParams),
        ("/v1/tokens", TokensParams),
        ("/v1/accounts/{account}/submissions", SubmissionsParams),
        ("/v1/events", EventsParams),
        ("/v1/endpoints", EndpointsParams),
        ("/v1/deliveries", DeliveriesParams),
        ("/v1/endpoints/{endpoint_id}/deliveries", OwnDeliveriesParams),
    ):
        (filters, following) = next(row[1:] for row in rows(text[text.index("| list |") :]) if row[0] == f"`{path}`")
        named = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", filters))
        named += ["cursor"] if following == "as with watches" else re.findall(r"^`(\w+)`", following)
        assert {*named, "limit"} == set(model.model_fields)


async def test_the_problem_is_as_it_is_answered() -> None:
    async with open_house() as house:
        asked = await house.ask("GET", "/v1/accounts/x", headers={"X-Request-Id": PROBLEM["request_id"]})
        assert json.loads(asked.body) == PROBLEM


def test_python_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "Python 3.11 to 3.13" in README
