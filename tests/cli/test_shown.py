"""How watches and events look for a person: when batches will have ended, and what events are about."""

import json
from datetime import timedelta

import click
import pytest

from tests.cli.conftest import Watcher, timeless
from tests.cli.interface import Interface
from tests.fakes import NOON
from watcher.cli.shown import event_line
from watcher.core.message import body_of
from watcher.core.model import Key
from watcher.core.samples import sample
from watcher.ports import Eta

KEY = Key("default", 13)


def expect(there: Interface, *, half: timedelta, most: timedelta) -> None:
    """Batch 13 will have ended so long after noon, with even chances, and with 90 %."""
    there.following.etas[KEY] = Eta(p50=NOON + half, p90=NOON + most)


@pytest.mark.parametrize(
    ("most", "said"),
    [
        (timedelta(minutes=14), "about 2026-11-23 12:12:30, by 12:14:00 with 90 %"),
        (timedelta(days=1), "about 2026-11-23 12:12:30, by 2026-11-24 12:00:00 with 90 %"),
    ],
)
def test_when_a_batch_will_have_ended_is_said_in_words_and_in_json(
    watcher: Watcher, there: Interface, most: timedelta, said: str
) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    expect(there, half=timedelta(minutes=12, seconds=30), most=most)
    shown = watcher("show", 13, WATCHER_URL=there.url).stdout
    assert [line.split(maxsplit=1) for line in map(str.rstrip, shown.splitlines()) if line.startswith("eta")] == [
        ["eta", said]
    ]
    document = json.loads(watcher("show", 13, "-o", "json", WATCHER_URL=there.url).stdout)
    assert document["eta"]["p50"] == "2026-11-23T12:12:30.000Z"


def test_a_watch_without_enough_to_go_by_has_no_eta(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    shown = watcher("show", 13, WATCHER_URL=there.url).stdout
    assert [line.split() for line in shown.splitlines() if line.startswith("eta")] == [["eta"]]
    assert "ETA" not in watcher("ls", WATCHER_URL=there.url).stdout


def test_a_batch_that_callfire_may_not_know_is_told_of_as_such(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    shown = watcher("show", 13, WATCHER_URL=there.url).stdout
    assert [line.split(maxsplit=1)[1].rstrip() for line in shown.splitlines() if line.startswith("status")] == [
        "unseen; what CallFire does not know counts as missing after ten minutes"
    ]


def test_a_list_says_by_when_with_even_chances_where_anything_is_known_of_it(
    watcher: Watcher, there: Interface
) -> None:
    watcher("add", 13, 14, WATCHER_URL=there.url)
    expect(there, half=timedelta(minutes=12, seconds=30), most=timedelta(minutes=14))
    lines = watcher("ls", WATCHER_URL=there.url).stdout.splitlines()
    assert lines[0].split() == ["ACCOUNT", "BATCH", "BROADCAST", "STATUS", "SINCE", "ETA", "LOOKS", "SIZE", "NAME"]
    assert [timeless(line).split() for line in lines[1:]] == [
        ["default", "13", "unseen", "THEN", "0"],
        ["default", "14", "unseen", "0"],
    ]
    narrow = watcher("ls", WATCHER_URL=there.url, TTY_COMPATIBLE="1", COLUMNS="24").stdout
    assert click.unstyle(narrow).splitlines()[0].split() == ["BATCH", "STATUS", "SINCE"]


def test_a_list_in_json_has_the_etas(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, 14, WATCHER_URL=there.url)
    expect(there, half=timedelta(minutes=12, seconds=30), most=timedelta(minutes=14))
    listed = json.loads(watcher("ls", "-o", "json", WATCHER_URL=there.url).stdout)
    assert [each["eta"] for each in listed] == [
        {"p50": "2026-11-23T12:12:30.000Z", "p90": "2026-11-23T12:14:00.000Z"},
        None,
    ]


@pytest.mark.parametrize(
    ("event_type", "wanted"),
    [
        ("batch.active", "batch.active          default/13                VALIDATING -> ACTIVE"),
        ("batch.new", "batch.new             default/13                NEW"),
        ("account.refused", "account.refused       default                   CallFire answered 401"),
        ("account.recovered", "account.recovered     default"),
        ("endpoint.failing", "endpoint.failing      another                   the receiver answered 503"),
        ("delivery.exhausted", "delivery.exhausted    another                   the receiver answered 503"),
    ],
)
def test_an_event_is_a_line_of_what_it_is_about(event_type: str, wanted: str) -> None:
    event = json.loads(body_of(sample(event_type, NOON, endpoint_id="crm")))
    assert event_line({**event, "position": 7}) == f"     7  2026-11-23T12:00:00.000Z  {wanted}"
