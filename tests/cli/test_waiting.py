"""Waiting until batches have ended, with a daemon and without; the exit code tells how."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from aiohttp.test_utils import unused_port

from tests.cli.conftest import Scene, Watcher
from watcher.cli.asking import SILENT_MOST, refusal
from watcher.cli.daemon import Daemon, DaemonError, NoDaemon, NotFollowed, Outcome
from watcher.cli.waiting import PATIENCE, Vigil, exit_code
from watcher.store.lock import ProcessLock


@pytest.mark.parametrize(
    ("ends", "any_", "code"),
    [
        (["ACTIVE", "ACTIVE"], False, 0),
        (["ACTIVE", "timeout"], False, 3),
        (["ACTIVE", "timeout"], True, 0),
        (["timeout", "timeout"], True, 3),
        (["timeout", "ERRORS"], False, 1),
        (["SOURCE_ERROR", "timeout"], True, 1),
        (["gone", "ERRORS", "timeout"], False, 4),
        (["refused", "gone", "ERRORS", "timeout"], False, 5),
    ],
)
def test_the_exit_code_is_that_of_the_worst(ends: list[str], any_: bool, code: int) -> None:
    assert exit_code({("a", number): how for number, how in enumerate(ends)}, any_=any_) == code


# With a daemon


def added(scene: Scene, **plan: object) -> int:
    with urlopen(Request(f"{scene.control}/batches", data=json.dumps(plan).encode())) as answer:
        (batch_id,) = json.load(answer)["ids"]
    return int(batch_id)


def requests(scene: Scene) -> list[Any]:
    """All that CallFire was asked so far."""
    with urlopen(f"{scene.control}/requests") as answer:
        return list(json.load(answer)["requests"])


def test_with_a_daemon_it_tells_each_change_and_how_it_ended(watcher: Watcher, scene: Scene) -> None:
    batch_id = added(scene, new_for=0.3, validating_for=0.6, end="ERRORS")
    result = watcher("wait", batch_id, "-o", "json", WATCHER_URL=scene.url)
    *events, last = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert events[-1]["type"] == "batch.errors"
    assert [event["data"]["number"] for event in events] == list(range(1, len(events) + 1))
    assert last == {"waited": [{"account": "default", "batch_id": batch_id, "ended": "ERRORS"}], "exit_code": 1}
    log = map(
        json.loads, watcher("events", "--batch", batch_id, "-o", "json", WATCHER_URL=scene.url).stdout.splitlines()
    )
    assert events == [{part: event[part] for part in ("type", "timestamp", "data")} for event in log]


def test_a_batch_that_has_ended_is_not_followed_again(watcher: Watcher, scene: Scene) -> None:
    batch_id = added(scene, validating_for=0)
    assert watcher("wait", batch_id, WATCHER_URL=scene.url).exit_code == 0
    again = watcher("wait", batch_id, WATCHER_URL=scene.url)
    assert again.exit_code == 0
    assert [line.split()[-1] for line in again.stdout.splitlines()[-1:]] == ["ACTIVE"]
    assert f"default/{batch_id}  batch.active  ACTIVE  (API {batch_id})" in again.stdout


def test_it_gives_up_after_the_timeout(watcher: Watcher, scene: Scene) -> None:
    slow, quick = added(scene, validating_for=1000), added(scene, validating_for=0)
    result = watcher("wait", slow, "--timeout", "300ms", WATCHER_URL=scene.url)
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1].split() == ["default", str(slow), "timeout"]
    assert watcher("wait", slow, quick, "--any", WATCHER_URL=scene.url).exit_code == 0


def test_a_daemon_that_was_named_must_be_there(watcher: Watcher) -> None:
    port = unused_port()
    result = watcher("wait", "13", WATCHER_URL=f"http://127.0.0.1:{port}")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"no daemon answers at http://127.0.0.1:{port} (")


def test_what_cannot_be_waited_for_is_refused(watcher: Watcher, scene: Scene) -> None:
    for arguments, said in (
        (("13", "--timeout", "soon"), "--timeout soon: is not a duration: write 90s, 30m or 2h\n"),
        (("13", "-a", "qq"), "there is no account qq: --account takes one of default\n"),
        (("0",), "0: is not a batch id: give a whole number from 1 to 9223372036854775807\n"),
    ):
        result = watcher("wait", *arguments, WATCHER_URL=scene.url)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)
    result = watcher("wait", "13", WATCHER_URL="127.0.0.1")
    assert (result.exit_code, result.stderr.partition(":")[0]) == (2, "environment variable WATCHER_URL")


# The vigil, with a daemon made up


class MadeUp(Daemon):
    """Answers as its script says: for each batch one watch after the other, the last one for ever."""

    def __init__(self, watches: Mapping[int, list[Mapping[str, Any] | Exception]], conditions: list[str]) -> None:
        self._script = {batch_id: [*answers] for batch_id, answers in watches.items()}
        self._conditions = conditions
        self.followed: list[Mapping[str, object]] = []
        self.asked: list[int] = []
        self._shown: dict[int, list[Mapping[str, Any]]] = {}

    async def accounts(self) -> list[Mapping[str, Any]]:
        condition = self._conditions.pop(0) if len(self._conditions) > 1 else self._conditions[0]
        return [{"name": "a", "condition": condition, "reason": "CallFire answered 401"}]

    async def watch(self, account: str, batch_id: int) -> Mapping[str, Any]:
        self.asked.append(batch_id)
        script = self._script[batch_id]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        self._shown[batch_id] = answer["transitions"]
        return answer

    async def events(
        self, *, after: int, batch: int | None = None, **query: Any
    ) -> tuple[list[Mapping[str, Any]], int]:
        """The log that goes with the watch as it was last shown, an event at a time."""
        assert batch is not None
        found: list[Mapping[str, Any]] = [
            {"position": data["number"], "id": "evt", "type": "t", "timestamp": "", "data": data}
            for data in self._shown[batch]
            if data["number"] > after
        ]
        return found[:1], after + len(found[:1])

    async def follow(self, rows: Any) -> Any:
        self.followed += [row.body for row in rows]
        yield [Outcome(row=row, result="created") for row in rows]


def watch(state: str, *statuses: str) -> Mapping[str, Any]:
    transitions = [{"number": number, "status": status} for number, status in enumerate(statuses, 1)]
    return {"state": state, "status": statuses[-1] if statuses else None, "transitions": transitions}


async def vigil(daemon: MadeUp, *ids: int, rounds: int, any_: bool = False) -> tuple[Mapping[Any, str], list[Any]]:
    told: list[Any] = []
    waiting = Vigil(daemon, [("a", number) for number in ids], lambda event: told.append(event["data"]["status"]))
    await waiting.begin()
    for _ in range(rounds):
        if waiting.over(any_=any_):
            break
        await waiting.round()
    return waiting.waited(), told


async def test_it_follows_what_is_not_followed_and_what_was_given_up() -> None:
    daemon = MadeUp(
        {
            1: [NotFollowed(), watch("open"), watch("settled", "NEW", "ACTIVE")],
            2: [watch("expired", "NEW"), watch("settled", "NEW", "ERRORS")],
            3: [watch("open", "NEW", "VALIDATING"), watch("settled", "NEW", "VALIDATING", "ACTIVE")],
        },
        ["ok"],
    )
    waited, told = await vigil(daemon, 1, 2, 3, rounds=5)
    assert waited == {("a", 1): "ACTIVE", ("a", 2): "ERRORS", ("a", 3): "ACTIVE"}
    assert daemon.followed == [{"account": "a", "batch_id": 1}, {"account": "a", "batch_id": 2}]
    assert told == ["VALIDATING", "NEW", "ERRORS", "ACTIVE", "NEW", "ACTIVE"]


@pytest.mark.parametrize("ended", [NotFollowed(), watch("missing", "NEW"), watch("expired"), watch("stopped", "NEW")])
async def test_a_batch_that_is_followed_no_more_is_gone(ended: Mapping[str, Any] | Exception) -> None:
    waited, _ = await vigil(MadeUp({1: [watch("open"), ended]}, ["ok"]), 1, rounds=5)
    assert waited == {("a", 1): "gone"}


async def test_a_refused_account_ends_the_wait_once_that_is_sure(capsys: pytest.CaptureFixture[str]) -> None:
    forever = itertools.repeat("refused", PATIENCE)
    waited, _ = await vigil(MadeUp({1: [watch("open")]}, [*forever]), 1, rounds=PATIENCE)
    assert waited == {("a", 1): "refused"}
    assert capsys.readouterr().err == f"{refusal('a', 'CallFire answered 401')}\n"
    recovered = [*itertools.repeat("refused", PATIENCE - 1), "ok", "refused"]
    waited, _ = await vigil(MadeUp({1: [watch("open")]}, recovered), 1, rounds=PATIENCE + 1)
    assert waited == {("a", 1): "timeout"}


async def test_a_daemon_that_restarts_is_waited_for() -> None:
    silence = itertools.repeat(NoDaemon(), SILENT_MOST)
    waited, _ = await vigil(MadeUp({1: [NotFollowed(), *silence, watch("settled", "ACTIVE")]}, ["ok"]), 1, rounds=99)
    assert waited == {("a", 1): "ACTIVE"}


async def test_a_daemon_that_stays_away_ends_the_wait() -> None:
    with pytest.raises(DaemonError, match=r"^gone for good$"):
        await vigil(MadeUp({1: [NotFollowed(), NoDaemon("gone for good")]}, ["ok"]), 1, rounds=SILENT_MOST + 1)


async def test_of_very_many_each_gets_its_turn() -> None:
    daemon = MadeUp({number: [watch("open")] for number in range(1, 121)}, ["ok"])
    await vigil(daemon, *range(1, 121), rounds=5)
    rounds = daemon.asked[120:]
    assert len(rounds) == 250
    assert {number: rounds.count(number) for number in range(1, 121)} == {
        number: 3 if number <= 10 else 2 for number in range(1, 121)
    }


async def test_with_any_one_is_enough() -> None:
    daemon = MadeUp({1: [watch("open")], 2: [watch("settled", "ACTIVE")]}, ["ok"])
    waited, _ = await vigil(daemon, 1, 2, rounds=0, any_=True)
    assert waited == {("a", 1): "timeout", ("a", 2): "ACTIVE"}


# Without a daemon


@pytest.fixture
def alone(scene: Scene) -> Callable[..., dict[str, str]]:
    """The environment in which no daemon runs where one would be."""

    def environ(**more: str) -> dict[str, str]:
        return {**scene.environ, "WATCHER_LISTEN": f"127.0.0.1:{unused_port()}", **more}

    return environ


def test_without_a_daemon_it_asks_callfire_itself(
    watcher: Watcher, scene: Scene, alone: Callable[..., dict[str, str]]
) -> None:
    batch_id = added(scene, new_for=0.1, validating_for=0.3)
    result = watcher("wait", batch_id, "-o", "json", **alone())
    assert result.stderr == "no daemon runs here: asking CallFire directly\n"
    *events, last = map(json.loads, result.stdout.splitlines())
    assert events[-1]["type"] == "batch.active"
    assert last["exit_code"] == result.exit_code == 0
    assert list(Path().rglob("*.db")) == [Path("var/watcher.db")]  # and in it nothing to follow for a daemon to come


def test_without_a_daemon_a_refused_login_is_not_tried_by_the_next_wait_either(
    watcher: Watcher, scene: Scene, alone: Callable[..., dict[str, str]]
) -> None:
    batch_id = added(scene, new_for=0.0, validating_for=0.1)
    before = len(requests(scene))
    wrong = alone(CALLFIRE_PASSWORD="wrong")
    results = [watcher("wait", batch_id, **wrong) for _ in range(3)]
    assert [result.exit_code for result in results] == [5, 5, 5]
    assert {result.stderr.splitlines()[-1] for result in results} == {
        refusal("default", "CallFire answered 401: Authentication failed", then="try again")
    }
    spent = [request["outcome"] for request in requests(scene)[before:] if request["account"] == "?"]
    assert spent == ["401", "401", "401"]
    assert watcher("wait", batch_id, **alone()).exit_code == 0


def test_without_a_daemon_waits_take_turns_with_the_budget(
    watcher: Watcher, scene: Scene, alone: Callable[..., dict[str, str]]
) -> None:
    batch_id = added(scene, new_for=0.0, validating_for=0.1)
    environ = alone()
    environ["WATCHER_DATABASE_URL"] = "sqlite:///watcher.db"
    lock = ProcessLock(Path("watcher.db"))
    result = watcher("wait", batch_id, "--timeout", "700ms", **environ)
    assert result.exit_code == 3
    assert f"is in use by process {os.getpid()}" in result.stderr
    assert "waits for its turn" in result.stderr.splitlines()[-1]
    lock.release()
    assert watcher("wait", batch_id, **environ).exit_code == 0


@pytest.mark.parametrize(
    ("more", "arguments", "code"),
    [
        ({"CALLFIRE_PASSWORD": "wrong"}, (), 5),
        ({}, ("--timeout", "200ms"), 3),
        ({}, ("--account", "qq"), 2),
        ({"CALLFIRE_RATE": "fast"}, (), 2),
        ({"WATCHER_ACCOUNTS__TWO__LOGIN": "a", "WATCHER_ACCOUNTS__TWO__PASSWORD": "b"}, (), 2),
    ],
)
def test_without_a_daemon_the_exit_codes_are_the_same(
    watcher: Watcher,
    scene: Scene,
    alone: Callable[..., dict[str, str]],
    more: dict[str, str],
    arguments: tuple[str, ...],
    code: int,
) -> None:
    batch_id = added(scene, validating_for=1000)
    assert watcher("wait", batch_id, *arguments, **alone(**more)).exit_code == code


def test_without_a_daemon_too_a_refusal_is_said(
    watcher: Watcher, scene: Scene, alone: Callable[..., dict[str, str]]
) -> None:
    result = watcher("wait", added(scene, validating_for=1000), **alone(CALLFIRE_PASSWORD="wrong"))
    assert result.stderr.splitlines()[-1] == refusal(
        "default", "CallFire answered 401: Authentication failed", then="try again"
    )


def test_without_a_daemon_too_a_full_disk_is_one_line(
    scene: Scene, alone: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    batch_id = added(scene, validating_for=1000)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "watcher", "wait", str(batch_id)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **alone(), "PYTHONPATH": str(Path(__file__).parents[2])},
            check=False,
        )
    assert (ended.returncode, ended.stderr.splitlines()) == (
        2,
        [
            "no daemon runs here: asking CallFire directly",
            "standard output cannot be written (No space left on device): give it a place that has room",
        ],
    )


def test_ctrl_c_ends_it_with_130(scene: Scene, alone: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    batch_id = added(scene, validating_for=1000)
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "wait", str(batch_id)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, **alone(), "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the first change: it is at work
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
