"""What a token may not see does not exist for it: every operation is asked with a token of another account, with one that lacks
the scope, with one whose time is over, and with none.

That something is hidden takes the same work as that it is not there: the calls of the store are counted, for how long they take
is not for a test to say.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.fakes_subscribing import FakeSubscribing, a_delivery
from tests.store.making import api_endpoint
from tests.web.house import Answered, House, bearer, open_house
from watcher.core.model import Key
from watcher.core.tokens import EVERYTHING, SCOPES, Scope, Token, digest_of
from watcher.ports import DeliveryQuery
from watcher.store.sqlite import open_store
from watcher.web.auth import ADMISSION
from watcher.web.operations import Operation, operations_of

MASTER: Final = "correct-horse-battery"
STREAMS: Final = ("/v1/events/stream", "/v1/stream")
"""Their answers do not end; what they tell of whom has tests of its own."""
HIDDEN: Final = {
    "account": "westerly",
    "batch_id": "1300013",
    "broadcast_id": "900009",
    "endpoint_id": "crm-of-westerly",
    "delivery_id": "1",
    "token_id": "tok_of_westerly",
}
ABSENT: Final = {
    "account": "northern",
    "batch_id": "1400014",
    "broadcast_id": "910009",
    "endpoint_id": "crm-of-northern",
    "delivery_id": "7",
    "token_id": "tok_of_northern",
    "submission_id": "sub_of_northern",
}
MARKS: Final = ("westerly", "1300013", "900009", "hush-hush")
"""What stands in everything that belongs to the other account."""
BODIES: Final[Mapping[str, Any]] = {
    "PUT …/enabled": {"enabled": True},
    "PATCH /v1/accounts": {"labels": {"team": "east"}},
    "POST …/batches": {"name": "east", "recipients": [{"phone_number": "12135551100"}]},
    "POST …/recover": {"since": "2026-11-23T00:00:00Z"},
    "PATCH /v1/endpoints": {"description": "taken over"},
    "POST /v1/tokens": {"name": "x", "scopes": ["admin"]},
    "POST /v1/endpoints": {"url": "https://example.com/"},
    "POST /v1/watches": [{"batch_id": 5}],
}


class Spy:
    """Passes everything on, and counts what is asked."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            return found(*args, **kwargs)

        return counted


def token(name: str, *scopes: Scope, accounts: frozenset[str] | None = None, hours: int | None = None) -> Token:
    expires = None if hours is None else NOON + timedelta(hours=hours)
    return Token(
        id=f"tok_of_{name}",
        name=name,
        digest=digest_of(f"wat_{name}"),
        scopes=frozenset(scopes),
        accounts=accounts,
        created=NOON,
        expires=expires,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Two accounts, of which one has everything there can be."""

    house: House
    store: Spy
    subscribing: Spy
    hidden: Mapping[str, str]

    def operations(self) -> list[Operation]:
        """Those that want a scope."""
        return [each for each in operations_of(self.house.app) if each.scope is not None]

    async def ask(
        self, operation: Operation, places: Mapping[str, str], secret: str | None, query: str = ""
    ) -> tuple[Answered, list[str]]:
        """The answer, and what was asked of the store and of delivery meanwhile."""
        self.house.clock.turn(minutes=1)  # so that nobody fails too often
        self.store.calls.clear()
        self.subscribing.calls.clear()
        path = re.sub(r"{(\w+)}", lambda found: places[found[1]], operation.path) + query
        body: Any = next(
            (
                each
                for place, each in BODIES.items()
                if place.partition(" ")[0] == operation.method
                and (path.endswith(place.partition("…")[2]) if "…" in place else path.startswith(place.split()[1]))
            ),
            {},
        )
        how = {} if operation.method in ("GET", "DELETE") else {"json": body}
        answer = await self.house.ask(
            operation.method, path, headers=bearer(secret) if secret is not None else {}, **how
        )
        return answer, [*self.store.calls, *self.subscribing.calls]


@asynccontextmanager
async def open_town() -> AsyncIterator[Town]:
    clock = FakeClock()
    async with open_store(None, tell=Ear(), clock=clock) as real:
        store, subscribing = Spy(real), Spy(FakeSubscribing(clock))
        async with open_house(
            accounts=("eastern", "westerly"), token=MASTER, store=store, subscribing=subscribing, clock=clock
        ) as house:
            west = frozenset({"westerly"})
            for each in (
                token("westerly", "read", accounts=west),
                token("eastern", "admin", accounts=frozenset({"eastern"})),
                token("over", "admin", hours=1),
                *(token(f"only-{scope}", scope) for scope in SCOPES),
            ):
                await house.app[ADMISSION].make(each)
            made = api_endpoint(HIDDEN["endpoint_id"], accounts=("westerly",), description="hush-hush")
            await real.make_endpoint(made, NOON)
            subscribing.keep(made)
            what = {"headers": bearer(MASTER)}
            batch, broadcast = int(HIDDEN["batch_id"]), int(HIDDEN["broadcast_id"])
            labels = {"labels": {"for": "hush-hush"}}
            place = "/v1/accounts/westerly"
            await house.ask("PUT", f"{place}/batches/{batch}", json=labels, **what)
            await house.see(batch, "NEW", "ACTIVE", account="westerly", broadcast_id=broadcast, name="hush-hush")
            await house.ask("PUT", f"{place}/broadcasts/{broadcast}", json=labels, **what)
            house.following.late["westerly"] = (batch,)
            sent = await house.ask(
                "POST",
                f"{place}/broadcasts/{broadcast}/batches",
                json={"name": "hush-hush", "recipients": [{"phone_number": "12135551100"}]},
                headers={**bearer(MASTER), "Prefer": "wait=0"},
            )
            assert sent.status == 202
            owed = await real.deliveries(DeliveryQuery())
            subscribing.owe(
                *(
                    a_delivery(each.id, HIDDEN["endpoint_id"], now=NOON, account="westerly", batch_id=batch)
                    for each in owed
                )
            )
            assert str(min(each.id for each in owed)) == HIDDEN["delivery_id"]
            hidden = {**HIDDEN, "submission_id": sent.headers["Location"].rpartition("/")[2]}
            yield Town(house=house, store=store, subscribing=subscribing, hidden=hidden)


@pytest.fixture(name="town")
async def _town() -> AsyncIterator[Town]:
    async with open_town() as town:
        yield town


def same_but_for(text: str, places: Mapping[str, str]) -> str:
    """With the names of what was asked for in the place of what they are."""
    for kind in sorted(places, key=lambda each: -len(places[each])):
        text = re.sub(rf"(?<![\w-]){re.escape(places[kind])}(?![\w-])", f"<{kind}>", text)
    return text


def likeness(answer: Answered, places: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
    """All of an answer, but for what was asked for, and for what is another each time."""
    body = re.sub(r'"request_id":"\w+"|"20\d\d-[^"]*Z"', "", answer.body.decode())
    own = ("x-request-id", "date", "content-length", "etag")
    return (
        answer.status,
        same_but_for(body, places),
        {name: same_but_for(value, places) for name, value in answer.headers.items() if name.lower() not in own},
    )


def variants(operation: Operation, town: Town) -> list[tuple[dict[str, str], dict[str, str], str, str]]:
    """What is hidden and what is not there, to be asked for in the same way: in the path, and in the query."""
    named = re.findall(r"{(\w+)}", operation.path)
    found = []
    if named:
        found.append(({**town.hidden}, {**ABSENT}, "", ""))
    if "account" in named:
        found.append(({**ABSENT, "account": "westerly"}, {**ABSENT}, "", ""))
        if len(named) > 1 and operation.method in ("GET", "DELETE"):  # of the own account, what only the other one has
            found.append(({**town.hidden, "account": "eastern"}, {**ABSENT, "account": "eastern"}, "", ""))
    if operation.query is not None:
        for parameter, kind in (("account", "account"), ("endpoint", "endpoint_id")):
            if parameter in operation.query.model_fields:
                own = {**ABSENT, "account": "eastern"}
                first, second = (f"?{parameter}={places[kind]}" for places in (town.hidden, ABSENT))
                found.append(({**own, kind: town.hidden[kind]}, {**own, kind: ABSENT[kind]}, first, second))
    return found


async def test_what_is_of_another_account_is_answered_as_what_is_not_there_and_with_the_same_work(town: Town) -> None:
    asked = 0
    for operation in town.operations():
        for hidden, absent, first, second in variants(operation, town):
            before = await _kept(town)
            answers = [
                await town.ask(operation, places, "wat_eastern", query)
                for places, query in ((hidden, first), (absent, second))
            ]
            (found, work), (missing, other) = answers
            where = f"{operation.method} {operation.path}{first} {hidden}"
            assert likeness(found, hidden) == likeness(missing, absent), where
            assert work == other, where
            assert found.status == 404, where
            assert await _kept(town) == before, where
            asked += 1
    assert asked >= 60


async def _kept(town: Town) -> Any:
    """All that the other account has."""
    spied = (list(town.store.calls), list(town.subscribing.calls))
    store = town.house.store
    key = Key("westerly", int(HIDDEN["batch_id"]))
    kept = (
        await store.watch(key),
        await store.broadcasts("westerly"),
        await store.submission("westerly", town.hidden["submission_id"]),
        await store.endpoint(HIDDEN["endpoint_id"]),
        await store.deliveries(DeliveryQuery()),
        [each.id for each in await store.tokens()],
        await town.house.subscribing.endpoints(),
        list(town.house.following.refreshed),
        list(town.house.following.resumed),
        list(town.house.submitting.switches),
        [each for each in town.house.subscribing.asked if HIDDEN["endpoint_id"] in each],
    )
    town.store.calls[:], town.subscribing.calls[:] = spied
    return kept


async def test_to_whoever_sees_everything_all_of_it_is_there(town: Town) -> None:
    """Else the test above would show nothing."""
    for operation in town.operations():
        if operation.method == "GET" and operation.path not in STREAMS:
            answer, _ = await town.ask(operation, town.hidden, MASTER)
            assert answer.status in (200, 409), operation.path
            if operation.path != "/metrics" and answer.status == 200:
                assert any(mark in answer.body.decode() for mark in MARKS), operation.path


async def test_lists_and_answers_tell_nothing_of_another_account(town: Town) -> None:
    asked = 0
    own = {**ABSENT, "account": "eastern"}
    for operation in town.operations():
        if operation.path in STREAMS:
            continue
        answer, _ = await town.ask(operation, own, "wat_eastern")
        told = answer.body.decode() + str(answer.headers)
        assert [mark for mark in MARKS if mark in told] == [], f"{operation.method} {operation.path}: {told}"
        asked += 1
    assert asked > 40


async def test_without_the_scope_nothing_is_done_and_nothing_told(town: Town) -> None:
    for operation in town.operations():
        for scope in SCOPES:
            if scope in (operation.scope, "admin"):
                continue
            before = await _kept(town)
            answers = [await town.ask(operation, places, f"wat_only-{scope}") for places in (town.hidden, ABSENT)]
            where = f"{operation.method} {operation.path} with {scope}"
            for answer, work in answers:
                assert (answer.status, answer.json["type"]) == (403, "/problems/scope-missing"), where
                assert work == [], where
            assert likeness(answers[0][0], town.hidden) == likeness(answers[1][0], ABSENT), where
            assert await _kept(town) == before, where


@pytest.mark.parametrize(
    ("secret", "kind"), [("wat_over", "token-wrong"), ("wat_nobody", "token-wrong"), (None, "token-wanted")]
)
async def test_without_a_good_token_nothing_is_done_and_nothing_told(town: Town, secret: str | None, kind: str) -> None:
    town.house.clock.turn(hours=1)
    before = await _kept(town)
    for operation in town.operations():
        if operation.path == "/metrics" and secret is None:
            continue  # may be read from this machine
        answers = [await town.ask(operation, places, secret) for places in (town.hidden, ABSENT)]
        for answer, work in answers:
            assert (answer.status, answer.json["type"]) == (401, f"/problems/{kind}"), operation.path
            assert work == [], operation.path
        assert likeness(answers[0][0], town.hidden) == likeness(answers[1][0], ABSENT), operation.path
    assert await _kept(town) == before


async def test_a_token_of_an_account_that_the_settings_no_longer_have_meets_no_mistake_of_ours(town: Town) -> None:
    gone = token("gone", "admin", accounts=frozenset({"gone", "eastern"}))
    await town.house.app[ADMISSION].make(gone)
    for operation in town.operations():
        if operation.path in STREAMS:
            continue
        for query in ("", "?overdue=true"):
            if query and (operation.query is None or "overdue" not in operation.query.model_fields):
                continue
            for account in ("gone", "eastern"):
                answer, _ = await town.ask(operation, {**ABSENT, "account": account}, "wat_gone", query)
                assert answer.status < 500 or answer.json["type"] == "/problems/callfire-silent", operation.path
                assert [mark for mark in MARKS if mark in answer.body.decode()] == [], operation.path


async def test_a_scope_stands_for_itself_and_admin_for_all() -> None:
    async with open_town() as town:
        for operation in town.operations():
            if operation.path in STREAMS or operation.method == "DELETE":
                continue
            for scope in {operation.scope, "admin"} & EVERYTHING:
                answer, _ = await town.ask(operation, town.hidden, f"wat_only-{scope}")
                assert answer.status not in (401, 403), f"{operation.method} {operation.path} with {scope}"
