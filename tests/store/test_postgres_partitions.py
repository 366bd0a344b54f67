"""Growth on PostgreSQL: what happens on a day is in partitions of it, and goes with them when it is old and owed to nobody."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.fakes import Ear, FakeClock
from tests.store.making import answered, claim, endpoint, happen, settled
from tests.store.postgres_server import Server
from tests.store.test_forgetting import a_round, kept, older_than
from watcher.core.model import Key
from watcher.core.recovering import Cutoffs, DeliveryQuery, Forgotten, Recovery
from watcher.ports import EventQuery, StoreError
from watcher.ports.log import LogSpan
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.rows import millis

FIRST: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
"""Noon of the first day; nothing happens at midnight."""
WIDTH: Final = 1_000_000_000
"""Positions in a partition."""
PARTITIONS: Final = "SELECT number || ' ' || day FROM partitions WHERE begun IS NOT NULL ORDER BY number"
TABLES: Final = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '_2030[0-9]{4}$' ORDER BY relname"


class Days:
    """The days of a test: the database is told when one begins, and the store's clock stands at its noon."""

    def __init__(self, say: Callable[[str], str], clock: FakeClock) -> None:
        self.say = say
        self._clock = clock

    def begin(self, day: int) -> datetime:
        """Noon of the day, counted from 1."""
        now = FIRST + timedelta(days=day - 1)
        self._clock.turn(seconds=(now - self._clock.now()).total_seconds())
        self.say(f"SELECT begin_partition({millis(now)})")
        return now

    def count(self, table: str) -> int:
        return int(self.say(f"SELECT count(*) FROM {table}"))


@pytest.fixture
def days(server: Server, url: str, clock: FakeClock) -> Days:
    name = urlsplit(url).path[1:]
    days = Days(lambda text: server.say(text, name), clock)
    days.say("SELECT begin_partition(clock_ms())")  # the template may be of yesterday
    days.say("UPDATE partitions SET begun = 1")  # long before all that happens here
    return days


@pytest.fixture
async def two_days(postgres: PostgresStore, days: Days) -> Days:
    """A day with batches 1 to 3, delivered at once, and the next with batch 4."""
    now = days.begin(1)
    await postgres.settle_endpoints([endpoint()])
    for batch_id in (1, 2, 3):
        await happen(postgres, "batch.active", key=Key("default", batch_id), at=now)
    for delivery in await claim(postgres, now):
        await settled(postgres, answered(delivery, 200, now))
    now = days.begin(2)
    await happen(postgres, "batch.active", key=Key("default", 4), at=now)
    return days


def noon(day: float) -> datetime:
    return FIRST + timedelta(days=day - 1)


async def test_a_new_database_has_partitions_for_today_and_tomorrow(server: Server, url: str) -> None:
    found = server.say("SELECT day, begun IS NOT NULL FROM partitions ORDER BY number", urlsplit(url).path[1:])
    today, tomorrow = (line.split("|") for line in found.splitlines())
    assert [today[1], tomorrow[1]] == ["t", "f"]
    assert datetime.strptime(tomorrow[0], "%Y%m%d") - datetime.strptime(today[0], "%Y%m%d") == timedelta(days=1)  # noqa: DTZ007


async def test_positions_and_ids_jump_when_a_day_begins_and_only_then(postgres: PostgresStore, days: Days) -> None:
    await postgres.settle_endpoints([endpoint()])
    for day in (1, 1, 2, 4):
        now = days.begin(day)
        await happen(postgres, "batch.new", "batch.active", at=now)
    first, second, third = (int(line.partition(" ")[0]) * WIDTH for line in days.say(PARTITIONS).splitlines()[-3:])
    positions = [first, first + 1, first + 2, first + 3, second, second + 1, third, third + 1]
    assert [each.position for each in await postgres.events(EventQuery())] == positions
    deliveries = await postgres.deliveries(DeliveryQuery())
    assert [each.id for each in reversed(deliveries)] == positions
    assert [each.position for each in reversed(deliveries)] == positions
    assert days.count("events_20300101") == days.count("deliveries_20300101") == 4
    assert days.count("events_20300104") == days.count("deliveries_20300104") == 2
    assert days.count("events_rest") == days.count("deliveries_rest") == days.count("attempts_rest") == 0


async def test_a_day_that_is_begun_twice_is_begun_once(days: Days) -> None:
    days.begin(1)
    before = days.say("SELECT * FROM partitions ORDER BY number")
    days.begin(1)
    assert days.say("SELECT * FROM partitions ORDER BY number") == before


async def test_a_day_that_is_old_goes_as_a_whole(postgres: PostgresStore, two_days: Days) -> None:
    old = [each.id for each in await postgres.deliveries(DeliveryQuery()) if each.batch_id != 4]
    last = [each.position for each in await postgres.events(EventQuery())][2]
    forgotten = await a_round(postgres, older_than(noon(2)))
    assert (forgotten.events, forgotten.deliveries) == (3, 3)
    assert await kept(postgres) == ([4], [4])
    assert [await postgres.delivery(delivery_id) for delivery_id in old] == [None] * 3
    assert two_days.say(TABLES).split() == [
        f"{table}_203001{day}" for table in ("attempts", "deliveries", "events") for day in ("02", "03")
    ]
    assert (await postgres.log_span()).forgotten == last
    assert await a_round(postgres, older_than(noon(2))) == Forgotten(ended=True)


async def test_whoever_has_read_all_has_missed_nothing_after_a_day_without_events(
    postgres: PostgresStore, days: Days
) -> None:
    now = days.begin(1)
    await happen(postgres, "batch.new", at=now)
    [event] = await postgres.events(EventQuery())
    for day in (2, 3):
        now = days.begin(day)
    await a_round(postgres, older_than(now))
    await happen(postgres, "batch.active", at=now)
    [later] = await postgres.events(EventQuery(after=event.position))
    assert await postgres.log_span() == LogSpan(forgotten=event.position, last=later.position)


async def test_a_day_that_will_go_as_a_whole_soon_is_left_alone_until_then(
    postgres: PostgresStore, two_days: Days
) -> None:
    assert await a_round(postgres, older_than(noon(1.5))) == Forgotten(ended=True)
    assert await kept(postgres) == ([1, 2, 3, 4], [1, 2, 3, 4])


async def test_of_a_day_that_is_owed_still_what_is_not_goes_row_by_row(postgres: PostgresStore, days: Days) -> None:
    now = days.begin(1)
    await postgres.settle_endpoints([endpoint(), endpoint("slow", types=["batch.new"])])
    await happen(postgres, "batch.new", key=Key("default", 1), at=now)
    await happen(postgres, "batch.active", key=Key("default", 2), at=now)
    for delivery in await claim(postgres, now):
        await settled(postgres, answered(delivery, 200, now))
    days.begin(2)
    forgotten = await a_round(postgres, older_than(noon(2)))
    assert (forgotten.events, forgotten.deliveries) == (1, 2)
    assert await kept(postgres) == ([1], [1])
    [delivery] = await claim(postgres, noon(2), "slow")
    assert await settled(postgres, answered(delivery, 200, noon(2))) == "done"
    forgotten = await a_round(postgres, older_than(noon(2)))
    assert (forgotten.events, forgotten.deliveries) == (1, 1)
    assert "20300101" not in days.say(TABLES)


async def test_what_is_recovered_late_is_beside_its_event_once_and_keeps_its_day(
    postgres: PostgresStore, days: Days
) -> None:
    now = days.begin(1)
    await happen(postgres, "batch.active", at=now)
    await postgres.settle_endpoints([endpoint()])
    now = days.begin(2)
    recovery = Recovery(endpoint_id="hook", since=noon(0), until=noon(3))
    for expected in ({"missing": 1}, {}):
        recovered = await postgres.recover(recovery, now, dry_run=False)
        assert recovered is not None
        assert recovered.counts == expected
    [delivery] = await claim(postgres, now)
    await settled(postgres, answered(delivery, 200, now))
    assert days.count("deliveries_20300101") == days.count("attempts_20300102") == 1
    days.begin(3)
    assert await postgres._partitions.keep(older_than(noon(2))) == Forgotten()
    forgotten = await a_round(postgres, older_than(noon(2)))
    assert (forgotten.events, forgotten.deliveries) == (1, 1)
    assert await kept(postgres) == ([], [])
    assert days.count("attempts") == 0


async def test_where_deliveries_are_kept_for_less_they_go_before_their_events(
    postgres: PostgresStore, two_days: Days
) -> None:
    cutoffs = Cutoffs(events=noon(0), deliveries=noon(2), broadcasts=noon(0))
    forgotten = await a_round(postgres, cutoffs)
    assert (forgotten.events, forgotten.deliveries) == (0, 3)
    assert await kept(postgres) == ([1, 2, 3, 4], [4])
    assert two_days.count("deliveries_20300101") == two_days.count("attempts_20300101") == 0
    recovered = await postgres.recover(
        Recovery(endpoint_id="hook", since=noon(0), until=noon(1.5)), noon(2), dry_run=False
    )
    assert recovered is not None
    assert recovered.counts == {"missing": 3}
    assert two_days.count("deliveries_20300101") == 3
    forgotten = await a_round(postgres, older_than(noon(2)))
    assert (forgotten.events, forgotten.deliveries) == (0, 0)


async def test_whoever_reads_is_waited_for_only_so_long_and_the_day_goes_the_next_time(
    postgres: PostgresStore, two_days: Days, url: str
) -> None:
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.fetch("SELECT * FROM attempts_20300101")
        assert await postgres._partitions.keep(older_than(noon(2))) == Forgotten()
        assert two_days.count("events_20300101") == 3
    await other.close()
    assert await postgres._partitions.keep(older_than(noon(2))) == Forgotten(events=3, deliveries=3)


async def test_what_becomes_pending_again_while_a_day_is_looked_at_keeps_it(
    postgres: PostgresStore, two_days: Days, url: str
) -> None:
    two_days.say("ALTER FUNCTION empty_partition SET lock_timeout = '1min'")
    await postgres._partitions.keep(older_than(noon(1)))  # what is before the first day
    other, watching = await asyncpg.connect(url), await asyncpg.connect(url)
    again = other.transaction()
    await again.start()
    await other.execute(
        "UPDATE deliveries_20300101 SET state = 'pending' WHERE id = (SELECT min(id) FROM deliveries_20300101)"
    )
    keeping = asyncio.create_task(postgres._partitions.keep(older_than(noon(2))))
    while not keeping.done() and not await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        pass
    await again.commit()  # it has counted, and waits to empty the table
    assert await keeping == Forgotten()
    assert await kept(postgres) == ([1, 2, 3, 4], [1, 2, 3, 4])
    for connection in (other, watching):
        await connection.close()


async def test_one_process_at_a_time_forgets(postgres: PostgresStore, two_days: Days, url: str) -> None:
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute(
            "SELECT pg_advisory_xact_lock(8607336417265442665), pg_advisory_xact_lock(8607336417265442666)"
        )
        assert await postgres.forget(older_than(noon(2)), Forgotten(), 100) == Forgotten(ended=True)
        assert await kept(postgres) == ([1, 2, 3, 4], [1, 2, 3, 4])
    await other.close()
    assert (await a_round(postgres, older_than(noon(2)))).events == 3


async def test_of_two_processes_that_forget_at_once_each_row_is_counted_once(
    postgres: PostgresStore, two_days: Days, url: str, clock: FakeClock
) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock) as other:
        counts = [(await a_round(store, older_than(noon(2)))).events for store in (postgres, other, postgres)]
    assert counts == [3, 0, 0]


async def test_days_on_which_nothing_ran_leave_nothing_behind(postgres: PostgresStore, days: Days) -> None:
    days.begin(1)
    days.begin(9)
    await a_round(postgres, older_than(noon(9)))
    assert days.say(TABLES).split() == [
        f"{table}_203001{day}" for table in ("attempts", "deliveries", "events") for day in ("09", "10")
    ]


async def test_what_belongs_to_no_day_is_kept_and_forgotten_too(postgres: PostgresStore, days: Days) -> None:
    now = days.begin(1)
    await postgres.settle_endpoints([endpoint()])
    days.say(f"UPDATE log SET last = {70 * WIDTH}")  # copied from a database of many days
    days.say(f"SELECT setval(pg_get_serial_sequence('deliveries', 'id'), {80 * WIDTH})")
    await happen(postgres, "batch.new", at=now)
    for delivery in await claim(postgres, now):
        await settled(postgres, answered(delivery, 200, now))
    assert [days.count(table) for table in ("events_rest", "deliveries_rest", "attempts_rest")] == [1, 1, 1]
    now = days.begin(3)
    await happen(postgres, "batch.active", at=now)
    assert [each.position for each in await postgres.events(EventQuery())] == [70 * WIDTH + 1, 81 * WIDTH]
    forgotten = await a_round(postgres, older_than(noon(2)))
    assert (forgotten.events, forgotten.deliveries) == (1, 1)
    assert [days.count(table) for table in ("events_rest", "deliveries_rest", "attempts_rest")] == [0, 0, 0]


async def test_the_same_number_of_a_batch_is_refused_twice_in_a_day(postgres: PostgresStore, days: Days) -> None:
    days.begin(1)
    await happen(postgres, "batch.new", at=noon(1))
    again = "INSERT INTO events SELECT position + 1, 'other', type, at, account, batch_id, number, body, endpoint FROM events"
    with pytest.raises(AssertionError, match="duplicate key value violates unique constraint"):
        days.say(again)


async def test_a_database_without_the_right_to_make_tables_says_so(
    server: Server, url: str, days: Days, clock: FakeClock
) -> None:
    name = urlsplit(url).path[1:]
    days.say("DO $$ BEGIN CREATE ROLE writer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    days.say("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer")
    days.say("GRANT USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA public TO writer")
    days.say("DELETE FROM partitions WHERE begun IS NULL")
    as_writer = url.replace("postgres@", "writer@")
    async with open_postgres(as_writer, tell=Ear(), clock=clock) as store:
        with pytest.raises(StoreError, match=f"postgresql:///{name} does not allow it: give the user"):
            await store.forget(older_than(noon(2)), Forgotten(), 100)
