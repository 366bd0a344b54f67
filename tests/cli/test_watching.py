"""Following, listing, showing and stopping, by command, against a real daemon."""

import json
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Scene, Watcher


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
    first, second = more(2)
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
    rows = f'{batch_id}\n{{"batch_id": {batch_id}, "account": "qq"}}\n{{"batch_id": 0}}\n'
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
    assert result.stderr.startswith("999999: Batch 999999 of account 'default' is not followed.")
    again = watcher("rm", batch_id, "-o", "json", WATCHER_URL=scene.url)
    assert (again.exit_code, json.loads(again.stdout)) == (1, [{"batch_id": batch_id, "stopped": False}])
    shown = watcher("show", batch_id, WATCHER_URL=scene.url)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert shown.stderr.startswith(f"Batch {batch_id} of account 'default' is not followed.")


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
