"""A secret of an endpoint stands in the answer that makes it, and in no other answer, whatever is asked and goes wrong."""

import json
from typing import Any

from tests.fakes import NOON
from tests.fakes_subscribing import a_delivery
from tests.web.house import House, open_house
from tests.web.test_endpoints_api import ALL, ONE, URL, WHSEC, WHSK
from watcher.core.news import RequestFailed
from watcher.web.problems import TITLES

HIDDEN = ("hidden-header", "hidden-bearer", "hidden-password", "hidden-user", "hidden-query", WHSEC[6:], WHSK[5:])
BASIC = "aGlkZGVuLXVzZXI6aGlkZGVuLXBhc3N3b3Jk"
BODY: dict[str, Any] = {
    "id": "crm",
    "url": f"{URL}?key=hidden-query",
    "headers": {"X-Api-Key": "hidden-header"},
    "authorization": {"basic": {"username": "hidden-user", "password": "hidden-password"}},
    "signatures": ["v1", "v1a"],
    "secret": WHSK,
}
WRONG: list[dict[str, Any]] = [
    {"secret": WHSEC + "!"},
    {"secret": f"hidden-bearer {WHSK}"},
    {"secret": [WHSEC]},
    {"secret": WHSEC, "signatures": ["v1a"]},
    {"headers": {"X-Api-Key": "hidden-header\r\n"}},
    {"headers": ["hidden-header"]},
    {"headers": {"Host": "hidden-header"}},
    {"authorization": {"bearer": "hidden-bearer "}},
    {"authorization": "hidden-bearer"},
    {"authorization": {"basic": {"username": "hidden-user:", "password": "hidden-password\n"}}},
    {"authorization": {"basic": "hidden-password"}},
    {"authorization": {"bearer": "hidden-bearer", "basic": {"username": "hidden-user", "password": "hidden-password"}}},
    {"url": "https://hidden-user:hidden-password@a.example/?hidden-query"},
    {"url": "https://127.0.0.1/?hidden-query"},
    {"url": "ftp://a.example/?hidden-query"},
]


def told(body: bytes) -> list[str]:
    return [secret for secret in (*HIDDEN, BASIC) if secret.encode() in body]


async def test_a_secret_stands_in_the_answer_that_makes_it_and_in_no_other(house: House) -> None:
    made = await house.ask("POST", ALL, json=BODY)
    assert (made.status, told(made.body)) == (201, [WHSK[5:]])
    rotated = await house.ask("POST", f"{ONE}/rotate", json={"secret": WHSEC})
    assert (rotated.status, told(rotated.body)) == (200, [WHSEC[6:]])
    house.subscribing.owe(a_delivery(1, now=NOON))
    walked = 0
    for route in house.app.router.routes():
        if route.resource is None or not route.resource.canonical.startswith(("/v1/endpoints", "/v1/deliveries")):
            continue
        path = route.resource.canonical.format(endpoint_id="crm", delivery_id="1")
        if route.method == "DELETE" or path == f"{ONE}/rotate":
            continue  # the one has no answer, the other was asked above
        body: dict[str, Any] = BODY if path == ALL else {"since": "2026-11-23T00:00:00Z"} if "recover" in path else {}
        answer = await house.ask(route.method, path, json=None if route.method in ("GET", "HEAD") else body)
        assert answer.status == (409 if (route.method, path) == ("POST", ALL) else 200), path
        assert told(answer.body) == [], path
        walked += 1
    assert walked == 17


async def test_what_is_refused_is_never_repeated_where_it_may_be_a_secret(house: House) -> None:
    await house.ask("POST", ALL, json=BODY)
    for wrong in WRONG:
        for method, path, body in (("POST", ALL, BODY | {"id": "new"} | wrong), ("PATCH", ONE, wrong)):
            answer = await house.ask(method, path, json=body)
            assert (answer.status, told(answer.body)) == (422, []), wrong
    broken = json.dumps(BODY)[:-1]
    answer = await house.ask("POST", ALL, data=broken, headers={"Content-Type": "application/json"})
    assert (answer.status, told(answer.body)) == (400, [])


async def test_a_mistake_of_ours_tells_the_log_no_secret() -> None:
    class Broken:
        async def make(self, endpoint: object, **how: object) -> None:
            raise KeyError("inside knowledge")

    async with open_house(subscribing=Broken()) as house:
        answer = await house.ask("POST", ALL, json=BODY)
        assert (answer.status, told(answer.body)) == (500, [])
        (failure,) = house.ear.of(RequestFailed)
        assert told(repr(failure).encode()) == []
        assert "inside knowledge" in repr(failure)


def test_every_refusal_has_a_title() -> None:
    from watcher.web.refusals import STATUSES

    assert set(STATUSES) <= set(TITLES)
