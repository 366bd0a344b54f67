"""The single looks at a batch by command, against the interface alone."""

import json
from datetime import timedelta

import pytest

from tests.cli.conftest import Watcher
from tests.cli.interface import Interface
from tests.fakes import NOON
from watcher.core.model import Key
from watcher.ports import PastLook, PastLooks


@pytest.fixture(autouse=True)
def _known(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    looks = [
        PastLook(asked=NOON, answered=NOON + timedelta(seconds=0.1), by="single", result="changed"),
        PastLook(
            asked=NOON + timedelta(seconds=2), answered=NOON + timedelta(seconds=3), by="page", result="unanswered"
        ),
    ]
    there.following.past[Key("default", 13)] = PastLooks(looks=tuple(looks), since=NOON)


ROWS = [
    ["2026-11-23T12:00:00.000Z", "2026-11-23T12:00:00.100Z", "single", "changed"],
    ["2026-11-23T12:00:02.000Z", "2026-11-23T12:00:03.000Z", "page", "unanswered"],
]


def test_the_looks_at_a_batch_are_listed_with_how_many_there_were(watcher: Watcher, there: Interface) -> None:
    shown = watcher("show", 13, "--looks", WATCHER_URL=there.url)
    assert (shown.exit_code, shown.stderr) == (0, "seen in 0 looks\n")
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines == [["ASKED", "ANSWERED", "BY", "RESULT"], *ROWS]


def test_what_was_forgotten_is_said(watcher: Watcher, there: Interface) -> None:
    later = NOON + timedelta(hours=1)
    there.following.past[Key("default", 13)] = PastLooks(looks=(), since=later)
    shown = watcher("show", 13, "--looks", WATCHER_URL=there.url)
    assert shown.stderr == "seen in 0 looks; what was before 2026-11-23T13:00:00.000Z is forgotten\n"


def test_programs_get_all_that_is_known_of_them(watcher: Watcher, there: Interface) -> None:
    shown = watcher("show", 13, "--looks", "-o", "json", WATCHER_URL=there.url)
    document = json.loads(shown.stdout)
    assert [list(look.values()) for look in document["items"]] == ROWS
    assert (document["total"], document["since"], shown.stderr) == (0, None, "")
    csv = watcher("show", 13, "--looks", "-o", "csv", WATCHER_URL=there.url)
    assert (csv.stdout.splitlines(), csv.stderr) == (["asked,answered,by,result", *map(",".join, ROWS)], "")


def test_a_broadcast_has_no_looks(watcher: Watcher, there: Interface) -> None:
    refused = watcher("show", "--broadcast", 9, "--looks", WATCHER_URL=there.url)
    assert refused.exit_code == 2
    assert "--looks are those at a batch: give its id." in " ".join(refused.stderr.replace("│", " ").split())
    unknown = watcher("show", 14, "--looks", WATCHER_URL=there.url)
    assert (unknown.exit_code, unknown.stdout) == (1, "")
