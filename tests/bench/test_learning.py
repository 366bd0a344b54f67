"""How much an account must have seen to plan nearly as well as one who knows the law: in virtual time, so that it can be held to
a bound."""

from tests.bench.loads import ANY, SEED
from tests.bench.oracle import bin_of, oracle, usual
from watcher.core.learnt import LearntHazard
from watcher.planning.daemon import Daemon
from watcher.planning.play import CallFire, Strategy, play
from watcher.planning.workload import steady

SECONDS = 600.0
RATE = 2.0


def mean_delay(strategy: Strategy, seed: int) -> float:
    batches = steady(seed, in_flight=100, seconds=SECONDS)
    return play(strategy, CallFire(batches=batches), rate=RATE, seconds=SECONDS).mean


def taught() -> LearntHazard:
    """What the first 500 ends of an account teach, kept and read again as by a restart."""
    daemon = Daemon(ANY, pages=False, informed=True)
    play(daemon, CallFire(batches=steady(SEED, in_flight=100, seconds=480.0)), rate=RATE, seconds=480.0)
    record = daemon.learnt.to_record()
    assert 450 <= daemon.learnt.seen_ends <= 550
    return LearntHazard.from_record(record, 0.0)


def test_an_account_that_has_seen_500_ends_plans_within_a_fifth_of_one_who_knows_the_law() -> None:
    learnt, law = taught(), oracle(usual())
    for seed in (SEED + 1, SEED + 2):
        knows = mean_delay(Daemon(ANY, hazard=law, bin_of=bin_of, pages=False, informed=True), seed)
        assert mean_delay(Daemon(ANY, learnt=learnt, pages=False, informed=True), seed) <= 1.2 * knows
