"""Following, listing, showing and stopping, by command, against a real daemon."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import click
import pytest

from tests.cli.conftest import ROOT, Scene, Watcher, process, timeless
from tests.cli.interface import PATIENCE, Interface


@pytest.fixture
def more(scene: Scene) -> Callable[..., list[int]]:
    """Adds batches to the simulated CallFire."""

    def add(count: int = 1, **plan: object) -> list[int]:
        body = json.dumps({"count": count, "validating_for": 0, **plan}).encode()
        with urlopen(Request(f"{scene.control}/batches", data=body)) as answer:
            ids: list[int] = json.load(answer)["ids"]
        return ids

    return add


def settled(watcher: Watcher, scene: Scene, *ids: int) -> None:
    """Returns once the daemon has seen how these ended."""
    assert watcher("wait", *ids, WATCHER_URL=scene.url).exit_code in (0, 1)


def test_adding_says_what_became_of_each(watcher: Watcher, scene: Scene, more: Callable[..., list[int]]) -> None:
    first, second = more(2, validating_for=10_000)
    assert watcher("add", first, WATCHER_URL=scene.url).stdout == "1 now followed\n"
    rows = f'{first}\n{{"batch_id": {second}, "labels": {{"team": "north"}}}}\n'
    result = watcher("add", "-", "--correlation-id", "c", "-o", "json", input=rows, WATCHER_URL=scene.url)
    assert json.loads(result.stdout) == [
        {"row": "standard input line 1", "account": "default", "batch_id": first, "result": "known"},
        {"row": "standard input line 2", "account": "default", "batch_id": second, "result": "created"},
    ]


def test_labels_and_correlation_id_stand_in_what_is_shown(
    watcher: Watcher, scene: Scene, more: Callable[..., list[int]]
) -> None:
    (batch_id,) = more()
    arguments = ("add", batch_id, "-l", "team=north", "-l", "n=a=b", "--correlation-id", "order 7", "-a", "default")
    assert watcher(*arguments, WATCHER_URL=scene.url).exit_code == 0
    settled(watcher, scene, batch_id)
    watch = json.loads(watcher("show", batch_id, "-o", "json", WATCHER_URL=scene.url).stdout)
    assert (watch["labels"], watch["correlation_id"]) == ({"team": "north", "n": "a=b"}, "order 7")
    table = watcher("show", batch_id, WATCHER_URL=scene.url).stdout
    assert [line.split() for line in table.splitlines() if line.startswith(("status", "label", "corr", "watch"))] == [
        ["status", "ACTIVE"],
        ["watch", "settled"],
        ["label", "team", "north"],
        ["label", "n", "a=b"],
        ["correlation", "id", "order", "7"],
    ]
    assert table.splitlines()[-1].split()[:3] == ["1", "batch.active", "ACTIVE"]


def test_rows_that_are_refused_are_listed_and_the_others_are_followed(
    watcher: Watcher, scene: Scene, more: Callable[..., list[int]]
) -> None:
    (batch_id,) = more()
    rows = f'{batch_id}\n{{"batch_id": {batch_id}, "account": "qq"}}\n{{"batch_id": 1, "correlation_id": "\\ud800"}}\n'
    result = watcher("add", "-", input=rows, WATCHER_URL=scene.url)
    assert result.exit_code == 1
    assert result.stdout == "1 now followed, 2 refused\n"
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "standard input line 2",
        "standard input line 3",
    ]
    assert "There is no account 'qq'. There are: default." in result.stderr
    alone = watcher("add", "13", "-a", "qq", "-o", "json", WATCHER_URL=scene.url)
    assert alone.exit_code == 1
    assert [set(row) for row in json.loads(alone.stdout)] == [{"row", "error"}]


def test_a_label_that_cannot_be_asked_for_is_told(watcher: Watcher) -> None:
    result = watcher("ls", "--label", "a:b=c")
    assert (result.exit_code, result.stderr) == (
        2,
        "--label a:b: a name with a colon cannot be asked for: list all as -o json, and choose there\n",
    )


@pytest.mark.parametrize("label", ["team", "=north", ""])
def test_a_label_is_key_and_value(watcher: Watcher, scene: Scene, label: str) -> None:
    result = watcher("add", "13", "--label", label, WATCHER_URL=scene.url)
    assert (result.exit_code, result.stderr) == (
        2,
        f"--label {label}: is not KEY=VALUE: write it as --label team=north\n",
    )


def test_listing_filters_and_says_when_there_is_more(
    watcher: Watcher, scene: Scene, more: Callable[..., list[int]]
) -> None:
    failed, *others = [*more(end="ERRORS"), *more(2)]
    open_ = more(validating_for=10_000)
    settled(watcher, scene, failed, *others)
    watcher("add", *open_, WATCHER_URL=scene.url)

    def listed(*arguments: str) -> list[int]:
        result = watcher("ls", *arguments, "-o", "json", WATCHER_URL=scene.url)
        return [watch["batch_id"] for watch in json.loads(result.stdout)]

    assert failed in listed("--status", "ERRORS")
    assert listed("--status", "SOURCE_ERROR") == []
    assert set(open_) <= set(listed("--open"))
    assert {failed, *others} <= set(listed("--final", "-a", "default"))
    few = watcher("ls", "--limit", "1", WATCHER_URL=scene.url)
    assert len(few.stdout.splitlines()) == 2
    assert few.stderr == "there are more than 1: see them with --limit\n"
    assert watcher("ls", "--status", "ERRORS", WATCHER_URL=scene.url).stderr == ""


def test_stopping_says_what_was_not_followed(watcher: Watcher, scene: Scene, more: Callable[..., list[int]]) -> None:
    (batch_id,) = more()
    watcher("add", batch_id, WATCHER_URL=scene.url)
    result = watcher("rm", batch_id, "999999", WATCHER_URL=scene.url)
    assert (result.exit_code, result.stdout) == (1, f"{batch_id} is no longer followed\n")
    assert result.stderr == (
        "999999: batch 999999 of account default is not followed: `watcher add 999999` follows it\n"
    )
    again = watcher("rm", batch_id, "-o", "json", WATCHER_URL=scene.url)
    assert (again.exit_code, json.loads(again.stdout)) == (1, [{"batch_id": batch_id, "stopped": False}])
    shown = watcher("show", batch_id, WATCHER_URL=scene.url)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert shown.stderr == (
        f"batch {batch_id} of account default is not followed: `watcher add {batch_id}` follows it\n"
    )


def test_events_are_shown_in_order_and_filtered(watcher: Watcher, scene: Scene, more: Callable[..., list[int]]) -> None:
    failed, fine = [*more(end="ERRORS"), *more()]
    settled(watcher, scene, failed, fine)

    def shown(*arguments: object) -> list[tuple[str, int]]:
        lines = watcher("events", *arguments, "-o", "json", WATCHER_URL=scene.url).stdout.splitlines()
        return [(event["type"], event["data"]["batch_id"]) for event in map(json.loads, lines)]

    assert shown("--batch", failed) == [("batch.errors", failed)]
    assert ("batch.errors", failed) in shown("--type", "batch.errors", "-a", "default")
    assert shown("--limit", "1") == shown()[:1]
    assert len(shown("--limit", "2")) == 2
    assert shown("--after", 10**9) == []
    (line,) = watcher("events", "--batch", fine, WATCHER_URL=scene.url).stdout.splitlines()
    assert line.split()[2:] == ["batch.active", f"default/{fine}", "ACTIVE"]
    wrong = watcher("events", "--type", "batch.actve", WATCHER_URL=scene.url)
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("There is no event type 'batch.actve'. There are: batch.new, ")


def test_the_list_can_be_told_by_more(watcher: Watcher, scene: Scene, more: Callable[..., list[int]]) -> None:
    batch_id, other = more(2)
    watcher("add", batch_id, "-l", "colour=red", "-l", "a:b=c", WATCHER_URL=scene.url)
    watcher("add", other, "-l", "colour=blue", WATCHER_URL=scene.url)
    settled(watcher, scene, batch_id, other)

    def listed(*arguments: object) -> list[int]:
        result = watcher("ls", *arguments, "-o", "ndjson", WATCHER_URL=scene.url)
        return [json.loads(line)["batch_id"] for line in result.stdout.splitlines()]

    broadcast = json.loads(watcher("show", batch_id, "-o", "ndjson", WATCHER_URL=scene.url).stdout)["broadcast_id"]
    assert listed("--label", "colour=red") == [batch_id]
    assert {batch_id, other} <= set(listed("--broadcast", broadcast))
    assert {batch_id, other} <= set(listed("--since", "1h"))
    assert listed("--since", "2000-01-01", "--label", "colour=blue", "--limit", 1) == [other]
    assert listed("--search", "COLOUR:red") == [batch_id]
    assert listed("--search", other) == [other]
    assert listed("--search", "nothing of the kind") == []
    assert listed("--stuck") == listed("--overdue") == listed("--since", "2100-01-01") == []
    csv = watcher("ls", "--label", "colour=red", "-o", "csv", WATCHER_URL=scene.url).stdout.splitlines()
    assert csv[1].startswith(f"default,{batch_id},{broadcast},ACTIVE,")
    wide = watcher("ls", "--label", "colour=red", "-o", "wide", WATCHER_URL=scene.url).stdout.splitlines()
    assert wide[1].rstrip().endswith("colour=red a:b=c")


def test_a_search_for_nothing_is_refused(watcher: Watcher, scene: Scene) -> None:
    refused = watcher("ls", "--search", " ", WATCHER_URL=scene.url)
    assert (refused.exit_code, refused.stderr.split(",")[0]) == (2, "Write what to look for")


def test_a_mistyped_status_is_told_and_asked_for_all_the_same(watcher: Watcher, scene: Scene) -> None:
    mistyped = watcher("ls", "--status", "actve", WATCHER_URL=scene.url)
    assert (mistyped.exit_code, mistyped.stderr) == (
        0,
        "warning: --status actve: is no status that is known: did you mean ACTIVE?\n",
    )
    strange = watcher("ls", "--status", "x", "-o", "json", WATCHER_URL=scene.url)
    assert json.loads(strange.stdout) == []
    assert strange.stderr.endswith("those that are known: NEW, VALIDATING, ACTIVE, ERRORS, SOURCE_ERROR\n")
    assert watcher("ls", "--status", "active", WATCHER_URL=scene.url).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ls", "--since", "soon"), "--since soon: is no moment: write 2026-11-23T09:00:00Z, 2026-11-23, or how long"),
        (("add", "--expires-in", "1h", "--broadcast", "9"), "--expires-in says how long a batch is followed"),
        (("events", "--new"), "--new is of what comes: give it with --follow."),
        (("events", "--new", "--follow", "--after", "7"), "--new begins now, --after at a position"),
        (("wait", "13", "--for", "DONE"), "--for DONE: is no status: give one of NEW, VALIDATING, ACTIVE, ERRORS"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    watcher: Watcher, arguments: tuple[str, ...], said: str
) -> None:
    result = watcher(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_batch_is_given_up_when_it_is_said(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, "--expires-in", "12h", WATCHER_URL=there.url)
    shown = watcher("show", 13, WATCHER_URL=there.url).stdout
    assert [line.split()[:3] for line in shown.splitlines() if line.startswith("given up")] == [
        ["given", "up", "2026-11-24T00:00:00.000Z"]
    ]


def test_who_may_only_write_can_add_and_stop(watcher: Watcher, there: Interface) -> None:
    admin = json.loads(
        watcher("token", "new", "--name", "me", "--scope", "admin", "-o", "json", WATCHER_URL=there.url).stdout
    )["token"]
    environ = {"WATCHER_URL": there.url, "WATCHER_API_TOKEN": admin}
    token = watcher("token", "new", "--name", "ci", "--scope", "write", **environ).stdout.strip()
    environ["WATCHER_API_TOKEN"] = token
    added = watcher("add", 13, "-a", "default", **environ)
    assert (added.exit_code, added.stdout, added.stderr) == (0, "1 now followed\n", "")
    assert watcher("rm", 13, "-a", "default", **environ).exit_code == 0
    refused = watcher("ls", "-o", "json", **environ)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1


def test_very_many_are_added_in_portions_and_what_is_wrong_is_listed(
    watcher: Watcher, there: Interface, tmp_path: Path
) -> None:
    file = tmp_path / "ids"
    file.write_text("\n".join([*map(str, range(1, 20_002)), *["x"] * 30]))
    result = watcher("add", str(file), WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout) == (1, "20001 now followed, 30 refused\n")
    assert len(result.stderr.splitlines()) == 21
    assert result.stderr.splitlines()[0].startswith(f"{file} line 20002: is neither a batch id nor a file")
    assert result.stderr.splitlines()[-1] == "and 10 more"
    asked = [len(portion) for portion in there.following.asked]  # full ones, but where reading so many takes a second
    assert (sum(asked), max(asked) <= 10_000) == (20_001, True)
    lines = watcher("add", str(file), "-o", "csv", WATCHER_URL=there.url).stdout.splitlines()
    assert (len(lines), lines[1]) == (20_032, f"{file} line 1,default,1,known,")


def test_ctrl_c_ends_adding_also_while_it_waits_for_more_to_read(there: Interface, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "add", "-", "-o", "ndjson"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": there.url},
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write("".join(f"{number}\n" for number in range(1, 10_001)))
        running.stdin.flush()
        last = next(row for row in map(json.loads, running.stdout) if row["batch_id"] == 10_000)
        assert last["result"] == "created"
        running.send_signal(signal.SIGINT)
        assert (running.wait(PATIENCE), running.stderr.read()) == (130, "")


def test_following_events_goes_on_until_there_are_enough(
    watcher: Watcher, scene: Scene, more: Callable[..., list[int]]
) -> None:
    (batch_id,) = more()
    settled(watcher, scene, batch_id)
    result = watcher("events", "--follow", "--batch", batch_id, "--limit", "1", WATCHER_URL=scene.url)
    assert len(result.stdout.splitlines()) == 1
    csv = watcher("events", "-f", "--batch", batch_id, "--limit", 1, "-o", "csv", WATCHER_URL=scene.url).stdout
    assert [line.split(",")[2:5] for line in csv.splitlines()] == [
        ["type", "account", "batch_id"],
        ["batch.active", "default", str(batch_id)],
    ]


def test_a_list_that_is_watched_tells_each_change_as_a_line_in_a_pipe_until_ctrl_c(
    watcher: Watcher, scene: Scene, more: Callable[..., list[int]], tmp_path: Path
) -> None:
    (batch_id,) = more(validating_for=1.5)
    watcher("add", batch_id, "-l", "watched=yes", WATCHER_URL=scene.url)
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "ls", "--watch", "--label", "watched=yes"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": scene.url},
    ) as running:
        assert running.stdout is not None
        last = next(line for line in running.stdout if "ACTIVE" in line)
        assert last.split()[2:] == [f"default/{batch_id}", "ACTIVE", "API", str(batch_id)]
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 130


@pytest.mark.parametrize("command", ["ls", "events"])
def test_an_account_there_is_not_is_answered_with_those_there_are(watcher: Watcher, scene: Scene, command: str) -> None:
    result = watcher(command, "-a", "nope", WATCHER_URL=scene.url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "There is no account 'nope'. There are: default.\n"


def test_a_list_on_a_narrow_terminal_folds_nothing(
    watcher: Watcher, scene: Scene, more: Callable[..., list[int]]
) -> None:
    (batch_id,) = more()
    settled(watcher, scene, batch_id)
    watch = json.loads(watcher("show", batch_id, "-o", "json", WATCHER_URL=scene.url).stdout)
    looks, size = str(watch["looks"]), str(watch["size"])
    there, name = [str(batch_id), "ACTIVE", "THEN"], ["API", str(batch_id)]
    for columns, said in (
        ("80", ["default", there[0], str(watch["broadcast_id"]), *there[1:], looks, size, *name]),
        ("50", ["default", *there, looks, *name]),
        ("26", there),
        ("14", there[:2]),
    ):
        result = watcher("ls", "--status", "ACTIVE", WATCHER_URL=scene.url, TTY_COMPATIBLE="1", COLUMNS=columns)
        rows = [timeless(line).split() for line in click.unstyle(result.stdout).splitlines()]
        assert said in rows
        assert {len(row) for row in rows[1:]} == {len(said)}


# With an account that is refused


def test_a_refused_account_is_spoken_of_wherever_people_look(watcher: Watcher, scene: Scene, tmp_path: Path) -> None:
    with process("run", "-o", "json", folder=tmp_path, **{**scene.environ, "CALLFIRE_PASSWORD": "wrong"}) as daemon:
        waited = watcher("wait", "1", WATCHER_URL=daemon["url"])
        said = (
            "account default: CallFire refuses its login (CallFire answered 401: Authentication failed): "
            "correct CALLFIRE_LOGIN and CALLFIRE_PASSWORD and restart the daemon\n"
        )
        assert (waited.exit_code, waited.stderr) == (5, said)
        for arguments in (("add", "1"), ("ls",), ("show", "1"), ("ls", "-o", "json")):
            assert watcher(*arguments, WATCHER_URL=daemon["url"]).stderr == said
