"""The play: what a strategy is told, what CallFire shows, and what is counted."""

from collections.abc import Sequence

import numpy as np
import pytest

from watcher.planning.play import Ask, CallFire, Outcome, Row, Told, play, together
from watcher.planning.workload import Validation


def batch(batch_id: int, begins: float, ends: float, *, broadcast_id: int = 1, size: int = 50) -> Validation:
    return Validation(batch_id=batch_id, broadcast_id=broadcast_id, begins=begins, ends=ends, size=size)


class Script:
    """Asks what it was given, one after another, and keeps what it heard."""

    def __init__(self, asks: Sequence[Ask | None]) -> None:
        self._asks = iter(asks)
        self.registered: list[tuple[int, float]] = []
        self.told: list[Told] = []

    def register(self, batch: Validation, now: float) -> None:
        self.registered.append((batch.batch_id, now))

    def choose(self, now: float) -> Ask | None:
        return next(self._asks)

    def heard(self, ask: Ask, told: Told) -> None:
        self.told.append(told)


def test_a_delay_is_from_the_end_to_the_look_that_sees_it_and_looks_in_vain_count_as_requests() -> None:
    one = Ask(batch_id=1)
    script = Script([one, None, one, one])
    outcome = play(script, CallFire(batches=[batch(1, 0.5, 2.5)]), rate=1.0, seconds=3.0)
    assert script.registered == [(1, 1.0)]
    assert [told.rows[0].done for told in script.told] == [False, True]
    assert outcome.delays.tolist() == [0.5]
    assert outcome.requests == 2


def test_one_that_ends_in_time_is_looked_for_until_it_is_found_and_later_requests_do_not_count() -> None:
    outcome = play(Script([None] * 5 + [Ask(batch_id=1)] * 2), CallFire(batches=[batch(1, 0, 2)]), rate=1, seconds=3)
    assert outcome.delays.tolist() == [4.0]
    assert outcome.requests == 0


def test_what_is_not_found_in_so_long_is_given_up_and_counts_as_if_it_were_found_then() -> None:
    batches = [batch(1, 0, 2), batch(2, 0, 3), batch(3, 0, 1), batch(4, 0, 99)]
    outcome = play(Script([None] * 20), CallFire(batches=batches), rate=1, seconds=3, patience=5, warm_up=1.5)
    assert sorted(outcome.delays.tolist()) == [6.0, 7.0]


def test_an_answer_takes_its_time_and_is_as_things_are_half_way() -> None:
    script = Script([Ask(batch_id=1)] * 9)
    outcome = play(script, CallFire(batches=[batch(1, 0, 2.9)]), rate=1, seconds=3, latency=2.0)
    assert [(told.asked, told.answered, told.rows[0].done) for told in script.told[:2]] == [(1, 3, False), (2, 4, True)]
    assert outcome.delays.tolist() == [pytest.approx(1.1)]


def test_what_ends_during_the_warm_up_does_not_count() -> None:
    asks = [Ask(batch_id=each) for each in (1, 1, 2, 2, 2, 2)]
    batches = [batch(1, 0, 1.5), batch(2, 0, 3.5)]
    outcome = play(Script(asks), CallFire(batches=batches), rate=1, seconds=4, warm_up=2.0)
    assert outcome.delays.tolist() == [0.5]
    assert outcome.requests == 2


def test_a_budget_may_change() -> None:
    script = Script([Ask(batch_id=1)] * 20)
    play(script, CallFire(batches=[batch(1, 0, 4)]), rate=lambda now: 2.0 if now < 2 else 1.0, seconds=4)
    assert [told.asked for told in script.told] == [0.5, 1.0, 1.5, 2.0, 3.0, 4.0]


def test_somebody_hears_now_and_then_how_far_it_is() -> None:
    heard: list[float] = []
    play(Script([None] * 31), CallFire(batches=[]), rate=1, seconds=30, passing=heard.append)
    assert heard == [1.0, 11.0, 21.0]


def test_a_page_shows_what_was_made_by_then_in_that_order_and_how_many_there_are() -> None:
    batches = [batch(1, 2, 9), batch(2, 1, 3), batch(3, 5, 9), batch(4, 0, 9, broadcast_id=2)]
    rows, total = CallFire(batches=batches).answer(Ask(broadcast_id=1, limit=1, offset=1), 4.0)
    assert rows == [Row(batch_id=1, broadcast_id=1, done=False, size=50, begun=2)]
    assert total == 2
    assert CallFire(batches=batches, counted=False).answer(Ask(broadcast_id=1), 9.0)[1] is None


@pytest.mark.parametrize(
    ("sizes", "shown"), [("known", [50, 50, 50]), ("late", [None, 50, 50]), ("unknown", [None, None, 50])]
)
def test_a_size_is_shown_at_once_or_late_or_at_the_end(sizes: str, shown: list[int | None]) -> None:
    callfire = CallFire(batches=[batch(1, 0, 10)], sizes=sizes)  # type: ignore[arg-type]
    assert [callfire.answer(Ask(batch_id=1), now)[0][0].size for now in (4.0, 6.0, 10.0)] == shown


def test_a_batch_without_a_size_shows_none_even_when_it_is_done() -> None:
    assert CallFire(batches=[batch(1, 0, 1, size=0)]).answer(Ask(batch_id=1), 2.0)[0][0].size is None


def test_outcomes_together_are_those_of_all_draws() -> None:
    both = together([Outcome(delays=np.array([1.0, 2.0]), requests=3), Outcome(delays=np.array([6.0]), requests=4)])
    assert (both.mean, both.quantile(0.5), both.requests) == (3.0, 2.0, 7)


def test_where_nothing_ended_nothing_was_late() -> None:
    nothing = Outcome(delays=np.zeros(0), requests=0)
    assert (nothing.mean, nothing.quantile(0.95)) == (0.0, 0.0)
