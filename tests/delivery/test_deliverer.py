import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Self

import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, Errands, FakeClock, FakeSender, StillClock, answered, settle_down
from watcher.core.endpoint import Delivery, DeliveryState, Endpoint, EndpointState, Secrets, SigningKey
from watcher.core.health import Health
from watcher.core.model import Recorded
from watcher.core.news import Attempted, Backlog, EndpointChanged, EndpointTold
from watcher.delivery import Book, Deliverer, Limits
from watcher.ports import StoreError


def endpoint(name: str, **fields: object) -> Endpoint:
    """One that the settings keep, and that wants no operator events."""
    secrets = Secrets(keys=(SigningKey(key=b"k" * 32),))
    made = Endpoint(
        id=name, url=f"https://{name}.example", kept_by="settings", types=("batch.*", "account.*"), secrets=secrets
    )
    return replace(made, **fields)  # type: ignore[arg-type]


class UntilTold(StillClock):
    """Time that passes for sleepers when it is told to."""

    def __init__(self, draws: Sequence[float]) -> None:
        super().__init__(draws=draws)
        self.told = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.told.wait()


class Post:
    """A deliverer among fakes. Enter it; `owe` puts deliveries into the store."""

    def __init__(self, *names: str, limits: Limits | None = None, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock(draws=(0.0,))
        self.ear = Ear()
        self.sender = FakeSender(self.clock)
        self.errands = Errands()
        self.endpoints = {name: endpoint(name) for name in names}
        self.store = FakeStore(self.clock, list(self.endpoints.values()))
        self.book = Book(self.endpoints)
        self.deliverer = Deliverer(
            self.book,
            limits=limits or Limits(),
            token="mine",
            sender=self.sender,
            store=self.store,
            clock=self.clock,
            tell=self.ear,
            errand=self.errands,
        )

    async def __aenter__(self) -> Self:
        await self.errands.__aenter__()
        await self.book.load(self.store)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.errands.__aexit__()

    def owe(self, endpoint_id: str, times: int = 1, *, late: float = 0.0, **fields: object) -> None:
        """So many deliveries, due since `late` seconds (to come where it is negative), each of a batch of its own."""
        due = self.clock.now() - timedelta(seconds=late)
        for _ in range(times):
            number, position = next(self.store._numbers), next(self.store._positions)
            event = Recorded(
                position=position,
                id=f"evt_{number}",
                type="batch.active",
                at=due,
                account="default",
                batch_id=number,
                number=1,
                body=b"{}",
            )
            self.store.log.append(event)
            delivery = Delivery(
                id=number,
                endpoint_id=endpoint_id,
                position=position,
                event_id=event.id,
                event_type=event.type,
                body=event.body,
                created=due,
                due=due,
            )
            self.store.kept_deliveries[number] = replace(delivery, **fields)  # type: ignore[arg-type]

    async def set_up(self, endpoint_id: str, **fields: object) -> None:
        """The endpoint is set up, or stands, otherwise from now on."""
        known = self.store.kept_endpoints[endpoint_id]
        self.store.put_endpoints(replace(known, **fields))  # type: ignore[arg-type]
        await self.book.load(self.store)

    def hang(self, endpoint_id: str) -> asyncio.Event:
        gate = self.sender.gates[endpoint_id] = asyncio.Event()
        return gate

    async def step(self) -> None:
        await self.deliverer.step()
        await settle_down()

    def sent_at(self, endpoint_id: str) -> list[datetime]:
        """When each attempt of an endpoint began."""
        return [each.attempt.at for each in self.store.settlements if each.endpoint_id == endpoint_id]

    def states(self) -> list[str]:
        return [str(delivery.state) for delivery in self.store.kept_deliveries.values()]

    def sent_to(self) -> list[str]:
        return [endpoint_id for endpoint_id, _ in self.sender.sent]


def attempts(post: Post) -> list[Attempted]:
    return [news for news in post.ear.heard if isinstance(news, Attempted)]


async def test_what_is_due_is_sent_settled_and_told() -> None:
    async with Post("a") as post:
        post.owe("a", late=2.0)
        await post.step()
        assert post.sender.sent == [("a", "evt_1")]
        assert post.states() == ["done"]
        [told] = attempts(post)
        assert told.delay is not None
        assert (post.ear.heard, round(told.delay, 6)) == (
            [told],
            3.1,
        )  # two late, one until sent, a tenth to be accepted
        assert told == (
            Attempted(
                endpoint="a",
                delivery=1,
                event_id="evt_1",
                code=204,
                error=None,
                outcome="done",
                took=0.1,
                delay=told.delay,
                attempts=1,
            )
        )
        assert (told.attempt, told.event_type) == (post.store.settlements[0].attempt, "batch.active")


async def test_what_failed_is_tried_again_when_it_is_due_and_not_before() -> None:
    async with Post("a") as post:
        post.owe("a")
        post.sender.script("a", answered(500), answered(None, error="timeout"), answered(200))
        while post.states() != ["done"]:
            await post.step()
        assert post.sender.sent == [("a", "evt_1")] * 3
        told = [(news.code, news.error, news.outcome, news.attempts, news.delay) for news in attempts(post)]
        assert told[:2] == [(500, None, "retried", 1, None), (None, "timeout", "retried", 2, None)]
        assert told[2][:4] == (200, None, "done", 3)
        assert post.clock.now() - NOON > timedelta(seconds=35)


async def test_the_oldest_due_goes_first() -> None:
    async with Post("a", limits=Limits(per_endpoint=1)) as post:
        post.owe("a", late=1.0)
        post.owe("a", late=3.0)
        post.owe("a", late=2.0)
        for _ in range(3):
            await post.step()
        assert [event_id for _, event_id in post.sender.sent] == ["evt_2", "evt_3", "evt_1"]


# Room


async def test_no_endpoint_gets_more_at_once_than_its_share() -> None:
    async with Post("a") as post:
        post.owe("a", 6)
        gate = post.hang("a")
        await post.step()
        await post.step()
        assert len(post.sender.sent) == 4
        gate.set()
        await settle_down()
        await post.step()
        assert sorted(post.states()) == ["done"] * 6


async def test_the_store_is_told_how_many_of_all_processes_may_be_under_way_to_one_endpoint() -> None:
    async with Post("shop", limits=Limits(per_endpoint=7)) as post:
        await post.step()
        assert post.store.per_endpoint == 7


async def test_no_more_are_sent_at_once_than_there_is_room_for_in_all() -> None:
    async with Post("a", "b", "c", limits=Limits(per_endpoint=2, in_all=3)) as post:
        for name in ("a", "b", "c"):
            post.owe(name, 2)
            post.hang(name)
        await post.step()
        await post.step()
        assert post.sent_to() == ["a", "a", "b"]


async def test_an_endpoint_that_hangs_holds_no_other_up() -> None:
    async with Post("hangs", "works") as post:
        post.hang("hangs")
        post.owe("hangs", 10)
        for _ in range(3):
            post.owe("works", 4)
            await post.step()
        assert post.sent_to().count("works") == 12
        assert post.states().count("done") == 12


async def test_room_that_some_do_not_need_is_offered_to_the_others_at_once() -> None:
    async with Post(*"abcdef", limits=Limits(per_endpoint=2, in_all=4)) as post:
        post.owe("f", 2)
        await post.step()
        assert post.sent_to() == ["f", "f"]


async def test_of_many_that_are_claimed_at_once_few_are_sent_off_in_one_turn_of_the_event_loop() -> None:
    async with Post("a", limits=Limits(per_endpoint=20)) as post:
        post.owe("a", 20)
        post.hang("a")
        stepping = asyncio.create_task(post.deliverer.step())
        sent = [0]
        while sent[-1] < 20:
            await asyncio.sleep(0)
            sent.append(len(post.sender.sent))
        assert {after - before for before, after in pairwise(sent)} == {0, 8, 4}
        await stepping


async def test_what_was_claimed_and_not_sent_off_before_the_end_is_given_back() -> None:
    async with Post("a", limits=Limits(per_endpoint=20)) as post:
        post.owe("a", 20)
        post.hang("a")
        stepping = asyncio.create_task(post.deliverer.step())
        while not post.sender.sent:
            await settle_down(1)
        await post.errands.__aexit__()
        assert len(post.sender.sent) < 20
        await post.deliverer.release()
        assert post.store.claims == {}
        await stepping


async def test_endpoints_take_turns_where_there_is_not_room_for_all() -> None:
    async with Post(*"abc", limits=Limits(per_endpoint=4, in_all=1)) as post:
        for name in "abc":
            post.owe(name, 3)
        for _ in range(9):
            await post.step()
        assert post.sent_to() == list("abcabcabc")


async def test_an_endpoint_may_have_a_number_of_its_own_and_one_in_order_has_one() -> None:
    async with Post("a", "b", "c") as post:
        await post.set_up("a", concurrency=6)
        await post.set_up("b", ordering="batch")
        for name in "abc":
            post.owe(name, 9)
            post.hang(name)
        await post.step()
        await post.step()
        assert Counter(post.sent_to()) == {"a": 6, "b": 1, "c": 4}


async def test_endpoints_in_trouble_leave_half_of_all_places_to_the_others() -> None:
    async with Post(*"abcd", limits=Limits(per_endpoint=4, in_all=8)) as post:
        for name in "abc":
            post.owe(name)
            post.sender.script(name, answered(500))
        await post.step()
        for name in "abc":
            post.owe(name, 9)
            post.hang(name)
        post.sender.sent.clear()
        await post.step()
        await post.step()
        assert Counter(post.sent_to()).total() == 4
        post.owe("d", 9)
        post.hang("d")
        await post.step()
        assert Counter(post.sent_to())["d"] == 4


async def test_one_that_was_in_trouble_before_a_restart_is_known_for_it() -> None:
    async with Post("a", limits=Limits(per_endpoint=4, in_all=4)) as post:
        post.store.put_endpoints(endpoint("a", health=Health(failures_in_a_row=1, failing_since=NOON, failed=1)))
        await post.deliverer.report()
        post.owe("a", 4)
        gate = post.hang("a")
        await post.step()
        assert len(post.sender.sent) == 2
        gate.set()
        await settle_down()
        await post.step()
        assert post.states() == ["done"] * 4


async def test_retries_and_first_attempts_are_tossed_for_where_there_is_room_for_one() -> None:
    first: list[str] = []
    for draw in (0.0, 0.4, 0.5, 0.9):
        async with Post("a", limits=Limits(per_endpoint=1), clock=FakeClock(draws=(draw,))) as post:
            post.owe("a", attempts=1)
            post.owe("a", attempts=0)
            await post.step()
            first.append(post.sender.sent[0][1])
    assert first == ["evt_1", "evt_1", "evt_2", "evt_2"]


async def test_no_more_are_sent_a_second_than_the_endpoint_wants_and_no_fewer() -> None:
    async with Post("a", "b") as post:
        await post.set_up("a", rate=2.5)
        post.owe("a", 12)
        post.owe("b", 2)
        while DeliveryState.PENDING in post.states():
            await post.step()
        first, *others = post.sent_at("a")[:-1]  # the last one waits for no other, but for the backstop
        assert others == [first, *(first + timedelta(seconds=0.4 * number) for number in range(1, 10))]
        assert post.sent_at("b") == [first, first]


async def test_another_rate_acts_at_once() -> None:
    async with Post("a") as post:
        await post.set_up("a", rate=0.1)
        post.owe("a", 4)
        await post.step()
        await post.step()
        assert len(post.sender.sent) == 1
        await post.set_up("a", rate=None)
        await post.step()
        assert len(post.sender.sent) == 4


# Waking


async def test_with_nothing_to_do_it_looks_again_every_second() -> None:
    async with Post("a") as post:
        await post.step()
        post.owe("a", late=-0.5)
        await post.step()
        assert post.clock.slept == [1.0, 1.0]
        await post.step()
        assert post.states() == ["done"]


async def test_what_is_committed_while_it_claims_is_claimed_at_once() -> None:
    async with Post("a") as post:

        async def commit() -> None:
            post.owe("a")
            post.deliverer.wake()

        post.store.meanwhile["claim"] = commit
        await post.deliverer.step()
        assert post.clock.slept == []
        await post.step()
        assert post.states() == ["done"]


@pytest.mark.parametrize(("owed", "woken"), [(3, False), (4, True), (5, True)])
async def test_an_attempt_that_ends_wakes_it_only_where_its_endpoint_may_be_owed_more(owed: int, woken: bool) -> None:
    async with Post("a", clock=StillClock()) as post:
        post.owe("a", owed)
        gate = post.hang("a")
        step = asyncio.create_task(post.deliverer.step())
        await settle_down()
        gate.set()
        await settle_down()
        assert post.states().count("done") == min(owed, 4)
        assert step.done() is woken
        step.cancel()
        await asyncio.wait([step])


async def test_where_all_places_were_taken_every_attempt_that_ends_wakes_it() -> None:
    async with Post("a", "b", limits=Limits(per_endpoint=2, in_all=1), clock=StillClock()) as post:
        post.owe("a")
        gate = post.hang("a")
        step = asyncio.create_task(post.deliverer.step())
        await settle_down()
        post.owe("b")
        gate.set()
        await step
        step = asyncio.create_task(post.deliverer.step())
        await settle_down()
        assert post.sent_to() == ["a", "b"]
        step.cancel()
        await asyncio.wait([step])


async def woken_by(post: Post, change: Callable[[], Awaitable[object]]) -> bool:
    """Whether a deliverer that waits for something to happen is woken by the change."""
    step = asyncio.create_task(post.deliverer.step())
    await settle_down()
    await change()
    await settle_down()
    woken = step.done()
    step.cancel()
    await asyncio.wait([step])
    return woken


async def test_it_is_woken_where_a_breaker_closes() -> None:
    health = Health(opened=1, failures_in_a_row=5, failing_since=NOON, failed=5, open_until=NOON)
    async with Post("a", clock=StillClock()) as post:
        await post.set_up("a", health=health)
        post.owe("a", 3)
        gate = post.hang("a")

        async def answer() -> None:
            assert len(post.sender.sent) == 1
            gate.set()

        assert await woken_by(post, answer)
        assert not await woken_by(post, settle_down)
        assert post.states() == ["done"] * 3


@pytest.mark.parametrize("code", [200, None])
async def test_it_is_woken_where_the_next_of_a_batch_may_go(code: int | None) -> None:
    async with Post("a", clock=StillClock()) as post:
        await post.set_up("a", ordering="batch", concurrency=1)
        post.owe("a")
        gate = post.hang("a")
        post.sender.script("a", answered(code, error=None if code else "too_large"))

        async def answer() -> None:
            gate.set()

        assert await woken_by(post, answer)
        assert post.states() == ["done" if code else "dead"]


async def test_it_is_woken_where_others_are_owed_an_operator_event() -> None:
    health = Health(failures_in_a_row=3, failing_since=NOON, failed=3)
    async with Post("a", "b", clock=StillClock()) as post:
        await post.set_up("a", health=health)
        await post.set_up("b", types=("endpoint.*",))
        post.owe("a")
        gate = post.hang("a")
        post.sender.script("a", answered(500))

        async def answer() -> None:
            gate.set()

        assert await woken_by(post, answer)
        [told] = post.ear.of(EndpointTold)
        assert told == EndpointTold(endpoint="a", type="endpoint.failing", position=2, deliveries=1)
        assert not await woken_by(post, settle_down)
        assert post.sent_to() == ["a", "b"]


async def test_it_is_woken_where_one_is_out_of_trouble() -> None:
    async with Post("a", clock=StillClock()) as post:
        post.store.put_endpoints(endpoint("a", health=Health(failures_in_a_row=1, failing_since=NOON, failed=1)))
        await post.deliverer.report()
        post.owe("a")
        gate = post.hang("a")

        async def answer() -> None:
            gate.set()

        assert await woken_by(post, answer)


# What the store does not take


async def test_a_store_that_cannot_claim_is_asked_again() -> None:
    async with Post("a") as post:
        post.owe("a")
        post.store.failing = {"claim"}
        with pytest.raises(StoreError):
            await post.step()
        post.store.failing = set()
        await post.step()
        assert post.states() == ["done"]


async def test_what_was_accepted_is_written_down_as_soon_as_the_store_can_and_not_sent_again() -> None:
    async with Post("a") as post:
        post.owe("a")
        post.store.failing = {"settle"}
        await post.deliverer.step()
        await settle_down(10)
        await post.deliverer.step()
        assert (post.states(), post.ear.heard) == (["pending"], [])
        post.store.failing = set()
        await settle_down()
        assert (post.states(), len(attempts(post)), post.sender.sent) == (["done"], 1, [("a", "evt_1")])


async def test_while_what_came_of_attempts_cannot_be_written_down_nothing_more_is_sent() -> None:
    clock = UntilTold(draws=(0.0,))
    async with Post("a", "b", clock=clock) as post:
        post.owe("a")
        post.store.failing = {"settle"}
        stepping = asyncio.create_task(post.step())
        await settle_down()
        post.owe("b")
        post.deliverer.wake()
        await stepping
        again = asyncio.create_task(post.step())
        await settle_down()
        assert post.sent_to() == ["a"]
        post.store.failing = set()
        clock.told.set()
        await settle_down()
        post.deliverer.wake()
        await again
        post.deliverer.wake()
        last = asyncio.create_task(post.step())
        await settle_down()
        assert post.sent_to() == ["a", "b"]
        last.cancel()


async def test_what_could_not_be_written_down_within_its_lease_is_sent_again_under_the_same_id() -> None:
    async with Post("a") as post:
        post.owe("a")
        post.store.failing = {"settle"}
        await post.step()
        await settle_down(200)
        assert [type(error) for error in post.errands.failed] == [StoreError]
        assert post.clock.now() - NOON <= timedelta(seconds=45)
        post.store.failing = set()
        while post.states() != ["done"]:
            await post.step()
        assert post.clock.now() - NOON >= timedelta(seconds=45)
        assert post.sender.sent == [("a", "evt_1")] * 2
        assert [news.outcome for news in attempts(post)] == ["lost", "done"]


async def test_an_attempt_whose_claim_went_to_another_is_told_as_one_of_which_nothing_became() -> None:
    async with Post("a") as post:
        post.owe("a")
        gate = post.hang("a")
        post.sender.script("a", answered(410))
        await post.step()
        post.store.claims[1] = ("another", NOON)
        gate.set()
        await settle_down()
        assert (post.states(), post.ear.heard) == (["pending"], attempts(post))
        assert [(news.outcome, news.code) for news in attempts(post)] == [("lost", 410)]


async def test_what_is_kept_because_its_endpoint_was_disabled_meanwhile_is_told_as_held() -> None:
    async with Post("a") as post:
        post.owe("a", 3)
        post.sender.script("a", answered(410), answered(500), answered(200))
        await post.step()
        assert [(news.code, news.outcome) for news in attempts(post)] == [(410, "held"), (500, "held"), (200, "done")]
        assert post.states() == ["held", "held", "done"]


# Claims


async def test_every_claim_has_a_token_of_its_own() -> None:
    async with Post("a", "b") as post:
        for name in ("a", "b", "b"):
            post.owe(name)
            post.hang(name)
            await post.step()
        tokens = [token for token, _ in post.store.claims.values()]
        assert (len(set(tokens)), {token.partition(".")[0] for token in tokens}) == (3, {"mine"})


async def test_what_flies_is_not_sent_beside_itself_when_the_clock_is_set_forward() -> None:
    async with Post("a") as post:
        post.owe("a")
        gate = post.hang("a")
        await post.step()
        for _ in range(3):
            post.clock.turn(hours=1)
            await post.step()
        gate.set()
        await settle_down()
        assert (post.sender.sent, post.states()) == ([("a", "evt_1")], ["done"])
        assert [(news.outcome, news.attempts) for news in attempts(post)] == [("done", 1)]
        assert post.store.claims == {}


async def test_what_flies_takes_one_place_however_often_it_is_claimed() -> None:
    async with Post("a", limits=Limits(per_endpoint=2)) as post:
        post.owe("a")
        gate = post.hang("a")
        for _ in range(3):
            await post.step()
            post.clock.turn(hours=1)
        post.owe("a", 5)
        for _ in range(3):
            await post.step()
        assert len(post.sender.sent) == 2
        gate.set()
        while post.states() != ["done"] * 6:
            await post.step()
        assert len(post.sender.sent) == 6


async def test_what_is_claimed_anew_while_it_is_settled_is_settled_under_the_new_claim() -> None:
    async with Post("a") as post:
        post.owe("a")
        settling = post.store.gates["settle"] = asyncio.Event()
        await post.step()
        post.clock.turn(hours=1)
        await post.step()
        settling.set()
        await settle_down()
        assert (post.sender.sent, post.states()) == ([("a", "evt_1")], ["done"])
        assert [news.outcome for news in attempts(post)] == ["done"]


async def test_an_attempt_that_fails_inside_frees_its_place_and_is_tried_again_after_the_lease() -> None:
    async with Post("a", limits=Limits(per_endpoint=1)) as post:
        post.owe("a", late=1.0)
        post.owe("a")
        post.sender.raises["a"] = ZeroDivisionError("a mistake of ours")
        await post.step()
        assert [type(error) for error in post.errands.failed] == [ZeroDivisionError]
        del post.sender.raises["a"]
        await post.step()
        assert post.states() == ["pending", "done"]
        post.clock.turn(seconds=45)
        await post.step()
        assert post.states() == ["done", "done"]


@pytest.mark.parametrize(("timeout", "lease"), [(15, 45), (30, 75)])
async def test_a_lease_is_twice_the_longest_time_out_and_fifteen_seconds(timeout: int, lease: int) -> None:
    async with Post("a", "b") as post:
        await post.set_up("a", timeout=timedelta(seconds=timeout))
        for name in "ab":
            post.owe(name)
            post.hang(name)
        await post.step()
        assert {until - NOON for _, until in post.store.claims.values()} == {timedelta(seconds=lease)}


# Endpoints that come and go


async def test_what_is_set_up_otherwise_while_it_is_claimed_is_sent_as_it_is_then() -> None:
    async with Post("a") as post:
        post.owe("a")

        async def change() -> None:
            changed = endpoint("a", url="https://new.example", version=1)
            post.book.name({"a": changed})
            post.book.put(changed)

        post.store.meanwhile["claim"] = change
        await post.step()
        assert [to.url for to, _ in post.sender.messages] == ["https://new.example"]


async def test_what_was_claimed_for_an_endpoint_that_is_removed_is_not_sent_and_stays_held() -> None:
    async with Post("a", "b") as post:
        post.owe("a")
        post.owe("b")

        async def remove() -> None:
            await post.store.remove_endpoint("a")
            post.book.remove("a")

        post.store.meanwhile["claim"] = remove
        await post.step()
        assert (post.sender.sent, post.states(), post.errands.failed) == ([("b", "evt_2")], ["held", "done"], [])


async def test_what_comes_of_an_attempt_is_written_down_though_its_endpoint_was_removed_meanwhile() -> None:
    async with Post("a") as post:
        post.owe("a", 2)
        gate = post.hang("a")
        post.sender.script("a", answered(200), answered(500))
        await post.step()
        await post.store.remove_endpoint("a")
        post.book.remove("a")
        await post.deliverer.report()
        assert post.ear.heard == []  # something of it is still to be told
        gate.set()
        await settle_down()
        assert (post.states(), post.errands.failed) == (["done", "held"], [])
        assert [news.outcome for news in attempts(post)] == ["done", "held"]


async def test_one_that_was_removed_is_told_to_be_when_nothing_of_it_flies() -> None:
    async with Post("a", "b") as post:
        await post.deliverer.report()
        await post.store.remove_endpoint("a")
        post.book.remove("a")
        post.ear.heard.clear()
        for _ in range(2):
            await post.deliverer.report()
        left = Backlog(endpoint="b", pending=0, oldest_age=0.0, state="active")
        assert post.ear.heard == [left, EndpointChanged(endpoint="a", state="removed", reason="it was deleted"), left]


async def test_one_that_is_made_gets_what_it_is_owed_from_then_on() -> None:
    async with Post() as post:
        await post.step()
        made = await post.store.make_endpoint(endpoint("a", kept_by="api"), post.clock.now())
        assert made is not None
        post.book.put(made)
        post.owe("a")
        await post.step()
        assert post.states() == ["done"]


# What receivers ask for


async def test_a_receiver_that_is_gone_gets_nothing_more_and_that_is_told() -> None:
    async with Post("a", limits=Limits(per_endpoint=1)) as post:
        post.owe("a", 2)
        post.sender.script("a", answered(410))
        for _ in range(3):
            await post.step()
        assert len(post.sender.sent) == 1
        assert post.states() == ["held", "held"]
        assert post.ear.of(EndpointChanged) == [
            EndpointChanged(endpoint="a", state="disabled", reason="the receiver answered 410 Gone")
        ]


async def test_a_receiver_that_asks_for_a_pause_gets_it_whole_and_that_is_told() -> None:
    async with Post("a", limits=Limits(per_endpoint=1)) as post:
        post.owe("a", 2)
        post.sender.script("a", answered(503, retry_after=timedelta(seconds=60)), answered(200))
        await post.step()
        [paused] = post.ear.of(EndpointChanged)
        assert isinstance(paused, EndpointChanged)
        assert paused.until is not None
        assert paused == EndpointChanged(
            endpoint="a", state="paused", reason="the receiver answered 503 with Retry-After", until=paused.until
        )
        while post.clock.now() < paused.until:
            assert len(post.sender.sent) == 1
            await post.step()
        while DeliveryState.PENDING in post.states():
            await post.step()
        assert [(news.outcome, news.attempts) for news in attempts(post)] == [("returned", 0), ("done", 1), ("done", 1)]


async def test_a_breaker_that_opens_is_told_and_nothing_but_a_probe_is_sent_until_it_closes() -> None:
    async with Post("a", limits=Limits(per_endpoint=1)) as post:
        post.owe("a", 7)
        post.sender.script("a", *(answered(500) for _ in range(6)), answered(200))
        for _ in range(10):
            await post.step()
        assert len(post.sender.sent) == 5
        while DeliveryState.PENDING in post.states():
            await post.step()
        opened, closed = post.ear.of(EndpointChanged)
        assert isinstance(opened, EndpointChanged)
        assert opened.until is not None
        reason = "too much failed, 5 in a row at last; the last: the receiver answered 500"
        assert opened == EndpointChanged(endpoint="a", state="open", reason=reason, until=opened.until)
        assert closed == EndpointChanged(endpoint="a", state="active", reason="nothing holds it back any more")
        between = post.sent_at("a")[5:7]
        assert between[0] >= opened.until
        assert between[1] - between[0] >= timedelta(seconds=60)


async def test_a_proxy_that_fails_pauses_the_endpoint_and_that_is_told_in_its_words() -> None:
    async with Post("a") as post:
        post.owe("a")
        post.sender.script("a", answered(None, error="proxy", detail="502 Bad Gateway"), answered(200))
        await post.step()
        [paused] = post.ear.of(EndpointChanged)
        assert isinstance(paused, EndpointChanged)
        assert (paused.state, paused.reason) == ("paused", "proxy: 502 Bad Gateway")


# Reports, and the end


async def test_the_report_says_what_every_endpoint_is_owed_and_every_state_once() -> None:
    async with Post("a", "b", "c") as post:
        post.owe("a", 2, late=5.0)
        until = NOON + timedelta(seconds=1)
        post.store.put_endpoints(
            replace(post.endpoints["b"], paused_until=until),
            replace(post.endpoints["c"], state=EndpointState.DISABLED, disabled_reason="gone", paused_until=until),
        )
        paused = "the receiver or a proxy asked for it, or no file was left"
        owed = [
            Backlog(endpoint="a", pending=2, oldest_age=5.0, state="active"),
            Backlog(endpoint="b", pending=0, oldest_age=0.0, state="paused"),
            Backlog(endpoint="c", pending=0, oldest_age=0.0, state="disabled"),
        ]
        await post.deliverer.report()
        assert post.ear.heard == [
            EndpointChanged(endpoint="b", state="paused", reason=paused, until=until),
            EndpointChanged(endpoint="c", state="disabled", reason="gone"),
            *owed,
        ]
        post.ear.heard.clear()
        await post.deliverer.report()
        assert post.ear.heard == owed
        post.clock.turn(seconds=1)
        post.ear.heard.clear()
        await post.deliverer.report()
        assert post.ear.heard == [
            EndpointChanged(endpoint="b", state="active", reason="nothing holds it back any more"),
            Backlog(endpoint="a", pending=2, oldest_age=6.0, state="active"),
            Backlog(endpoint="b", pending=0, oldest_age=0.0, state="active"),
            Backlog(endpoint="c", pending=0, oldest_age=0.0, state="disabled"),
        ]


async def test_nothing_is_reported_of_an_endpoint_that_is_not_in_the_settings() -> None:
    async with Post("a") as post:
        post.store.put_endpoints(Endpoint(id="b", url="https://b.example", state=EndpointState.REMOVED))
        await post.deliverer.report()
        assert post.ear.heard == [Backlog(endpoint="a", pending=0, oldest_age=0.0, state="active")]


async def test_pauses_are_told_when_they_begin_and_when_they_end() -> None:
    async with Post("a") as post:
        post.owe("a", 3)
        post.sender.script("a", answered(429, retry_after=timedelta(seconds=60)))
        for _ in range(2):
            await post.step()
            await post.deliverer.report()
            post.clock.turn(hours=2)
            await post.deliverer.report()
        told = [news.state for news in post.ear.of(EndpointChanged) if isinstance(news, EndpointChanged)]
        assert told == ["paused", "active", "paused", "active"]


async def test_at_the_end_what_was_claimed_is_given_back() -> None:
    async with Post("a") as post:
        post.owe("a", 2)
        post.hang("a")
        await post.step()
        assert len(post.store.claims) == 2
        await post.deliverer.release()
        assert post.store.claims == {}


async def test_what_was_claimed_in_turn_and_not_settled_is_given_back_claim_by_claim() -> None:
    async with Post("a", "b") as post:
        for name in ("a", "b"):
            post.owe(name)
            post.hang(name)
            await post.step()
        post.store.claims[99] = ("another", NOON)
        await post.deliverer.release()
        assert post.store.claims == {99: ("another", NOON)}


async def test_a_claim_whose_answer_nobody_waited_for_is_given_back() -> None:
    async with Post("a") as post:
        post.owe("a")
        step = asyncio.create_task(post.deliverer.step())

        async def end() -> None:
            step.cancel()
            await asyncio.sleep(0)

        post.store.meanwhile["claim"] = end
        await asyncio.wait([step])
        assert (step.cancelled(), post.sender.sent, len(post.store.claims)) == (True, [], 1)
        await post.deliverer.release()
        assert post.store.claims == {}
