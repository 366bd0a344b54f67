"""Why a batch is looked at when it is, over HTTP."""

from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from typing import Any, get_args

import pytest

from tests.fakes import NOON
from tests.web.house import House, open_house
from watcher.core.explaining import Explanation, Why
from watcher.core.model import Key
from watcher.ports import AccountView
from watcher.web.explaining import expected, explained

WATCH = "/v1/accounts/default/batches/13"
ONE = f"{WATCH}/explanation"
KEY = Key("default", 13)
FOUND = Explanation(
    broadcast=None,
    page=None,
    flying=False,
    first=None,
    age=8.0,
    waited=4.40625,
    hazard=0.123456,
    worth=0.26349,
    page_worth=None,
    rank=2,
    ahead=(("batch", 14, 3.14159), ("page", 9, 0, 0.5)),
    due=NOON.timestamp(),
    threshold=0.1,
    why="by itself",
)
VIEW = AccountView(
    name="default",
    condition="ok",
    reason="",
    until=None,
    rate=5.0,
    effective_rate=2.5,
    in_flight=0,
    open=3,
    overdue=0,
    last_step=NOON,
)
FINE: dict[str, Any] = {"condition": "ok", "reason": "", "until": None}


def summary(view: AccountView = VIEW, now: datetime = NOON, **found: Any) -> str:
    return explained(KEY, replace(FOUND, **found), view, now).summary


async def test_an_explanation_has_the_figures_what_goes_before_and_a_summary(house: House) -> None:
    await house.ask("PUT", WATCH)
    house.following.explanations[KEY] = FOUND
    house.following.held = FINE
    answer = await house.ask("GET", ONE)
    assert (answer.status, answer.json) == (
        200,
        {
            "account": "default",
            "batch_id": 13,
            "part": None,
            "at": "2026-11-23T12:00:00.000Z",
            "why": "by_itself",
            "summary": "A look at it would end 0.26 s of expected waiting. 2 requests go before it. "
            "Its turn is expected in about 0.8 s, at 12:00:00 UTC.",
            "age": 12.406,
            "waited": 4.406,
            "hazard": 0.1235,
            "worth": 0.2635,
            "threshold": 0.1,
            "broadcast_id": None,
            "page": None,
            "page_worth": None,
            "rank": 3,
            "ahead": [
                {"batch_id": 14, "broadcast_id": None, "page": None, "worth": 3.142},
                {"batch_id": None, "broadcast_id": 9, "page": 1, "worth": 0.5},
            ],
            "next_look": "2026-11-23T12:00:00.800Z",
        },
    )


async def test_pages_are_counted_from_one(house: House) -> None:
    await house.ask("PUT", WATCH)
    house.following.explanations[KEY] = replace(FOUND, broadcast=9, page=2, page_worth=4.0, why="on a page")
    shown = (await house.ask("GET", ONE)).json
    assert (shown["broadcast_id"], shown["page"], shown["page_worth"], shown["why"]) == (9, 3, 4.0, "on_a_page")


async def test_of_a_divided_account_the_part_is_named(house: House) -> None:
    await house.ask("PUT", WATCH)
    house.following.explanations[KEY] = replace(FOUND, part="default@2/4")
    assert (await house.ask("GET", ONE)).json["part"] == "default@2/4"


async def test_no_turn_is_expected_before_the_account_may_be_asked(house: House) -> None:
    await house.ask("PUT", WATCH)
    house.following.explanations[KEY] = FOUND
    shown = (await house.ask("GET", ONE)).json
    assert shown["next_look"] == "2026-11-23T12:00:09.000Z"
    assert shown["summary"].endswith(
        " The account is throttled (CallFire answered 429): it is not asked before 12:00:09 UTC. "
        "Its turn is expected in about 9 s, at 12:00:09 UTC."
    )


async def test_what_is_not_followed_is_not_explained(house: House) -> None:
    for _ in range(2):
        answer = await house.ask("GET", ONE)
        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert answer.json == {
            "type": "/problems/not-followed",
            "title": "The batch is not followed",
            "status": 404,
            "detail": "Batch 13 of account 'default' is not followed. PUT to its own path follows it.",
        }
        await house.ask("PUT", WATCH)
        await house.ask("DELETE", WATCH)


async def test_what_has_ended_is_not_looked_at_and_not_explained(house: House) -> None:
    await house.ask("PUT", WATCH)
    house.following.explanations[KEY] = FOUND
    await house.see(13, "ACTIVE")
    answer = await house.ask("GET", ONE)
    assert (answer.status, answer.json) == (
        409,
        {
            "type": "/problems/not-open",
            "title": "The batch is not looked at any more",
            "status": 409,
            "detail": "Batch 13 of account 'default' is settled: it is not looked at any more. "
            "PUT to its own path follows it again.",
            "state": "settled",
        },
    )


async def test_a_watch_that_polling_does_not_have_at_this_moment_is_to_be_asked_for_again(house: House) -> None:
    await house.ask("PUT", WATCH)
    answer = await house.ask("GET", ONE)
    assert (answer.status, answer.json["type"], answer.json["state"]) == (409, "/problems/not-open", "open")
    assert answer.json["detail"].endswith("begins or ends to be followed just now: ask again.")


def test_what_is_small_is_not_told_as_nothing() -> None:
    """The threshold may be smaller still."""
    small = replace(FOUND, hazard=1.23456e-6, worth=2.5e-5, page_worth=4.5e-4, ahead=(("batch", 14, 3.14159e-4),))
    shown = explained(KEY, small, VIEW, NOON)
    assert (shown.hazard, shown.worth, shown.page_worth, shown.ahead[0].worth) == (1.235e-06, 2.5e-05, 4.5e-4, 3.142e-4)


@pytest.mark.parametrize("batch_id", ["0", "x", "9223372036854775808"])
async def test_what_is_no_batch_id_is_refused(house: House, batch_id: str) -> None:
    answer = await house.ask("GET", f"/v1/accounts/default/batches/{batch_id}/explanation")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-batch-id")


async def test_an_unknown_account_is_answered_with_those_there_are() -> None:
    async with open_house(accounts=("east", "west")) as house:
        answer = await house.ask("GET", "/v1/accounts/north/batches/13/explanation")
        assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-account")


# In words


@pytest.mark.parametrize("why", get_args(Why))
def test_every_reason_has_its_words_and_a_name_without_spaces(why: Why) -> None:
    shown = explained(KEY, replace(FOUND, why=why, broadcast=9, page=0, page_worth=2.0), VIEW, NOON)
    assert shown.why == why.replace(" ", "_")
    assert "{" not in shown.summary
    assert shown.summary.endswith(".")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"why": "in flight"}, ["It is being asked about at this moment."]),
        (
            {"why": "not worth it yet", "worth": 0.0132, "rank": 0, "due": NOON.timestamp() + 90},
            [
                "A look at it would end 0.013 s of expected waiting, and no request is made for less than 0.1 s.",
                "Nothing that is due goes before it.",
                "Its turn is expected in about 90 s, at 12:01:30 UTC.",
            ],
        ),
        (
            {"why": "resting", "waited": 0.25, "rank": 0, "due": NOON.timestamp() + 0.4},
            [
                "It was asked about 0.25 s ago, and not again before polling.min_interval is over.",
                "Nothing that is due goes before it.",
                "Its turn is expected now.",
            ],
        ),
        (
            {"why": "on a page", "broadcast": 9, "page_worth": 4.321, "rank": 1},
            [
                "A look at it would end 0.26 s of expected waiting, the page of broadcast 9 that shows it 4.3 s.",
                "1 request goes before it.",
                "Its turn is expected now.",
            ],
        ),
        (
            {"why": "new", "first": "new", "rank": 80},
            [
                "It is new, so it goes before others.",
                "80 requests are worth more, and have every other turn.",
                "Its turn is expected now.",
            ],
        ),
        (
            {"why": "asked for", "first": "refresh", "rank": 1},
            [
                "Somebody asked for a look at it, so it goes before others.",
                "1 request is worth more, and has every other turn.",
                "Its turn is expected now.",
            ],
        ),
        (
            {"worth": 0.05, "waited": 300.0, "rank": 0},
            [
                "A look at it would end 0.05 s of expected waiting.",
                "It is due all the same, having waited for 5 min.",
                "Nothing that is due goes before it.",
                "Its turn is expected now.",
            ],
        ),
    ],
)
def test_the_summary_says_it_in_words(found: dict[str, Any], said: list[str]) -> None:
    assert summary(**found) == " ".join(said)


@pytest.mark.parametrize(
    ("waited", "said"),
    [(0.0, "0 s"), (1.26, "1.3 s"), (42.4, "42 s"), (3600.0, "60 min"), (7300.0, "2 h"), (3 * 86_400.0, "3 d")],
)
def test_a_duration_is_told_in_a_unit_that_fits(waited: float, said: str) -> None:
    assert f"It was asked about {said} ago," in summary(why="resting", waited=waited)


def test_another_day_is_named() -> None:
    assert "at 2026-11-24 12:00:00 UTC" in summary(due=(NOON + timedelta(days=1)).timestamp())
    held = replace(VIEW, condition="down", until=NOON + timedelta(days=1))
    assert "The account is down: it is not asked before 2026-11-24 12:00:00 UTC." in summary(view=held)


# When


def test_a_turn_is_expected_after_the_turns_of_those_that_go_before() -> None:
    assert expected(replace(FOUND, rank=10), VIEW, NOON) == NOON + timedelta(seconds=4)
    assert expected(replace(FOUND, rank=10, due=NOON.timestamp() + 60), VIEW, NOON) == NOON + timedelta(seconds=60)
    assert expected(replace(FOUND, due=NOON.timestamp() - 60, rank=0), VIEW, NOON) == NOON


def test_what_goes_first_and_what_is_under_way_wait_for_nobody() -> None:
    assert expected(replace(FOUND, rank=10, first="new", why="new"), VIEW, NOON) == NOON
    under_way = replace(FOUND, rank=10, flying=True, why="in flight", due=NOON.timestamp() + 60)
    assert expected(under_way, VIEW, NOON) == NOON


def test_when_nobody_can_tell_it_is_said() -> None:
    paused = replace(VIEW, condition="paused", reason="an operator paused it")
    assert expected(FOUND, paused, NOON) is None
    assert summary(view=paused).endswith(
        " The account is paused (an operator paused it). When its turn comes nobody can tell."
    )
    assert expected(replace(FOUND, due=inf), VIEW, NOON) is None


@pytest.mark.parametrize("path", ["explanation", "looks"])
async def test_where_whoever_polls_does_not_answer_it_is_said_to_ask_again(house: House, path: str) -> None:
    await house.ask("PUT", WATCH)
    house.following.unanswered = True
    answer = await house.ask("GET", f"{WATCH}/{path}")
    assert (answer.status, answer.headers["Retry-After"], answer.json) == (
        503,
        "5",
        {
            "type": "/problems/poller-silent",
            "title": "Whoever polls the account did not answer",
            "status": 503,
            "detail": "Whoever polls account 'default' did not answer within 2 s: try again in a few seconds.",
        },
    )
