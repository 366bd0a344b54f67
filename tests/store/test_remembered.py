"""What the writing lane remembers: of endpoints that were removed no more than their numbers need, and all of it undone where the
transaction is."""

from dataclasses import replace

from tests.fakes import NOON
from tests.store.making import endpoint
from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.health import Health, Recent
from watcher.store.remembered import NEVER, Claim, Remembered
from watcher.store.sealing import Seal

THERE = endpoint("hook")
REMOVED = Endpoint(id="hook", url=THERE.url, state=EndpointState.REMOVED, number=3)
BUSY = Recent(slots=((0, 5, 0),))
CLAIM = Claim("token", 100, "hook", None, "default", THERE)


def remembered(one: Endpoint) -> Remembered:
    return Remembered([one], origin="here", seal=Seal())


def test_an_endpoint_that_was_removed_is_known_by_its_name_and_owed_nothing() -> None:
    for ours in (remembered(REMOVED), remembered(THERE)):
        ours.put(REMOVED)
        assert (list(ours.endpoints), ours.endpoint("hook")) == ([], REMOVED)


def test_of_one_that_was_forgotten_nothing_is_left_not_even_its_last_minute() -> None:
    ours = remembered(THERE)
    ours.put_recent("hook", Recent(slots=((1, 1, 1),)))
    ours.forget("hook")
    assert (list(ours.endpoints), ours.endpoint("hook"), ours.recent("hook")) == ([], None, Recent())
    ours.rolled_back()
    assert (ours.endpoint("hook"), ours.recent("hook")) == (THERE, Recent())


def test_of_one_that_was_removed_is_kept_what_the_next_of_its_name_must_know_of_it() -> None:
    was = replace(
        endpoint("hook", types=["batch.active"], accounts=["default"], ordering="batch"),
        description="for the night shift",
        labels={"team": "blue"},
        rate=2.0,
        concurrency=3,
        created=NOON,
        version=4,
        state=EndpointState.REMOVED,
        paused_until=NOON,
        health=Health(failed=7),
        number=3,
    )
    left = Endpoint(
        id="hook",
        url=was.url,
        ordering="batch",
        created=NOON,
        version=4,
        state=EndpointState.REMOVED,
        number=3,
    )
    ours = remembered(was)
    assert ours.endpoint("hook") == left
    ours.put(replace(was, number=5))
    assert ours.endpoint("hook") == replace(left, number=5)


def test_the_next_of_its_name_takes_its_place() -> None:
    ours = remembered(REMOVED)
    ours.put(THERE)
    assert (list(ours.endpoints), ours.endpoint("hook")) == ([THERE], THERE)


def test_how_its_last_minute_went_is_forgotten_with_it_also_by_what_was_on_its_way() -> None:
    ours = remembered(THERE)
    ours.put_recent("hook", BUSY)
    ours.put(REMOVED)
    ours.put_recent("hook", BUSY)
    assert ours.recent("hook") == NEVER


def test_where_the_transaction_is_undone_it_is_there_as_before() -> None:
    ours = remembered(THERE)
    ours.put_recent("hook", BUSY)
    ours.put_claim(7, CLAIM)
    ours.committed()
    ours.put(REMOVED)
    ours.drop_claim(7)
    ours.put(replace(THERE, number=4))
    ours.put_claim(8, CLAIM)
    ours.rolled_back()
    assert (list(ours.endpoints), ours.endpoint("hook"), ours.recent("hook")) == ([THERE], THERE, BUSY)
    assert ours.claims_of("hook", 50) == {7: CLAIM}
