"""What an account's budget buys it, over HTTP."""

import pytest

from tests.web.house import House, bearer, open_house
from watcher.ports import Unplanned, UnplannedKind

PLAN = "/v1/accounts/default/plan"


async def test_a_plan_has_the_load_and_the_delays_at_each_rate(house: House) -> None:
    answer = await house.ask("GET", PLAN)
    assert (answer.status, answer.json) == (
        200,
        {
            "account": "default",
            "at": "2026-11-23T12:00:00.000Z",
            "load": {
                "in_flight": 300,
                "arrivals": 3.224,
                "duration": 93.06,
                "learnt": True,
                "over": 279.2,
                "part": 0.6667,
            },
            "rate": 5.0,
            "points": [{"rate": 2.5, "p50": None, "p95": None}, {"rate": 5.0, "p50": 0.6872, "p95": 2.125}],
        },
    )


@pytest.mark.parametrize(
    ("kind", "status", "again"),
    [
        ("nothing-to-plan", 409, None),
        ("plan-under-way", 503, "15"),
        ("plan-failed", 503, "15"),
        ("stopping", 503, "15"),
    ],
)
async def test_what_stands_in_the_way_is_a_problem(
    house: House, kind: UnplannedKind, status: int, again: str | None
) -> None:
    house.planning.obstacle = Unplanned(kind=kind, detail="something is in the way")
    answer = await house.ask("GET", PLAN)
    assert (answer.status, answer.json["type"], answer.json["detail"], answer.headers.get("Retry-After")) == (
        status,
        f"/problems/{kind}",
        "Something is in the way.",
        again,
    )


async def test_nothing_is_played_for_an_account_that_is_not_there_or_not_for_the_token() -> None:
    async with open_house(accounts=("east", "west"), token="all-of-it") as house:
        made = {"name": "east", "scopes": ["read"], "accounts": ["east"]}
        token = (await house.ask("POST", "/v1/tokens", json=made, headers=bearer("all-of-it"))).json["token"]
        for account in ("west", "north"):
            answer = await house.ask("GET", f"/v1/accounts/{account}/plan", headers=bearer(token))
            assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-account")
        assert (await house.ask("GET", "/v1/accounts/east/plan", headers=bearer(token))).status == 200
        assert house.planning.asked == ["east"]
