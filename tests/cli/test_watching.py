"""Following, listing, showing and stopping, by command, against a real daemon."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import click
import pytest

from tests.cli.conftest import Scene, Watcher, process
from watcher.cli.daemon import Daemon, NoDaemon
from watcher.cli.watching import tell_events


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


def test_following_events_goes_on_until_there_are_enough(
    watcher: Watcher, scene: Scene, more: Callable[..., list[int]]
) -> None:
    (batch_id,) = more()
    settled(watcher, scene, batch_id)
    result = watcher("events", "--follow", "--batch", batch_id, "--limit", "1", WATCHER_URL=scene.url)
    assert len(result.stdout.splitlines()) == 1


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
    since, looks, size = watch["since"][:19].split("T"), str(watch["looks"]), str(watch["size"])
    there, name = [str(batch_id), "ACTIVE", *since], ["API", str(batch_id)]
    for columns, said in (
        ("80", ["default", there[0], str(watch["broadcast_id"]), *there[1:], looks, size, *name]),
        ("62", ["default", *there, looks, *name]),
        ("40", there),
        ("20", there[:2]),
    ):
        result = watcher("ls", "--status", "ACTIVE", WATCHER_URL=scene.url, TTY_COMPATIBLE="1", COLUMNS=columns)
        rows = [line.split() for line in click.unstyle(result.stdout).splitlines()]
        assert said in rows
        assert {len(row) for row in rows[1:]} == {len(said)}


# With a daemon made up


class Restarting(Daemon):
    """Gives what its script says, a portion at a time."""

    def __init__(self, *script: list[Mapping[str, Any]] | Exception) -> None:
        self._script = list(script)
        self.asked: list[tuple[int, int]] = []

    async def events(self, *, after: int, limit: int = 1000, **query: Any) -> tuple[list[Mapping[str, Any]], int]:
        self.asked.append((after, limit))
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, answer[-1]["position"] if answer else after


def event(position: int) -> Mapping[str, Any]:
    return {"position": position}


async def told(daemon: Daemon, *, follow: bool, limit: int | None) -> list[int]:
    positions: list[int] = []
    await tell_events(
        daemon, {}, lambda event: positions.append(event["position"]), after=0, limit=limit, follow=follow, pause=0
    )
    return positions


async def test_following_events_bears_a_daemon_that_restarts_and_misses_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon = Restarting([event(1), event(2)], NoDaemon(), NoDaemon(), [], [event(3)])
    assert await told(daemon, follow=True, limit=3) == [1, 2, 3]
    assert daemon.asked == [(0, 3), (2, 1), (2, 1), (2, 1), (2, 1)]
    assert capsys.readouterr().err == "the daemon does not answer: waiting for it, 60 s at most\n"


async def test_reading_the_log_ends_where_the_daemon_goes_away() -> None:
    daemon = Restarting([event(number) for number in range(1, 1001)], NoDaemon("gone"))
    with pytest.raises(NoDaemon, match=r"^gone$"):
        await told(daemon, follow=False, limit=None)


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
