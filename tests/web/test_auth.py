"""Who may ask, and from where."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, FakeClock
from tests.web.house import House, bearer, open_house
from watcher.core.interface_news import AuthCalm, AuthFailed
from watcher.core.tokens import EVERYTHING, TOKENS_MOST, Grant, Scope, Token, digest_of
from watcher.web.attempts import ADDRESSES_MOST, Attempts
from watcher.web.auth import SAVE_EVERY, Admission
from watcher.web.nearby import neighbourhood
from watcher.web.operations import Operation, add_operations
from watcher.web.problems import Problem
from watcher.web.visible import stands

TOKEN = "correct-horse"
WATCHES = "/v1/watches"


class Wire:
    """The two ends of a connection."""

    def __init__(self, peer: Any, here: Any = ("10.0.0.1", 8080)) -> None:
        self.ends = {"peername": peer, "sockname": here}

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.ends.get(name, default)


def request(peer: Any, host: str | None = "127.0.0.1:8080", path: str = WATCHES, **headers: str) -> web.Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request(
        "GET", path, headers=named if host is None else {"Host": host} | named, transport=Wire(peer)
    )


async def nothing(_: web.Request) -> web.Response:
    return web.Response()


def operation(scope: Scope | None, method: str = "GET", path: str = WATCHES) -> Operation:
    return Operation(method=method, path=path, handler=nothing, scope=scope, tag="test")


def admission(token: str | None = None, *, store: FakeStore | None = None, clock: FakeClock | None = None) -> Admission:
    clock = clock or FakeClock()
    return Admission(token=token, store=store or FakeStore(clock), clock=clock, tell=Ear(), session=timedelta(hours=12))


def verdict(asked: web.Request, token: str | None = None) -> str:
    """Of a request for something to read; what is asked of the probes is open to all."""
    scope: Scope | None = None if asked.path in ("/livez", "/readyz") else "read"
    try:
        admission(token).admit(asked, operation(scope))
    except Problem as problem:
        return problem.kind
    return "ok"


async def test_without_a_token_this_machine_may_ask_by_its_local_names(house: House) -> None:
    port = house.url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LocalHost:{port}", f"[::1]:{port}", f"127.0.0.2:{port}"):
        assert (await house.ask("GET", WATCHES, headers={"Host": host})).status == 200, host


@pytest.mark.parametrize(
    "host",
    ["evil.example:{port}", "localhost", "localhost:1", "localhost.evil.example:{port}", "127.0.0.1.evil.example:{port}",
     "[::1]", "10.0.0.1:{port}", "localhost:{port}x", "", ":{port}", "localhost:99999999999", "169.254.169.254:{port}"],
)  # fmt: skip
async def test_without_a_token_a_request_for_another_host_is_refused(house: House, host: str) -> None:
    port = house.url.rpartition(":")[2]
    answer = await house.ask("GET", WATCHES, headers={"Host": host.format(port=port)})
    assert (answer.status, answer.json["type"]) == (403, "/problems/wrong-host")
    assert f"at port {port}" in answer.json["detail"]
    assert "WATCHER_API_TOKEN" in answer.json["detail"]


def test_without_a_token_no_other_machine_may_ask() -> None:
    assert verdict(request(("127.0.0.1", 5))) == "ok"
    assert verdict(request(("::1", 5, 0, 0))) == "ok"
    assert verdict(request(("::ffff:127.0.0.1", 5, 0, 0))) == "ok"
    for peer in (
        ("10.0.0.7", 5),
        ("192.168.1.1", 5),
        ("::ffff:10.0.0.7", 5, 0, 0),
        ("fe80::1%eth0", 5, 0, 2),
        "",
        None,
    ):
        assert verdict(request(peer)) == "local-only"
    assert verdict(request(("10.0.0.7", 5), X_Forwarded_For="127.0.0.1", Forwarded="for=127.0.0.1")) == "local-only"


@pytest.mark.parametrize("name", ["X_Forwarded_For", "Forwarded", "Via", "X_Real_IP", "X_Forwarded_Host"])
def test_what_a_proxy_on_this_machine_passes_on_does_not_come_from_here(name: str) -> None:
    assert verdict(request(("127.0.0.1", 5), **{name: "127.0.0.1"})) == "local-only"
    assert verdict(request(("127.0.0.1", 5), path="/metrics", **{name: "127.0.0.1"}), TOKEN) == "token-wanted"
    assert verdict(request(("127.0.0.1", 5), **{name: "10.0.0.7"}, **bearer(TOKEN)), TOKEN) == "ok"


def test_the_port_may_be_left_out_of_the_host_where_it_is_80() -> None:
    for host in ("localhost", "[::1]", "127.0.0.1"):
        asked = make_mocked_request(
            "GET", WATCHES, headers={"Host": host}, transport=Wire(("127.0.0.1", 5), ("127.0.0.1", 80))
        )
        assert verdict(asked) == "ok"


def test_a_request_without_a_host_or_a_known_end_is_refused() -> None:
    assert verdict(request(("127.0.0.1", 5), host=None)) == "wrong-host"
    nowhere = make_mocked_request(
        "GET", WATCHES, headers={"Host": "localhost:8080"}, transport=Wire(("127.0.0.1", 5), "")
    )
    assert verdict(nowhere) == "wrong-host"


async def test_with_a_token_whoever_bears_it_may_ask_by_any_name() -> None:
    async with open_house(token=TOKEN) as house:
        for headers in (
            bearer(TOKEN),
            {"Authorization": f"bearer {TOKEN}"},
            bearer(TOKEN) | {"Host": "watcher.example"},
        ):
            assert (await house.ask("GET", WATCHES, headers=headers)).status == 200
    assert verdict(request(("10.0.0.7", 5), host="watcher.example", **bearer(TOKEN)), TOKEN) == "ok"


async def test_without_the_token_the_answer_is_401_on_every_path_but_the_probes() -> None:
    async with open_house(token=TOKEN) as house:
        for path in (WATCHES, "/v1/events", "/v1/accounts", "/v1/accounts/default/batches/1", "/nowhere"):
            answer = await house.ask("GET", path)
            assert (answer.status, answer.json["type"]) == (401, "/problems/token-wanted")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="watcher"'
        for path in ("/livez", "/readyz"):
            assert (await house.ask("GET", path)).status == 200
        assert house.following.asked == []


@pytest.mark.parametrize(
    "authorization", [TOKEN, "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer wrong", f"Bearer {TOKEN} x", "ä"]
)  # fmt: skip
async def test_a_wrong_token_is_refused(authorization: str) -> None:
    async with open_house(token=TOKEN) as house:
        for path in (WATCHES, "/metrics"):
            answer = await house.ask("GET", path, headers={"Authorization": authorization})
            assert (answer.status, answer.json["type"]) == (401, "/problems/token-wrong")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="watcher", error="invalid_token"'
            assert TOKEN not in answer.body.decode()


def test_two_tokens_are_one_too_many() -> None:
    headers = CIMultiDict([("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")])
    asked = make_mocked_request("GET", WATCHES, headers=headers, transport=Wire(("10.0.0.7", 5)))
    assert verdict(asked, TOKEN) == "token-wrong"


def test_probes_may_be_asked_from_anywhere_and_metrics_from_here() -> None:
    for path in ("/livez", "/readyz"):
        assert verdict(request(("10.0.0.7", 5), "pod:8080", path)) == "ok"
        assert verdict(request(("10.0.0.7", 5), "pod:8080", path), TOKEN) == "ok"
    assert verdict(request(("127.0.0.1", 5), path="/metrics"), TOKEN) == "ok"
    assert verdict(request(("127.0.0.1", 5), "evil.example:8080", path="/metrics"), TOKEN) == "token-wanted"
    assert verdict(request(("10.0.0.7", 5), path="/metrics"), TOKEN) == "token-wanted"
    assert verdict(request(("10.0.0.7", 5), path="/metrics")) == "local-only"
    assert verdict(request(("10.0.0.7", 5), path="/metrics", **bearer(TOKEN)), TOKEN) == "ok"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_page_of_another_site_may_not_write(headers: dict[str, str], token: str | None) -> None:
    async with open_house(token=token) as house:
        headers = headers | bearer(TOKEN)
        for method, path in (
            ("PUT", "/v1/accounts/default/batches/1"),
            ("DELETE", "/v1/accounts/default/batches/1"),
            ("POST", WATCHES),
        ):
            answer = await house.ask(method, path, headers=headers)
            assert (answer.status, answer.json["type"]) == (403, "/problems/wrong-origin")
        assert (await house.ask("GET", WATCHES, headers=headers)).status == 200


async def test_our_own_page_may_write(house: House) -> None:
    behind_a_proxy = {"Origin": house.url.replace("http:", "https:")}
    for headers in (
        {"Origin": house.url},
        behind_a_proxy,
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        answer = await house.ask("PUT", "/v1/accounts/default/batches/1", headers=headers)
        assert answer.status in (200, 201)


@given(st.text(alphabet=st.characters(codec="latin-1", exclude_characters="\r\n\0")))
def test_no_host_and_no_authorization_whatsoever_get_in(text: str) -> None:
    host = verdict(request(("127.0.0.1", 5), host=text))
    assert host == "wrong-host" or text.lower().rpartition(":")[0] in ("localhost", "[::1]") or text.startswith("127.")
    assert verdict(request(("127.0.0.1", 5), Authorization=f"Bearer {text}"), "another token") == "token-wrong"


# Tokens that are kept

CI = Token(
    id="tok_ci",
    name="ci",
    digest=digest_of("wat_ci"),
    scopes=frozenset({"read"}),
    accounts=frozenset({"default"}),
    created=NOON,
    expires=NOON + timedelta(hours=1),
)
BOSS = Token(id="tok_boss", name="boss", digest=digest_of("wat_boss"), scopes=frozenset({"admin"}), created=NOON)
AWAY = ("10.0.0.7", 5)


async def with_tokens(*tokens: Token, token: str | None = None, clock: FakeClock | None = None) -> Admission:
    clock = clock or FakeClock()
    store = FakeStore(clock)
    for each in tokens:
        await store.make_token(each)
    made = admission(token, store=store, clock=clock)
    await made.load()
    return made


def outcome(of: Admission, secret: str | None, scope: Scope = "read", method: str = "GET") -> str | Grant:
    asked = make_mocked_request(method, WATCHES, headers=bearer(secret) if secret else {}, transport=Wire(AWAY))
    try:
        return of.admit(asked, operation(scope, method))
    except Problem as problem:
        return problem.kind


async def test_a_kept_token_opens_what_its_scopes_say_for_its_accounts() -> None:
    door = await with_tokens(CI, BOSS)
    assert outcome(door, "wat_ci") == Grant(
        holder="token tok_ci", scopes=frozenset({"read"}), accounts=frozenset({"default"}), expires=CI.expires
    )
    assert outcome(door, "wat_ci", "write") == "scope-missing"
    for scope in EVERYTHING:
        assert outcome(door, "wat_boss", scope) == Grant(holder="token tok_boss", scopes=frozenset({"admin"}))


async def test_a_scope_that_is_missing_is_named() -> None:
    door = await with_tokens(CI)
    asked = make_mocked_request("POST", WATCHES, headers=bearer("wat_ci"), transport=Wire(AWAY))
    with pytest.raises(Problem) as refused:
        door.admit(asked, operation("write", "POST"))
    assert (refused.value.status, refused.value.headers) == (
        403,
        {"WWW-Authenticate": 'Bearer realm="watcher", error="insufficient_scope", scope="write"'},
    )
    assert "scope write" in refused.value.detail


async def test_from_the_first_token_on_nobody_asks_without_one() -> None:
    door = await with_tokens()
    here = request(("127.0.0.1", 5))
    assert door.admit(here, operation("read")) == Grant(holder="loopback", scopes=EVERYTHING)
    await door.make(BOSS)
    with pytest.raises(Problem) as refused:
        door.admit(here, operation("read"))
    assert refused.value.kind == "token-wanted"
    over = await with_tokens(replace(BOSS, expires=NOON))
    assert outcome(over, None) == "token-wanted"  # nor where no token is good any more


async def test_a_token_whose_time_is_over_or_that_was_removed_opens_nothing() -> None:
    clock = FakeClock()
    door = await with_tokens(CI, BOSS, clock=clock)
    assert isinstance(outcome(door, "wat_ci"), Grant)
    clock.turn(hours=1)
    assert outcome(door, "wat_ci") == "token-wrong"
    await door.remove(CI)
    assert outcome(door, "wat_ci") == "token-wrong"
    assert isinstance(outcome(door, "wat_boss"), Grant)


async def test_the_settings_token_stands_beside_those_that_are_kept() -> None:
    door = await with_tokens(CI, token=TOKEN)
    assert outcome(door, TOKEN, "admin") == Grant(holder="settings", scopes=EVERYTHING)
    assert isinstance(outcome(door, "wat_ci"), Grant)
    assert outcome(door, "wat_other") == "token-wrong"


async def test_nobody_is_locked_out_by_what_they_make_or_remove() -> None:
    door = await with_tokens()
    for first in (CI, replace(BOSS, accounts=frozenset({"default"})), replace(BOSS, expires=NOON)):
        with pytest.raises(Problem, match="admin-wanted"):
            await door.make(first)
    await door.make(BOSS)
    await door.make(CI)
    with pytest.raises(Problem, match="last-admin"):
        await door.remove(BOSS)
    other = replace(BOSS, id="tok_2", digest=digest_of("wat_2"))
    await door.make(other)
    assert await door.remove(BOSS) is True
    assert await door.remove(CI) is True
    assert await door.remove(other) is True  # the last of all: this machine may ask again
    assert door.admit(request(("127.0.0.1", 5)), operation("admin")).holder == "loopback"
    settings = await with_tokens(token=TOKEN)
    await settings.make(CI)
    await settings.make(BOSS)
    assert await settings.remove(BOSS) is True


async def test_no_more_tokens_are_made_than_may_be_there() -> None:
    many = [replace(BOSS, id=f"tok_{number}", digest=digest_of(str(number))) for number in range(TOKENS_MOST)]
    door = await with_tokens(*many)
    with pytest.raises(Problem, match="too-many-tokens"):
        await door.make(BOSS)
    await door.remove(many[0])
    await door.make(BOSS)
    assert isinstance(outcome(door, "wat_boss"), Grant)


async def test_when_tokens_were_used_is_written_down_once_a_minute_and_shown_at_once() -> None:
    clock = FakeClock()
    store = FakeStore(clock)
    await store.make_token(BOSS)
    door = admission(store=store, clock=clock)
    await door.load()
    for _ in range(3):
        outcome(door, "wat_boss")
        clock.turn(seconds=1)
    assert [token.used for token in door.tokens()] == [NOON + timedelta(seconds=2)]
    assert store.done["note_used"] == 0
    await door.step()
    await door.step()
    assert clock.slept == [SAVE_EVERY, SAVE_EVERY]
    assert store.done["note_used"] == 1
    assert (await store.tokens())[0].used == NOON + timedelta(seconds=2)
    outcome(door, "wat_boss")
    store.failing.add("note_used")
    await door.leave()  # a store that cannot is no reason not to end
    store.failing.clear()
    await door.leave()
    assert (await store.tokens())[0].used == clock.now()


async def test_what_others_made_is_known_after_a_minute() -> None:
    clock = FakeClock()
    store = FakeStore(clock)
    door = admission(store=store, clock=clock)
    await door.load()
    await store.make_token(BOSS)
    await door.step()
    assert isinstance(outcome(door, "wat_boss"), Grant)


async def test_an_answer_that_goes_on_is_told_when_its_token_is_good_no_longer() -> None:
    clock = FakeClock()
    door = await with_tokens(CI, BOSS, clock=clock)
    standing: list[web.Request] = []

    async def goes_on(asked: web.Request) -> web.Response:
        standing.append(asked)
        return web.Response()

    app = web.Application(middlewares=[door.middleware()])
    add_operations(app, [replace(operation("read"), handler=goes_on)])
    async with TestClient(TestServer(app)) as client:
        for secret in ("wat_ci", "wat_boss"):
            assert (await client.get(WATCHES, headers=bearer(secret))).status == 200
        ci, boss = standing
        assert (stands(ci), stands(boss)) == (True, True)
        clock.turn(hours=1)
        assert (stands(ci), stands(boss)) == (False, True)
        await door.make(replace(BOSS, id="tok_2", digest=digest_of("wat_2")))
        await door.remove(BOSS)
        assert (stands(ci), stands(boss)) == (False, False)


# Failed attempts


async def test_a_wrong_token_is_answered_later_each_time_and_at_last_with_when_to_try_again() -> None:
    async with open_house(token=TOKEN) as house:
        found = []
        for _ in range(13):
            house.clock.slept.clear()
            answer = await house.ask("GET", WATCHES, headers=bearer("wrong"))
            found.append((answer.status, answer.headers.get("Retry-After"), sum(house.clock.slept)))
        assert [(status, wait) for status, wait, _ in found[:9]] == [(401, None)] * 9
        assert found[0][2] == pytest.approx(0.1)
        assert [slept for *_, slept in found[:9]] == sorted(slept for *_, slept in found[:9])
        assert all(slept <= 2.0 for *_, slept in found)
        assert found[-1][0] == 429
        assert int(found[-1][1] or 0) >= 1
        last = await house.ask("GET", WATCHES, headers=bearer("wrong"))
        assert last.json["type"] == "/problems/too-many-attempts"
        good = await house.ask("GET", WATCHES, headers=bearer(TOKEN))
        assert good.status == 200  # whoever has a right one waits for nobody
        assert house.ear.of(AuthFailed) == [AuthFailed(reason="unknown", address="127.0.0.1")] * 14


async def test_who_fails_slows_no_other_address_and_is_forgotten_in_time() -> None:
    clock, ear = FakeClock(), Ear()
    attempts = Attempts(clock=clock, tell=ear)
    for _ in range(30):
        with suppress(Problem):
            await attempts.failed("10.0.0.7", "unknown")
    clock.slept.clear()
    await attempts.failed("10.0.0.8", "unknown")
    assert clock.slept == [pytest.approx(0.1)]
    clock.turn(minutes=2)
    clock.slept.clear()
    await attempts.failed("10.0.0.7", "unknown")
    assert clock.slept == [pytest.approx(0.1)]


async def test_many_addresses_together_are_too_many_and_only_so_many_are_remembered() -> None:
    class Still(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)

    attempts = Attempts(clock=Still(), tell=Ear())
    refused = 0
    for number in range(ADDRESSES_MOST + 50):
        try:
            await attempts.failed(f"10.1.{number // 256}.{number % 256}", "unknown")
        except Problem:
            refused += 1
    assert refused == ADDRESSES_MOST + 50 - 200
    assert len(attempts._by_address) == ADDRESSES_MOST


async def test_that_attempts_fail_no_more_is_told_once() -> None:
    ear = Ear()
    attempts = Attempts(clock=FakeClock(), tell=ear)
    attempts.look_back()
    for _ in range(3):
        await attempts.failed("10.0.0.7", "expired")
    attempts.look_back()
    assert ear.of(AuthCalm) == []
    attempts.look_back()
    attempts.look_back()
    assert ear.of(AuthCalm) == [AuthCalm(failed=3)]


def test_an_address_of_ipv6_stands_for_its_network() -> None:
    assert neighbourhood(request(("2001:db8::1:2", 5, 0, 0))) == "2001:db8::/64"
    assert neighbourhood(request(("::ffff:10.0.0.7", 5, 0, 0))) == "10.0.0.7"
    assert neighbourhood(request(None)) == "unknown"
