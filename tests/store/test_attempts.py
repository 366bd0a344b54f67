"""The port's promises about attempts: all that is known of each is kept."""

from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.store.making import answered, claim, endpoint, happen, settle_one
from watcher.core.endpoint import Attempt, AttemptRecord, Delivery, Timings
from watcher.core.outbox import settle
from watcher.ports import Store

MOMENT = timedelta(milliseconds=1)


@pytest.fixture
async def one(store: Store) -> Delivery:
    """The only delivery there is, claimed."""
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    return delivery


async def test_every_attempt_is_kept_with_all_that_is_known_of_it(store: Store, one: Delivery) -> None:
    timings = Timings(
        dns=timedelta(microseconds=180),
        connect=timedelta(microseconds=1),
        tls=timedelta(milliseconds=31),
        first_byte=timedelta(seconds=0.9),
    )
    attempt = Attempt(
        at=NOON,
        took=timedelta(seconds=1, microseconds=7),
        code=301,
        detail="elsewhere",
        answer=b"thanks \xff\x00",
        location="https://example.org/",
        address="192.0.2.1",
        timings=timings,
    )
    moved = settle(one, attempt, draw=0.0)
    await settle_one(store, moved)
    due = NOON + timedelta(minutes=1)
    [again] = await claim(store, due)
    failed = Attempt(at=due, took=timedelta(0), code=None, error="timeout")
    await settle_one(store, settle(again, failed, draw=0.0))
    details = await store.delivery(one.id)
    assert details is not None
    first, second = details.attempts
    assert first.next_due is not None
    assert moved.due is not None
    assert timedelta(0) <= first.next_due - moved.due < MOMENT
    assert first == AttemptRecord(attempt=attempt, cause="schedule", outcome="retried", next_due=first.next_due)
    later = due + timedelta(seconds=30)
    assert second == AttemptRecord(attempt=failed, cause="schedule", outcome="retried", next_due=later)


async def test_of_many_written_down_together_each_keeps_its_own_answer_and_words(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, *["batch.active"] * 5)
    answers = (b"", b"one \xff\x00", b"", b"x" * 16384, '{"two": "Zoë"}'.encode())
    words = ("", 'a "word"', "back\\slash", "Zoë", "\U0001f41d")
    attempts = {
        delivery.id: Attempt(
            at=NOON, took=MOMENT, code=200, detail=word, answer=answer, location=word, address="192.0.2.1"
        )
        for delivery, answer, word in zip(await claim(store, NOON), answers, words, strict=True)
    }
    claimed = await claim(store, NOON + timedelta(minutes=1))
    await store.settle([(settle(each, attempts[each.id], draw=0.0), "mine") for each in claimed])
    assert len(claimed) == 5
    for delivery_id, attempt in attempts.items():
        details = await store.delivery(delivery_id)
        assert details is not None
        assert [each.attempt for each in details.attempts] == [attempt]


async def test_an_attempt_that_was_held_or_ended_it_has_no_next(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active")
    done, gone = await claim(store, NOON)
    for delivery, code, outcome in ((done, 200, "done"), (gone, 410, "held")):
        await settle_one(store, answered(delivery, code, NOON))
        details = await store.delivery(delivery.id)
        assert details is not None
        assert [(each.outcome, each.next_due) for each in details.attempts] == [(outcome, None)]


async def test_an_attempt_that_asked_for_a_pause_says_until_when(store: Store, one: Delivery) -> None:
    pause = answered(one, 503, NOON, retry_after=timedelta(minutes=10))
    await settle_one(store, pause)
    details = await store.delivery(one.id)
    assert details is not None
    assert [(each.outcome, each.next_due) for each in details.attempts] == [("returned", pause.pause_until)]
    assert details.view.attempts == 0
