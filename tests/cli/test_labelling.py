"""What batches are known by, and looking at them now, by command, against the interface alone."""

import asyncio
import json

import pytest

from tests.cli.conftest import Watcher
from tests.cli.interface import Interface
from watcher.core.model import Key


def test_a_label_that_the_daemon_refuses_is_named_as_it_was_given(watcher: Watcher, there: Interface) -> None:
    watcher("add", "13", WATCHER_URL=there.url)
    said = watcher("label", "13", f"team={'x' * 501}", WATCHER_URL=there.url)
    assert (said.exit_code, said.stderr.split(": ")[0]) == (2, "label team")
    said = watcher("add", "--broadcast", "9", "-l", f"team={'x' * 501}", WATCHER_URL=there.url)
    assert (said.exit_code, said.stderr.split(": ")[0]) == (2, "--label team")


def test_labels_are_set_and_taken_away_and_the_others_stay(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, "-l", "team=north", "-l", "urgent=yes", "--correlation-id", "c", WATCHER_URL=there.url)
    changed = watcher("label", 13, "team=south", "urgent-", "x=a=b", WATCHER_URL=there.url)
    assert (changed.exit_code, changed.stdout) == (0, "default/13 has team=south x=a=b, correlation id c\n")
    bare = watcher("label", 13, "team-", "x-", "--correlation-id", "", "-a", "default", WATCHER_URL=there.url)
    assert bare.stdout == "default/13 has no label\n"
    shown = json.loads(watcher("label", 13, "team=", "-o", "json", WATCHER_URL=there.url).stdout)
    assert (shown["labels"], shown["correlation_id"]) == ({"team": ""}, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("13", "team"), "team: is neither KEY=VALUE nor KEY-: write team=north to set one, team- to take it away\n"),
        (("13", "=north"), "=north: has no name before it: write team=north to set one, team- to take it away\n"),
        (("13", "-"), "-: has no name before it: write team=north to set one, team- to take it away\n"),
    ],
)
def test_what_is_no_label_is_told(watcher: Watcher, arguments: tuple[str, ...], said: str) -> None:
    result = watcher("label", *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)


def test_a_change_of_nothing_is_refused_and_what_is_not_followed_told(watcher: Watcher, there: Interface) -> None:
    assert "Nothing is to be changed" in watcher("label", 13, WATCHER_URL=there.url).stderr
    gone = watcher("label", 13, "a=b", WATCHER_URL=there.url)
    assert (gone.exit_code, gone.stderr) == (
        1,
        "batch 13 of account default is not followed: `watcher add 13` follows it\n",
    )


def test_batches_are_looked_at_and_those_that_are_not_are_told(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, 14, 16, 17, WATCHER_URL=there.url)
    loop = asyncio.new_event_loop()
    for batch_id in (13, 14, 17):
        look = there.following.looks[Key("default", batch_id)] = loop.create_future()
        look.set_result(batch_id != 17)
    loop.close()
    one = watcher("refresh", 13, WATCHER_URL=there.url)
    assert (one.exit_code, one.stdout.splitlines()[0].split()) == (0, ["batch", "13", "of", "account", "default"])
    several = watcher("refresh", 13, 14, 15, 16, WATCHER_URL=there.url)
    assert several.exit_code == 1
    assert [line.strip() for line in several.stdout.splitlines()] == [
        "default/13                unseen",
        "default/14                unseen",
    ]
    assert several.stderr.splitlines() == [
        "15: batch 15 of account default is not followed: `watcher add 15` follows it",
        "16: Batch 16 of account 'default' begins or ends to be followed just now: ask again.",
    ]
    unanswered = watcher("refresh", 17, WATCHER_URL=there.url)
    assert (unanswered.exit_code, unanswered.stdout.split()[:2]) == (1, ["batch", "17"])
    assert unanswered.stderr.startswith("17: CallFire has not answered: this is as it was; ")
    shown = json.loads(watcher("refresh", 13, 14, "-o", "json", WATCHER_URL=there.url).stdout)
    assert [watch["batch_id"] for watch in shown] == [13, 14]
    nobody = watcher("refresh", 13, "-a", "north", WATCHER_URL=there.url)
    assert (nobody.exit_code, nobody.stdout) == (2, "")
