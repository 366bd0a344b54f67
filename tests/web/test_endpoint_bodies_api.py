"""What is not right with a body about an endpoint is refused: with the place, all of it at once, and nothing is done."""

from typing import Any

import pytest

from tests.web.house import House
from tests.web.test_endpoints_api import ALL, ONE, URL, WHSEC, WHSK, kept
from watcher.web.values import TO_PEOPLE

TYPES = (
    "batch.new, batch.validating, batch.active, batch.errors, batch.source_error, batch.unknown, batch.missing, batch.stuck, "
    "batch.unstuck, watch.expired, account.refused, account.recovered, endpoint.failing, endpoint.disabled, "
    "endpoint.recovered, delivery.exhausted"
)
SECONDS = 'Write seconds as a number, or "500ms", "15s", "5m", "1h30m", "7d"'
OURS = "The key is not right: It is set by the sender itself; take it out"
UNSENDABLE = (
    "It has a value that is empty or cannot be sent; use visible ASCII characters, with spaces only between them"
)
NO_MOMENT = "Write it as RFC 3339 has it: 2026-11-23T09:00:00Z, or with an offset such as +01:00"
NUMBER = "Input should be a valid number"
SET_UP: list[tuple[dict[str, Any], str, str]] = [
    ({"url": None}, "/url", "Input should be a valid string"),
    (
        {"url": "a.example/"},
        "/url",
        "It is not a URL that starts with https:// or http://; write it as https://HOST[:PORT]/PATH",
    ),
    (
        {"url": "slack://T1/B1/s3cret"},
        "/url",
        "It is not a URL that starts with https:// or http://; write it as https://HOST[:PORT]/PATH. " + TO_PEOPLE,
    ),
    (
        {"kind": "apprise"},
        "/kind",
        TO_PEOPLE,
    ),
    (
        {"url": "https://user:pass@a.example/"},
        "/url",
        "It holds a login; take out what stands before the @, and give it as the endpoint's credentials",
    ),
    ({"url": "https://a.example:25/"}, "/url", "It uses port 25; webhooks go to port 80, 443, or one from 1024"),
    ({"kept_by": "settings"}, "/kept_by", "There is no such key"),
    ({"description": "d" * 501}, "/description", "String should have at most 500 characters"),
    ({"description": "a\x00b"}, "/description", "It must not contain the character U+0000"),
    ({"types": "batch.*"}, "/types", "Input should be a valid list"),
    (
        {"types": ["batch.*", "batch.gone"]},
        "/types/1",
        f"There is no event type 'batch.gone'. There are: {TYPES}; batch.* and the like; *",
    ),
    ({"types": ["ping"]}, "/types/0", f"There is no event type 'ping'. There are: {TYPES}; batch.* and the like; *"),
    ({"accounts": ["default", "east"]}, "/accounts/1", "There is no account 'east'. There are: default"),
    ({"broadcasts": [0]}, "/broadcasts/0", "Input should be greater than or equal to 1"),
    ({"broadcasts": ["9"]}, "/broadcasts/0", "Input should be a valid integer"),
    ({"labels": {"team": 1}}, "/labels/team", "Input should be a valid string"),
    ({"timeout": 0.9}, "/timeout", "It must be from 1 to 30 seconds"),
    ({"timeout": "31s"}, "/timeout", "It must be from 1 to 30 seconds"),
    ({"timeout": -1}, "/timeout", "It must be from 1 to 30 seconds"),
    ({"timeout": 10**400}, "/timeout", "It must be from 1 to 30 seconds"),
    ({"timeout": True}, "/timeout", SECONDS),
    ({"timeout": "soon"}, "/timeout", SECONDS),
    ({"timeout": ""}, "/timeout", SECONDS),
    ({"concurrency": 0}, "/concurrency", "Input should be greater than or equal to 1"),
    ({"concurrency": 1001}, "/concurrency", "Input should be less than or equal to 1000"),
    ({"concurrency": 1.5}, "/concurrency", "Input should be a valid integer"),
    ({"rate": 0}, "/rate", "Input should be greater than or equal to 0.001"),
    ({"rate": 100_001}, "/rate", "Input should be less than or equal to 100000"),
    ({"rate": "5"}, "/rate", NUMBER),
    ({"ordering": "strict"}, "/ordering", "Input should be 'none' or 'batch'"),
    ({"form": "xml"}, "/form", "Input should be 'plain', 'cloudevents' or 'cloudevents-binary'"),
    ({"signatures": ["v2"]}, "/signatures/0", "Input should be 'v1' or 'v1a'"),
    ({"signatures": []}, "/signatures", "List should have at least 1 item after validation, not 0"),
    ({"headers": {"Webhook-Id": "x"}}, "/headers/Webhook-Id", OURS),
    ({"headers": {"content-type": "x"}}, "/headers/content-type", OURS),
    (
        {"headers": {"Authorization": "Bearer x"}},
        "/headers/Authorization",
        "The key is not right: It is given as the endpoint's authorization; set that instead",
    ),
    (
        {"headers": {"Connection": "close"}},
        "/headers/Connection",
        "The key is not right: It belongs to the connection and not to the webhook; take it out",
    ),
    ({"headers": {"X-A": "b\r\nX-C: d"}}, "/headers/X-A", UNSENDABLE),
    ({"headers": {"X-A": ""}}, "/headers/X-A", UNSENDABLE),
    (
        {"headers": {"X-A": "1", "x-a": "2"}},
        "/headers",
        "Two of the names differ by case only, and are the same header",
    ),
    (
        {"headers": {f"X-{number}": "1" for number in range(21)}},
        "/headers",
        "Dictionary should have at most 20 items after validation, not more",
    ),
    ({"authorization": {}}, "/authorization", "Give either bearer or basic"),
    (
        {"authorization": {"bearer": "x", "basic": {"username": "a", "password": "b"}}},
        "/authorization",
        "Give either bearer or basic",
    ),
    ({"authorization": "Bearer x"}, "/authorization", "Input should be an object, {…}"),
    (
        {"authorization": {"bearer": "a b"}},
        "/authorization/bearer",
        "It must be 1 to 4000 visible ASCII characters",
    ),
    (
        {"authorization": {"basic": {"username": "a:b", "password": "c"}}},
        "/authorization/basic/username",
        "It must be 1 to 200 characters, none of control, no colon",
    ),
    (
        {"authorization": {"basic": {"username": "a", "password": "c\n"}}},
        "/authorization/basic/password",
        "It must be up to 200 characters, none of control",
    ),
]
MADE_ONLY: list[tuple[dict[str, Any], str, str]] = [
    ({"id": ""}, "/id", "It must be 1 to 64 letters, digits, - and _"),
    ({"id": "a.b"}, "/id", "It must be 1 to 64 letters, digits, - and _"),
    ({"id": "x" * 65}, "/id", "It must be 1 to 64 letters, digits, - and _"),
    ({"secret": "abc"}, "/secret", "It does not start with whsec_ or whsk_; leave it out, and one is made"),
    ({"secret": "whsec_%"}, "/secret", "It is not base64 after its prefix; leave it out, and one is made"),
    (
        {"secret": "whsec_QUJD"},
        "/secret",
        "It has 3 bytes behind its prefix, not 24 to 64; leave it out, and one is made",
    ),
    (
        {"secret": WHSK, "signatures": ["v1"]},
        "/secret",
        "It is one for v1a, which is not among the signatures",
    ),
    (
        {"secret": WHSEC, "signatures": ["v1a"]},
        "/secret",
        "It is one for v1, which is not among the signatures",
    ),
    ({"verification": "dns"}, "/verification", "Input should be 'none', 'ping' or 'cloudevents'"),
]
CHANGED_ONLY: list[tuple[dict[str, Any], str, str]] = [
    ({"id": "other"}, "/id", "There is no such key"),
    ({"secret": WHSEC}, "/secret", "There is no such key"),
    ({"verification": "ping"}, "/verification", "There is no such key"),
    ({"state": "disabled"}, "/state", "There is no such key"),
]


@pytest.mark.parametrize(("body", "pointer", "message"), SET_UP + MADE_ONLY)
async def test_a_new_endpoint_that_is_not_right_is_refused_with_the_place(
    house: House, body: dict[str, Any], pointer: str, message: str
) -> None:
    answer = await house.ask("POST", ALL, json={"url": URL} | body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    assert answer.json["errors"] == [{"pointer": pointer, "message": message}]
    assert house.subscribing.asked == []


@pytest.mark.parametrize(("body", "pointer", "message"), SET_UP + CHANGED_ONLY)
async def test_a_change_that_is_not_right_is_refused_with_the_place(
    house: House, body: dict[str, Any], pointer: str, message: str
) -> None:
    house.subscribing.keep(kept())
    answer = await house.ask("PATCH", ONE, json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    assert answer.json["errors"] == [{"pointer": pointer, "message": message}]
    assert house.subscribing.asked == []


@pytest.mark.parametrize(
    ("part", "body", "pointer", "message"),
    [
        ("enable", {"send_held": "yes"}, "/send_held", "Input should be a valid boolean"),
        ("enable", {"held": True}, "/held", "There is no such key"),
        ("disable", {"reason": ""}, "/reason", "String should have at least 1 character"),
        ("disable", {"reason": "\x00"}, "/reason", "It must not contain the character U+0000"),
        ("rotate", {"grace": "8d"}, "/grace", "It must be from 0 to 604800 seconds"),
        ("rotate", {"grace": None}, "/grace", SECONDS),
        (
            "rotate",
            {"secret": "whpk_x"},
            "/secret",
            "It does not start with whsec_ or whsk_; leave it out, and one is made",
        ),
        ("test", {"type": "batch.*"}, "/type", f"There is no event type 'batch.*'. There are: ping, {TYPES}"),
        ("recover", {}, "/since", "Field required"),
        ("recover", {"since": "2026-11-23"}, "/since", NO_MOMENT),
        ("recover", {"since": "2026-11-23T09:00:00"}, "/since", NO_MOMENT),
        ("recover", {"since": "2026-02-30T09:00:00Z"}, "/since", NO_MOMENT),
        ("recover", {"since": "0001-01-01T00:00:00+14:00"}, "/since", NO_MOMENT),
        ("recover", {"since": 0}, "/since", NO_MOMENT),
        (
            "recover",
            {"since": "2026-11-23T09:00:00Z", "until": "2026-11-23T10:00:00+01:00"},
            "/until",
            "It must be later than since",
        ),
        (
            "recover",
            {"since": "2026-11-23T09:00:00Z", "states": ["gone"]},
            "/states/0",
            "Input should be 'dead', 'held', 'pending', 'done' or 'missing'",
        ),
        (
            "recover",
            {"since": "2026-11-23T09:00:00Z", "states": []},
            "/states",
            "List should have at least 1 item after validation, not 0",
        ),
        (
            "recover",
            {"since": "2026-11-23T09:00:00Z", "after": -1},
            "/after",
            "Input should be greater than or equal to 0",
        ),
        ("recover", {"since": "2026-11-23T09:00:00Z", "dry_run": 1}, "/dry_run", "Input should be a valid boolean"),
    ],
)
async def test_a_wish_that_is_not_right_is_refused_with_the_place(
    house: House, part: str, body: dict[str, Any], pointer: str, message: str
) -> None:
    house.subscribing.keep(kept())
    answer = await house.ask("POST", f"{ONE}/{part}", json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    assert answer.json["errors"] == [{"pointer": pointer, "message": message}]
    assert house.subscribing.asked == []


async def test_all_that_is_wrong_with_a_new_endpoint_is_said_at_once(house: House) -> None:
    body = {
        "id": "a b",
        "url": "nowhere",
        "types": ["x"],
        "accounts": ["east"],
        "timeout": 60,
        "concurrency": 2,
        "ordering": "batch",
        "headers": {"Host": "x", "X-A": ""},
        "secret": "x",
        "colour": "red",
    }
    answer = await house.ask("POST", ALL, json=body)
    assert answer.status == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [
        *(
            "/url",
            "/types/0",
            "/accounts/0",
            "/timeout",
            "/ordering",
            "/headers/Host",
            "/headers/X-A",
            "/id",
            "/secret",
        ),
        "/colour",
    ]


@pytest.mark.parametrize("body", [None, {}])
async def test_a_new_endpoint_needs_a_url(house: House, body: Any) -> None:
    answer = await house.ask("POST", ALL, json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    assert answer.json["errors"] == [{"pointer": "/url", "message": "Field required"}]


async def test_a_body_that_is_no_json_is_refused(house: House) -> None:
    house.subscribing.keep(kept())
    for method, path in (("POST", ALL), ("PATCH", ONE), ("POST", f"{ONE}/rotate"), ("POST", f"{ONE}/recover")):
        form = await house.ask(
            method, path, data="url=x", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert (form.status, form.json["type"]) == (415, "/problems/bad-media-type")
        broken = await house.ask(method, path, data="{", headers={"Content-Type": "application/json"})
        assert (broken.status, broken.json["type"]) == (400, "/problems/bad-json")
    assert house.subscribing.asked == []
