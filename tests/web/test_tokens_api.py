"""`/v1/tokens` and `/v1/session`: making, showing and removing tokens, and signing in with them."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from tests.fakes import NOON, FakeClock
from tests.web.house import Answered, House, bearer, open_house
from watcher.core.tokens import PREFIX
from watcher.web.auth import COOKIE, SECURE_COOKIE, SESSIONS_MOST
from watcher.web.lately import MOST, Lately
from watcher.web.sessions import SIGN_IN_MOST

MASTER = "correct-horse-battery"
TOKENS = "/v1/tokens"


async def make(house: House, by: str = MASTER, **body: Any) -> Answered:
    return await house.ask("POST", TOKENS, headers=bearer(by), json={"name": "ci", "scopes": ["read"], **body})


def pointers(answer: Answered) -> list[str]:
    assert answer.status == 422
    return [error["pointer"] for error in answer.json["errors"]]


def cookie(signed: Answered) -> dict[str, str]:
    return {"Cookie": signed.headers["Set-Cookie"].partition(";")[0]}


async def test_a_token_is_made_and_its_secret_shown_this_once() -> None:
    async with open_house(token=MASTER, accounts=("east", "west")) as house:
        made = await make(house, scopes=["write", "read"], accounts=["east"], expires_in="90d")
        token_id, secret = made.json.pop("id"), made.json.pop("token")
        assert secret.startswith(PREFIX)
        assert len(secret) == len(PREFIX) + 43
        assert (made.status, made.headers["Location"]) == (201, f"{TOKENS}/{token_id}")
        shown = {
            "name": "ci",
            "scopes": ["read", "write"],
            "accounts": ["east"],
            "created": "2026-11-23T12:00:00.000Z",
            "expires": "2027-02-21T12:00:00.000Z",
            "used": None,
        }
        assert made.json == shown
        assert (await house.ask("GET", "/v1/watches", headers=bearer(secret))).status == 200
        read = await house.ask("GET", f"{TOKENS}/{token_id}", headers=bearer(MASTER))
        assert read.json == {"id": token_id, **shown, "used": "2026-11-23T12:00:00.000Z"}
        listed = await house.ask("GET", TOKENS, headers=bearer(MASTER))
        assert listed.json == {"items": [read.json], "next": None}
        assert secret not in listed.body.decode() + read.body.decode()


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": "x" * 101}, ["/name"]),
        ({"scopes": []}, ["/scopes"]),
        ({"scopes": ["read", "everything"]}, ["/scopes/1"]),
        ({"accounts": []}, ["/accounts"]),
        ({"accounts": ["default", "nowhere"]}, ["/accounts/1"]),
        ({"expires": "2026-11-23T11:00:00Z"}, ["/expires"]),
        ({"expires": "tomorrow"}, ["/expires"]),
        ({"expires_in": "1s"}, ["/expires_in"]),
        ({"expires": "2027-01-01T00:00:00Z", "expires_in": "1d"}, ["/expires_in"]),
        ({"name": 3, "scopes": "read", "secret": "mine"}, ["/name", "/scopes", "/secret"]),
    ],
)
async def test_what_is_no_token_is_refused_with_all_that_is_wrong(body: dict[str, Any], wrong: list[str]) -> None:
    async with open_house(token=MASTER) as house:
        assert pointers(await make(house, **body)) == wrong
        assert (await house.ask("GET", TOKENS, headers=bearer(MASTER))).json["items"] == []


async def test_a_removed_token_opens_nothing_and_its_browsers_are_signed_out() -> None:
    async with open_house(token=MASTER) as house:
        made = (await make(house)).json
        signed = await house.ask("POST", "/v1/session", headers=bearer(made["token"]))
        own = cookie(signed)
        assert (await house.ask("GET", "/v1/watches", headers=own)).status == 200
        place = f"{TOKENS}/{made['id']}"
        assert (await house.ask("DELETE", place, headers=bearer(MASTER))).status == 204
        again = await house.ask("DELETE", place, headers=bearer(MASTER))
        assert (again.status, again.json["type"]) == (404, "/problems/unknown-token")
        over = await house.ask("GET", "/v1/watches", headers=own)
        assert (over.status, over.json["type"]) == (401, "/problems/session-over")
        wrong = await house.ask("GET", "/v1/watches", headers=bearer(made["token"]))
        assert (wrong.status, wrong.json["type"]) == (401, "/problems/token-wrong")


async def test_a_list_pages_in_the_order_in_which_tokens_were_made() -> None:
    async with open_house(token=MASTER) as house:
        made = []
        for number in range(5):
            made.append((await make(house, name=f"n{number}")).json["id"])
            house.clock.turn(seconds=1)
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await house.ask("GET", TOKENS, headers=bearer(MASTER), params={"limit": "2", **cursor})).json
            found += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == made
        for bad in ("x", "WyIiLFsxLDJdXQ"):
            answer = await house.ask("GET", TOKENS, headers=bearer(MASTER), params={"cursor": bad})
            assert (answer.status, answer.json["type"]) == (422, "/problems/bad-cursor")


async def test_whoever_is_limited_to_accounts_makes_and_sees_tokens_for_these_only() -> None:
    async with open_house(token=MASTER, accounts=("east", "west")) as house:
        boss = (await make(house, name="east", scopes=["admin"], accounts=["east"], expires_in="10d")).json
        other = (await make(house, name="west", accounts=["west"])).json
        both = (await make(house, name="both", accounts=["east", "west"])).json
        assert pointers(await make(house, boss["token"])) == ["/accounts"]
        assert pointers(await make(house, boss["token"], accounts=["east", "west"])) == ["/accounts/1"]
        assert pointers(await make(house, boss["token"], accounts=["east"])) == ["/expires"]
        assert pointers(await make(house, boss["token"], accounts=["east"], expires_in="11d")) == ["/expires"]
        mine = (await make(house, boss["token"], accounts=["east"], expires_in="9d")).json
        seen = await house.ask("GET", TOKENS, headers=bearer(boss["token"]))
        assert [item["id"] for item in seen.json["items"]] == sorted([boss["id"], mine["id"]])
        nowhere = await house.ask("GET", f"{TOKENS}/tok_nowhere", headers=bearer(boss["token"]))
        for hidden in (other, both):
            for method in ("GET", "DELETE"):
                answer = await house.ask(method, f"{TOKENS}/{hidden['id']}", headers=bearer(boss["token"]))
                assert answer.status == 404
                assert answer.json["detail"] == nowhere.json["detail"].replace("tok_nowhere", hidden["id"])
        assert (await house.ask("GET", "/v1/watches", headers=bearer(other["token"]))).status == 200


async def test_the_first_token_must_be_able_to_make_others(house: House) -> None:
    refused = await house.ask("POST", TOKENS, json={"name": "ci", "scopes": ["read"]})
    assert (refused.status, refused.json["type"]) == (409, "/problems/admin-wanted")
    assert (await house.ask("GET", "/v1/watches")).status == 200
    first = await house.ask("POST", TOKENS, json={"name": "me", "scopes": ["admin"]})
    assert first.status == 201
    assert (await house.ask("GET", "/v1/watches")).json["type"] == "/problems/token-wanted"
    second = await make(house, first.json["token"])
    assert second.status == 201
    last = await house.ask("DELETE", f"{TOKENS}/{first.json['id']}", headers=bearer(first.json["token"]))
    assert (last.status, last.json["type"]) == (409, "/problems/last-admin")


# Sessions


async def sign_in(house: House, token: str = MASTER, **headers: str) -> Answered:
    return await house.ask("POST", "/v1/session", json={"token": token}, headers=headers)


async def test_a_browser_signs_in_reads_writes_and_signs_out() -> None:
    async with open_house(token=MASTER) as house:
        signed = await sign_in(house)
        assert signed.json == {
            "holder": "settings",
            "scopes": ["read", "write", "submit", "admin"],
            "accounts": None,
            "expires": "2026-11-24T00:00:00.000Z",
        }
        given = signed.headers["Set-Cookie"]
        assert given.split("; ")[1:] == ["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict"]
        assert given.startswith(f"{COOKIE}={PREFIX}")
        own = cookie(signed)
        assert (await house.ask("GET", "/v1/session", headers=own)).json == signed.json
        place = "/v1/accounts/default/batches/1"
        silent = await house.ask("PUT", place, headers=own)
        assert (silent.status, silent.json["type"]) == (403, "/problems/wrong-origin")
        elsewhere = await house.ask("PUT", place, headers=own | {"Origin": "https://evil.example"})
        assert (elsewhere.status, elsewhere.json["type"]) == (403, "/problems/wrong-origin")
        assert (await house.ask("PUT", place, headers=own | {"Origin": house.url})).status == 201
        out = await house.ask("DELETE", "/v1/session", headers=own | {"Origin": house.url})
        assert out.status == 204
        assert (await house.ask("GET", "/v1/watches", headers=own)).json["type"] == "/problems/session-over"
        assert await house.store.sessions() == []


async def test_over_https_the_cookie_is_one_that_only_this_host_can_set() -> None:
    async with open_house(token=MASTER) as house:
        signed = await sign_in(house, Origin=house.url.replace("http:", "https:"))
        assert signed.headers["Set-Cookie"].startswith(f"{SECURE_COOKIE}={PREFIX}")
        assert "; Secure" in signed.headers["Set-Cookie"]
        own = cookie(signed)
        assert (await house.ask("GET", "/v1/watches", headers=own)).status == 200


async def test_a_session_ends_with_its_time_or_with_its_tokens() -> None:
    async with open_house(token=MASTER) as house:
        made = (await make(house, expires_in="1h")).json
        short = await sign_in(house, made["token"])
        long = await sign_in(house)
        assert short.json["expires"] == made["expires"]
        assert "Max-Age=3600" in short.headers["Set-Cookie"]
        cookies = [cookie(each) for each in (short, long)]
        found = []
        for hours in (0, 1, 11):
            house.clock.turn(hours=hours)
            found.append([(await house.ask("GET", "/v1/watches", headers=each)).status for each in cookies])
        assert found == [[200, 200], [401, 200], [401, 401]]


async def test_sessions_outlive_a_restart_but_not_a_change_of_the_settings_token() -> None:
    async with open_house(token=MASTER) as house:
        signed = await sign_in(house)
        own = cookie(signed)
        for token, status in ((MASTER, 200), ("another-horse", 401)):
            async with open_house(token=token, store=house.store) as again:
                assert (await again.ask("GET", "/v1/watches", headers=own)).status == status


async def test_a_wrong_token_signs_nobody_in() -> None:
    async with open_house(token=MASTER) as house:
        wrong = await sign_in(house, "wat_wrong")
        assert (wrong.status, wrong.json["type"]) == (401, "/problems/token-wrong")
        nothing = await house.ask("POST", "/v1/session")
        assert (nothing.status, nothing.json["type"]) == (401, "/problems/token-wanted")
        for headers, kind in (
            ({}, "token-wanted"),
            (bearer("x"), "token-wrong"),
            ({"Cookie": "watcher=x"}, "session-over"),
        ):
            answer = await house.ask("GET", "/v1/session", headers=headers)
            assert (answer.status, answer.json["type"]) == (401, f"/problems/{kind}")
        assert await house.store.sessions() == []


async def test_where_nobody_needs_a_token_whoever_is_here_is_told_so(house: House) -> None:
    wanted = {"holder": "loopback", "scopes": ["read", "write", "submit", "admin"], "accounts": None, "expires": None}
    for method in ("GET", "POST"):
        answer = await house.ask(method, "/v1/session")
        assert (answer.status, answer.json) == (200, wanted)
        assert "Set-Cookie" not in answer.headers
    elsewhere = await house.ask("GET", "/v1/session", headers={"Host": "evil.example"})
    assert (elsewhere.status, elsewhere.json["type"]) == (403, "/problems/wrong-host")
    assert (await house.ask("DELETE", "/v1/session")).status == 204


async def test_who_signs_in_again_leaves_no_old_session_and_only_so_many_browsers_are_signed_in() -> None:
    async with open_house(token=MASTER) as house:
        own: dict[str, str] = {}
        for _ in range(3):
            own = cookie(await sign_in(house, **own))
        assert len(await house.store.sessions()) == 1
        for _ in range(SESSIONS_MOST + 2):
            async with (
                aiohttp.ClientSession() as browser,
                browser.post(house.url + "/v1/session", json={"token": MASTER}) as response,
            ):
                assert response.status == 200
            house.clock.turn(seconds=1)
        sessions = await house.store.sessions()
        assert len(sessions) == SESSIONS_MOST
        assert sessions[0].expires == NOON + timedelta(hours=12, seconds=2)


async def test_with_a_key_a_token_is_made_once_and_its_secret_is_written_down_nowhere() -> None:
    async with open_house(token=MASTER) as house:
        key, body = {"Idempotency-Key": "k-1"}, {"name": "ci", "scopes": ["read"]}

        async def again(by: str = MASTER, **more: Any) -> Answered:
            return await house.ask("POST", TOKENS, headers=bearer(by) | key, json={**body, **more})

        first, *rest = await asyncio.gather(*(again() for _ in range(5)))
        assert {answer.json["token"] for answer in (first, *rest)} == {first.json["token"]}
        assert len(await house.store.tokens()) == 1
        assert (await again(name="other")).json["type"] == "/problems/idempotency-key-reused"
        boss = (await make(house, scopes=["admin"])).json["token"]
        assert (await again(boss)).json["token"] != first.json["token"]
        house.clock.turn(minutes=10)
        assert (await again()).json["token"] != first.json["token"]
        bad = await house.ask("POST", TOKENS, headers=bearer(MASTER) | {"Idempotency-Key": "ä"}, json=body)
        assert bad.json["type"] == "/problems/bad-idempotency-key"


async def test_of_answers_in_memory_the_oldest_goes() -> None:
    lately: Lately[int, int] = Lately(FakeClock())
    for number in range(MOST + 1):
        lately.give("x", str(number), number, number)
    assert (lately.given("x", "0", 0), lately.given("x", "1", 1)) == (None, 1)


async def test_a_session_is_for_whoever_brings_the_token_whatever_the_key() -> None:
    async with open_house(token=MASTER) as house:
        key = {"Idempotency-Key": "k-1"}
        signed = await house.ask("POST", "/v1/session", headers=bearer(MASTER) | key)
        thief = await house.ask("POST", "/v1/session", headers=key)
        assert (signed.status, thief.status) == (200, 401)


async def test_what_anybody_may_send_is_read_only_as_far_as_a_token_goes() -> None:
    """Reading megabytes of JSON would keep everybody else waiting, and no token is needed to send them."""
    async with open_house(token=MASTER) as house:
        for what in ({"data": b"[" + b"{}," * 10_000}, {"data": b" " * SIGN_IN_MOST + b"{}"}):
            refused = await house.ask("POST", "/v1/session", headers={"Content-Type": "application/json"}, **what)
            assert (refused.status, refused.json["type"]) == (413, "/problems/body-too-large")
            assert refused.json["detail"] == f"At most {SIGN_IN_MOST} bytes at once: send it in parts."
        longest = await house.ask("POST", "/v1/session", json={"token": "x" * 4000})
        assert (longest.status, longest.json["type"]) == (401, "/problems/token-wrong")
