"""The daemon in a play does what the daemon does."""

from datetime import timedelta

import numpy as np
import pytest

from watcher.core.hazard import scale_free
from watcher.core.learnt import LearntHazard
from watcher.core.ranking import Pace
from watcher.planning.daemon import EPOCH, Daemon
from watcher.planning.play import Ask, CallFire, Told, play
from watcher.planning.workload import Law, Validation, at_once, steady


class Keeping(Daemon):
    """Keeps what it asked, and when."""

    def choose(self, now: float) -> Ask | None:
        ask = super().choose(now)
        if ask is not None:
            asked.append((now, ask))
        return ask


asked: list[tuple[float, Ask]] = []


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    asked.clear()


BATCHES = steady(3, in_flight=20, seconds=300)


def test_every_end_is_found_and_every_watch_dropped() -> None:
    daemon = Daemon(Pace())
    done = [each for each in BATCHES if each.ends <= 300]
    outcome = play(daemon, CallFire(batches=BATCHES), rate=5, seconds=300)
    assert len(outcome.delays) == len(done) > 40
    assert np.all(outcome.delays >= 0)
    assert not any(each.batch_id in daemon.roster for each in done)


def test_the_same_play_gives_the_same_figures() -> None:
    one, other = (play(Daemon(Pace()), CallFire(batches=BATCHES), rate=5, seconds=300) for _ in range(2))
    assert one.delays.tolist() == other.delays.tolist()
    assert one.requests == other.requests


def test_a_new_watch_is_looked_at_first_and_leads_to_the_page_it_is_on() -> None:
    play(Keeping(Pace()), CallFire(batches=at_once(1, count=40)), rate=5, seconds=60)
    assert asked[0][1].batch_id is not None
    assert any(ask.batch_id is None for _, ask in asked[1:5])


def test_without_pages_it_asks_for_batches_only() -> None:
    play(Keeping(Pace(), pages=False), CallFire(batches=at_once(1, count=40)), rate=5, seconds=60)
    assert all(ask.batch_id is not None for _, ask in asked)


def test_one_that_is_informed_needs_no_look_at_a_new_watch() -> None:
    batches = [Validation(batch_id=1, broadcast_id=1, begins=0.0, ends=50.0, size=10**6)]
    daemon = Keeping(Pace(worth=1.0), informed=True, pages=False)
    play(daemon, CallFire(batches=batches), rate=5, seconds=60)
    assert asked[0][0] > 1.0


def test_a_size_that_is_not_told_is_not_known() -> None:
    batch = Validation(batch_id=1, broadcast_id=1, begins=0.0, ends=50.0, size=500)
    for sized in (True, False):
        daemon = Daemon(Pace(), informed=True, sized=sized)
        daemon.register(batch, 0.0)
        row = daemon.roster.row(1)
        assert row is not None
        assert bool(daemon.roster.size[row] == 500) is sized


def test_what_was_learnt_before_is_built_on_and_left_as_it_was() -> None:
    teacher = Daemon(Pace())
    play(teacher, CallFire(batches=BATCHES), rate=5, seconds=300)
    record = teacher.learnt.to_record()
    pupil = Daemon(Pace(), learnt=teacher.learnt, begins=EPOCH + timedelta(seconds=400))
    assert pupil.schedule.hazard is not scale_free()
    assert pupil.learnt.seen_ends > 40
    play(pupil, CallFire(batches=BATCHES), rate=5, seconds=300)
    assert pupil.learnt.seen_ends > teacher.learnt.seen_ends
    assert teacher.learnt.to_record() == record


def test_one_who_knows_learns_nothing() -> None:
    daemon = Daemon(Pace(), hazard=scale_free())
    play(daemon, CallFire(batches=BATCHES), rate=5, seconds=300)
    assert daemon.learnt.to_record() == LearntHazard(now=EPOCH.timestamp()).to_record()


def test_answers_that_take_their_time_lose_nothing() -> None:
    outcome = play(Daemon(Pace()), CallFire(batches=BATCHES, counted=False), rate=5, seconds=300, latency=2.0)
    assert len(outcome.delays) == sum(each.ends <= 300 for each in BATCHES)


def test_a_broadcast_of_many_pages_is_found_to_the_last() -> None:
    batches = at_once(1, count=450, seconds=200.0, law=Law(per_broadcast=450, stuck=0.0))
    outcome = play(Keeping(Pace()), CallFire(batches=batches), rate=5, seconds=300)
    assert len(outcome.delays) == sum(each.ends <= 300 for each in batches)
    assert {ask.offset for _, ask in asked if ask.batch_id is None} == {0, 100, 200, 300, 400}


def test_a_row_of_which_another_look_is_under_way_is_left_to_that() -> None:
    batches = [Validation(batch_id=n, broadcast_id=1, begins=0.0, ends=900.0, size=10) for n in (1, 2)]
    daemon = Daemon(Pace(), informed=True)
    upstream = CallFire(batches=batches)
    for batch in batches:
        daemon.register(batch, 0.0)
    ask = daemon.choose(30.0)
    assert ask is not None
    assert ask.batch_id is None
    daemon.schedule.first(1)
    rows, total = upstream.answer(ask, 30.0)
    daemon.heard(ask, Told(asked=30.0, answered=30.0, rows=rows, total=total))
    looked = [daemon.roster.last_look(batch_id) for batch_id in (1, 2)]
    assert [look.looks for look in looked if look is not None] == [1, 1]
