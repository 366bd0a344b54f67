import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watcher.clock import SystemClock

START = 1_795_435_200.0  # 2026-11-23T12:00Z
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Machine:
    """A machine's two clocks: the one on the wall, which can be set, and the one that only ever goes on."""

    def __init__(self) -> None:
        self.wall = START
        self.monotonic = 1000.0

    def turn(self, seconds: float, *, wall: float | None = None) -> None:
        self.monotonic += seconds
        self.wall += seconds if wall is None else wall

    def clock(self) -> SystemClock:
        return SystemClock(wall=lambda: self.wall, monotonic=lambda: self.monotonic)


def test_it_tells_the_machines_time_in_utc() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == NOON
    machine.turn(90.0)
    assert clock.now() == NOON + timedelta(seconds=90)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() == 1090.0


def test_by_itself_it_reads_the_real_time() -> None:
    clock = SystemClock()
    before = datetime.now(UTC)
    told = clock.now()
    assert abs(told - before) < timedelta(seconds=5)
    assert clock.now() >= told


def test_a_machine_set_forward_is_followed_at_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.turn(1.0, wall=3600.0)
    assert clock.now() == NOON + timedelta(hours=1)


def test_where_the_machine_is_set_back_it_goes_half_as_fast_until_both_agree() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.turn(0.0, wall=-60.0)
    assert clock.now() == NOON
    machine.turn(40.0)
    assert clock.now() == NOON + timedelta(seconds=20)
    machine.turn(80.0)
    assert clock.now() == NOON + timedelta(seconds=60) == datetime.fromtimestamp(machine.wall, UTC)
    machine.turn(10.0)
    assert clock.now() == NOON + timedelta(seconds=70)


def test_a_pause_between_the_two_readings_does_not_make_it_early_for_good() -> None:
    machine = Machine()

    def put_aside() -> float:
        wall = machine.wall
        machine.turn(machine_pauses.pop() if machine_pauses else 0.0)
        return wall

    machine_pauses: list[float] = []
    clock = SystemClock(wall=put_aside, monotonic=lambda: machine.monotonic)
    machine_pauses.append(30.0)
    late = clock.now()
    machine.turn(60.0)
    assert late <= NOON + timedelta(seconds=30)
    assert clock.now() == NOON + timedelta(seconds=90)


@given(st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(-1e5, 1e5)), max_size=30))
def test_it_never_goes_back_and_comes_back_to_the_machines_time(turns: list[tuple[float, float]]) -> None:
    machine = Machine()
    clock = machine.clock()
    told = [clock.now()]
    for seconds, wall in turns:
        machine.turn(seconds, wall=wall)
        told.append(clock.now())
    machine.turn(1e7)
    assert told == sorted(told)
    assert abs(clock.now() - datetime.fromtimestamp(machine.wall, UTC)) < timedelta(milliseconds=1)


async def test_a_wait_ends_with_the_event() -> None:
    clock, event = SystemClock(), asyncio.Event()
    waiting = asyncio.create_task(clock.wait(event, 3600.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    event.set()
    await waiting


async def test_a_wait_for_what_has_happened_is_over_at_once() -> None:
    event = asyncio.Event()
    event.set()
    await SystemClock().wait(event, 3600.0)


async def test_a_wait_ends_when_its_time_is_over() -> None:
    event = asyncio.Event()
    await SystemClock().wait(event, 0.0)
    assert not event.is_set()


async def test_a_wait_that_is_cancelled_says_so() -> None:
    waiting = asyncio.create_task(SystemClock().wait(asyncio.Event(), 3600.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()


async def test_a_sleep_of_nothing_is_over_at_once() -> None:
    await SystemClock().sleep(0.0)
    await SystemClock().sleep(-1.0)


def test_its_dice_fall_between_nought_and_one() -> None:
    clock = SystemClock()
    drawn = [clock.draw() for _ in range(100)]
    assert all(0.0 <= each < 1.0 for each in drawn)
    assert len(set(drawn)) > 1
