"""Every operation of the document, and whatever is served beside it, asked by everybody: what is answered follows from the
document alone. Written from outside, by the document; what an answer may tell of others is in tests/web/test_isolation.py."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.fakes import NOON
from tests.web.house import House, bearer, open_house
from watcher.core.tokens import SCOPES, Scope, Token, digest_of
from watcher.web.auth import ADMISSION
from watcher.web.connection import SECURITY_HEADERS

DOCUMENT: Final[Mapping[str, Any]] = json.loads((Path(__file__).parents[2] / "deploy/openapi.json").read_text())
MASTER: Final = "correct-horse-battery"
STREAMS: Final = ("/v1/events/stream", "/v1/stream")
PLACES: Final = {
    "account": "western",
    "batch_id": "13",
    "broadcast_id": "14",
    "endpoint_id": "crm",
    "delivery_id": "1",
    "submission_id": "sub_1",
    "token_id": "tok_none",
    "name": "main.js",
    "kind": "token-wrong",
}
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
FROM_AFAR: Final = {"X-Forwarded-For": "203.0.113.7"}
"""As a proxy would pass it on: else /metrics is open to this machine."""
FORGED: Final[Sequence[Mapping[str, str]]] = (
    {},
    bearer("wat_nobody"),
    bearer("wat_over"),
    bearer("wat_removed"),
    bearer(MASTER + "x"),
    bearer(MASTER[:-1]),
    bearer(MASTER.upper()),
    bearer(f"{MASTER} {MASTER}"),
    bearer(digest_of(MASTER).hex()),
    {"Authorization": f"Basic {MASTER}"},
    {"Authorization": f"Bearer{MASTER}"},
    {"Authorization": MASTER},
    {"Authorization": "Bearer "},
    {"Authorization": ""},
    {"X-Api-Key": MASTER},
    {"Proxy-Authorization": f"Bearer {MASTER}"},
    {"Cookie": f"watcher={MASTER}"},
    {"Cookie": "watcher=wat_over; __Host-watcher=wat_over"},
    {
        "X-Forwarded-User": "admin",
        "X-Remote-User": "admin",
        "X-Original-URL": "/livez",
        "X-HTTP-Method-Override": "GET",
    },
)
"""What opens nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One operation. `scope` None: it is open to all."""

    method: str
    path: str
    scope: Scope | None

    @property
    def place(self) -> str:
        return re.sub(r"{(\w+)}", lambda found: PLACES[found[1]], self.path)


def doors() -> Iterator[Door]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            wanted = [scope for each in operation["security"] for scope in each.get("token", [])]
            scope = wanted[0] if wanted else None
            yield Door(method=method.upper(), path=path, scope=scope)
            if method == "get":
                yield Door(method="HEAD", path=path, scope=scope)


DOORS: Final = tuple(doors())
CLOSED: Final = tuple(door for door in DOORS if door.scope is not None)


def token(name: str, *scopes: Scope, account: str | None = None, over: bool = False) -> Token:
    return Token(
        id=f"tok_{name}",
        name=name,
        digest=digest_of(f"wat_{name}"),
        scopes=frozenset(scopes),
        accounts=None if account is None else frozenset({account}),
        created=NOON - timedelta(days=2),
        expires=NOON - timedelta(days=1) if over else None,
    )


@pytest.fixture(name="house")
async def _house() -> AsyncIterator[House]:
    async with open_house(accounts=("eastern", "western"), token=MASTER) as house:
        admission = house.app[ADMISSION]
        removed = token("removed", "admin")
        for each in (
            removed,
            token("over", *SCOPES, over=True),
            token("other", *SCOPES, account="eastern"),
            *(token(scope, scope) for scope in SCOPES),
        ):
            await admission.make(each)
        await admission.remove(removed)
        yield house


async def ask(
    house: House, door: Door, headers: Mapping[str, str], query: str = ""
) -> tuple[int, str, Mapping[str, str]]:
    """The status, the kind of problem, and the headers. No answer is read on, for a stream's has no end."""
    house.clock.turn(minutes=1)  # so that nobody fails too often
    body = None if door.method in ("GET", "HEAD") else b"{}"
    headers = {"Content-Type": "application/json", **headers}
    async with house.session.request(door.method, house.url + door.place + query, headers=headers, data=body) as answer:
        problem = answer.content_type == "application/problem+json" and door.method != "HEAD"
        kind = (await answer.json(content_type=None))["type"].removeprefix("/problems/") if problem else ""
        if door.path in STREAMS and answer.status == 200:
            answer.close()
        return answer.status, kind, answer.headers


def test_the_document_is_walked_whole() -> None:
    assert len(DOORS) >= 80
    assert {door.scope for door in DOORS} == {None, *SCOPES}
    assert {door.path for door in DOORS if door.scope is None} == {
        *("/", "/docs", "/docs.css", "/livez", "/openapi.json", "/page/{name}", "/problems/{kind}", "/readyz"),
        "/v1/session",
    }


async def test_nobody_gets_in_without_a_token_that_is_good(house: House) -> None:
    for number, door in enumerate(CLOSED):
        forgeries = FORGED if number % 8 == 0 else FORGED[:4]
        for forged in forgeries:
            status, kind, headers = await ask(
                house, door, {**forged, **FROM_AFAR}, f"?token={MASTER}&access_token={MASTER}"
            )
            where = f"{door.method} {door.path} with {forged}"
            assert status == 401, where
            assert headers["WWW-Authenticate"].startswith('Bearer realm="watcher"'), where
            assert kind in ("token-wanted", "token-wrong", "session-over") or door.method == "HEAD", where


async def test_a_token_opens_what_its_scope_is_for_and_nothing_else(house: House) -> None:
    for door in CLOSED:
        for scope in SCOPES:
            if door.method == "DELETE" and scope == "admin" and "token" in door.path:
                continue
            status, kind, _ = await ask(house, door, {**bearer(f"wat_{scope}"), **FROM_AFAR})
            where = f"{door.method} {door.path} with {scope}: {status} {kind}"
            if scope in (door.scope, "admin"):
                assert status not in (401, 403, 405), where
                assert status < 500 or kind == "callfire-silent", where
            else:
                assert (status, kind) == (403, "scope-missing" if door.method != "HEAD" else ""), where


async def test_what_is_of_another_account_is_not_there(house: House) -> None:
    for door in CLOSED:
        if "{account}" in door.path or door.path == "/metrics":
            status, kind, _ = await ask(house, door, {**bearer("wat_other"), **FROM_AFAR})
            where = f"{door.method} {door.path}"
            assert (status, kind) == (
                404,
                "unknown-account" if "{account}" in door.path and door.method != "HEAD" else kind,
            ), where


async def test_a_session_ends_with_its_token_and_writes_for_our_own_page_only(house: House) -> None:
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(cookie_jar=jar) as browser,
        browser.post(f"{house.url}/v1/session", json={"token": "wat_write"}) as answer,
    ):
        cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"watcher=[\w-]{40,}; HttpOnly; Max-Age=\d+; Path=/; SameSite=Strict", cookie), cookie
    signed_in = {"Cookie": cookie.partition(";")[0]}
    writing = [door for door in CLOSED if door.scope == "write"]
    other_sites: Sequence[Mapping[str, str]] = (
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": house.url + "0"},
        {"Origin": house.url, "Sec-Fetch-Site": "cross-site"},
        {"Origin": house.url, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": house.url.replace("127.0.0.1", "localhost")},
        {"Referer": house.url + "/"},
    )
    for door in writing:
        for headers in other_sites:
            status, kind, _ = await ask(house, door, {**signed_in, **headers})
            assert (status, kind) == (403, "wrong-origin"), f"{door.method} {door.path} from {headers}"
        status, kind, _ = await ask(house, door, {**signed_in, "Origin": house.url})
        assert status not in (401, 403), f"{door.method} {door.path}: {kind}"
    await house.app[ADMISSION].remove(token("write", "write"))
    status, kind, _ = await ask(house, writing[0], {**signed_in, "Origin": house.url})
    assert (status, kind) == (401, "session-over")


async def test_no_other_site_writes_with_a_token_that_it_found(house: House) -> None:
    for door in DOORS:
        if door.method not in ("GET", "HEAD"):
            status, kind, _ = await ask(house, door, {**bearer(MASTER), "Origin": "https://evil.example"})
            assert (status, kind) == (403, "wrong-origin"), f"{door.method} {door.path}"


async def test_every_answer_to_any_method_keeps_browsers_safe_and_tells_nothing_of_what_it_is_made_with(
    house: House,
) -> None:
    known = {(door.method, door.path) for door in DOORS}
    paths = [*DOCUMENT["paths"], "/nowhere", "/page/none.js", "/v1/accounts/western/nothing"]
    for path in paths:
        for method in METHODS:
            for secret in (MASTER, "wat_nobody"):
                door = Door(method=method, path=path, scope=None)
                if secret == MASTER and method == "DELETE" and (method, path) in known:
                    continue
                status, _, headers = await ask(house, door, bearer(secret))
                where = f"{method} {path} with {secret}: {status}"
                assert ((method, path) in known and path != "/nowhere") or status in (401, 403, 404, 405), where
                policy = headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy, where
                assert "frame-ancestors 'none'" in policy, where
                assert "unsafe" not in policy, where
                for name in ("X-Content-Type-Options", "Referrer-Policy", "Server"):
                    assert headers.getall(name) == [SECURITY_HEADERS[name]], where  # type: ignore[attr-defined] # a multidict
                assert "Access-Control-Allow-Origin" not in headers, where
                assert "aiohttp" not in str(headers).lower(), where
