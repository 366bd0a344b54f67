"""Waiting until batches have ended, with a daemon and without; the exit code tells how."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Scene, Watcher
from tests.cli.interface import PATIENCE
from tests.stack.processes import a_port
from watcher.cli.asking import refusal
from watcher.cli.waiting import Waited, exit_code
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
    how = {("a", number): end for number, end in enumerate(ends)}
    reached = frozenset(key for key, end in how.items() if end == "ACTIVE")
    assert exit_code(Waited(how=how, reached=reached), any_=any_) == code


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


def test_it_waits_for_another_status_and_says_whether_it_came(watcher: Watcher, scene: Scene) -> None:
    batch_id = added(scene, new_for=0, validating_for=1000)
    reached = watcher("wait", batch_id, "--for", "validating", "-o", "csv", WATCHER_URL=scene.url)
    assert (reached.exit_code, reached.stdout) == (0, f"account,batch_id,ended\ndefault,{batch_id},VALIDATING\n")
    failed = added(scene, validating_for=0, end="ERRORS")
    assert watcher("wait", failed, "--for", "ERRORS", WATCHER_URL=scene.url).exit_code == 0
    other = watcher("wait", failed, "--for", "ACTIVE", "--for", "SOURCE_ERROR", "-o", "ndjson", WATCHER_URL=scene.url)
    assert other.exit_code == json.loads(other.stdout.splitlines()[-1])["exit_code"] == 1


def test_it_gives_up_after_the_timeout(watcher: Watcher, scene: Scene) -> None:
    slow, quick = added(scene, validating_for=1000), added(scene, validating_for=0)
    result = watcher("wait", slow, "--timeout", "300ms", WATCHER_URL=scene.url)
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1].split() == ["default", str(slow), "timeout"]
    assert watcher("wait", slow, quick, "--any", WATCHER_URL=scene.url).exit_code == 0


def test_a_daemon_that_was_named_must_be_there(watcher: Watcher) -> None:
    port = a_port(0)
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


# Without a daemon


@pytest.fixture
def alone(scene: Scene) -> Callable[..., dict[str, str]]:
    """The environment in which no daemon runs where one would be."""

    def environ(**more: str) -> dict[str, str]:
        return {**scene.environ, "WATCHER_LISTEN": f"127.0.0.1:{a_port(0)}", **more}

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


def test_without_a_daemon_only_an_end_can_be_waited_for(
    watcher: Watcher, scene: Scene, alone: Callable[..., dict[str, str]]
) -> None:
    batch_id = added(scene, new_for=0, validating_for=0.1, end="ERRORS")
    assert watcher("wait", batch_id, "--for", "ERRORS", **alone()).exit_code == 0
    refused = watcher("wait", batch_id, "--for", "VALIDATING", **alone())
    assert (refused.exit_code, refused.stderr) == (
        2,
        "--for: without a daemon only an end can be waited for, such as ACTIVE: start one with `watcher run`\n",
    )


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
    result = watcher("wait", batch_id, "--timeout", "2s", **environ)
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
        cwd=tmp_path,
        env={**os.environ, **alone(), "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the first change: it is at work
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
