"""StreamRank: each figure by its definition, over all that was ever counted."""

import json
from dataclasses import asdict, fields
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.streamrank import Meter, StreamRank


def after(**time: float) -> datetime:
    return NOON + timedelta(**time)


def test_before_anything_was_polled_all_figures_are_those_of_a_new_description() -> None:
    assert Meter().rank() == StreamRank()
    assert {field.name: field.default for field in fields(StreamRank)} == {
        "polling_total_time_average": 0,
        "polling_size_download_average": 0,
        "streaming_total_time_average": 0,
        "streaming_size_download_average": 0,
        "change_yes": 0,
        "change_no": 0,
        "time_percentage": 0,
        "size_percentage": 0,
        "change_percentage": 0,
        "last_run": "",
        "days_run": 0,
        "minute_run": 0,
    }


def counted() -> Meter:
    """Eight requests, of which two showed a change; one of the two events was accepted by now."""
    meter = Meter()
    for number in range(8):
        meter.polled(after(seconds=15 * number), took=0.25, size=500)
        meter.looked(changed=number in (3, 7))
    for size in (300, 501):
        meter.committed(size)
    meter.arrived(0.125)
    return meter


def test_the_figures_are_averages_and_shares_of_what_was_counted() -> None:
    assert counted().rank() == StreamRank(
        polling_total_time_average=0.25,
        polling_size_download_average=500.0,
        streaming_total_time_average=0.125,
        streaming_size_download_average=400.5,
        change_yes=2,
        change_no=6,
        time_percentage=87.5,  # 2 events of 0.125 s instead of 8 requests of 0.25 s
        size_percentage=80.0,  # 801 bytes instead of 4,000
        change_percentage=25.0,
        last_run="2026-11-23T12:01:45.000Z",
        days_run=1,
        minute_run=2,
    )


def test_seconds_are_told_to_four_places_bytes_and_percentages_to_one() -> None:
    meter = Meter()
    for number, size in enumerate((100, 100, 101)):
        meter.polled(NOON, took=1 / 3, size=2 * size)
        meter.looked(changed=number == 0)
        meter.committed(size)
    meter.arrived(1 / 9)
    assert meter.rank() == StreamRank(
        polling_total_time_average=0.3333,
        polling_size_download_average=200.7,
        streaming_total_time_average=0.1111,
        streaming_size_download_average=100.3,
        change_yes=1,
        change_no=2,
        time_percentage=66.7,
        size_percentage=50.0,
        change_percentage=33.3,
        last_run="2026-11-23T12:00:00.000Z",
        days_run=1,
        minute_run=1,
    )


def test_what_costs_more_than_polling_saves_nothing() -> None:
    meter = Meter()
    meter.polled(NOON, took=0.01, size=10)
    meter.committed(400)
    meter.arrived(5.0)
    rank = meter.rank()
    assert (rank.time_percentage, rank.size_percentage) == (0.0, 0.0)


@pytest.mark.parametrize("polled", [True, False])
def test_nothing_is_said_to_be_saved_where_one_of_them_was_not_measured(polled: bool) -> None:
    meter = Meter()
    if polled:
        meter.polled(NOON, took=0.2, size=500)
    else:
        meter.committed(400)
        meter.arrived(0.1)
    rank = meter.rank()
    assert (rank.time_percentage, rank.size_percentage) == (0.0, 0.0)


def test_days_and_minutes_are_those_in_which_it_was_polled() -> None:
    meter = Meter()
    for at in (NOON, after(seconds=59), after(minutes=1), after(hours=11, minutes=59), after(hours=12), after(days=9)):
        meter.polled(at, took=0.1, size=1)
    rank = meter.rank()
    assert (rank.days_run, rank.minute_run, rank.last_run) == (3, 5, "2026-12-02T12:00:00.000Z")


def test_a_clock_that_was_set_back_counts_no_minute_twice() -> None:
    meter = Meter()
    for at in (NOON, after(days=-1), after(seconds=-1), NOON):
        meter.polled(at, took=0.1, size=1)
    rank = meter.rank()
    assert (rank.days_run, rank.minute_run, rank.last_run) == (1, 1, "2026-11-23T12:00:00.000Z")
    assert rank.polling_size_download_average == 1.0


def test_what_was_counted_is_kept_in_a_record_and_goes_on_from_there() -> None:
    meter = Meter.from_record(counted().to_record())
    assert meter == counted()
    meter.looked(changed=False)
    assert meter.rank().change_no == 7
    assert Meter.from_record(Meter().to_record()) == Meter()
    assert Meter().to_record() == (
        b'{"version":1,"polls":0,"poll_seconds":0.0,"poll_bytes":0,"events":0,"event_bytes":0,"arrivals":0,'
        b'"arrival_seconds":0.0,"changed":0,"unchanged":0,"last_run":0.0,"days":0,"minutes":0}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"polls": -1},
        {"polls": 1.5},
        {"polls": True},
        {"polls": "8"},
        {"polls": None},
        {"polls": 10**18},
        {"poll_seconds": float("nan")},
        {"poll_seconds": float("inf")},
        {"poll_seconds": False},
        {"last_run": 1e15},
        {"last_run": 253_402_214_400.0},  # the last day of the year 9999
        {"more": 1},
    ],
)
def test_a_record_that_is_damaged_or_of_another_version_tells_nothing(change: dict[str, object]) -> None:
    record = json.loads(counted().to_record()) | change
    assert Meter.from_record(json.dumps(record).encode()) == Meter()


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"3", b"{}", b"\xff", b'{"version":1}', b"[" * 100_000])
def test_what_is_no_record_tells_nothing(record: bytes) -> None:
    assert Meter.from_record(record) == Meter()


def test_a_record_may_have_whole_numbers_of_seconds() -> None:
    record = json.loads(counted().to_record()) | {"poll_seconds": 2}
    assert Meter.from_record(json.dumps(record).encode()) == counted()


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**9), st.booleans(), st.floats(-1e6, 1e6)), max_size=20),
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1e6)), max_size=20),
)
def test_figures_are_never_out_of_bounds(
    polls: list[tuple[float, int, bool, float]], events: list[tuple[int, float]]
) -> None:
    meter = Meter()
    for took, size, changed, at in polls:
        meter.polled(after(seconds=at), took=took, size=size)
        meter.looked(changed=changed)
    for size, delay in events:
        meter.committed(size)
        meter.arrived(delay)
    assert Meter.from_record(meter.to_record()) == meter
    figures = asdict(meter.rank())
    assert (figures.pop("last_run") == "") == (polls == [])
    assert all(value >= 0 for value in figures.values())
    assert all(figures[name] <= 100 for name in figures if name.endswith("_percentage"))
    assert 0 <= figures["days_run"] <= figures["minute_run"] <= len(polls)
