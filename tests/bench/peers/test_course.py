"""A short run of this service through the same harness: each batch is told once, also after a kill in the middle."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.bench_peers import KILLED, LATE, killed, late, side_by_side
from tests.bench.peers.course import Load, Run, run
from tests.bench.peers.having import NotToBeHad
from tests.bench.peers.measuring import Measured
from tests.bench.peers.ours import ours
from tests.bench.peers.peer import Peer, Place
from watcher.planning.workload import Validation

ENDS: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 900.0)


EACH_ONCE = (4, 0, 0, 0)
SLOWER: Sequence[int] = (1, 4, 16)
"""A busy machine keeps to no moments that lie half a second apart: the same is played with more time between them. What was sent
just before a kill, and not yet noted as sent, is sent twice for good."""


def load(slower: int) -> Load:
    batches = [
        Validation(batch_id=number + 1, broadcast_id=1, begins=0.25 * slower * number, ends=slower * ends, size=100)
        for number, ends in enumerate(ENDS)
    ]
    return Load(batches=batches, seconds=4.5 * slower, rate=20.0, patience=60.0, linger=0.5, kills=(1.5 * slower,))


def told(got: Measured) -> tuple[int, int, int, int]:
    return len(got.delays), got.lost, got.early, got.twice


def undisturbed(folder: Path) -> Run:
    """The first of them in which each was told once, or the slowest. None is lost or told of too early in any of them."""
    *quick, slowest = SLOWER
    for slower in quick:
        found = run(ours, load(slower), at(folder, slower))
        if told(found.measured) == EACH_ONCE:
            return found
        assert (found.measured.lost, found.measured.early) == (0, 0)
    return run(ours, load(slowest), at(folder, slowest))


def at(folder: Path, slower: int) -> Path:
    place = folder / f"{slower}"
    place.mkdir()
    return place


def test_every_batch_that_ended_is_told_once_also_after_a_kill_and_within_the_budget(tmp_path: Path) -> None:
    found = undisturbed(tmp_path)
    got = found.measured
    assert told(got) == EACH_ONCE
    assert got.delays[0] > 0
    assert 4 <= got.requests <= 20 * found.took
    assert got.second <= 20
    assert found.cpu > 0
    assert found.memory > 0


GOT = Measured(delays=[1.0, 2.0, 3.0], lost=1, early=0, twice=2, requests=1234, second=6, minute=300)


def test_a_row_has_a_cell_for_each_column_also_of_what_could_not_be_had() -> None:
    found = Run(measured=GOT, cpu=1.25, memory=3 * 2**20, took=10.0)
    assert late("x", found) == ("x", "3", "1", "2.00", "2.00", "2.90", "3.00", "1,234", "6", "300", "1.2", "3")
    assert killed("x", found) == ("x", "3", "1", "2", "0", "2.00", "3.00", "1,234", "6")
    for row, columns in ((late("x", "no"), LATE), (killed("x", "no"), KILLED)):
        assert (row[:2], len(row)) == (("x", "skipped: no"), len(columns))


def test_one_that_cannot_be_had_is_skipped_with_a_word_and_keeps_no_other_waiting() -> None:
    def none(_: Place) -> Peer:
        raise NotToBeHad("no such package")

    load = Load(batches=[], seconds=0.0, rate=5.0, patience=0.0, linger=0.0)
    runs, _ = side_by_side({"one": none, "other": none}, load)
    assert runs == {"one": "no such package", "other": "no such package"}
