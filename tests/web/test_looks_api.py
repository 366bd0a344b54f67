"""The single looks at a batch over HTTP."""

from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.web.house import House
from watcher.core.model import Key, LastLook
from watcher.ports import PastLook, PastLooks

WATCH = "/v1/accounts/default/batches/13"
KEY = Key("default", 13)


def past(since: float) -> PastLooks:
    """Two looks; what was answered before so many seconds after noon is forgotten."""
    single = PastLook(asked=NOON, answered=NOON + timedelta(milliseconds=112), by="single", result="changed")
    page = PastLook(
        asked=NOON + timedelta(seconds=2), answered=NOON + timedelta(seconds=2.25), by="page", result="unanswered"
    )
    return PastLooks(looks=(single, page), since=NOON + timedelta(seconds=since))


SHOWN = [
    {
        "asked": "2026-11-23T12:00:00.000Z",
        "answered": "2026-11-23T12:00:00.112Z",
        "by": "single",
        "result": "changed",
    },
    {
        "asked": "2026-11-23T12:00:02.000Z",
        "answered": "2026-11-23T12:00:02.250Z",
        "by": "page",
        "result": "unanswered",
    },
]


async def test_looks_are_shown_in_their_order_with_how_many_there_were(house: House) -> None:
    await house.ask("PUT", WATCH)
    await house.see(13, "NEW", "VALIDATING")
    house.following.past[KEY] = past(-1)
    answer = await house.ask("GET", f"{WATCH}/looks")
    shown = {"account": "default", "batch_id": 13, "items": SHOWN, "total": 2, "since": None}
    assert (answer.status, answer.json) == (200, shown)


async def test_it_is_said_since_when_all_are_remembered(house: House) -> None:
    house.following.past[KEY] = past(3)
    await house.ask("PUT", WATCH)  # at noon
    assert (await house.ask("GET", f"{WATCH}/looks")).json["since"] == "2026-11-23T12:00:03.000Z"
    house.clock.turn(seconds=3)
    await house.ask("DELETE", WATCH)
    await house.ask("PUT", WATCH)
    assert (await house.ask("GET", f"{WATCH}/looks")).json["since"] is None


async def test_looks_that_the_store_does_not_have_yet_count(house: House) -> None:
    await house.ask("PUT", WATCH)
    await house.see(13, "NEW")
    house.following.last[KEY] = LastLook(batch_id=13, asked=NOON, answered=NOON, looks=41, size=None, remaining=None)
    shown = (await house.ask("GET", f"{WATCH}/looks")).json
    assert (shown["items"], shown["total"], shown["since"]) == ([], 41, None)


async def test_of_a_batch_that_ended_the_looks_are_shown_still(house: House) -> None:
    await house.ask("PUT", WATCH)
    await house.see(13, "ACTIVE")
    house.following.past[KEY] = past(-1)
    shown = (await house.ask("GET", f"{WATCH}/looks")).json
    assert (shown["items"], shown["total"], shown["since"]) == (SHOWN, 1, None)


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        (f"{WATCH}/looks", 404, "not-followed"),
        ("/v1/accounts/default/batches/x/looks", 422, "bad-batch-id"),
        ("/v1/accounts/nobody/batches/13/looks", 404, "unknown-account"),
    ],
)
async def test_of_what_is_not_followed_there_are_none(house: House, path: str, status: int, kind: str) -> None:
    answer = await house.ask("GET", path)
    assert (answer.status, answer.json["type"]) == (status, f"/problems/{kind}")
    await house.ask("PUT", WATCH)
    await house.ask("DELETE", WATCH)
    assert (await house.ask("GET", path)).json["type"] == f"/problems/{kind}"
