"""Making, reading, listing, changing and removing endpoints over HTTP."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON, answered
from tests.web.house import House, open_house
from watcher.core.endpoint import Endpoint, EndpointState, Secrets, SigningKey
from watcher.core.health import Health
from watcher.core.keys import secret_text
from watcher.ports import Refused

ALL = "/v1/endpoints"
ONE = "/v1/endpoints/crm"
URL = "https://crm.example.com/hooks"

WHSEC = "whsec_" + "QUJD" * 8
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
MADE = {"v1": "whsec_" + "AQEB" * 10 + "AQE=", "v1a": "whsk_" + "AgIC" * 21 + "Ag=="}
"""The first two keys that are made here, where the first is for v1 and the second for v1a."""

WELL: dict[str, Any] = {
    "failures_in_a_row": 0,
    "failing_since": None,
    "failed": 0,
    "exhausted": 0,
    "disables_at": None,
    "breaker": {"state": "closed", "opened": 0, "open_until": None},
}
NEW: dict[str, Any] = {
    "id": "crm",
    "signatures": ["v1"],
    "keys": [{"scheme": "v1", "until": None}],
    "public_keys": [],
    "url": URL,
    "kind": "webhook",
    "kept_by": "api",
    "description": "",
    "types": [],
    "accounts": [],
    "broadcasts": [],
    "labels": {},
    "timeout": 15.0,
    "concurrency": None,
    "rate": None,
    "ordering": "none",
    "form": "plain",
    "headers": [],
    "authorization": None,
    "created": "2026-11-23T12:00:00.000Z",
    "state": "active",
    "condition": "active",
    "reason": "",
    "until": None,
    "health": WELL,
    "pending": 0,
    "held": 0,
    "dead": 0,
    "oldest": None,
    "recent": None,
}
WHOLE: dict[str, Any] = {
    "description": "the CRM's own",
    "types": ["batch.*", "account.refused", "endpoint.disabled"],
    "accounts": ["default"],
    "broadcasts": [9, 8],
    "labels": {"team": "north"},
    "timeout": 2.5,
    "concurrency": 1,
    "rate": 0.5,
    "ordering": "batch",
    "form": "cloudevents-binary",
}
"""All that can be said and is shown as it was said."""
KEY = SigningKey(key=b"k" * 32)


def kept(**fields: Any) -> Endpoint:
    return Endpoint(**{"id": "crm", "url": URL, "created": NOON, "secrets": Secrets(keys=(KEY,)), **fields})


async def test_a_new_endpoint_is_answered_with_its_place_and_its_secret_which_is_never_shown_again(
    house: House,
) -> None:
    answer = await house.ask("POST", ALL, json={"url": URL, "id": "crm"})
    assert (answer.status, answer.headers["Location"]) == (201, ONE)
    assert answer.json == NEW | {"secrets": [MADE["v1"]]}
    assert (await house.ask("GET", ONE)).json == NEW
    assert house.subscribing.asked == [("make", "crm", ("v1",), None, "none")]


async def test_an_endpoint_without_an_id_gets_one(house: House) -> None:
    answer = await house.ask("POST", ALL, json={"url": URL, "id": None})
    assert answer.json["id"].startswith("ep_")
    assert answer.headers["Location"] == f"/v1/endpoints/{answer.json['id']}"


async def test_everything_that_is_said_of_an_endpoint_is_set_up(house: House) -> None:
    answer = await house.ask("POST", ALL, json={"url": URL, "id": "crm"} | WHOLE)
    assert answer.json == NEW | WHOLE | {"secrets": [MADE["v1"]]}
    assert house.subscribing.views["crm"].endpoint == Endpoint(
        id="crm",
        url=URL,
        description="the CRM's own",
        types=("batch.*", "account.refused", "endpoint.disabled"),
        accounts=("default",),
        broadcasts=(9, 8),
        labels={"team": "north"},
        timeout=timedelta(seconds=2.5),
        concurrency=1,
        rate=0.5,
        ordering="batch",
        form="cloudevents-binary",
        created=NOON,
        secrets=Secrets(keys=(SigningKey(key=b"\x01" * 32),)),
    )


async def test_what_is_named_twice_counts_once(house: House) -> None:
    twice = {"types": ["batch.new", "batch.new"], "broadcasts": [9, 9], "signatures": ["v1", "v1"]}
    answer = await house.ask("POST", ALL, json={"url": URL, "id": "crm"} | twice)
    assert answer.json == NEW | {"types": ["batch.new"], "broadcasts": [9], "secrets": [MADE["v1"]]}


async def test_an_endpoint_may_be_signed_to_both_ways_and_its_public_key_can_be_read_at_any_time(house: House) -> None:
    answer = await house.ask("POST", ALL, json={"url": URL, "id": "crm", "signatures": ["v1", "v1a"]})
    assert answer.json["secrets"] == [MADE["v1"], MADE["v1a"]]
    shown = (await house.ask("GET", ONE)).json
    assert shown["public_keys"] == answer.json["public_keys"] == ["whpk_" + "AgIC" * 10 + "AgI="]
    assert shown["signatures"] == ["v1", "v1a"]
    assert shown["keys"] == [{"scheme": "v1", "until": None}, {"scheme": "v1a", "until": None}]


@pytest.mark.parametrize(
    ("secret", "signatures", "schemes", "public"),
    [
        (WHSEC, None, ["v1"], []),
        (WHSEC, ["v1"], ["v1"], []),
        (WHSK, None, ["v1a"], [WHPK]),
        (WHSK, ["v1a"], ["v1a"], [WHPK]),
    ],
)
async def test_a_secret_of_ones_own_is_taken(
    house: House, secret: str, signatures: list[str] | None, schemes: list[str], public: list[str]
) -> None:
    answer = await house.ask("POST", ALL, json={"url": URL, "secret": secret, "signatures": signatures})
    assert answer.json["secrets"] == [secret]
    assert (answer.json["signatures"], answer.json["public_keys"]) == (schemes, public)


async def test_beside_a_secret_of_ones_own_the_other_signature_has_a_key_that_is_made(house: House) -> None:
    answer = await house.ask("POST", ALL, json={"url": URL, "secret": WHSK, "signatures": ["v1", "v1a"]})
    assert answer.json["secrets"] == [MADE["v1"], WHSK]


@pytest.mark.parametrize(
    ("authorization", "header", "kind"),
    [
        ({"bearer": "abc.def"}, "Bearer abc.def", "bearer"),
        ({"basic": {"username": "us", "password": "pâss: word"}}, "Basic dXM6cMOic3M6IHdvcmQ=", "basic"),
        ({"basic": {"username": "us", "password": ""}}, "Basic dXM6", "basic"),
    ],
)
async def test_credentials_are_kept_and_only_their_kind_is_shown(
    house: House, authorization: dict[str, Any], header: str, kind: str
) -> None:
    await house.ask("POST", ALL, json={"url": URL, "id": "crm", "authorization": authorization})
    assert house.subscribing.views["crm"].endpoint.secrets.authorization == header
    assert (await house.ask("GET", ONE)).json == NEW | {"authorization": kind}


async def test_custom_headers_are_kept_and_only_their_names_are_shown(house: House) -> None:
    headers = {"X-Tenant": "north", "X-Api-Key": "k e y"}
    await house.ask("POST", ALL, json={"url": URL, "id": "crm", "headers": headers})
    assert house.subscribing.views["crm"].endpoint.secrets.headers == headers
    assert (await house.ask("GET", ONE)).json == NEW | {"headers": ["X-Api-Key", "X-Tenant"]}


async def test_what_a_url_carries_behind_its_question_mark_is_not_shown(house: House) -> None:
    await house.ask("POST", ALL, json={"url": f"{URL}?key=abc", "id": "crm"})
    assert house.subscribing.views["crm"].endpoint.url == f"{URL}?key=abc"
    assert (await house.ask("GET", ONE)).json == NEW | {"url": f"{URL}?…"}


async def test_an_id_that_is_taken_is_refused(house: House) -> None:
    house.subscribing.keep(kept())
    answer = await house.ask("POST", ALL, json={"url": URL, "id": "crm"})
    assert (answer.status, answer.json) == (
        409,
        {
            "type": "/problems/endpoint-exists",
            "title": "There is an endpoint of this id",
            "status": 409,
            "detail": "There is an endpoint crm: take another id.",
            "errors": [{"pointer": "/id", "message": "There is an endpoint crm: take another id"}],
        },
    )


@pytest.mark.parametrize("verification", ["ping", "cloudevents"])
async def test_a_receiver_that_does_not_confirm_is_answered_with_the_attempt(house: House, verification: str) -> None:
    house.subscribing.attempts["crm"] = answered(500, answer=b"no")
    answer = await house.ask("POST", ALL, json={"url": URL, "id": "crm", "verification": verification})
    assert (answer.status, answer.json) == (
        422,
        {
            "type": "/problems/not-verified",
            "title": "The receiver did not confirm",
            "status": 422,
            "detail": "Have the receiver answer 2xx.",
            "attempt": {
                "at": "2026-11-23T12:00:00.000Z",
                "took": 0.1,
                "code": 500,
                "error": None,
                "detail": None,
                "address": None,
                "timings": {"dns": None, "connect": None, "tls": None, "first_byte": None},
                "retry_after": None,
                "location": None,
                "answer": "no",
            },
        },
    )
    assert house.subscribing.views == {}


async def test_an_address_that_may_not_be_sent_to_is_refused_with_its_place(house: House) -> None:
    house.subscribing.keep(kept())
    for method, path in (("POST", ALL), ("PATCH", ONE)):
        answer = await house.ask(method, path, json={"url": "http://127.0.0.1:9000/"})
        assert (answer.status, answer.json["type"]) == (422, "/problems/bad-endpoint")
        ((pointer, message),) = [(error["pointer"], error["message"]) for error in answer.json["errors"]]
        assert (pointer, answer.json["detail"]) == ("/url", f"{message}.")
        assert message.startswith("The URL leads to an address that is refused: 127.0.0.1 is ")


async def test_endpoints_are_listed_in_the_order_of_their_ids_page_by_page(house: House) -> None:
    ids = ["a", "b", "c-1", "c_1", "d"]
    for endpoint_id in reversed(ids):
        house.subscribing.keep(kept(id=endpoint_id))
    seen, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        page = (await house.ask("GET", f"{ALL}?limit=2" + (f"&cursor={cursor}" if cursor else ""))).json
        seen += page["items"]
        cursor, pages = page["next"], pages + 1
    assert seen == [NEW | {"id": endpoint_id} for endpoint_id in ids]
    assert pages == 3
    assert (await house.ask("GET", ALL)).json == {"items": seen, "next": None}


@pytest.mark.parametrize("cursor", ["x", "MQ", "bnVsbA", "W10", "é"])
async def test_a_cursor_that_is_none_is_refused(house: House, cursor: str) -> None:
    answer = await house.ask("GET", f"{ALL}?cursor={cursor}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-cursor")


async def test_an_endpoint_in_trouble_shows_how_it_stands(house: House) -> None:
    failing = Health(
        failures_in_a_row=6,
        failing_since=NOON - timedelta(days=1),
        failed=40,
        exhausted=1,
        opened=2,
        open_until=NOON + timedelta(seconds=60),
    )
    house.subscribing.keep(
        kept(health=failing),
        condition="open",
        reason="6 failures in a row",
        until=NOON + timedelta(seconds=60),
        pending=3,
        held=2,
        dead=1,
        oldest=NOON - timedelta(hours=1),
    )
    health = {
        "failures_in_a_row": 6,
        "failing_since": "2026-11-22T12:00:00.000Z",
        "failed": 40,
        "exhausted": 1,
        "disables_at": "2026-11-27T12:00:00.000Z",
        "breaker": {"state": "open", "opened": 2, "open_until": "2026-11-23T12:01:00.000Z"},
    }
    shown = NEW | {
        "condition": "open",
        "reason": "6 failures in a row",
        "until": "2026-11-23T12:01:00.000Z",
        "pending": 3,
        "held": 2,
        "dead": 1,
        "oldest": "2026-11-23T11:00:00.000Z",
        "health": health,
    }
    assert (await house.ask("GET", ONE)).json == shown
    house.clock.turn(seconds=60)
    probing = {"state": "probing", "opened": 2, "open_until": "2026-11-23T12:01:00.000Z"}
    assert (await house.ask("GET", ONE)).json == shown | {"health": health | {"breaker": probing}}


async def test_a_change_sets_up_what_is_given_and_leaves_the_rest(house: House) -> None:
    house.subscribing.keep(kept(description="old", rate=5.0, secrets=Secrets(keys=(KEY,), headers={"X-A": "1"})))
    answer = await house.ask("PATCH", ONE, json={"types": ["batch.active"], "rate": 2})
    changed = NEW | {"description": "old", "headers": ["X-A"], "types": ["batch.active"], "rate": 2.0}
    assert (answer.status, answer.json) == (200, changed)
    assert (await house.ask("PATCH", ONE, json=WHOLE)).json == changed | WHOLE
    assert house.subscribing.views["crm"].endpoint.secrets == Secrets(keys=(KEY,), headers={"X-A": "1"})


async def test_what_is_null_in_a_change_is_as_usual_again(house: House) -> None:
    secrets = {"headers": {"X-A": "1"}, "authorization": {"bearer": "abc"}}
    await house.ask("POST", ALL, json={"url": URL, "id": "crm"} | WHOLE | secrets)
    answer = await house.ask("PATCH", ONE, json=dict.fromkeys([*WHOLE, *secrets, "signatures"]))
    assert (answer.status, answer.json) == (200, NEW)
    assert house.subscribing.views["crm"].endpoint.secrets == Secrets(keys=(SigningKey(key=b"\x01" * 32),))


async def test_an_attempt_usually_takes_as_long_as_the_settings_say_for_all() -> None:
    async with open_house(timeout=timedelta(seconds=4)) as house:
        assert (await house.ask("POST", ALL, json={"url": URL, "id": "crm"})).json["timeout"] == 4.0
        assert (await house.ask("PATCH", ONE, json={"timeout": 20})).json["timeout"] == 20.0
        assert (await house.ask("PATCH", ONE, json={"timeout": None})).json["timeout"] == 4.0


async def test_a_change_of_the_secret_parts_replaces_them_as_a_whole(house: House) -> None:
    house.subscribing.keep(
        kept(secrets=Secrets(keys=(KEY,), headers={"X-A": "1", "X-B": "2"}, authorization="Basic x"))
    )
    answer = await house.ask("PATCH", ONE, json={"headers": {"x-b": "3"}, "authorization": {"bearer": "new"}})
    assert answer.json == NEW | {"headers": ["x-b"], "authorization": "bearer"}
    secrets = house.subscribing.views["crm"].endpoint.secrets
    assert secrets == Secrets(keys=(KEY,), headers={"x-b": "3"}, authorization="Bearer new")


async def test_a_change_of_nothing_changes_nothing(house: House) -> None:
    house.subscribing.keep(kept())
    nothing: dict[str, Any] = {}
    for body in (nothing, None):
        assert (await house.ask("PATCH", ONE, json=body)).json == NEW
    assert house.subscribing.asked == []


async def test_one_of_two_signatures_may_end(house: House) -> None:
    pair, old = SigningKey(scheme="v1a", key=b"p" * 64), replace(KEY, until=NOON + timedelta(hours=1))
    house.subscribing.keep(kept(secrets=Secrets(keys=(KEY, pair, old))))
    answer = await house.ask("PATCH", ONE, json={"signatures": ["v1a"]})
    assert (answer.status, answer.json["signatures"]) == (200, ["v1a"])
    assert house.subscribing.views["crm"].endpoint.secrets.keys == (pair,)


async def test_a_signature_that_there_is_no_key_for_is_refused_with_how_to_give_one(house: House) -> None:
    house.subscribing.keep(kept())
    answer = await house.ask("PATCH", ONE, json={"signatures": ["v1", "v1a"]})
    message = "It has no key for v1a: rotate it first, with whsk_… as its secret (--secret-file)"
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    assert answer.json["errors"] == [{"pointer": "/signatures", "message": message}]
    house.subscribing.keep(kept(secrets=Secrets(keys=(SigningKey(scheme="v1a", key=b"p" * 64),))))
    answer = await house.ask("PATCH", ONE, json={"signatures": None})
    assert "It has no key for v1: rotate it first, with whsec_…" in answer.json["detail"]


@pytest.mark.parametrize(
    ("stored", "body", "pointer"),
    [
        ({"concurrency": 4}, {"ordering": "batch"}, "/ordering"),
        ({"ordering": "batch"}, {"concurrency": 4}, "/concurrency"),
        ({}, {"ordering": "batch", "concurrency": 2}, "/ordering"),
    ],
)
async def test_a_change_after_which_nothing_could_keep_its_order_is_refused(
    house: House, stored: dict[str, Any], body: dict[str, Any], pointer: str
) -> None:
    house.subscribing.keep(kept(**stored))
    answer = await house.ask("PATCH", ONE, json=body)
    message = "One at a time is what keeps an order: leave concurrency out, or make it 1"
    assert (answer.status, answer.json["errors"]) == (422, [{"pointer": pointer, "message": message}])
    assert house.subscribing.asked == []


async def test_a_change_that_another_one_came_before_is_tried_once_more_on_what_that_left(house: House) -> None:
    house.subscribing.keep(kept())
    meanwhile = Refused(kind="changed-meanwhile", detail="Look at it, and try again.")
    house.subscribing.refusals["change"] = [meanwhile]
    answer = await house.ask("PATCH", ONE, json={"rate": 2})
    assert (answer.status, answer.json["rate"]) == (200, 2.0)
    assert house.subscribing.asked == [("change", "crm", 0), ("change", "crm", 0)]
    house.subscribing.refusals["change"] = [meanwhile, meanwhile]
    answer = await house.ask("PATCH", ONE, json={"rate": 3})
    assert (answer.status, answer.json["type"]) == (409, "/problems/changed-meanwhile")
    assert answer.json["detail"] == "Look at it, and try again."


@pytest.mark.parametrize(("method", "path"), [("PATCH", ONE), ("DELETE", ONE), ("POST", f"{ONE}/rotate")])
async def test_an_endpoint_that_the_settings_keep_is_set_up_there_only(house: House, method: str, path: str) -> None:
    house.subscribing.keep(kept(kept_by="settings"))
    answer = await house.ask(method, path, json={"rate": 2} if method == "PATCH" else None)
    assert (answer.status, answer.json["type"]) == (409, "/problems/kept-by-settings")
    assert answer.json["detail"] == "The settings keep crm: change it there, and restart."
    assert (await house.ask("GET", ONE)).json == NEW | {"kept_by": "settings"}


async def test_a_removed_endpoint_is_not_there_any_more(house: House) -> None:
    house.subscribing.keep(kept())
    answer = await house.ask("DELETE", ONE)
    assert (answer.status, answer.body) == (204, b"")
    assert (await house.ask("GET", ONE)).status == 404
    assert (await house.ask("DELETE", ONE)).json["type"] == "/problems/unknown-endpoint"


@pytest.mark.parametrize(
    ("method", "part"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/deliveries")]
    + [("POST", part) for part in ("/enable", "/disable", "/rotate", "/test", "/recover")],
)
async def test_an_endpoint_there_is_not_is_answered_as_such(house: House, method: str, part: str) -> None:
    body = {"since": "2026-11-23T00:00:00Z"} if part == "/recover" else None
    for endpoint_id in ("no", "%20", "a%2Fb", "a.b", "x" * 65, "%00", "é"):
        answer = await house.ask(method, f"{ALL}/{endpoint_id}{part}", json=body)
        assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-endpoint")
        assert answer.json["detail"].startswith("There is no endpoint ")


async def test_an_endpoint_is_disabled_for_a_reason_and_enabled_again(house: House) -> None:
    house.subscribing.keep(kept())
    disabled = NEW | {"state": "disabled", "condition": "disabled", "reason": "disabled by the operator"}
    answer = await house.ask("POST", f"{ONE}/disable")
    assert (answer.status, answer.json) == (200, disabled)
    answer = await house.ask("POST", f"{ONE}/disable", json={"reason": "it moves"})
    assert answer.json == disabled | {"reason": "it moves"}
    assert house.subscribing.views["crm"].endpoint.state is EndpointState.DISABLED
    answer = await house.ask("POST", f"{ONE}/enable")
    assert (answer.status, answer.json) == (200, NEW)
    await house.ask("POST", f"{ONE}/enable", json={"send_held": False})
    assert house.subscribing.asked == [("enable", "crm", True), ("enable", "crm", False)]


async def test_rotation_gives_a_new_secret_and_says_until_when_the_old_one_signs_along(house: House) -> None:
    house.subscribing.keep(kept())
    answer = await house.ask("POST", f"{ONE}/rotate")
    assert (answer.status, answer.json) == (
        200,
        {
            "id": "crm",
            "signatures": ["v1"],
            "keys": [{"scheme": "v1", "until": None}, {"scheme": "v1", "until": "2026-11-24T12:00:00.000Z"}],
            "public_keys": [],
            "secrets": [MADE["v1"]],
        },
    )
    assert (await house.ask("GET", ONE)).json == NEW | {"keys": answer.json["keys"]}
    house.clock.turn(hours=24)
    assert (await house.ask("GET", ONE)).json == NEW


async def test_a_secret_of_ones_own_replaces_the_one_of_its_kind_and_no_other_is_shown(house: House) -> None:
    pair = SigningKey(scheme="v1a", key=b"p" * 64)
    house.subscribing.keep(kept(secrets=Secrets(keys=(KEY, pair))))
    answer = await house.ask("POST", f"{ONE}/rotate", json={"secret": WHSEC, "grace": 0})
    assert answer.json == {
        "id": "crm",
        "signatures": ["v1"],
        "keys": [{"scheme": "v1", "until": None}],
        "public_keys": [],
        "secrets": [WHSEC],
    }
    assert [secret_text(key) for key in house.subscribing.views["crm"].endpoint.secrets.keys] == [
        WHSEC,
        secret_text(pair),
    ]


@pytest.mark.parametrize(
    ("grace", "span"),
    [
        (90, timedelta(seconds=90)),
        (0.5, timedelta(milliseconds=500)),
        ("24h", timedelta(hours=24)),
        ("1h 30min", timedelta(minutes=90)),
        ("300", timedelta(minutes=5)),
        ("7d", timedelta(days=7)),
        ("0s", timedelta(0)),
    ],
)
async def test_a_grace_is_seconds_or_a_span(house: House, grace: object, span: timedelta) -> None:
    house.subscribing.keep(kept())
    assert (await house.ask("POST", f"{ONE}/rotate", json={"grace": grace})).status == 200
    assert house.subscribing.asked == [("rotate", "crm", span)]


async def test_too_many_secrets_that_still_sign_are_refused(house: House) -> None:
    house.subscribing.keep(kept())
    for _ in range(5):
        assert (await house.ask("POST", f"{ONE}/rotate")).status == 200
    answer = await house.ask("POST", f"{ONE}/rotate")
    assert (answer.status, answer.json["type"]) == (409, "/problems/too-many-secrets")


async def test_with_a_token_nobody_else_has_to_do_with_endpoints() -> None:
    async with open_house(token="t" * 20) as house:
        house.subscribing.keep(kept())
        for method, path in (("GET", ALL), ("POST", ALL), ("GET", ONE), ("PATCH", ONE), ("POST", f"{ONE}/rotate")):
            assert (await house.ask(method, path)).status == 401
        assert (await house.ask("GET", ONE, headers={"Authorization": "Bearer " + "t" * 20})).status == 200
