"""Everything that a program can ask, asked of the real interface."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.client.house import made, problem, shown
from tests.fakes import NOON
from tests.fakes_subscribing import a_delivery
from tests.web.house import House, open_house
from watcher.client import Key, Looks, NotThere, Outcome, PastLook, Refused, Row, Unauthorized, Watcher
from watcher.core.endpoint import Endpoint, Secrets, SigningKey
from watcher.web.watch_models import WatchesParams


@asynccontextmanager
async def asked(*accounts: str, token: str | None = None) -> AsyncIterator[tuple[Watcher, House]]:
    async with (
        open_house(accounts=accounts or ("default",), token=token) as house,
        Watcher(house.url, token=token) as watcher,
    ):
        yield watcher, house


async def test_a_batch_is_followed_shown_labelled_and_left() -> None:
    async with asked() as (watcher, house):
        new = await watcher.follow(13, labels={"team": "north"}, correlation_id="order 7", broadcast_id=9)
        assert (new.key, new.state, new.labels, new.broadcast_id) == (Key("default", 13), "open", {"team": "north"}, 9)
        await house.see(13, "NEW", "VALIDATING", name="API 13", size=5)
        watch = await watcher.watch(13)
        assert (watch.status, watch.name, watch.size, watch.final) == ("VALIDATING", "API 13", 5, False)
        assert [each.type for each in watch.transitions] == ["batch.new", "batch.validating"]
        assert watch.since == watch.transitions[1].timestamp
        assert watch.etag
        labelled = await watcher.relabel(13, {"team": None, "urgent": "yes"}, correlation_id=None)
        assert (labelled.labels, labelled.correlation_id) == ({"urgent": "yes"}, None)
        assert (await watcher.relabel(13, {"a": "b"})).labels == {"urgent": "yes", "a": "b"}
        await watcher.stop(13)
        with pytest.raises(NotThere) as gone:
            await watcher.watch(13)
        assert gone.value.kind == "not-followed"


async def test_a_batch_is_given_up_when_it_is_said() -> None:
    async with asked() as (watcher, house):
        watch = await watcher.follow(13, expires_in="12h")
        assert watch.expires == house.clock.now() + timedelta(hours=12)


async def test_lists_are_read_to_their_end_and_filtered() -> None:
    async with asked("a", "b") as (watcher, house):
        rows = [Row(batch_id=n, account="a" if n % 2 else "b", labels={"team": f"t{n % 3}"}) for n in range(1, 8)]
        results = [each async for some in watcher.follow_many(rows) for each in some]
        assert results[0] == Outcome(where="", result="created", account="a", batch_id=1)
        await house.see(1, "NEW", "ACTIVE", account="a")

        async def ids(**wanted: object) -> list[int]:
            return [watch.batch_id async for watch in watcher.watches(portion=2, **wanted)]  # type: ignore[arg-type]

        assert await ids() == [1, 3, 5, 7, 2, 4, 6]
        assert await ids(account="b") == [2, 4, 6]
        assert await ids(account=["a", "b"], labels={"team": "t1"}) == [1, 7, 4]
        assert await ids(status="ACTIVE") == await ids(final=True) == await ids(state="settled") == [1]
        assert await ids(since=NOON) == [1]
        assert await ids(q="T2") == [5, 2]
        assert await ids(stuck=True) == await ids(broadcast_id=9) == []


def test_watches_are_listed_by_every_filter_that_there_is() -> None:
    named = {"label": "labels", "broadcast": "broadcast_id", "limit": "portion"}
    there = {named.get(name, name) for name in WatchesParams.model_fields.keys() - {"cursor"}}
    assert inspect.signature(Watcher.watches).parameters.keys() - {"self"} == there


async def test_which_account_is_meant_must_be_clear() -> None:
    async with asked("a", "b") as (watcher, _):
        with pytest.raises(Refused, match="there are several accounts: name one of a, b") as wanted:
            await watcher.watch(13)
        assert wanted.value.kind == "account-wanted"
        with pytest.raises(NotThere, match="there is no account c: there are a, b"):
            await watcher.watch(13, account="c")
        assert await watcher.accounts.meant("b") == "b"
        assert watcher.accounts.several


async def test_accounts_say_how_they_stand() -> None:
    async with asked() as (watcher, _):
        (account,) = await watcher.accounts.list()
        assert (account.name, account.condition, account.until) == ("default", "throttled", NOON + timedelta(seconds=9))
        whole = await watcher.accounts.show("default")
        assert whole.learnt is not None
        assert await watcher.accounts.resume("default") == whole


async def test_broadcasts_are_followed_as_a_whole() -> None:
    async with asked() as (watcher, _):
        broadcast = await watcher.broadcasts.follow(9, kind="call", labels={"a": "b"})
        assert (broadcast.broadcast_id, broadcast.kind, broadcast.followed) == (9, "call", True)
        assert await watcher.broadcasts.show(9) == broadcast
        assert (await watcher.broadcasts.relabel(9, {"a": None, "c": "d"})).labels == {"c": "d"}
        await watcher.broadcasts.follow(10)
        assert [each.broadcast_id async for each in watcher.broadcasts.list(account="default", followed=True)] == [
            9,
            10,
        ]
        await watcher.broadcasts.stop(9)
        assert not (await watcher.broadcasts.show(9)).followed


async def test_endpoints_are_looked_after_and_deliveries_sent_again() -> None:
    async with asked() as (watcher, house):
        made = await watcher.endpoints.make("https://example.com/", id="crm", types=["batch.*"])
        assert (made.id, made.types, made.condition, len(made.secrets)) == ("crm", ("batch.*",), "active", 1)
        assert made.secrets[0] not in repr(made)
        assert (await watcher.endpoints.change("crm", rate=2.5)).rate == 2.5
        assert (await watcher.endpoints.disable("crm", reason="moves")).reason == "moves"
        assert (await watcher.endpoints.enable("crm")).condition == "active"
        rotated = await watcher.endpoints.rotate("crm", grace="1h")
        assert [key.until is None for key in rotated.keys] == [True, False]
        assert (await watcher.endpoints.test("crm")).accepted
        assert (await watcher.endpoints.recover("crm", since="2026-11-23T09:00:00Z", dry_run=True)).after is None
        house.subscribing.owe(a_delivery(1, now=NOON), a_delivery(2, now=NOON))
        assert [each.id async for each in watcher.deliveries.list()] == [2, 1]
        assert [each.id async for each in watcher.deliveries.list(endpoint="crm", states=["dead"])] == []
        assert (await watcher.deliveries.show(1)).history == ()
        assert (await watcher.deliveries.resend(1)).id == 1
        assert [each.id for each in await watcher.endpoints.list()] == ["crm"]
        await watcher.endpoints.remove("crm")
        with pytest.raises(NotThere):
            await watcher.endpoints.show("crm")


async def test_tokens_are_made_listed_and_removed() -> None:
    async with asked(token="t" * 20) as (watcher, house):
        token = await watcher.tokens.make("ci", scopes=["read"], accounts=["default"], expires_in="90d")
        assert (token.name, token.scopes, token.accounts) == ("ci", ("read",), ("default",))
        assert token.token is not None
        assert token.token not in repr(token)
        async with Watcher(house.url, token=token.token) as other:
            with pytest.raises(Unauthorized) as refused:
                await other.follow(13)
            assert refused.value.kind == "scope-missing"
        assert [(each.id, each.token) for each in await watcher.tokens.list()] == [(token.id, None)]
        await watcher.tokens.remove(token.id)
        assert await watcher.tokens.list() == []


async def test_who_may_only_write_names_the_account() -> None:
    async with asked(token="t" * 20) as (watcher, house):
        token = await watcher.tokens.make("ci", scopes=["write"])
        async with Watcher(house.url, token=token.token) as other:
            assert (await other.follow(13, account="default")).batch_id == 13
            with pytest.raises(Unauthorized):
                await other.follow(13)
        async with Watcher(house.url, token="wrong") as nobody:
            with pytest.raises(Unauthorized):
                await nobody.follow(13, account="default")


async def test_the_log_is_read_and_waited_for() -> None:
    async with asked() as (watcher, house):
        await watcher.follow(13)
        await house.see(13, "NEW", "ACTIVE")
        events = [event async for event in watcher.events()]
        assert [(event.type, event.key) for event in events] == [
            ("batch.new", Key("default", 13)),
            ("batch.active", Key("default", 13)),
        ]
        followed = [event async for event in watcher.events(follow=True, most=2)]
        assert followed == events
        told: list[str] = []
        ended = await watcher.wait([13], told=lambda event: told.append(event.type))
        assert (ended.how, list(ended.reached)) == ({Key("default", 13): "ACTIVE"}, [Key("default", 13)])
        assert told == ["batch.active"]
        assert (await watcher.wait([Key("default", 13)], until=["ERRORS"])).reached == frozenset()


async def test_a_question_can_wait_for_a_change_and_why_is_told() -> None:
    async with made(shown({"account": "a", "batch_id": 13, "state": "open"}, ETag='W/"1"')) as here:
        here.watcher.accounts._names = ("a",)
        watch = await here.watcher.watch(13, wait=30, etag='W/"0"')
        assert watch.etag == 'W/"1"'
    assert here.asked[0].headers["Prefer"] == "wait=30"
    assert here.asked[0].headers["If-None-Match"] == 'W/"0"'

    async def same(_: web.Request) -> web.Response:
        return web.Response(status=304, headers={"Server": "watcher"})

    async with made(same, shown({"account": "a", "batch_id": 13, "state": "open"})) as here:
        here.watcher.accounts._names = ("a",)
        assert (await here.watcher.watch(13, wait=1, etag='W/"1"')).batch_id == 13
    explained = {"account": "a", "batch_id": 13, "summary": "Soon.", "why": "new", "next_look": None, "rank": 1}
    async with made(shown(explained)) as here:
        here.watcher.accounts._names = ("a",)
        assert (await here.watcher.explain(13)).summary == "Soon."


async def test_the_looks_at_a_batch_are_read_with_their_times() -> None:
    at = "2026-11-23T12:00:00.000Z"
    one = {"asked": at, "answered": at, "by": "page", "result": "unchanged"}
    async with made(shown({"account": "a", "batch_id": 13, "items": [one], "total": 4, "since": at})) as here:
        here.watcher.accounts._names = ("a",)
        looks = await here.watcher.looks(13)
        noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
        seen = PastLook(asked=noon, answered=noon, by="page", result="unchanged")
        assert looks == Looks(items=(seen,), total=4, since=noon)
    assert [request.path for request in here.asked] == ["/v1/accounts/a/batches/13/looks"]


async def test_deliveries_are_asked_for_by_account_and_batch_and_endpoints_with_their_last_hour() -> None:
    async with made(shown({"items": [], "next": None})) as here:
        async for _ in here.watcher.deliveries.list(endpoint="crm", account="a", batch_id=13, states=["dead"]):
            raise AssertionError("there are none")
        assert await here.watcher.endpoints.list(recent=True) == []
    assert [request.path_qs for request in here.asked] == [
        "/v1/deliveries?state=dead&endpoint=crm&account=a&batch_id=13&limit=1000",
        "/v1/endpoints?recent=true&limit=1000",
    ]
    async with made(shown({"id": "crm", "recent": {"step": 60}})) as here:
        assert (await here.watcher.endpoints.show("crm", recent=True)).recent == {"step": 60}
        await here.watcher.endpoints.show("crm")
    assert [request.path_qs for request in here.asked] == ["/v1/endpoints/crm?recent=true", "/v1/endpoints/crm"]


async def test_a_submission_bears_the_key_that_was_given() -> None:
    accepted = {"id": "s1", "account": "a", "broadcast_id": 9, "state": "accepted", "batch_id": 13, "name": "n"}
    async with made(shown(accepted, 201)) as here:
        here.watcher.accounts._names = ("a",)
        first = await here.watcher.submit(9, key="k" * 20, name="n", recipients=[{"phoneNumber": "12135551122"}])
        await here.watcher.submit(9, name="n", contact_list_id=3)
    assert (first.batch_id, first.state) == (13, "accepted")
    assert here.asked[0].headers["Idempotency-Key"] == "k" * 20
    assert here.asked[1].headers["Idempotency-Key"] != "k" * 20
    assert {request.path for request in here.asked} == {"/v1/accounts/a/broadcasts/9/batches"}


async def test_submissions_are_listed_shown_and_withdrawn_and_batches_switched() -> None:
    one = {"id": "s1", "account": "a", "broadcast_id": 9, "state": "unclear", "tries": 1}

    async def answer(request: web.Request) -> web.StreamResponse:
        listed = {"items": [one], "next": None}
        return await shown(listed if request.path.endswith("/submissions") else one)(request)

    async with made(answer) as here:
        here.watcher.accounts._names = ("a",)
        assert [each.id async for each in here.watcher.submissions.list(settled=False)] == ["s1"]
        assert (await here.watcher.submissions.show("s1")).state == "unclear"
        assert (await here.watcher.submissions.withdraw("s1")).tries == 1
        assert await here.watcher.switch(13, enabled=False) == one
    assert [(request.method, request.path_qs.removeprefix("/v1/accounts/a/")) for request in here.asked] == [
        ("GET", "submissions?settled=false&limit=1000"),
        ("GET", "submissions/s1"),
        ("DELETE", "submissions/s1"),
        ("PUT", "batches/13/enabled"),
    ]


async def test_a_refresh_shows_what_is_seen() -> None:
    async with made(shown({"account": "a", "batch_id": 13, "state": "open", "looks": 2}, 202)) as here:
        here.watcher.accounts._names = ("a",)
        assert (await here.watcher.refresh(13)).looks == 2
    assert [(request.method, request.path) for request in here.asked] == [("POST", "/v1/accounts/a/batches/13/refresh")]


@pytest.mark.parametrize("endpoint_id", ["a/b", "a?b", "ä", "..", "%2e"])
async def test_an_id_that_there_cannot_be_asks_for_nothing_else(endpoint_id: str) -> None:
    async with asked() as (watcher, house):
        house.subscribing.keep(Endpoint(id="a", url="https://example.com/"))
        with pytest.raises(NotThere):
            await watcher.endpoints.remove(endpoint_id)
        assert list(house.subscribing.views) == ["a"]


async def test_behind_a_proxy_that_puts_its_own_name_whatever_is_shown_is_known() -> None:
    """Each answer of the interface, from a server of another name."""

    async def passed_on(request: web.Request) -> web.Response:
        body = await request.read()
        kept = {name: request.headers[name] for name in ("Content-Type", "Idempotency-Key") if name in request.headers}
        url = house.url + request.raw_path
        async with session.request(request.method, url, data=body, headers=kept) as answer:
            headers = {"Server": "nginx", "Content-Type": answer.headers.get("Content-Type", "")}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", passed_on)
    key = SigningKey(key=b"a" * 32)
    async with open_house() as house, aiohttp.ClientSession() as session, TestServer(app) as server:
        house.subscribing.keep(Endpoint(id="crm", url="https://example.com/", secrets=Secrets(keys=(key,))))
        house.subscribing.owe(a_delivery(1, now=NOON))
        async with Watcher(str(server.make_url(""))) as watcher:
            assert (await watcher.accounts.show("default")).name == "default"
            assert (await watcher.follow(13)).batch_id == (await watcher.watch(13)).batch_id == 13
            assert (await watcher.broadcasts.follow(9)).broadcast_id == 9
            assert (await watcher.endpoints.show("crm")).id == (await watcher.endpoints.list())[0].id == "crm"
            assert (await watcher.endpoints.rotate("crm")).id == "crm"
            assert (await watcher.endpoints.test("crm")).accepted
            assert (await watcher.endpoints.recover("crm", since="2026-11-23T09:00:00Z")).after is None
            assert (await watcher.deliveries.show(1)).id == 1
            assert (await watcher.tokens.make("ci", scopes=["admin"])).token


async def test_what_only_a_newer_daemon_has_is_told() -> None:
    async with made(problem(404, "unknown-path", "There is nothing at /v1/tokens.")) as here:
        with pytest.raises(NotThere, match="nothing at /v1/tokens"):
            await here.watcher.tokens.list()
