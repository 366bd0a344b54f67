"""Schedule and listings in random worlds: whatever CallFire's listings do, the rules hold and everything that ended is found."""

import random
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.making import RULES
from tests.fakes import NOON
from watcher.core.learnt import LearntHazard, sights_of
from watcher.core.listings import Listings
from watcher.core.model import ACTIVE, VALIDATING, Batch, Page, PageRef, Seen, State, Watch
from watcher.core.roster import Roster
from watcher.core.schedule import SLACK, AnyChoice, Pace, PageChoice, Schedule
from watcher.core.transitions import learn

NOW = NOON.timestamp()
PACE = Pace(max_interval=60.0)
MINUTES = 60.0
EPSILON = 1e-5
"""Seconds: what a float of seconds since 1970 cannot tell, and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """How CallFire lists one broadcast."""

    kind: Literal["call", "text", "neither"] = "text"
    order: Literal["oldest", "newest", "shuffled"] = "oldest"
    total: Literal["right", "none", "own", "absurd"] = "right"
    cap: int = 100  # rows of a page at most
    says_cap: bool = True
    ignores_offset: bool = False
    says_offset: bool = True
    says_broadcast: bool = True
    spoils: float = 0.0  # share of rows that make no sense
    fails: float = 0.0  # share of requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A batch: when it is made, ends, and is deleted (seconds since noon), and whether somebody follows it singly."""

    batch_id: int
    broadcast_id: int
    begins: float
    ends: float
    vanishes: float = 1e9
    wanted: bool = True


class World:
    """Plays lives against a schedule, and checks the rules as it goes."""

    def __init__(
        self,
        lives: list[Life],
        listed: list[Listed],
        *,
        followed: list[bool],
        rate: float,
        latency: float,
        limit: int,
        seed: int,
    ) -> None:
        self.lives = lives
        self.listed = listed
        self.found: dict[int, float] = {}
        self.looked: dict[int, float] = {}
        self.requests: Counter[str] = Counter()
        self._rate = rate
        self._latency = latency
        self._dice = random.Random(seed)
        self._roster = Roster(RULES)
        self._listings = Listings(self._roster, limit=limit)
        self._schedule = Schedule(self._roster, PACE, self._listings)
        self._learnt = LearntHazard()
        self._watches: dict[int, Watch] = {}
        self._by_id = {each.batch_id: each for each in lives}
        self._coming = deque(sorted((each for each in lives if each.wanted), key=lambda each: each.begins))
        self._under_way: list[tuple[float, AnyChoice, float]] = []
        self._now = NOW
        for broadcast_id, follows in enumerate(followed):
            if follows:
                self._listings.follow(broadcast_id, None, (), NOW)

    def play(self, seconds: float) -> None:
        """Tokens come evenly; nothing is asked for while the schedule says that there is nothing."""
        while self._now < NOW + seconds:
            self._now += 1 / self._rate
            for each in [each for each in self._under_way if each[0] <= self._now]:
                self._under_way.remove(each)
                self._land(*each[1:])
            while self._coming and NOW + self._coming[0].begins <= self._now:
                life = self._coming.popleft()
                if life.batch_id not in self._watches:
                    self._admit(life.batch_id, None)
                self._schedule.first(life.batch_id)
            if self._watches and self._dice.random() < 0.02:
                self._schedule.first(self._dice.choice(sorted(self._watches)), "refresh")
            if self._dice.random() < 0.1 and self._learnt.settle(self._now):
                self._schedule.hazard = self._learnt.hazard
            self._choose()

    def _choose(self) -> None:
        now = self._now
        until = self._schedule.wait_until(now)
        assert until is None or until == now or until > now + SLACK / 2
        choice = self._schedule.choose(now, careful=self._dice.random() < 0.02)
        assert (choice is not None) == (until == now)
        if choice is None:
            return
        assert not {each for _, other, _ in self._under_way for each in other.batch_ids} & set(choice.batch_ids)
        assert set(choice.batch_ids) <= set(self._watches)
        if isinstance(choice, PageChoice):
            assert choice.page not in {other.page for _, other, _ in self._under_way if isinstance(other, PageChoice)}
        self.requests[choice.by] += 1
        self._under_way.append((now + self._latency, choice, now))

    def _land(self, choice: AnyChoice, asked: float) -> None:
        again = self._dice.random() < 0.02
        if again:
            pass
        elif isinstance(choice, PageChoice):
            self._answer_page(choice, asked)
        else:
            self._answer_single(choice.batch_id, asked)
        self._schedule.land(choice, again=again)

    def _admit(self, batch_id: int, broadcast_id: int | None) -> None:
        self._watches[batch_id] = Watch(
            account="a", batch_id=batch_id, opened=instant(self._now), broadcast_id=broadcast_id
        )
        self._roster.put(self._watches[batch_id])
        self._schedule.changed()

    def _end(self, batch_id: int) -> None:
        self._roster.drop(batch_id)
        self.found[batch_id] = self._now - NOW

    def _take_in(self, life: Life, asked: float) -> None:
        assert asked - self.looked.get(life.batch_id, 0.0) >= PACE.min_interval - EPSILON
        self.looked[life.batch_id] = asked
        look = Seen(asked=instant(asked), answered=instant(self._now), batch=self.shown(life, asked))
        sight = self._roster.note(look)
        if sight is not None:
            self._learnt.saw(sight)
            return
        before = self._roster.overlay(self._watches[life.batch_id])
        after = learn(before, look, RULES).watch
        for each in sights_of(before, look, ended=after.final):
            self._learnt.saw(each)
        if after.state is State.OPEN:
            self._watches[life.batch_id] = after
            self._roster.put(after, tried=look.asked)
        else:
            self._end(life.batch_id)

    def _answer_single(self, batch_id: int, asked: float) -> None:
        life = self._by_id[batch_id]
        if batch_id in self._roster:
            if life.vanishes <= asked - NOW:
                self._end(batch_id)  # 404, often enough
            else:
                self._take_in(life, asked)
            self._roster.attempt(batch_id, instant(asked))

    def _answer_page(self, choice: PageChoice, asked: float) -> None:
        page = self.page(choice.ref, asked)
        if page == "denied":
            self._listings.denied(choice.page, choice.ref, "404", asked)
        elif page == "failed":
            self._listings.failed(choice.page, "500", asked)
            for batch_id in choice.members:
                self._roster.attempt(batch_id, instant(asked))
        else:
            shown = self._schedule.page_shown(choice, page, asked)
            assert all(each in self._roster for each in shown.absent)
            assert len(set(shown.absent)) == len(shown.absent)
            self._listings.knows(choice.ref.broadcast_id, shown.new)
            for batch_id in shown.new:
                if batch_id not in self._watches:
                    self._admit(batch_id, choice.ref.broadcast_id)
            for batch in page.items:
                if self._schedule.counts(choice, batch.id):
                    self._take_in(self._by_id[batch.id], asked)

    def shown(self, life: Life, at: float) -> Batch:
        says = self.listed[life.broadcast_id].says_broadcast
        return Batch(
            id=life.batch_id,
            status=ACTIVE if NOW + life.ends <= at else VALIDATING,
            broadcast_id=life.broadcast_id if says else None,
            created=instant(NOW + life.begins),
        )

    def page(self, ref: PageRef, at: float) -> Page | Literal["denied", "failed"]:
        how, dice = self.listed[ref.broadcast_id], self._dice
        if how.kind != ref.kind:
            return "denied"
        if dice.random() < how.fails:
            return "failed"
        there = [
            each
            for each in self.lives
            if each.broadcast_id == ref.broadcast_id and each.begins <= at - NOW < each.vanishes
        ]
        there.sort(key=lambda each: each.batch_id, reverse=how.order == "newest")
        if how.order == "shuffled":
            dice.shuffle(there)
        offset = 0 if how.ignores_offset else ref.offset
        limit = min(ref.limit, how.cap)
        rows = there[offset : offset + limit]
        items = [self.shown(each, at) for each in rows if dice.random() >= how.spoils]
        totals = {"right": len(there), "none": None, "own": len(rows), "absurd": 10**9}
        return Page(
            offset=offset if how.says_offset else ref.offset,
            limit=limit if how.says_cap else ref.limit,
            items=tuple(items),
            total=totals[how.total],
            spoilt=len(rows) - len(items),
        )


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def lives(dice: random.Random, count: int, broadcasts: int, unwanted: float) -> list[Life]:
    made = []
    for number in range(1, count + 1):
        begins = dice.uniform(0, 3 * MINUTES)
        made.append(
            Life(
                batch_id=number,
                broadcast_id=dice.randrange(broadcasts),
                begins=begins,
                ends=begins + dice.expovariate(1 / 20) + 1.0,
                vanishes=begins + dice.uniform(20, 100) if dice.random() < 0.05 else 1e9,
                wanted=dice.random() >= unwanted,
            )
        )
    return sorted(made, key=lambda each: each.begins)


HOW = st.builds(
    Listed,
    kind=st.sampled_from(["call", "text", "text", "neither"]),
    order=st.sampled_from(["oldest", "newest", "shuffled"]),
    total=st.sampled_from(["right", "none", "own", "absurd"]),
    cap=st.sampled_from([100, 100, 3]),
    says_cap=st.booleans(),
    ignores_offset=st.sampled_from([False, False, False, True]),
    says_offset=st.booleans(),
    says_broadcast=st.booleans(),
    spoils=st.sampled_from([0.0, 0.0, 0.1]),
    fails=st.sampled_from([0.0, 0.0, 0.2]),
)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(HOW, min_size=1, max_size=4),
    st.integers(1, 60),
    st.sampled_from([0.5, 2.0, 5.0]),
    st.sampled_from([0.0, 0.3, 2.5]),
    st.sampled_from([100, 5, 2]),
    st.integers(0, 10**6),
)
def test_whatever_the_listings_do_every_end_is_found_and_the_rules_hold(
    listed: list[Listed], count: int, rate: float, latency: float, limit: int, seed: int
) -> None:
    dice = random.Random(seed)
    world = World(
        lives(dice, count, len(listed), unwanted=0.0),
        listed,
        followed=[dice.random() < 0.5 for _ in listed],
        rate=rate,
        latency=latency,
        limit=limit,
        seed=seed,
    )
    world.play(12 * MINUTES)
    missed = [each for each in world.lives if each.batch_id not in world.found]
    assert not [each for each in missed if min(each.ends, each.vanishes) <= 8 * MINUTES]


@example("newest", "none", (3, True), 58, 100, 1)  # as many come at once as a page has rows
@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(["oldest", "newest"]),
    st.sampled_from(["right", "none", "own", "absurd"]),
    st.sampled_from([(100, True), (3, True)]),
    st.integers(1, 80),
    st.sampled_from([100, 20, 4]),
    st.integers(0, 10**6),
)
def test_all_batches_of_a_followed_broadcast_are_found_by_themselves(
    order: Literal["oldest", "newest"],
    total: Literal["right", "none", "own", "absurd"],
    cap: tuple[int, bool],
    count: int,
    limit: int,
    seed: int,
) -> None:
    """Also those that come while it is swept; a page that CallFire cuts short is no end."""
    how = Listed(kind="call", order=order, total=total, cap=cap[0], says_cap=cap[1])
    found = lives(random.Random(seed), count, 1, unwanted=1.0)
    steady = [
        Life(batch_id=n, broadcast_id=0, begins=each.begins, ends=each.ends, wanted=False)
        for n, each in enumerate(found, 1)
    ]
    world = World(steady, [how], followed=[True], rate=2.0, latency=0.3, limit=limit, seed=seed)
    world.play(14 * MINUTES)
    assert {each.batch_id for each in steady if each.ends < 8 * MINUTES} <= set(world.found)


@pytest.mark.parametrize("latency", [0.0, 1.0])
def test_a_listing_whose_order_changes_every_time_costs_no_more_than_none(latency: float) -> None:
    def played(kind: Literal["text", "neither"]) -> tuple[float, int]:
        dice = random.Random(5)
        all_lives = [
            Life(
                batch_id=n,
                broadcast_id=0,
                begins=(begins := dice.uniform(0, 120)),
                ends=begins + dice.expovariate(0.03),
            )
            for n in range(1, 121)
        ]
        how = Listed(kind=kind, order="shuffled")
        world = World(all_lives, [how], followed=[False], rate=2.0, latency=latency, limit=10, seed=5)
        world.play(600.0)
        delays = [world.found[each.batch_id] - each.ends for each in all_lives if each.ends < 500]
        return sum(delays) / len(delays), world.requests.total()

    shuffled, without = played("text"), played("neither")
    assert shuffled[0] <= without[0] * 1.1
    assert shuffled[1] <= without[1] * 1.1
