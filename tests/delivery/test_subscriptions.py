"""What a person does with endpoints and deliveries: it acts at once, or is refused with a word that helps."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Self

import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, FakeClock, FakeSender, answered, settle_down
from tests.telemetry.every_news import attempted
from watcher.core.endpoint import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Scheme,
    Secrets,
    SigningKey,
)
from watcher.core.health import Health
from watcher.core.keys import OLD_MOST
from watcher.core.model import EVENT_TYPES, Event
from watcher.core.news import EndpointChanged
from watcher.core.recovering import DeliveryDetails, DeliveryQuery, Recovery
from watcher.delivery import Book, Lately, Subscriptions
from watcher.ports import EndpointView, Handshake, Refused, StoreError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL = "https://shop.example/hooks"
KEY = SigningKey(key=b"k" * 32)
OWN = SigningKey(key=b"o" * 32)
PAIR = SigningKey(scheme="v1a", key=b"p" * 64)
FILE = Endpoint(id="file", url="https://file.example", kept_by="settings", secrets=Secrets(keys=(KEY,)))
CALM = "nothing holds it back any more"


class Desk:
    """The interface's side of delivery among fakes: the endpoint `file` is of the settings. Enter it."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.clock = FakeClock()
        self.ear = Ear()
        self.sender = FakeSender(self.clock)
        self.store = FakeStore(self.clock, [FILE, *endpoints])
        self.book = Book({"file": FILE})
        self.woken = 0
        self.made: list[SigningKey] = []
        self.fitting = True
        self.lately = Lately(clock=self.clock)
        self.subscriptions = Subscriptions(
            book=self.book,
            store=self.store,
            sender=self.sender,
            clock=self.clock,
            make_key=self._make_key,
            fits=lambda _: self.fitting,
            tell=self.ear,
            wake=self._wake,
            lately=self.lately,
            allowed=[ip_network("127.0.0.0/8")],
        )

    async def __aenter__(self) -> Self:
        await self.book.load(self.store)
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def _make_key(self, scheme: Scheme) -> SigningKey:
        self.made.append(SigningKey(scheme=scheme, key=bytes([len(self.made)]) * (32 if scheme == "v1" else 64)))
        return self.made[-1]

    def _wake(self) -> None:
        self.woken += 1

    async def make(self, endpoint_id: str = "shop", **fields: object) -> Endpoint:
        wanted = replace(Endpoint(id=endpoint_id, url=URL), **fields)  # type: ignore[arg-type]
        made = await self.subscriptions.make(wanted, schemes=["v1"], secret=None, verification="none")
        assert isinstance(made, Endpoint)
        return made

    def happen(self, batch_id: int = 13, at: timedelta = timedelta(0)) -> None:
        """An event is committed, with its deliveries."""
        event = Event(
            type="batch.active",
            at=NOON + at,
            account="default",
            batch_id=batch_id,
            number=1,
            data={"account": "default"},
        )
        self.store._record([event])

    def deliveries(self, endpoint_id: str = "shop") -> list[Delivery]:
        return [each for each in self.store.kept_deliveries.values() if each.endpoint_id == endpoint_id]

    async def claim(self, endpoint_id: str = "shop") -> list[Delivery]:
        now = self.clock.now()
        return await self.store.claim({endpoint_id: 4}, token="other", now=now, until=now + HOUR)


def kind_of(answer: object) -> str:
    assert isinstance(answer, Refused)
    assert answer.detail
    return answer.kind


# Making


async def test_a_new_endpoint_gets_the_very_next_event() -> None:
    async with Desk() as desk:
        desk.happen(1)
        await desk.make()
        desk.happen(2)
        assert [each.position for each in desk.deliveries()] == [2]
        assert desk.book.get("shop") is not None
        assert desk.woken == 1


async def test_it_is_made_as_it_was_set_up_and_answers_with_its_secrets() -> None:
    async with Desk() as desk:
        wanted = Endpoint(
            id="shop",
            url=URL,
            kept_by="settings",
            types=("batch.*",),
            rate=2.0,
            secrets=Secrets(headers={"X-Shop": "1"}, authorization="Bearer b"),
            version=9,
            state=EndpointState.DISABLED,
        )
        made = await desk.subscriptions.make(wanted, schemes=["v1", "v1a", "v1"], secret=PAIR, verification="none")
        keys = (desk.made[0], PAIR)
        assert made == replace(
            wanted,
            kept_by="api",
            created=NOON,
            version=0,
            state=EndpointState.ACTIVE,
            secrets=replace(wanted.secrets, keys=keys),
        )
        assert [key.scheme for key in desk.made] == ["v1"]
        assert await desk.store.endpoints() == [replace(FILE, secrets=Secrets()), made]
        assert list(desk.book) == [FILE, made]


async def test_an_id_is_made_where_none_is_given() -> None:
    async with Desk() as desk:
        ids = {(await desk.make("")).id for _ in range(3)}
        assert len(ids) == 3
        assert all(re.fullmatch(r"ep_[0-9a-f]{16}", endpoint_id) for endpoint_id in ids)


@pytest.mark.parametrize("endpoint_id", ["file", "shop"])
async def test_an_id_that_is_taken_is_refused(endpoint_id: str) -> None:
    async with Desk() as desk:
        await desk.make()
        wanted = Endpoint(id=endpoint_id, url=URL)
        refused = await desk.subscriptions.make(wanted, schemes=["v1"], secret=None, verification="none")
        assert kind_of(refused) == "endpoint-exists"
        desk.book.remove(endpoint_id)  # where somebody else made it this moment, the store knows better
        refused = await desk.subscriptions.make(wanted, schemes=["v1"], secret=None, verification="none")
        assert kind_of(refused) == "endpoint-exists"


@pytest.mark.parametrize(
    ("fields", "schemes", "secret", "pointer"),
    [
        ({"id": "a b"}, ["v1"], None, "/id"),
        ({"url": "http://10.0.0.1/"}, ["v1"], None, "/url"),
        ({"rate": 0.0}, ["v1"], None, "/rate"),
        ({}, [], None, "/signatures"),
        ({}, ["v1"], PAIR, "/secret"),
    ],
)
async def test_what_would_not_act_is_refused_and_nothing_is_made(
    fields: dict[str, object], schemes: list[Scheme], secret: SigningKey | None, pointer: str
) -> None:
    async with Desk() as desk:
        wanted = replace(Endpoint(id="shop", url=URL), **fields)  # type: ignore[arg-type]
        refused = await desk.subscriptions.make(wanted, schemes=schemes, secret=secret, verification="ping")
        assert isinstance(refused, Refused)
        assert (refused.kind, refused.pointer) == ("bad-endpoint", pointer)
        assert (list(desk.book), desk.sender.sent, desk.store.done["make_endpoint"]) == ([FILE], [], 0)


async def test_a_pair_whose_halves_do_not_belong_together_is_refused() -> None:
    async with Desk() as desk:
        desk.fitting = False
        refused = await desk.subscriptions.make(
            Endpoint(id="shop", url=URL), schemes=["v1a"], secret=PAIR, verification="none"
        )
        assert (kind_of(refused), list(desk.book)) == ("bad-endpoint", [FILE])


async def test_networks_that_the_operator_allows_are_open_to_endpoints() -> None:
    async with Desk() as desk:
        assert (await desk.make(url="http://127.0.0.1:9000")).url == "http://127.0.0.1:9000"


async def test_a_store_that_cannot_says_so_and_nothing_acts() -> None:
    async with Desk() as desk:
        desk.store.failing = {"make_endpoint"}
        with pytest.raises(StoreError):
            await desk.make()
        assert (list(desk.book), desk.woken) == ([FILE], 0)


# Verification


async def test_a_ping_is_a_signed_event_that_the_receiver_must_accept() -> None:
    async with Desk() as desk:
        made = await desk.subscriptions.make(
            Endpoint(id="shop", url=URL), schemes=["v1"], secret=OWN, verification="ping"
        )
        assert isinstance(made, Endpoint)
        [(endpoint, delivery)] = desk.sender.messages
        assert (endpoint.url, endpoint.secrets.keys) == (URL, (OWN,))
        assert re.fullmatch(r"test_[0-9a-f]{16}", delivery.event_id)
        assert json.loads(delivery.body) == {
            "type": "ping",
            "timestamp": "2026-11-23T12:00:00.000Z",
            "data": {"endpoint": "shop"},
        }


@pytest.mark.parametrize("attempt", [answered(300), answered(199), answered(500), answered(None, error="timeout")])
async def test_a_receiver_that_does_not_accept_the_ping_gets_no_endpoint(attempt: Attempt) -> None:
    async with Desk() as desk:
        desk.sender.script("shop", attempt)
        refused = await desk.subscriptions.make(
            Endpoint(id="shop", url=URL), schemes=["v1"], secret=None, verification="ping"
        )
        assert isinstance(refused, Refused)
        assert (refused.kind, refused.attempt) == ("not-verified", attempt)
        assert (list(desk.book), await desk.store.endpoints()) == ([FILE], [replace(FILE, secrets=Secrets())])


@pytest.mark.parametrize(
    ("wanted", "consented", "rate"),
    [(None, None, None), (5.0, None, 5.0), (None, 2.0, 2.0), (5.0, 2.0, 2.0), (1.0, 2.0, 1.0)],
)
async def test_a_receiver_that_consents_to_fewer_gets_no_more(
    wanted: float | None, consented: float | None, rate: float | None
) -> None:
    async with Desk() as desk:
        desk.sender.handshakes["shop"] = Handshake(attempt=answered(200), consents=True, rate=consented)
        made = await desk.subscriptions.make(
            Endpoint(id="shop", url=URL, rate=wanted), schemes=["v1"], secret=None, verification="cloudevents"
        )
        assert isinstance(made, Endpoint)
        assert (made.rate, desk.sender.sent) == (rate, [])


async def test_a_receiver_that_does_not_consent_gets_no_endpoint() -> None:
    async with Desk() as desk:
        attempt = answered(200)
        desk.sender.handshakes["shop"] = Handshake(attempt=attempt, consents=False)
        refused = await desk.subscriptions.make(
            Endpoint(id="shop", url=URL), schemes=["v1"], secret=None, verification="cloudevents"
        )
        assert isinstance(refused, Refused)
        assert (refused.kind, refused.attempt, list(desk.book)) == ("not-verified", attempt, [FILE])


# Views


async def test_an_endpoint_is_shown_as_it_stands_with_what_it_is_owed() -> None:
    async with Desk() as desk:
        made = await desk.make()
        desk.happen(1)
        desk.clock.turn(seconds=5)
        desk.happen(2)
        desk.store.kept_deliveries[2] = replace(desk.store.kept_deliveries[2], state=DeliveryState.DEAD)
        desk.store.kept_deliveries[3] = replace(desk.store.kept_deliveries[3], state=DeliveryState.HELD)
        health = Health(opened=1, failures_in_a_row=5, open_until=NOON + HOUR)
        desk.store.put_endpoints(replace(made, health=health))
        shop = EndpointView(
            endpoint=replace(made, health=health),
            condition="open",
            reason="too much failed, 5 in a row at last",
            until=NOON + HOUR,
            pending=1,
            dead=1,
            oldest=NOON + timedelta(seconds=5),
        )
        file = EndpointView(endpoint=FILE, condition="active", reason="", until=None, pending=1, held=1, oldest=NOON)
        assert await desk.subscriptions.endpoints() == [file, shop]
        assert await desk.subscriptions.endpoint("shop") == shop
        assert await desk.subscriptions.endpoint("nobody") is None


async def test_how_attempts_went_lately_is_told_and_forgotten_with_the_endpoint() -> None:
    async with Desk() as desk:
        await desk.make()
        desk.lately.hear(attempted(endpoint="shop"))
        assert desk.subscriptions.recent("shop") == desk.lately.of("shop")
        assert desk.subscriptions.recent("shop").done == (1,)
        assert await desk.subscriptions.remove("shop") is None
        assert desk.subscriptions.recent("shop").done == (0,)  # another one may get the id


# Changing


async def test_a_change_acts_at_once() -> None:
    async with Desk() as desk:
        made = await desk.make()
        wanted = replace(made, types=("batch.active",), rate=3.0, secrets=replace(made.secrets, headers={"A": "b"}))
        changed = await desk.subscriptions.change(wanted)
        after = replace(wanted, version=1)
        assert changed == EndpointView(endpoint=after, condition="active", reason="", until=None)
        assert (desk.book.get("shop"), desk.woken) == (after, 2)


async def test_a_change_by_somebody_else_meanwhile_is_not_undone() -> None:
    async with Desk() as desk:
        made = await desk.make()
        await desk.subscriptions.change(replace(made, rate=3.0))
        assert kind_of(await desk.subscriptions.change(replace(made, rate=4.0))) == "changed-meanwhile"
        assert desk.book.get("shop") == replace(made, rate=3.0, version=1)


async def test_a_change_that_would_not_act_is_refused() -> None:
    async with Desk() as desk:
        made = await desk.make()
        refused = await desk.subscriptions.change(replace(made, url="http://192.168.1.1/"))
        assert isinstance(refused, Refused)
        assert (refused.kind, refused.pointer, desk.book.get("shop")) == ("bad-endpoint", "/url", made)


async def test_what_is_not_there_or_kept_by_the_settings_is_not_set_up_here() -> None:
    async with Desk() as desk:
        made = await desk.make()
        assert kind_of(await desk.subscriptions.change(replace(FILE, rate=1.0))) == "kept-by-settings"
        assert kind_of(await desk.subscriptions.change(replace(made, id="nobody"))) == "unknown-endpoint"

        async def gone() -> None:
            desk.book.remove("shop")

        await desk.store.remove_endpoint("shop")
        desk.store.meanwhile["change_endpoint"] = gone
        assert kind_of(await desk.subscriptions.change(made)) == "unknown-endpoint"


# Removing


async def test_one_that_is_removed_is_owed_nothing_new() -> None:
    async with Desk() as desk:
        await desk.make()
        assert await desk.subscriptions.remove("shop") is None
        desk.happen()
        assert (desk.deliveries(), desk.book.get("shop"), desk.woken) == ([], None, 2)
        assert kind_of(await desk.subscriptions.remove("shop")) == "unknown-endpoint"


async def test_the_id_of_one_that_was_removed_is_free_again() -> None:
    async with Desk() as desk:
        first = await desk.make()
        await desk.subscriptions.remove("shop")
        second = await desk.make()
        assert second.secrets != first.secrets
        assert desk.book.get("shop") == second


async def test_one_that_the_settings_name_is_not_removed_and_one_that_they_no_longer_name_is() -> None:
    once = replace(FILE, id="once", state=EndpointState.DISABLED, disabled_reason="the settings no longer name it")
    async with Desk(once) as desk:
        assert kind_of(await desk.subscriptions.remove("file")) == "kept-by-settings"
        assert await desk.subscriptions.remove("once") is None
        assert list(desk.book) == [FILE]


# Disabling and enabling


@pytest.mark.parametrize("endpoint_id", ["shop", "file"])
async def test_one_that_is_disabled_keeps_what_happens_until_it_is_enabled(endpoint_id: str) -> None:
    async with Desk() as desk:
        await desk.make()
        view = await desk.subscriptions.disable(endpoint_id, "maintenance")
        assert isinstance(view, EndpointView)
        assert (view.condition, view.reason) == ("disabled", "maintenance")
        desk.happen()
        assert [each.state for each in desk.deliveries(endpoint_id)] == ["held"]
        view = await desk.subscriptions.enable(endpoint_id, send_held=True)
        assert isinstance(view, EndpointView)
        assert (view.condition, view.pending, view.held) == ("active", 1, 0)
        standing = desk.book.get(endpoint_id)
        assert standing is not None
        assert (standing.state, standing.secrets.keys) == (
            "active",
            (KEY,) if endpoint_id == "file" else (*desk.made,),
        )
        assert desk.ear.heard == [
            EndpointChanged(endpoint=endpoint_id, state="disabled", reason="maintenance"),
            EndpointChanged(endpoint=endpoint_id, state="active", reason=CALM),
        ]
        assert desk.woken == 3


async def test_what_was_held_stays_so_where_that_is_wanted() -> None:
    async with Desk() as desk:
        await desk.make()
        await desk.subscriptions.disable("shop", "maintenance")
        desk.happen()
        view = await desk.subscriptions.enable("shop", send_held=False)
        assert isinstance(view, EndpointView)
        assert (view.pending, view.held) == (0, 1)


async def test_one_that_the_settings_no_longer_name_is_enabled_there() -> None:
    once = replace(FILE, id="once", state=EndpointState.DISABLED, disabled_reason="the settings no longer name it")
    async with Desk(once) as desk:
        assert kind_of(await desk.subscriptions.enable("once", send_held=True)) == "kept-by-settings"
        assert desk.store.done["enable_endpoint"] == 0


async def test_what_is_not_there_is_neither_disabled_nor_enabled() -> None:
    async with Desk() as desk:
        assert kind_of(await desk.subscriptions.disable("nobody", "why")) == "unknown-endpoint"
        assert kind_of(await desk.subscriptions.enable("nobody", send_held=True)) == "unknown-endpoint"


# Rotation


async def test_a_new_key_signs_first_and_the_old_one_signs_along_for_the_grace() -> None:
    async with Desk() as desk:
        made = await desk.make(secrets=Secrets(headers={"A": "b"}))
        (old,) = made.secrets.keys
        rotated = await desk.subscriptions.rotate("shop", grace=DAY, secret=None)
        assert isinstance(rotated, Endpoint)
        keys = (desk.made[1], replace(old, until=NOON + DAY))
        assert rotated == replace(made, version=1, secrets=Secrets(keys=keys, headers={"A": "b"}))
        sent_to = desk.book.get("shop")
        assert sent_to is not None
        assert [len(sent_to.secrets.signing(NOON + after)) for after in (DAY - HOUR, DAY)] == [2, 1]


async def test_without_a_grace_the_old_key_ends_at_once() -> None:
    async with Desk() as desk:
        await desk.make()
        rotated = await desk.subscriptions.rotate("shop", grace=timedelta(0), secret=OWN)
        assert isinstance(rotated, Endpoint)
        assert rotated.secrets.keys == (OWN,)


async def test_every_scheme_gets_a_new_key_and_one_that_is_given_replaces_those_of_its_scheme_alone() -> None:
    async with Desk() as desk:
        await desk.subscriptions.make(
            Endpoint(id="shop", url=URL), schemes=["v1", "v1a"], secret=None, verification="none"
        )
        rotated = await desk.subscriptions.rotate("shop", grace=timedelta(0), secret=None)
        assert isinstance(rotated, Endpoint)
        assert rotated.secrets.keys == tuple(desk.made[2:4])
        rotated = await desk.subscriptions.rotate("shop", grace=DAY, secret=OWN)
        assert isinstance(rotated, Endpoint)
        shared, pair = desk.made[2:4]
        ending = replace(shared, until=NOON + DAY)
        assert rotated.secrets.keys == (OWN, ending)  # the pair was shown before, and is not shown again
        known = desk.book.get("shop")
        assert known is not None
        assert known.secrets.keys == (OWN, pair, ending)


async def test_a_key_that_was_replaced_may_come_back_and_signs_once() -> None:
    async with Desk() as desk:
        (first,) = (await desk.make()).secrets.keys
        await desk.subscriptions.rotate("shop", grace=DAY, secret=OWN)
        await desk.subscriptions.rotate("shop", grace=DAY, secret=first)
        known = desk.book.get("shop")
        assert known is not None
        assert known.secrets.keys == (first, replace(OWN, until=NOON + DAY))


async def test_the_present_key_a_broken_pair_and_an_odd_grace_are_refused() -> None:
    async with Desk() as desk:
        (present,) = (await desk.make()).secrets.keys
        desk.fitting = True
        refusals = [
            await desk.subscriptions.rotate("shop", grace=DAY, secret=present),
            await desk.subscriptions.rotate("shop", grace=-HOUR, secret=None),
            await desk.subscriptions.rotate("shop", grace=7 * DAY + HOUR, secret=None),
        ]
        desk.fitting = False
        refusals.append(await desk.subscriptions.rotate("shop", grace=DAY, secret=PAIR))
        assert [(each.kind, each.pointer) for each in refusals if isinstance(each, Refused)] == [
            ("bad-endpoint", "/secret"),
            ("bad-endpoint", "/grace"),
            ("bad-endpoint", "/grace"),
            ("bad-endpoint", "/secret"),
        ]


async def test_more_old_keys_than_may_sign_along_are_refused_with_the_time_when_one_ends() -> None:
    async with Desk() as desk:
        await desk.make()
        for _ in range(OLD_MOST):
            assert isinstance(await desk.subscriptions.rotate("shop", grace=DAY, secret=None), Endpoint)
            desk.clock.turn(hours=1)
        refused = await desk.subscriptions.rotate("shop", grace=DAY, secret=None)
        assert kind_of(refused) == "too-many-secrets"
        assert isinstance(refused, Refused)
        assert str((NOON + DAY).date()) in refused.detail
        assert isinstance(await desk.subscriptions.rotate("shop", grace=timedelta(0), secret=None), Endpoint)


async def test_an_endpoint_for_people_has_no_key_to_rotate() -> None:
    async with Desk() as desk:
        desk.book.put(replace(FILE, id="oncall", url="apprise:slack://…"))
        detail = (
            "the settings keep its secrets: people get no signature; put another apprise_url there, and send SIGHUP"
        )
        refused = await desk.subscriptions.rotate("oncall", grace=DAY, secret=None)
        assert refused == Refused(kind="kept-by-settings", detail=detail)


async def test_the_keys_of_the_settings_and_of_nobody_are_not_rotated_and_somebody_else_may_be_first() -> None:
    async with Desk() as desk:
        made = await desk.make()
        assert kind_of(await desk.subscriptions.rotate("file", grace=DAY, secret=None)) == "kept-by-settings"
        assert kind_of(await desk.subscriptions.rotate("nobody", grace=DAY, secret=None)) == "unknown-endpoint"
        await desk.store.change_endpoint(made)
        assert kind_of(await desk.subscriptions.rotate("shop", grace=DAY, secret=None)) == "changed-meanwhile"
        assert desk.book.get("shop") == made


# Tests


@pytest.mark.parametrize("event_type", ["ping", *EVENT_TYPES])
async def test_a_sample_of_any_type_is_sent_at_once_and_nothing_is_kept_of_it(event_type: str) -> None:
    async with Desk() as desk:
        await desk.make()
        await desk.subscriptions.disable("shop", "maintenance")
        answer = answered(503, detail="busy", retry_after=HOUR)
        desk.sender.script("shop", answer)
        assert await desk.subscriptions.test("shop", event_type) == answer
        [(endpoint, delivery)] = desk.sender.messages
        assert endpoint == desk.book.get("shop")
        body = json.loads(delivery.body)
        assert (body["type"], delivery.event_type, delivery.cause) == (event_type, event_type, "person")
        assert re.fullmatch(r"test_[0-9a-f]{16}", delivery.event_id)
        assert (desk.store.log, desk.store.kept_deliveries, desk.store.settlements) == ([], {}, [])


async def test_a_test_of_nobody_or_of_a_type_that_is_none_is_refused() -> None:
    async with Desk() as desk:
        assert kind_of(await desk.subscriptions.test("nobody", "batch.active")) == "unknown-endpoint"
        refused = await desk.subscriptions.test("file", "batch.*")
        assert isinstance(refused, Refused)
        assert (refused.kind, refused.pointer, desk.sender.sent) == ("bad-endpoint", "/type", [])


# Deliveries


async def test_deliveries_are_listed_and_shown() -> None:
    async with Desk() as desk:
        await desk.make()
        desk.happen(1)
        desk.happen(2)
        listed = await desk.subscriptions.deliveries(DeliveryQuery(endpoint_id="shop"))
        assert isinstance(listed, list)
        assert [each.batch_id for each in listed] == [2, 1]
        everybodys = await desk.subscriptions.deliveries(DeliveryQuery(limit=3))
        assert isinstance(everybodys, list)
        assert len(everybodys) == 3
        shown = await desk.subscriptions.delivery(listed[0].id)
        assert shown == DeliveryDetails(view=listed[0], attempts=[])
        refused = await desk.subscriptions.deliveries(DeliveryQuery(endpoint_id="nobody"))
        assert kind_of(refused) == "unknown-endpoint"
        assert kind_of(await desk.subscriptions.delivery(99)) == "unknown-delivery"


async def test_what_is_resent_is_due_now_with_a_full_schedule() -> None:
    async with Desk() as desk:
        await desk.make()
        desk.happen()
        [delivery] = desk.deliveries()
        desk.store.kept_deliveries[delivery.id] = replace(delivery, state=DeliveryState.DEAD, attempts=11)
        desk.clock.turn(hours=1)
        shown = await desk.subscriptions.resend(delivery.id)
        assert isinstance(shown, DeliveryDetails)
        assert (shown.view.state, shown.view.attempts, shown.view.due, shown.view.cause) == (
            "pending",
            0,
            NOON + HOUR,
            "person",
        )
        assert desk.woken == 2


async def test_what_is_in_flight_unknown_or_of_one_that_is_not_active_is_not_resent() -> None:
    async with Desk() as desk:
        await desk.make()
        desk.happen()
        [delivery] = await desk.claim()
        woken = desk.woken
        assert kind_of(await desk.subscriptions.resend(delivery.id)) == "in-flight"
        assert kind_of(await desk.subscriptions.resend(99)) == "unknown-delivery"
        await desk.store.release("other")
        await desk.store.disable_endpoint("shop", "maintenance")
        assert kind_of(await desk.subscriptions.resend(delivery.id)) == "not-active"
        assert desk.woken == woken


# Recovery


def recovery(**fields: object) -> Recovery:
    return replace(Recovery(endpoint_id="shop", since=NOON - DAY, until=NOON + HOUR), **fields)  # type: ignore[arg-type]


async def test_what_was_missed_is_counted_first_and_then_sent() -> None:
    async with Desk() as desk:
        desk.happen(1)
        await desk.make()
        desk.happen(2)
        [held] = desk.deliveries()
        desk.store.kept_deliveries[held.id] = replace(held, state=DeliveryState.HELD)
        dry = await desk.subscriptions.recover(recovery(), dry_run=True)
        assert (desk.woken, len(desk.deliveries())) == (1, 1)
        done = await desk.subscriptions.recover(recovery(), dry_run=False)
        assert not isinstance(dry, Refused)
        assert (dry.counts, dry.after) == ({"missing": 1, "held": 1}, None)
        assert done == dry
        assert [(each.state, each.cause) for each in desk.deliveries()] == [("pending", "recovery")] * 2
        assert desk.woken == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"since": NOON + timedelta(seconds=1)}, "/since"),
        ({"until": NOON - DAY}, "/until"),
        ({"states": frozenset()}, "/states"),
    ],
)
async def test_a_recovery_of_nothing_is_refused(fields: dict[str, object], pointer: str) -> None:
    async with Desk() as desk:
        await desk.make()
        refused = await desk.subscriptions.recover(recovery(**fields), dry_run=True)
        assert isinstance(refused, Refused)
        assert (refused.kind, refused.pointer) == ("bad-endpoint", pointer)


async def test_one_that_is_not_active_is_recovered_after_it_was_enabled() -> None:
    async with Desk() as desk:
        await desk.make()
        await desk.subscriptions.disable("shop", "maintenance")
        desk.happen()
        dry = await desk.subscriptions.recover(recovery(), dry_run=True)
        assert not isinstance(dry, Refused)
        assert dry.counts == {"held": 1}
        assert kind_of(await desk.subscriptions.recover(recovery(), dry_run=False)) == "not-active"


async def test_nobody_is_not_recovered() -> None:
    async with Desk() as desk:
        nobody = recovery(endpoint_id="nobody")
        assert kind_of(await desk.subscriptions.recover(nobody, dry_run=True)) == "unknown-endpoint"
        await desk.make()

        gate = desk.store.gates["recover"] = asyncio.Event()
        late = asyncio.create_task(desk.subscriptions.recover(recovery(), dry_run=False))
        await settle_down()
        await desk.subscriptions.remove("shop")
        gate.set()
        assert kind_of(await late) == "unknown-endpoint"
