"""The scripts are what they claim to be."""

from collections.abc import Sequence

import numpy as np

from watcher.planning.play import Ask, CallFire, Strategy, Told, play
from watcher.planning.scripts import Backoff, Crowd, Every, ListPages, RoundRobin
from watcher.planning.workload import Validation


def batches(ends: Sequence[float], *, begins: float = 0.0, per_broadcast: int = 100) -> list[Validation]:
    return [
        Validation(batch_id=n + 1, broadcast_id=1 + n // per_broadcast, begins=begins, ends=end, size=10)
        for n, end in enumerate(ends)
    ]


class Heard:
    """A strategy, and all that it asked."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self.asked: list[tuple[float, Ask]] = []

    def register(self, batch: Validation, now: float) -> None:
        self._strategy.register(batch, now)

    def choose(self, now: float) -> Ask | None:
        ask = self._strategy.choose(now)
        if ask is not None:
            self.asked.append((now, ask))
        return ask

    def heard(self, ask: Ask, told: Told) -> None:
        self._strategy.heard(ask, told)

    def times(self) -> list[float]:
        return [at for at, _ in self.asked]


def test_backoff_waits_longer_each_time_up_to_a_bound() -> None:
    heard = Heard(Backoff(2.0, longest=5.0))
    play(heard, CallFire(batches=batches([30.0])), rate=1, seconds=31)
    # It is registered at the first token, at 1 s.
    assert heard.times() == [2, 3, 5, 9, 14, 19, 24, 29, 34]


def test_every_so_often_is_just_that() -> None:
    heard = Heard(Every(3.0))
    play(heard, CallFire(batches=batches([9.0])), rate=1, seconds=10)
    assert heard.times() == [4, 7, 10]


def test_round_robin_takes_turns_as_the_budget_allows() -> None:
    heard = Heard(RoundRobin())
    outcome = play(heard, CallFire(batches=batches([20.0, 20.5, 21.0])), rate=1, seconds=21)
    assert [ask.batch_id for _, ask in heard.asked[:7]] == [1, 2, 3, 1, 2, 3, 1]
    assert np.all((outcome.delays >= 0) & (outcome.delays <= 3.0))


def test_a_crowd_asks_as_much_as_it_may_and_nobody_twice_at_once_but_not_in_order() -> None:
    heard = Heard(Crowd(1.0, seed=3))
    outcome = play(heard, CallFire(batches=batches([200.0] * 10)), rate=1, seconds=200)
    first = [ask.batch_id for _, ask in heard.asked[:10]]
    assert outcome.requests == 199
    assert len(outcome.delays) == 10
    assert first != sorted(x for x in first if x is not None)


def test_a_crowd_waits_where_no_timer_rang() -> None:
    assert Crowd(1.5).choose(1.0) is None


def test_pages_are_listed_in_turns_and_broadcasts_left_out_when_all_is_done() -> None:
    heard = Heard(ListPages())
    outcome = play(heard, CallFire(batches=batches([2.0, 9.5, 3.0, 3.5], per_broadcast=2)), rate=1, seconds=10)
    assert [ask.broadcast_id for _, ask in heard.asked] == [1, 2, 1, 2, 1, 1, 1, 1, 1, 1]
    assert sorted(outcome.delays.tolist()) == [0.5, 0.5, 1.0, 1.0]


def test_a_long_broadcast_has_several_pages_and_a_full_one_that_is_done_is_listed_no_more() -> None:
    for counted in (True, False):
        heard = Heard(ListPages(limit=2))
        outcome = play(
            heard, CallFire(batches=batches([1.0, 1.0, 9.0, 20.0, 20.0]), counted=counted), rate=1, seconds=20
        )
        offsets = [ask.offset for _, ask in heard.asked]
        assert offsets.count(0) == 1
        assert offsets[-1] in (2, 4)
        assert len(outcome.delays) == 5
        assert outcome.delays.max() <= 3.0


def test_what_comes_to_a_quiet_broadcast_is_found_on_its_last_page_or_behind() -> None:
    early, late = batches([1.0, 1.0]), batches([1.0, 1.0, 12.0, 13.0, 14.0])[2:]
    late = [Validation(batch_id=e.batch_id, broadcast_id=1, begins=10.0, ends=e.ends, size=10) for e in late]
    heard = Heard(ListPages(limit=2))
    outcome = play(heard, CallFire(batches=[*early, *late]), rate=1, seconds=20)
    assert len(outcome.delays) == 5
    assert not [at for at, _ in heard.asked if 2 < at < 10]
    assert outcome.delays.max() <= 3.0


def test_without_batches_nothing_is_listed() -> None:
    assert ListPages().choose(1.0) is None


def test_a_page_that_is_asked_for_just_now_is_not_put_into_the_round_twice() -> None:
    script = ListPages()
    one, two = batches([1.0, 9.0])
    script.register(one, 0.0)
    ask = script.choose(1.0)
    assert ask is not None
    script._open[1].clear()  # all known ones are done, as another answer says
    script.register(two, 1.5)
    script.heard(ask, Told(asked=1.0, answered=2.0, rows=CallFire(batches=[one, two]).answer(ask, 1.5)[0], total=2))
    assert script.choose(2.0) is not None
    assert script.choose(3.0) is None
