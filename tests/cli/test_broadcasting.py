"""Following broadcasts as a whole, by command, against the interface alone: nothing is polled."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.cli.conftest import Watcher
from tests.cli.interface import Interface
from tests.fakes import NOON


def test_a_broadcast_is_followed_with_all_that_is_said_of_it(watcher: Watcher, there: Interface) -> None:
    said = ("--kind", "text", "--label", "team=north", "--correlation-id", "c-1", "-a", "default")
    added = watcher("add", "--broadcast", 9, *said, WATCHER_URL=there.url)
    assert (added.exit_code, added.stderr) == (0, "")
    assert added.stdout == "broadcast 9 is followed as a whole; its batches are looked for\n"
    shown = json.loads(watcher("show", "--broadcast", 9, "-o", "json", WATCHER_URL=there.url).stdout)
    assert (shown["kind"], shown["labels"], shown["correlation_id"]) == ("text", {"team": "north"}, "c-1")
    assert (shown["followed"], shown["batches"], shown["listed"]) == (True, 0, None)


def test_several_are_followed_beside_batches_and_each_once(watcher: Watcher, there: Interface) -> None:
    arguments = ("add", 13, "--broadcast", 9, "--broadcast", 10, "--broadcast", 9)
    first = watcher(*arguments, WATCHER_URL=there.url)
    assert first.stdout.splitlines() == [
        "1 now followed",
        "broadcast 9 is followed as a whole; its batches are looked for",
        "broadcast 10 is followed as a whole; its batches are looked for",
    ]
    row, *broadcasts = json.loads(watcher(*arguments, "-o", "json", WATCHER_URL=there.url).stdout)
    assert row == {"row": "13", "account": "default", "batch_id": 13, "result": "known"}
    assert [(each["broadcast_id"], each["followed"], each["kind"]) for each in broadcasts] == [
        (9, True, None),
        (10, True, None),
    ]


@pytest.mark.parametrize(("count", "told"), [(1, "1 of its batches is"), (20, "20 of its batches are")])
def test_how_many_of_its_batches_are_followed_is_told(
    watcher: Watcher, there: Interface, count: int, told: str
) -> None:
    watcher("add", "--broadcast", 9, WATCHER_URL=there.url)
    view = there.following.views["default", 9]
    there.following.views["default", 9] = replace(
        view, batches=count, listed=NOON + timedelta(minutes=1), note="CallFire answered 404"
    )
    added = watcher("add", "--broadcast", 9, "-l", "a=b", WATCHER_URL=there.url)
    assert added.stdout == f"broadcast 9 is followed as a whole; {told} followed now\n"
    shown = watcher("show", "--broadcast", 9, WATCHER_URL=there.url)
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["broadcast", "9", "of", "account", "default"],
        ["kind"],
        ["followed", "as", "a", "whole"],
        ["since", "2026-11-23T12:00:00.000Z"],
        ["batches", str(count)],
        ["listed", "2026-11-23T12:01:00.000Z"],
        ["note", "CallFire", "answered", "404"],
        ["label", "a", "b"],
        ["correlation", "id"],
    ]


def test_a_stopped_broadcast_is_still_shown_as_one_that_nobody_follows(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, "--broadcast", 9, WATCHER_URL=there.url)
    stopped = watcher("rm", 13, "--broadcast", 9, "--broadcast", 10, WATCHER_URL=there.url)
    assert stopped.exit_code == 1
    assert stopped.stdout.splitlines() == [
        "13 is no longer followed",
        "broadcast 9 is no longer followed; those of its batches that were found still are",
    ]
    assert stopped.stderr == (
        "10: broadcast 10 of account default is not followed: `watcher add --broadcast 10` follows it\n"
    )
    again = watcher("rm", "--broadcast", 9, "-o", "json", WATCHER_URL=there.url)
    assert (again.exit_code, json.loads(again.stdout)) == (1, [{"broadcast_id": 9, "stopped": False}])
    shown = watcher("show", "--broadcast", 9, WATCHER_URL=there.url).stdout.splitlines()
    assert ["followed", "no"] in [line.split() for line in shown]


def test_a_broadcast_that_is_not_known_is_not_shown(watcher: Watcher, there: Interface) -> None:
    shown = watcher("show", "--broadcast", 9, WATCHER_URL=there.url)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert shown.stderr == "broadcast 9 of account default is not followed: `watcher add --broadcast 9` follows it\n"


def test_in_which_broadcast_the_batches_are_can_be_said(watcher: Watcher, there: Interface) -> None:
    rows = '14\n{"batch_id": 15, "broadcast_id": 10}\n'
    watcher("add", 13, "-", "--in-broadcast", 9, input=rows, WATCHER_URL=there.url)
    watches = json.loads(watcher("ls", "-o", "json", WATCHER_URL=there.url).stdout)
    assert [(watch["batch_id"], watch["broadcast_id"]) for watch in watches] == [(13, 9), (14, 9), (15, 10)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "--kind", "call", 13), "--kind says what a broadcast sends: name one with --broadcast."),
        (
            ("add", "--broadcast", 9, "--in-broadcast", 8),
            "--in-broadcast says where batches are: name them by their ids.",
        ),
        (("add", "--broadcast", 9, "--kind", "ivr"), "'ivr' is not one of 'call', 'text'."),
        (("add", "--broadcast", 0), "0 is not a whole number from 1: give one, such as 13."),
        (("rm",), "Name batches by their ids, a file with one a line, or -; or --broadcast ID."),
        (("show", 13, "--broadcast", 9), "One thing is shown at a time: give the id of a batch, or --broadcast ID."),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    watcher: Watcher, arguments: tuple[object, ...], said: str
) -> None:
    result = watcher(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_what_the_daemon_refuses_ends_the_command_with_its_words(watcher: Watcher, there: Interface) -> None:
    long = watcher("add", "--broadcast", 9, "--correlation-id", "x" * 201, WATCHER_URL=there.url)
    assert (long.exit_code, long.stderr) == (2, "--correlation-id: String should have at most 200 characters\n")
    nobody = watcher("add", "--broadcast", 9, "-a", "north", WATCHER_URL=there.url)
    assert (nobody.exit_code, nobody.stderr) == (2, "there is no account north: --account takes one of default\n")
    assert there.following.views == {}
