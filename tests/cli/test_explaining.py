"""Why a batch is looked at when it is, by command, against the interface alone."""

import json
from dataclasses import replace

import pytest

from tests.cli.conftest import Scene, Watcher
from tests.cli.interface import Interface
from tests.fakes import NOON
from watcher.core.explaining import Explanation
from watcher.core.model import Key

FOUND = Explanation(
    broadcast=9,
    page=2,
    flying=False,
    first=None,
    age=8.0,
    waited=4.40625,
    hazard=0.123456,
    worth=0.26349,
    page_worth=4.0,
    rank=2,
    ahead=(("batch", 14, 3.14159), ("page", 10, 0, 0.5)),
    due=NOON.timestamp() + 60,
    threshold=0.1,
    why="on a page",
)
NOT_FOLLOWED = "batch 13 of account default is not followed: `watcher add 13` follows it\n"


@pytest.fixture(autouse=True)
def _known(there: Interface) -> None:
    there.following.explanations[Key("default", 13)] = FOUND
    there.following.held = {"condition": "ok", "reason": "", "until": None}


def test_a_batch_is_explained_in_words_then_in_figures(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    explained = watcher("explain", 13, WATCHER_URL=there.url)
    assert (explained.exit_code, explained.stderr) == (0, "")
    words, _, *figures = explained.stdout.splitlines()
    assert words == (
        "A look at it would end 0.26 s of expected waiting, the page of broadcast 9 that shows it 4 s. 2 requests go before it. "
        "Its turn is expected in about 60 s, at 12:01:00 UTC."
    )
    assert [" ".join(line.split()) for line in figures] == [
        "batch 13 of account default",
        "age 12.4 s",
        "waited 4.4 s since it was last asked about",
        "hazard 0.123 since then",
        "worth 0.264 s; no request is made for less than 0.1 s",
        "page 3 of broadcast 9, worth 4 s",
        "rank 3",
        "before it batch 14, worth 3.14 s",
        "before it page 1 of broadcast 10, worth 0.5 s",
        "next look 2026-11-23 12:01:00",
    ]


def test_of_a_divided_account_the_part_is_said(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    there.following.explanations[Key("default", 13)] = replace(FOUND, part="default@2/4")
    lines = watcher("explain", 13, WATCHER_URL=there.url).stdout.splitlines()
    assert [" ".join(line.split()) for line in lines][2:4] == ["batch 13 of account default", "part default@2/4"]


@pytest.mark.parametrize(("page", "said"), [(None, "page"), (0, "page 1 of broadcast 9")])
def test_a_page_that_is_not_asked_for_has_no_worth(
    watcher: Watcher, there: Interface, page: int | None, said: str
) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    alone = replace(FOUND, page=page, page_worth=None, why="by itself", ahead=())
    there.following.explanations[Key("default", 13)] = alone
    lines = watcher("explain", 13, WATCHER_URL=there.url).stdout.splitlines()
    assert [" ".join(line.split()) for line in lines if line.startswith("page")] == [said]


def test_an_explanation_in_json_is_that_of_the_daemon(watcher: Watcher, there: Interface) -> None:
    watcher("add", 13, WATCHER_URL=there.url)
    explained = json.loads(watcher("explain", 13, "-a", "default", "-o", "json", WATCHER_URL=there.url).stdout)
    assert (explained["batch_id"], explained["rank"], explained["why"]) == (13, 3, "on_a_page")
    assert explained["ahead"][0] == {"batch_id": 14, "broadcast_id": None, "page": None, "worth": 3.142}


def test_what_is_not_followed_is_not_explained(watcher: Watcher, there: Interface) -> None:
    explained = watcher("explain", 13, WATCHER_URL=there.url)
    assert (explained.exit_code, explained.stdout, explained.stderr) == (1, "", NOT_FOLLOWED)


def test_a_watch_that_polling_does_not_have_at_this_moment_is_to_be_asked_for_again(
    watcher: Watcher, there: Interface
) -> None:
    watcher("add", 14, WATCHER_URL=there.url)
    explained = watcher("explain", 14, WATCHER_URL=there.url)
    assert (explained.exit_code, explained.stderr) == (
        1,
        "Batch 14 of account 'default' begins or ends to be followed just now: ask again.\n",
    )


def test_an_account_there_is_not_is_answered_with_those_there_are(watcher: Watcher, there: Interface) -> None:
    explained = watcher("explain", 13, "-a", "north", WATCHER_URL=there.url)
    assert (explained.exit_code, explained.stderr) == (
        2,
        "there is no account north: --account takes one of default\n",
    )


def test_what_is_no_batch_id_is_refused_before_anything_is_asked(watcher: Watcher) -> None:
    explained = watcher("explain", "x")
    assert explained.exit_code == 2
    assert "x is not a whole number from 1: give one, such as 13." in explained.stderr


# With a real daemon


def test_a_daemon_explains_what_it_polls_and_says_when_it_does_not_any_more(watcher: Watcher, scene: Scene) -> None:
    slow, quick = scene.add(validating_for=10_000), scene.add(validating_for=0)
    watcher("add", slow, quick, WATCHER_URL=scene.url)
    watcher("wait", quick, WATCHER_URL=scene.url)
    explained = json.loads(watcher("explain", slow, "-o", "json", WATCHER_URL=scene.url).stdout)
    assert explained["batch_id"] == slow
    assert 0 <= explained["waited"] <= explained["age"]
    assert explained["threshold"] == 0.001
    assert explained["next_look"] >= explained["at"]
    ended = watcher("explain", quick, WATCHER_URL=scene.url)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"batch {quick} of account default is settled: it is not looked at any more; `watcher add {quick}` follows it again\n"
    )
