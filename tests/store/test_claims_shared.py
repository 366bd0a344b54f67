"""What holds of claims and settling among several processes that have one PostgreSQL database."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.conftest import Somebody, Turn
from tests.store.making import LEASE, answered, api_endpoint, claim, endpoint, happen, owe, settle_one, settled
from watcher.core.endpoint import DeliveryState, Endpoint, EndpointState
from watcher.core.health import Health
from watcher.core.model import Key
from watcher.core.recovering import Cutoffs, DeliveryQuery, Forgotten, Recovery
from watcher.ports import Settled
from watcher.store.endpoint_rows import COUNTS, TIMES, values_of_standing
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_delivering import KEPT
from watcher.store.rows import millis
from watcher.store.work import Connection, Statements

MOMENT = timedelta(milliseconds=1)
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def one(stores: list[PostgresStore]) -> PostgresStore:
    return stores[0]


@pytest.fixture
def other(stores: list[PostgresStore]) -> PostgresStore:
    return stores[1]


# Claims


async def test_what_a_replica_that_is_gone_has_claimed_is_free_when_another_one_looks(
    one: PostgresStore, other: PostgresStore, somebody: Somebody, turn: Turn
) -> None:
    await owe(one, 2)
    [first] = await claim(one, NOON, room=1, token=f"{one.replica}.1")
    [second] = await claim(other, NOON, room=1, token=f"{other.replica}.1")
    await somebody.execute("UPDATE replicas SET held_until = 0 WHERE id = $1", one.replica)
    assert await claim(other, NOON, token=f"{other.replica}.2") == []
    await other.board(["default"])
    assert await claim(other, NOON, token=f"{other.replica}.3") == [first]
    assert await settled(one, answered(first, 200, NOON), token=f"{one.replica}.1") is None
    assert await settled(other, answered(second, 200, NOON), token=f"{other.replica}.1") == "done"


async def test_hundreds_of_claims_and_settlings_at_once_send_everything_once(stores: list[PostgresStore]) -> None:
    names = [f"hook{number}" for number in range(6)]
    await owe(stores[0], 30, *(api_endpoint(name, ordering="batch" if name == "hook0" else "none") for name in names))
    sent: list[int] = []
    most = dict.fromkeys(names, 0)
    flying: dict[str, set[int]] = {name: set() for name in names}
    codes = {"hook1": 500}  # whose breaker opens

    async def deliver(store: PostgresStore, worker: int) -> None:
        idle = 0
        for step in range(200):
            token = f"{worker}.{step}"
            claimed = await store.claim(
                dict.fromkeys(names, 2), token=token, now=NOON, until=NOON + LEASE, per_endpoint=4
            )
            idle = 0 if claimed else idle + 1
            for each in claimed:
                assert each.id not in flying[each.endpoint_id]
                flying[each.endpoint_id].add(each.id)
                most[each.endpoint_id] = max(most[each.endpoint_id], len(flying[each.endpoint_id]))
            sent.extend(each.id for each in claimed if each.endpoint_id not in codes)
            for each in claimed:
                flying[each.endpoint_id].remove(each.id)
            outcomes = await store.settle(
                [(answered(each, codes.get(each.endpoint_id, 200), NOON), token) for each in claimed]
            )
            assert None not in outcomes
            if idle > 20:
                return

    await asyncio.gather(
        *(deliver(store, 10 * place + more) for place, store in enumerate(stores) for more in range(3))
    )
    done = await stores[0].deliveries(DeliveryQuery(states=[DeliveryState.DONE], limit=1000))
    assert len(sent) == len(set(sent))
    assert {each.id for each in done} == set(sent)
    assert len([each for each in done if each.event_type.startswith("batch.")]) == 5 * 30
    assert max(most.values()) <= 4
    assert most["hook0"] == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (3, 1, 0)),
        ({"concurrency": 5}, (3, 2, 0)),
        ({"concurrency": 1}, (1, 0, 0)),
        ({"ordering": "batch"}, (1, 0, 0)),
    ],
)
async def test_how_many_may_be_under_way_to_an_endpoint_holds_over_all(
    stores: list[PostgresStore], fields: dict[str, object], expected: tuple[int, ...]
) -> None:
    await owe(stores[0], 1, api_endpoint("hook", **fields))
    for batch_id in range(1, 10):
        await happen(stores[0], "batch.new", key=Key("a", batch_id))
    found = [
        await store.claim({"hook": 3}, token="mine", now=NOON, until=NOON + LEASE, per_endpoint=4) for store in stores
    ]
    assert tuple(map(len, found)) == expected
    await stores[1].settle([(answered(found[0][0], 200, NOON), "mine")])
    again = await stores[2].claim({"hook": 3}, token="again", now=NOON, until=NOON + LEASE, per_endpoint=4)
    assert len(again) == 1


async def test_the_rate_of_an_endpoint_holds_over_all(stores: list[PostgresStore], turn: Turn) -> None:
    await owe(stores[0], 20, api_endpoint("hook", rate=2.0), api_endpoint("free"))
    assert [len(await claim(store, NOON)) for store in stores] == [2, 0, 0]
    assert len(await claim(stores[1], NOON, "free")) == 20
    counts = []
    for tenths in range(1, 31):
        await turn(NOON + tenths * timedelta(seconds=0.1))
        counts.append(len(await claim(stores[tenths % 3], NOON)))
    assert sum(counts) == 6
    assert max(counts) == 1


async def test_the_order_within_a_batch_holds_over_all(one: PostgresStore, other: PostgresStore) -> None:
    await owe(one, 3, api_endpoint("hook", ordering="batch"))
    await happen(one, "batch.new", key=Key("b", 1))
    [first] = await claim(one, NOON, room=1)
    [elsewhere] = await claim(other, NOON)
    assert elsewhere.position != first.position + 1
    assert await settled(one, answered(first, 200, NOON)) == "done"
    [second] = await claim(other, NOON, token="second")
    assert second.position == first.position + 1
    assert await claim(one, NOON) == []


async def test_an_event_made_while_the_one_before_it_is_settled_elsewhere_is_not_left_behind(
    stores: list[PostgresStore],
) -> None:
    await owe(stores[0], 0, api_endpoint("hook", ordering="batch"))
    sent = 0
    for _ in range(20):
        await happen(stores[0], "batch.stuck")
        [delivery] = await claim(stores[1], NOON)
        outcome, _ = await asyncio.gather(
            settled(stores[1], answered(delivery, 200, NOON)), happen(stores[2], "batch.stuck")
        )
        [after] = await claim(stores[0], NOON)
        assert (outcome, await settled(stores[0], answered(after, 200, NOON))) == ("done", "done")
        sent += 2
    assert len(await stores[0].deliveries(DeliveryQuery(states=[DeliveryState.DONE], limit=100))) == sent


async def test_what_is_settled_while_it_is_put_in_line_lets_the_next_one_go(
    one: PostgresStore, other: PostgresStore, somebody: Somebody
) -> None:
    await owe(one, 2, api_endpoint("hook", ordering="batch"))
    [first] = await claim(one, NOON)
    await somebody.execute("UPDATE endpoints SET ordering = 'none'")  # as it was before that
    assert await settled(one, answered(first, 200, NOON)) == "done"
    assert len(await claim(other, NOON)) == 1


async def test_half_open_there_is_one_probe_over_all(one: PostgresStore, other: PostgresStore) -> None:
    await owe(one, 12)
    failing = await claim(one, NOON, room=5)
    await one.settle([(answered(each, 500, NOON), "mine") for each in failing])
    opens = NOON + timedelta(seconds=31)
    assert await claim(other, opens - MOMENT) == []
    assert [len(await claim(store, opens, token="probe")) for store in (other, one)] == [1, 0]


async def test_two_who_claim_at_the_very_moment_do_not_wait_for_each_other(
    one: PostgresStore, somebody: Somebody
) -> None:
    await owe(one, 2, api_endpoint("hook"), api_endpoint("other"))
    async with somebody.transaction():
        await somebody.execute("SELECT 1 FROM turns WHERE endpoint_id = 'hook' FOR UPDATE")
        assert {each.endpoint_id for each in await claim(one, NOON, "hook", "other")} == {"other"}
        assert await claim(one, NOON) == []
    assert len(await claim(one, NOON)) == 2


async def test_what_a_process_that_is_gone_had_claimed_comes_back_when_its_claims_end_and_not_before(
    one: PostgresStore, url: str, clock: FakeClock, turn: Turn
) -> None:
    await owe(one, 3)
    async with open_postgres(url, tell=Ear(), clock=clock) as store:
        claimed = await claim(store, NOON)
    await turn(NOON + LEASE - MOMENT)
    assert await claim(one, NOON + 2 * LEASE) == []  # whatever our own clock says
    await turn(NOON + LEASE)
    assert await claim(one, NOON) == claimed


async def test_who_lost_a_claim_to_another_process_settles_nothing(
    one: PostgresStore, other: PostgresStore, turn: Turn
) -> None:
    await owe(one, 2)
    claimed = await claim(one, NOON, token="late")
    await turn(NOON + LEASE)
    assert await claim(other, NOON, token="new") == claimed
    before = await other.endpoints()
    late = [(answered(each, 410, NOON), "late") for each in claimed]
    assert await one.settle(late) == [None, None]
    assert await one.settle([(answered(claimed[0], 200, NOON), "late")]) == [None]
    assert await other.endpoints() == before
    assert await one.release("late") == 0
    assert await other.settle([(answered(each, 200, NOON), "new") for each in claimed]) == [Settled(outcome="done")] * 2
    for each in claimed:
        details = await one.delivery(each.id)
        assert details is not None
        assert len(details.attempts) == 1


async def test_what_is_settled_late_at_the_moment_at_which_another_claims_it_is_not_sent_again(
    one: PostgresStore, other: PostgresStore, somebody: Somebody, turn: Turn
) -> None:
    await owe(one, 1)
    [delivery] = await claim(one, NOON)
    await turn(NOON + LEASE)
    async with somebody.transaction():
        await somebody.execute("DELETE FROM claims")
        await somebody.execute("UPDATE deliveries SET state = 'done'")
        claiming = asyncio.ensure_future(claim(other, NOON, token="new"))
        while not await somebody.fetchval(WAITS):  # noqa: ASYNC110 -- nobody says when it waits
            await asyncio.sleep(0)
    assert await claiming == []
    assert await settle_one(one, answered(delivery, 200, NOON)) is None


async def test_an_attempt_that_is_settled_twice_in_one_go_counts_once(one: PostgresStore) -> None:
    await owe(one, 1)
    [delivery] = await claim(one, NOON)
    settlement = answered(delivery, 200, NOON)
    outcomes = await one.settle([(settlement, "mine"), (settlement, "mine"), (settlement, "theirs")])
    assert outcomes == [Settled(outcome="done"), None, None]


@pytest.mark.parametrize(
    "hook",
    [
        endpoint(),
        endpoint(ordering="batch"),
        *(replace(endpoint(), state=state) for state in (EndpointState.DISABLED, EndpointState.REMOVED)),
        *(replace(endpoint(), health=replace(Health(), **{name: 1})) for name in COUNTS),  # type: ignore[arg-type]
        *(replace(endpoint(), health=replace(Health(), **{name: NOON})) for name in TIMES),  # type: ignore[arg-type]
        replace(endpoint(), health=Health(told={"endpoint.failing": NOON})),
    ],
)
async def test_nothing_is_settled_at_once_where_a_success_may_change_the_endpoint(
    one: PostgresStore, somebody: Somebody, hook: Endpoint
) -> None:
    await owe(one, 1)
    [delivery] = await claim(one, NOON)
    stands = values_of_standing(hook)
    text = "UPDATE endpoints SET state = $1, health = $2, ordering = $3"
    await somebody.execute(text, stands["state"], stands["health"], hook.ordering)

    def settle(connection: Connection, sql: Statements) -> list[int]:
        put = {"id": delivery.id, "token": "mine", "state": "done", "attempts": 1, "cause": "schedule", "begins": 1}
        put |= {"tried": "schedule", "outcome": "done", "at": 1, "took": 1, "length": 0}
        values = {"settled": json.dumps([put]), "answers": b"", "calm": '["hook"]'}
        return [row["id"] for row in connection.execute(sql["settle_claims"], values)]

    calm = hook.state is EndpointState.ACTIVE and hook.ordering == "none" and hook.health.untroubled
    assert await one._write("look", settle) == [delivery.id] * calm


NOTHING_OLD = Cutoffs(events=NOON, deliveries=NOON, broadcasts=NOON)


async def test_claims_that_nobody_settles_any_more_are_forgotten(
    one: PostgresStore, somebody: Somebody, turn: Turn
) -> None:
    await owe(one, 2)
    await claim(one, NOON)
    await turn(NOON + LEASE + timedelta(milliseconds=KEPT))
    await one.forget(NOTHING_OLD, Forgotten(), 10)
    assert await somebody.fetchval("SELECT count(*) FROM claims") == 2
    await turn(NOON + LEASE + timedelta(milliseconds=KEPT + 1))
    await one.forget(NOTHING_OLD, Forgotten(), 10)
    assert await somebody.fetchval("SELECT count(*) FROM claims") == 0


# All of it at once


async def test_whatever_several_do_at_once_nobody_is_refused(stores: list[PostgresStore], somebody: Somebody) -> None:
    names = ["none", "ordered", "failing", "moving"]
    await owe(
        stores[0],
        10,
        *(api_endpoint(name, ordering="batch" if name == "ordered" else "none", types=("batch.*",)) for name in names),
    )

    async def deliver(store: PostgresStore, place: int) -> None:
        for step in range(40):
            token = f"{place}.{step}"
            now = NOON + timedelta(minutes=step)
            claimed = await store.claim(
                dict.fromkeys(names, 3), token=token, now=now, until=now + LEASE, per_endpoint=9
            )
            codes = {"failing": 500, "moving": 429 if step % 5 == 0 else 200}
            await store.settle([(answered(each, codes.get(each.endpoint_id, 200), now), token) for each in claimed])

    async def change(store: PostgresStore, place: int) -> None:
        for step in range(15):
            await happen(store, "batch.stuck", "batch.unstuck", key=Key("a", 10 * place + step % 3 + 1))
            [known] = [each for each in await store.endpoints() if each.id == "moving"]
            await store.change_endpoint(replace(known, url=f"https://example.net/{place}/{step}"))
            await store.disable_endpoint(names[step % 4], "enough")
            await store.enable_endpoint(names[step % 4], send_held=step % 2 == 0, now=NOON)
            for delivery in (await store.deliveries(DeliveryQuery(limit=3)))[:2]:
                await store.resend(delivery.id, NOON)
            since = NOON - timedelta(hours=1)
            recovery = Recovery(endpoint_id="ordered", since=since, until=NOON + LEASE, most=5)
            await store.recover(recovery, NOON, dry_run=step % 2 == 0)

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for place, store in enumerate(stores):
            group.create_task(deliver(store, place))
            group.create_task(change(store, place))
    kept = await somebody.fetchval("SELECT count(*) FROM deliveries WHERE lane IS NOT NULL AND state = 'pending'")
    late = NOON + timedelta(days=9)
    while claimed := await claim(stores[0], late, "ordered"):  # nobody is left behind for good
        await stores[0].settle([(answered(each, 200, late), "mine") for each in claimed])
        kept -= len(claimed)
    assert kept == 0


async def test_however_much_is_owed_only_what_is_claimed_is_read(one: PostgresStore, somebody: Somebody) -> None:
    await owe(one, 1)
    await claim(one, NOON)  # its plan is made while there is next to nothing
    await somebody.execute(
        "INSERT INTO deliveries (account, endpoint_id, position, created, due, state, cause, behind) "
        "SELECT 'default', 'hook', n, 1, n, 'pending', 'schedule', 0 FROM generate_series(100, 20000) AS n"
    )
    text = "SELECT due FROM due_deliveries('{hook}', '{3}', '{9}', $1, 0)"
    assert [row["due"] for row in await somebody.fetch(text, millis(NOON))] == [100, 101, 102]
    explained = await somebody.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", millis(NOON))
    [plan] = json.loads(explained)
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 100
