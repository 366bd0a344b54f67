"""How endpoints' attempts went during the last hour, over HTTP: where it is asked for."""

import pytest

from tests.fakes import NOON
from tests.web.house import House
from tests.web.test_endpoints_api import ALL, ONE, kept
from watcher.core.last_hour import LastHour

HOUR = LastHour(since=NOON, done=(12, 0), failed=(1, 0), p50=(0.08, None), p95=(0.21, None))
SHOWN = {
    "since": "2026-11-23T12:00:00.000Z",
    "step": 60,
    "done": [12, 0],
    "failed": [1, 0],
    "p50": [0.08, None],
    "p95": [0.21, None],
}
NOTHING = {"since": "2026-11-23T12:00:00.000Z", "step": 60, "done": [0], "failed": [0], "p50": [None], "p95": [None]}


@pytest.fixture(autouse=True)
def _known(house: House) -> None:
    house.subscribing.keep(kept())
    house.subscribing.keep(kept(id="erp"))
    house.subscribing.hours["crm"] = HOUR


async def test_the_last_hour_of_one_is_shown_where_it_is_asked_for(house: House) -> None:
    usual = (await house.ask("GET", ONE)).json
    assert usual["recent"] is None
    assert (await house.ask("GET", f"{ONE}?recent=false")).json == usual
    assert (await house.ask("GET", f"{ONE}?recent=true")).json == usual | {"recent": SHOWN}


async def test_the_last_hour_of_each_is_shown_in_a_list(house: House) -> None:
    usual = (await house.ask("GET", ALL)).json["items"]
    assert [each["recent"] for each in usual] == [None, None]
    listed = (await house.ask("GET", f"{ALL}?recent=true")).json["items"]
    assert [each["recent"] for each in listed] == [SHOWN, NOTHING]


async def test_with_the_last_hour_it_has_another_tag_which_serves_to_change_it_all_the_same(house: House) -> None:
    plain = (await house.ask("GET", ONE)).headers["ETag"]
    recent = (await house.ask("GET", f"{ONE}?recent=true")).headers["ETag"]
    assert plain != recent
    assert (await house.ask("GET", f"{ONE}?recent=true", headers={"If-None-Match": recent})).status == 304
    assert (await house.ask("GET", f"{ONE}?recent=true", headers={"If-None-Match": plain})).status == 200
    changed = await house.ask("PATCH", ONE, json={"description": "x"}, headers={"If-Match": recent})
    assert changed.status == 200


@pytest.mark.parametrize("query", ["recent=perhaps", "lately=true"])
async def test_a_query_that_is_not_right_is_refused(house: House, query: str) -> None:
    for path in (ONE, ALL):
        answer = await house.ask("GET", f"{path}?{query}")
        assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
