"""How shares are spread: every free one finds its taker, all come to have as much to do, and then nothing moves."""

from collections.abc import Iterable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.sharing import ALIKE, GAIN, LEAST, Share, demand_told, to_give_back, to_take, unpolled


def shares(**owners: Sequence[float]) -> list[Share]:
    """What replicas have, by the demands of it; `free` has what nobody has. Named by the owner and counted: a0, a1, b0…"""
    return [
        Share(f"{owner}{place}", None if owner == "free" else owner, demand)
        for owner, demands in owners.items()
        for place, demand in enumerate(demands)
    ]


# Taking


def test_who_is_alone_takes_all_that_is_free() -> None:
    assert to_take("a", ["a"], shares(free=[1, 3, 2])) == ["free1", "free2", "free0"]


def test_what_somebody_has_is_not_taken() -> None:
    assert to_take("a", ["a", "b"], shares(b=[1, 1])) == []


def test_free_shares_go_to_whoever_has_least_and_the_heaviest_first() -> None:
    board = shares(a=[4], b=[1], free=[2, 3])
    assert (to_take("a", ["a", "b"], board), to_take("b", ["a", "b"], board)) == (["free0"], ["free1"])


def test_among_those_with_as_much_the_first_by_id_takes_it() -> None:
    board = shares(free=[1])
    assert [to_take(me, ["b", "a", "c"], board) for me in "abc"] == [["free0"], [], []]


def test_one_that_is_larger_than_any_room_is_taken_by_who_has_least() -> None:
    board = shares(a=[1], b=[2], free=[1000])
    assert [to_take(me, ["a", "b"], board) for me in "ab"] == [["free0"], []]


def test_what_whoever_it_was_meant_for_has_left_lying_is_taken_and_counts_before_the_rest() -> None:
    board = shares(free=[5, 1])
    assert to_take("b", ["a", "b"], board) == ["free1"]
    assert [to_take(me, ["a", "b"], board, waiting={"free0"}) for me in "ab"] == [["free0"], ["free0"]]
    assert to_take("b", ["a", "b"], shares(a=[9], free=[5, 1]), waiting={"free0"}) == ["free0", "free1"]


def test_a_replica_that_is_not_among_those_that_poll_yet_counts_itself() -> None:
    assert to_take("b", [], shares(free=[1])) == ["free0"]


def test_what_a_replica_has_that_takes_no_part_any_more_is_neither_free_nor_anybodys_load() -> None:
    board = shares(gone=[1, 1], a=[1], free=[1])
    assert to_take("b", ["a", "b"], board) == ["free0"]
    assert to_give_back("a", ["a", "b"], shares(gone=[1, 1], a=[1, 1])) == ["a1"]


# Giving back


def test_who_has_more_gives_back_until_both_have_as_much() -> None:
    board = shares(a=[1, 1, 1, 1], b=[])
    assert to_give_back("a", ["a", "b"], board) == ["a3", "a2"]
    assert to_give_back("b", ["a", "b"], board) == []


def test_what_fits_the_gap_best_goes_first() -> None:
    assert to_give_back("a", ["a", "b"], shares(a=[1, 3, 6], b=[])) == ["a2"]
    assert to_give_back("a", ["a", "b"], shares(a=[1, 3.5, 9, 9], b=[8])) == ["a2"]


def test_a_share_that_would_only_change_the_places_stays() -> None:
    assert to_give_back("a", ["a", "b"], shares(a=[5], b=[1])) == []
    assert to_give_back("a", ["a", "b"], shares(a=[1, 1], b=[1])) == []


def test_where_the_one_with_most_can_give_nothing_the_next_one_does() -> None:
    board = shares(a=[100], b=[1, 1], c=[])
    assert [to_give_back(me, ["a", "b", "c"], board) for me in "abc"] == [[], ["b1"], []]


def test_the_one_with_most_gives_first() -> None:
    board = shares(a=[], b=[2, 2], c=[3, 3])
    assert [to_give_back(me, ["a", "b", "c"], board) for me in "abc"] == [[], [], ["c1"]]


def test_a_share_that_would_make_them_just_as_much_more_alike_as_it_costs_stays() -> None:
    assert to_give_back("A", ["A", "b"], shares(A=[19, 0.5, 0.5], b=[])) == ["A2", "A1"]


def test_a_little_more_than_the_others_is_not_worth_a_move() -> None:
    assert to_give_back("a", ["a", "b"], shares(a=[10, 0.1], b=[10])) == []


def test_nothing_is_given_back_while_some_are_free() -> None:
    assert to_give_back("a", ["a", "b"], shares(a=[1, 1, 1], free=[1])) == []


def test_what_is_to_stay_is_not_given_back() -> None:
    board = shares(a=[1, 1], b=[])
    assert to_give_back("a", ["a", "b"], board, staying={"a0"}) == ["a1"]
    assert to_give_back("a", ["a", "b"], board, staying={"a0", "a1"}) == []


def test_only_a_few_are_given_back_at_once() -> None:
    assert len(to_give_back("a", ["a", "b"], shares(a=[1] * 40))) == 4
    assert len(to_give_back("a", ["a", "b"], shares(a=[1] * 1000))) == 50


def test_what_nobody_polls_yet_goes_first_and_at_once() -> None:
    board = shares(a=[1] * 1000, b=[1] * 10)
    unbegun = {f"a{number}" for number in range(100, 1000)}
    given = to_give_back("a", ["a", "b"], board, {"a999"}, unbegun=unbegun)
    assert len(given) == 482
    assert set(given) < unbegun - {"a999"}
    assert to_give_back("a", ["a", "b"], board, unbegun={"a7"}) == ["a7"]
    assert len(to_give_back("a", ["a", "b"], board, {"a7"}, unbegun={"a7"})) == 50


# What is said of a demand


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (1.0, 1.2, 1.0),
        (1.2, 0.8, 1.2),
        (1.0, 1.6, 1.0),
        (1.6, 1.0, 1.6),
        (1.0, 1.7, 1.7),
        (1.0, 5.0, 5.0),
        (5.0, 0.0, 0.05),
        (0.05, 0.0, 0.05),
    ],
)
def test_a_demand_is_said_anew_only_where_it_is_really_another(before: float, now: float, told: float) -> None:
    assert demand_told(before, now) == told


# All of them together


class Fleet:
    """Replicas that share, round by round; `waiting` and the bouncing of what came back are kept as the worker keeps them."""

    def __init__(self, board: Sequence[Share], replicas: Sequence[str]) -> None:
        self.board = {share.name: share for share in board}
        self.replicas = list(replicas)
        self.free_before: dict[str, set[str]] = {replica: set() for replica in replicas}
        self.given: dict[str, set[str]] = {replica: set() for replica in replicas}
        self.moves = 0

    def look(self, me: str, board: Sequence[Share] | None = None) -> None:
        """One replica looks, at what is there now or at an older board, and does its part."""
        seen = list(self.board.values()) if board is None else board
        free = {share.name for share in seen if share.owner is None}
        known = {share.name for share in seen}
        elsewhere = self.loads(share for name, share in self.board.items() if name not in known)
        take = to_take(me, self.replicas, seen, self.free_before[me] & free, elsewhere)
        for name in to_give_back(me, self.replicas, seen, self.given[me], elsewhere):
            self.given[me].add(name)
            self._move(name, None)
        for name in take:
            if self.board[name].owner is None:
                self._move(name, me)
        self.free_before[me] = free - set(take)

    def round(self, order: Sequence[str], *, together: bool) -> None:
        board = list(self.board.values())
        for me in order:
            self.look(me, board if together else None)

    def any_round(self, chance: Random) -> None:
        """In any order, one after another or all at once."""
        self.round(chance.sample(self.replicas, len(self.replicas)), together=chance.random() < 0.5)

    def _move(self, name: str, owner: str | None) -> None:
        self.board[name] = self.board[name]._replace(owner=owner)
        self.moves += 1

    def loads(self, shares: Iterable[Share] | None = None) -> dict[str, float]:
        counted = list(self.board.values() if shares is None else shares)
        return {
            replica: sum(max(share.demand, LEAST) for share in counted if share.owner == replica)
            for replica in self.replicas
        }

    @property
    def free(self) -> list[str]:
        return [share.name for share in self.board.values() if share.owner is None]

    @property
    def came_back(self) -> list[str]:
        """What was given back, and fell to the same replica again: it stays there."""
        return [name for replica, names in self.given.items() for name in names if self.board[name].owner == replica]

    def is_well_spread(self) -> bool:
        """Whether no single share could be moved so that two replicas become more alike by more than what is not worth it."""
        loads = self.loads()
        least = min(loads.values())
        return all(
            loads[share.owner] - least - max(share.demand, LEAST) <= GAIN * loads[share.owner] + 1e-9
            for share in self.board.values()
            if share.owner in loads
        )


demands = st.one_of(st.floats(0, 0.1), st.floats(0, 20), st.just(1.0), st.floats(50, 200))


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    replicas = [f"r{number}" for number in range(draw(st.integers(1, 4)))]
    owners = st.sampled_from([None, *replicas])
    board = [Share(f"s{number}", draw(owners), draw(demands)) for number in range(draw(st.integers(0, 18)))]
    return Fleet(board, replicas)


@given(fleets(), st.randoms(use_true_random=False))
def test_from_any_start_all_come_to_rest_well_spread(fleet: Fleet, chance: Random) -> None:
    for _ in range(2):
        fleet.any_round(chance)
    free_after_two = fleet.free if not any(fleet.given.values()) else []
    for _ in range(25):
        fleet.any_round(chance)
    moves = fleet.moves
    for _ in range(4):
        fleet.any_round(chance)
    assert (free_after_two, fleet.free, fleet.moves) == ([], [], moves)
    assert fleet.came_back or fleet.is_well_spread()


@given(fleets(), st.randoms(use_true_random=False))
def test_demands_that_wobble_by_a_fifth_move_nothing(fleet: Fleet, chance: Random) -> None:
    for _ in range(25):
        fleet.any_round(chance)
    moves, base = fleet.moves, dict(fleet.board)
    for _ in range(5):
        for name, share in fleet.board.items():
            now = max(base[name].demand, LEAST) * chance.uniform(0.8, 1.2)
            fleet.board[name] = share._replace(demand=demand_told(max(share.demand, LEAST), now))
        fleet.any_round(chance)
    assert fleet.moves == moves
    assert ALIKE > 1.2 / 0.8


@given(fleets(), st.randoms(use_true_random=False))
def test_when_a_replica_goes_the_others_have_all_that_it_had_within_two_rounds(fleet: Fleet, chance: Random) -> None:
    fleet.replicas.append("new")
    fleet.free_before["new"], fleet.given["new"] = set(), set()
    for _ in range(25):
        fleet.any_round(chance)
    gone = chance.choice(fleet.replicas)
    fleet.replicas.remove(gone)
    for name, share in fleet.board.items():
        fleet.board[name] = share._replace(owner=None if share.owner == gone else share.owner)
    fleet.given = {replica: set(fleet.board) for replica in fleet.given}  # only taking counts here
    for _ in range(2):
        fleet.any_round(chance)
    assert fleet.free == []


@given(
    st.lists(demands, min_size=1, max_size=20), st.lists(st.booleans(), min_size=20), st.randoms(use_true_random=False)
)
def test_shares_that_only_some_know_are_taken_by_those_and_come_to_rest(
    weights: list[float], known: list[bool], chance: Random
) -> None:
    """`b` has settings that do not name all: what it does not know it does not see."""
    board = [Share(f"s{number}", None, demand) for number, demand in enumerate(weights)]
    fleet = Fleet(board, ["a", "b"])
    unknown = {share.name for share, knows in zip(board, known, strict=False) if not knows}
    moves = -1
    for turn in range(40):
        if turn == 35:
            moves = fleet.moves
        for me in chance.sample("ab", 2):
            fleet.look(me, [share for name, share in fleet.board.items() if me == "a" or name not in unknown])
    assert (fleet.free, fleet.moves) == ([], moves)
    assert {fleet.board[name].owner for name in unknown} <= {"a"}


def test_what_others_do_for_shares_that_i_do_not_know_counts() -> None:
    mine, free = [Share("s0", "a", 2.0), Share("s1", "a", 1.0)], [Share("s2", None, 1.0)]
    assert to_give_back("a", ["a", "b"], mine) == ["s1"]
    assert to_give_back("a", ["a", "b"], mine, (), {"b": 3.0}) == []
    assert to_take("b", ["a", "b"], [*mine, *free]) == ["s2"]
    assert to_take("b", ["a", "b"], [*mine, *free], (), {"b": 9.0}) == []
    assert to_take("a", ["a", "b"], free, (), {"b": 0.5}) == ["s2"]


# What nobody polls


def test_a_share_is_polled_by_whoever_else_has_it_and_by_me_when_it_is_loaded() -> None:
    board = [Share("a", "me", 1), Share("b", "other", 1), Share("c", None, 1), Share("d", "me", 1)]
    assert unpolled("me", board, {"a"}) == {"a": 0, "b": 0, "c": 1, "d": 1}


def test_parts_of_an_account_that_nobody_polls_are_counted_together() -> None:
    board = [Share("a@1/3", None, 1), Share("a@2/3", "me", 1), Share("a@3/3", None, 1)]
    assert unpolled("me", board, {"a@2/3"}) == {"a": 2}
