"""The essentials of the contract behind pgbouncer, which gives each transaction whatever session is free."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store import test_changes as changes
from tests.store import test_claims as claims
from tests.store import test_forgetting as forgetting
from tests.store import test_lists as lists
from tests.store import test_log as log
from tests.store import test_once as once
from tests.store import test_recovering as recovering
from tests.store import test_settling as settling
from tests.store import test_submissions as submissions
from tests.store import test_tokens as tokens
from tests.store import test_watches as watches
from tests.store.making import KEY, answered, changed, claim, endpoint, follow, happen, settled
from tests.store.pooler import PORT, pooling
from tests.store.postgres_server import Server
from tests.store.turned import open_turned
from watcher.core.model import Key
from watcher.ports import EventQuery, LeaseLost, Store
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_pool import Access

POOLED: Final = Access(pooler=True, connections=3)
ESSENTIALS: Final[tuple[Callable[..., Any], ...]] = (
    changes.test_a_change_its_event_and_its_deliveries_are_stored_together,
    changes.test_of_many_changes_at_once_one_is_stored,
    changes.test_a_change_that_is_refused_spoils_none_that_came_with_it,
    changes.test_an_account_is_kept_with_its_events_and_deliveries,
    changes.test_a_store_that_works_answers_a_ping,
    claims.test_of_two_who_claim_at_once_each_gets_what_the_other_does_not,
    claims.test_nothing_is_claimed_of_an_endpoint_while_its_breaker_is_open_and_then_one_alone,
    forgetting.test_what_is_owed_stays_and_what_is_held_stays_for_its_time,
    forgetting.test_no_more_rows_are_looked_at_than_asked_for,
    lists.test_many_filters_are_asked_together,
    lists.test_a_band_is_in_its_order_window_by_window,
    log.test_a_log_of_which_everything_was_deleted_still_ends_where_it_did,
    once.test_a_request_is_worked_on_once_and_its_answer_given_again,
    recovering.test_a_recovery_goes_on_where_the_last_portion_ended,
    settling.test_an_endpoint_that_is_gone_is_disabled_and_its_deliveries_are_held,
    settling.test_an_endpoint_that_fails_and_recovers_is_told_of_with_deliveries_to_all_others,
    submissions.test_what_is_accepted_is_followed_in_the_same_moment,
    tokens.test_a_token_that_is_removed_takes_its_sessions_along,
    watches.test_every_field_of_a_watch_is_kept,
    watches.test_ten_thousand_wishes_are_granted_together,
    watches.test_many_looks_are_saved_together,
)


@pytest.fixture(scope="module")
def pooler(server: Server) -> Iterator[Path]:
    """The folder of pgbouncer's socket."""
    with pooling(server) as folder:
        yield folder


@pytest.fixture
def pooled_url(url: str, server: Server, pooler: Path) -> str:
    """The test's database, through pgbouncer."""
    return f"{url.replace(str(server.folder), str(pooler))}&port={PORT}"


@pytest.fixture
async def pooled(pooled_url: str, clock: FakeClock, ear: Ear) -> AsyncIterator[Store]:
    async with open_turned(pooled_url, tell=ear, clock=clock, access=POOLED) as store:
        yield store


@pytest.fixture
async def two(pooled_url: str, clock: FakeClock, ear: Ear) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two processes' stores."""
    async with (
        open_postgres(pooled_url, tell=ear, clock=clock, access=POOLED) as one,
        open_postgres(pooled_url, tell=ear, clock=clock, access=POOLED) as other,
    ):
        yield one, other


@pytest.mark.parametrize("promise", ESSENTIALS, ids=lambda promise: promise.__name__)
async def test_behind_a_pooler_it_holds_too_that(promise: Callable[..., Any], pooled: Store, clock: FakeClock) -> None:
    given = {"store": pooled, "clock": clock}
    await promise(**{name: given[name] for name in signature(promise).parameters})


async def test_what_one_process_changed_the_other_one_sees(two: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = two
    await one.settle_endpoints([endpoint()])
    keys = [Key("default", batch_id) for batch_id in range(1, 21)]
    made = await follow(one, *keys)
    await asyncio.gather(*((one, other)[place % 2].commit(changed(watch)) for place, watch in enumerate(made)))
    assert [each.position for each in await other.events(EventQuery())] == list(range(1, 21))
    found = [*await claim(one, NOON, room=15), *await claim(other, NOON, token="theirs")]
    assert sorted(each.position for each in found) == list(range(1, 21))


async def test_a_delivery_is_settled_by_whoever_claimed_it(two: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = two
    await one.settle_endpoints([endpoint()])
    await happen(one, "batch.new")
    [delivery] = await claim(one, NOON)
    assert await settled(other, answered(delivery, 200, NOON), token="theirs") is None
    assert await settled(other, answered(delivery, 200, NOON)) == "done"


async def test_who_lost_a_lease_writes_nothing_under_it(two: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = two
    [watch] = await follow(one, KEY)
    await one.board(["default"])
    [lease] = await one.take(["default"])
    assert await other.take(["default"]) == []
    await one.give_back([lease])
    await other.board(["default"])
    [theirs] = await other.take(["default"])
    with pytest.raises(LeaseLost):
        await one.held(lease).commit(changed(watch))
    assert await other.held(theirs).commit(changed(watch)) is not None
