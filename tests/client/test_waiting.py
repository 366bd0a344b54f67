"""Waiting, with a watcher made up: it answers as its script says."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from watcher.client.errors import NotThere, TryLater, Unreachable, WatcherError
from watcher.client.patience import Patience
from watcher.client.waiting import FINAL, REFUSED_ROUNDS, Ears, Ended, Pace, Vigil, wait
from watcher.client.watches import Account, Event, Key, Outcome, Row, Transition, Watch

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNKNOWN = NotThere("x", kind="not-followed")


def watch(state: str, *statuses: str) -> Watch:
    transitions = [
        Transition(number=number, type="t", timestamp=NOON, status=status) for number, status in enumerate(statuses, 1)
    ]
    return Watch(
        account="a",
        batch_id=0,
        state=state,
        status=statuses[-1] if statuses else None,
        final=state == "settled",
        transitions=tuple(transitions),
    )


def event(batch_id: int, number: int, status: str | None, kind: str = "batch.active", account: str = "a") -> Event:
    data = {"account": account, "batch_id": batch_id, "number": number, "status": status, "final": status in FINAL}
    return Event(position=number, id="evt", type=kind, timestamp=NOON, data=data)


REFUSAL = Event(position=9, id="evt", type="account.refused", timestamp=NOON, data={"account": "a"})


ROUNDS = Pace(first=0, poll=0, calm=0)
STREAM_ONLY = Pace(first=0, poll=0, calm=3600)


LONG = 3600.0
"""Seconds that nothing here takes."""


class MadeUp:
    """For each batch one watch after the other, the last one for ever; and streams, one after the other."""

    def __init__(
        self,
        watches: Mapping[int, Sequence[Watch | WatcherError]],
        conditions: Sequence[str] = ("ok",),
        flows: Sequence[Sequence[Event | None] | WatcherError] = (),
    ) -> None:
        self._script = {batch_id: [*answers] for batch_id, answers in watches.items()}
        self._conditions = list(conditions)
        self._flows = list(flows)
        self._shown: dict[int, Watch] = {}
        self.followed: list[int] = []
        self.asked: list[int] = []
        self.held: list[tuple[float | None, str | None]] = []

    async def watch(
        self, batch_id: int, *, account: str | None = None, wait: float | None = None, etag: str | None = None
    ) -> Watch:
        self.asked.append(batch_id)
        self.held.append((wait, etag))
        script = self._script[batch_id]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, WatcherError):
            raise answer
        self._shown[batch_id] = answer
        return answer

    async def follow_many(self, rows: Any) -> AsyncGenerator[Sequence[Outcome], None]:
        batches: list[Row] = list(rows)
        self.followed += [row.batch_id for row in batches]
        yield [Outcome(where="", result="created") for _ in batches]

    async def events(
        self, *, after: int = 0, account: str | None = None, batch_id: int | None = None
    ) -> AsyncGenerator[Event, None]:
        """The log that goes with the watch as it was last shown."""
        assert batch_id is not None
        for transition in self._shown[batch_id].transitions:
            if transition.number > after:
                yield event(batch_id, transition.number, transition.status)

    async def flow(self, account: str | None) -> AsyncGenerator[Event | None, None]:
        if not self._flows:
            await asyncio.Event().wait()
        flow = self._flows.pop(0)
        if isinstance(flow, WatcherError):
            raise flow
        for each in flow:
            yield each
        if not self._flows:
            await asyncio.Event().wait()

    async def all_accounts(self) -> Sequence[Account]:
        condition = self._conditions.pop(0) if len(self._conditions) > 1 else self._conditions[0]
        return [Account(name="a", condition=condition, reason="CallFire answered 401")]


class Told(list[Any]):
    def hear(self, told: Event) -> None:
        self.append((told.data["batch_id"], told.data["status"]))


async def rounds(
    asked: MadeUp, *ids: int, most: int, until: Sequence[str] = FINAL, any_: bool = False
) -> tuple[Mapping[int, str], list[Any]]:
    told = Told()
    vigil = Vigil(asked, [Key("a", number) for number in ids], until=until, told=told.hear)
    await vigil.begin()
    for _ in range(most):
        if vigil.over(any_=any_):
            break
        await vigil.round()
    return {key.batch_id: how for key, how in vigil.ended().how.items()}, told


def patience(most: float = 60.0) -> Patience:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    return Patience(most, sleep, lambda line: None, lambda: 1.0)


async def waited(
    asked: MadeUp,
    *ids: int,
    until: Sequence[str] = FINAL,
    any_: bool = False,
    pace: Pace = ROUNDS,
    timeout: float | None = None,
    account: str = "a",
) -> tuple[Ended, list[Any]]:
    told = Told()
    vigil = Vigil(asked, [Key(account, number) for number in ids], until=until, told=told.hear)
    ended = await wait(asked, vigil, any_=any_, timeout=timeout, patience=patience(), pace=pace)
    return ended, told


async def test_it_follows_what_is_not_followed_and_what_was_given_up() -> None:
    asked = MadeUp(
        {
            1: [UNKNOWN, watch("open"), watch("settled", "NEW", "ACTIVE")],
            2: [watch("expired", "NEW"), watch("settled", "NEW", "ERRORS")],
            3: [watch("open", "NEW", "VALIDATING"), watch("settled", "NEW", "VALIDATING", "ACTIVE")],
        }
    )
    how, told = await rounds(asked, 1, 2, 3, most=5)
    assert how == {1: "ACTIVE", 2: "ERRORS", 3: "ACTIVE"}
    assert asked.followed == [1, 2]
    assert told == [
        (3, "VALIDATING"),
        *((2, "NEW"), (2, "ERRORS"), (3, "ACTIVE"), (1, "NEW"), (1, "ACTIVE")),
    ]


@pytest.mark.parametrize("ended", [UNKNOWN, watch("missing", "NEW"), watch("expired"), watch("stopped", "NEW")])
async def test_a_batch_that_is_followed_no_more_is_gone(ended: Watch | WatcherError) -> None:
    how, _ = await rounds(MadeUp({1: [watch("open"), ended]}), 1, most=5)
    assert how == {1: "gone"}


async def test_an_account_that_is_not_there_is_told() -> None:
    with pytest.raises(NotThere, match="no account"):
        await rounds(MadeUp({1: [NotThere("no account", kind="unknown-account")]}), 1, most=1)


async def test_a_refused_account_ends_the_wait_once_that_is_sure() -> None:
    asked = MadeUp({1: [watch("open")]}, list(itertools.repeat("refused", REFUSED_ROUNDS)))
    how, _ = await rounds(asked, 1, most=REFUSED_ROUNDS)
    assert how == {1: "refused"}
    recovered = [*itertools.repeat("refused", REFUSED_ROUNDS - 1), "ok", "refused"]
    how, _ = await rounds(MadeUp({1: [watch("open")]}, recovered), 1, most=REFUSED_ROUNDS + 1)
    assert how == {1: "timeout"}


async def test_of_very_many_each_gets_its_turn() -> None:
    asked = MadeUp({number: [watch("open")] for number in range(1, 121)})
    await rounds(asked, *range(1, 121), most=5)
    later = asked.asked[120:]
    assert len(later) == 250
    assert {number: later.count(number) for number in range(1, 121)} == {
        number: 3 if number <= 10 else 2 for number in range(1, 121)
    }


async def test_where_nothing_waits_any_more_a_round_asks_nothing() -> None:
    asked = MadeUp({1: [watch("settled", "ACTIVE")]})
    await rounds(asked, 1, most=0)
    vigil = Vigil(asked, [], until=FINAL, told=lambda event: None)
    await vigil.round()
    assert asked.asked == [1]


@pytest.mark.parametrize(
    ("until", "script", "how", "reached"),
    [
        (["VALIDATING"], [watch("open", "NEW"), watch("open", "NEW", "VALIDATING")], "VALIDATING", True),
        (["NEW"], [watch("open", "VALIDATING")], "VALIDATING", True),
        (["VALIDATING"], [watch("settled", "NEW", "ACTIVE")], "ACTIVE", True),
        (["ERRORS"], [watch("settled", "ACTIVE")], "ACTIVE", False),
        (["ERRORS", "ACTIVE"], [watch("settled", "ACTIVE")], "ACTIVE", True),
        (["ACTIVE"], [watch("open", "PARKED"), watch("missing", "PARKED")], "gone", False),
    ],
)
async def test_it_waits_for_a_status_also_one_that_is_passed_already(
    until: list[str], script: list[Watch], how: str, reached: bool
) -> None:
    ended, _ = await waited(MadeUp({1: script}), 1, until=until)
    assert ended == Ended(how={Key("a", 1): how}, reached=frozenset([Key("a", 1)] if reached else []))


async def test_the_stream_tells_it_and_nothing_is_asked_but_at_its_beginning() -> None:
    flow = [
        None,
        event(7, 1, "NEW"),
        event(1, 1, "NEW", "batch.new"),
        event(1, 2, "ACTIVE"),
        event(2, 1, None, "batch.missing"),
        event(3, 1, "NEW", "watch.expired"),
    ]
    asked = MadeUp({number: [watch("open")] for number in (1, 2, 3)}, flows=[flow])
    ended, told = await waited(asked, 1, 2, 3, pace=STREAM_ONLY)
    assert ended.how == {Key("a", 1): "ACTIVE", Key("a", 2): "gone", Key("a", 3): "gone"}
    assert told == [(1, "NEW"), (1, "ACTIVE"), (2, None), (3, "NEW")]
    assert len(asked.asked) in (3, 6)  # the round at its beginning may find that all is told already


async def test_an_event_that_comes_twice_is_told_once_and_one_that_was_missed_is_asked_for() -> None:
    flow = [None, event(1, 1, "NEW"), event(1, 1, "NEW"), event(1, 3, "ACTIVE")]
    asked = MadeUp({1: [watch("open"), watch("open"), watch("settled", "NEW", "VALIDATING", "ACTIVE")]}, flows=[flow])
    ended, told = await waited(asked, 1)
    assert ended.how == {Key("a", 1): "ACTIVE"}
    assert sorted(told) == [(1, "ACTIVE"), (1, "NEW"), (1, "VALIDATING")]


@pytest.mark.parametrize("told", [REFUSAL, event(1, 2, "ACTIVE")])
async def test_a_refusal_and_a_gap_in_the_numbers_are_looked_into(told: Event) -> None:
    vigil = Vigil(MadeUp({1: [watch("open")]}), [Key("a", 1)], until=FINAL, told=lambda event: None)
    await vigil.begin()
    await vigil.round()
    assert not vigil.wary
    await vigil.hear(told)
    assert vigil.wary


async def test_a_refused_account_ends_the_whole_wait_and_says_why() -> None:
    ended, _ = await waited(MadeUp({1: [watch("open")]}, ["refused"]), 1)
    assert ended == Ended(how={Key("a", 1): "refused"}, refusals={"a": "CallFire answered 401"})


async def test_without_a_stream_it_is_asked_for_in_rounds() -> None:
    script: list[Watch | WatcherError] = [
        watch("open"),
        watch("open", "NEW"),
        Unreachable("gone"),
        TryLater("busy"),
        watch("settled", "NEW", "ACTIVE"),
    ]
    ended, told = await waited(MadeUp({1: script}, flows=[NotThere("no stream"), [None], [None]]), 1)
    assert ended.how == {Key("a", 1): "ACTIVE"}
    assert told == [(1, "NEW"), (1, "ACTIVE")]


async def test_where_one_alone_is_left_without_a_stream_its_change_is_waited_for() -> None:
    script = [watch("open", "NEW"), watch("open", "NEW"), watch("settled", "NEW", "ACTIVE")]
    asked = MadeUp({1: [replace(each, etag=f"W/{number}") for number, each in enumerate(script)]})
    ended, _ = await waited(asked, 1, pace=Pace(first=0, poll=0, calm=15))
    assert ended.how == {Key("a", 1): "ACTIVE"}
    assert asked.held == [(None, None), (None, None), (15, "W/1")]  # at first what was missed is asked for


@pytest.mark.parametrize("cut", [TryLater("x", kind="too-many-waiting"), Unreachable("x", kind="something-else")])
async def test_where_a_change_cannot_be_waited_for_it_is_asked_for(cut: WatcherError) -> None:
    asked = MadeUp({1: [watch("open"), watch("open"), cut, watch("settled", "ACTIVE")]})
    ended, _ = await waited(asked, 1, pace=Pace(first=0, poll=0, calm=15))
    assert ended.how == {Key("a", 1): "ACTIVE"}
    assert [hold for hold, _ in asked.held] == [None, None, 15, None]


async def test_several_are_not_waited_for_one_by_one() -> None:
    asked = MadeUp({number: [watch("open")] * 3 + [watch("settled", "ACTIVE")] for number in (1, 2)})
    await waited(asked, 1, 2, pace=Pace(first=0, poll=0, calm=15))
    assert {hold for hold, _ in asked.held} == {None}


async def test_a_daemon_that_never_answers_or_stays_away_ends_the_wait() -> None:
    with pytest.raises(Unreachable, match=r"^nobody$") as ended:
        await waited(MadeUp({1: [Unreachable("nobody")]}), 1)
    assert ended.value.kind == ""
    with pytest.raises(Unreachable, match=r"^gone for good$") as ended:
        await waited(MadeUp({1: [watch("open"), Unreachable("gone for good")]}), 1)
    assert ended.value.kind == "left"


async def test_with_any_one_is_enough_and_after_the_time_none_is_needed() -> None:
    asked = MadeUp({1: [watch("open")], 2: [watch("settled", "ACTIVE")]})
    ended, _ = await waited(asked, 1, 2, any_=True)
    assert ended.how == {Key("a", 1): "timeout", Key("a", 2): "ACTIVE"}
    ended, _ = await waited(MadeUp({1: [watch("open")]}), 1, timeout=0.02)
    assert ended.how == {Key("a", 1): "timeout"}
    for any_ in (True, False):
        assert (await waited(MadeUp({}), any_=any_, timeout=LONG))[0] == Ended(how={})


def test_the_account_is_the_one_that_all_are_of() -> None:
    for keys, account in (([Key("a", 1), Key("a", 2)], "a"), ([Key("a", 1), Key("b", 1)], None)):
        assert Vigil(MadeUp({}), keys, until=FINAL, told=lambda event: None).account == account


async def test_streams_that_are_dry_are_counted_until_one_flows() -> None:
    dry: list[int] = []

    async def again(times: int) -> None:
        dry.append(times)
        if len(dry) == 4:
            raise asyncio.CancelledError

    none = NotThere("no stream")
    with pytest.raises(asyncio.CancelledError):
        await Ears(MadeUp({}, flows=[none, [], [None], none, [None]]), None, again).listen()
    assert dry == [1, 2, 0, 1]
