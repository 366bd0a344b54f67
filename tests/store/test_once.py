"""The port's promises about answers that are given once."""

import sqlite3
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON, Ear, FakeClock
from watcher.ports import KeptAnswer, Store, StoreError
from watcher.store.once import FORGOTTEN_AT_ONCE
from watcher.store.sealing import NOT_SEALED, Seal
from watcher.store.sqlite import SqliteStore, open_store

WHOLE = b"\x00" * 32
ANSWER = KeptAnswer(
    status=201, headers={"Location": "/v1/x", "ETag": '"ä"'}, body=b'{"secret": "hush-hush"}\n\x1f\x8b\xff'
)
FIRST, SECOND = b"1" * 32, b"2" * 32
DAY = timedelta(hours=24)


async def test_a_request_is_worked_on_once_and_its_answer_given_again(store: Store) -> None:
    assert await store.begin("ci", "k-1", WHOLE, NOON) == "fresh"
    assert await store.begin("ci", "k-1", WHOLE, NOON) == "under-way"
    await store.finish("ci", "k-1", ANSWER)
    assert await store.begin("ci", "k-1", WHOLE, NOON + timedelta(hours=1)) == ANSWER


@pytest.mark.parametrize("answered", [True, False])
async def test_another_request_with_the_same_key_is_known_as_another(store: Store, answered: bool) -> None:
    await store.begin("ci", "k-1", WHOLE, NOON)
    if answered:
        await store.finish("ci", "k-1", ANSWER)
    assert await store.begin("ci", "k-1", b"\x01", NOON) == "other"
    assert await store.begin("ci", "k-1", WHOLE, NOON) == (ANSWER if answered else "under-way")


async def test_the_keys_of_one_holder_say_nothing_of_those_of_another(store: Store) -> None:
    await store.begin("ci", "k-1", WHOLE, NOON)
    await store.finish("ci", "k-1", ANSWER)
    assert await store.begin("ops", "k-1", WHOLE, NOON) == "fresh"
    assert await store.begin("ci", "k-2", WHOLE, NOON) == "fresh"
    await store.finish("ops", "k-1", replace(ANSWER, status=409))
    assert await store.begin("ci", "k-1", WHOLE, NOON) == ANSWER


async def test_what_came_to_nothing_may_be_sent_again(store: Store) -> None:
    await store.begin("ci", "k-1", WHOLE, NOON)
    await store.abandon("ci", "k-1")
    assert await store.begin("ci", "k-1", b"\x01", NOON) == "fresh"


async def test_an_answer_stays_as_it_was_given_first(store: Store) -> None:
    await store.begin("ci", "k-1", WHOLE, NOON)
    await store.finish("ci", "k-1", ANSWER)
    await store.finish("ci", "k-1", replace(ANSWER, status=500))
    await store.abandon("ci", "k-1")
    assert await store.begin("ci", "k-1", WHOLE, NOON) == ANSWER


async def test_what_nobody_began_is_not_answered(store: Store) -> None:
    await store.finish("ci", "k-1", ANSWER)
    await store.abandon("ci", "k-1")
    assert await store.begin("ci", "k-1", WHOLE, NOON) == "fresh"


@pytest.mark.parametrize("answered", [True, False])
async def test_after_a_day_a_key_is_as_good_as_new(store: Store, answered: bool) -> None:
    await store.begin("ci", "k-1", WHOLE, NOON)
    if answered:
        await store.finish("ci", "k-1", ANSWER)
    just_before = NOON + DAY - timedelta(milliseconds=1)
    assert await store.begin("ci", "k-1", WHOLE, just_before) == (ANSWER if answered else "under-way")
    assert await store.begin("ci", "k-1", b"\x01", NOON + DAY) == "fresh"
    assert await store.begin("ci", "k-1", b"\x01", NOON + DAY) == "under-way"


async def test_old_answers_go_a_few_at_a_time_as_requests_come(sqlite: SqliteStore) -> None:
    for number in range(FORGOTTEN_AT_ONCE + 5):
        await sqlite.begin("ci", f"old-{number}", WHOLE, NOON)
        await sqlite.finish("ci", f"old-{number}", ANSWER)
    await sqlite.begin("ci", "young", WHOLE, NOON + timedelta(seconds=1))
    counts = []
    for number in range(3):
        await sqlite.begin("ci", f"new-{number}", WHOLE, NOON + DAY)
        counts.append(await _count(sqlite))
    assert counts == [5 + 1 + 1, 1 + 2, 1 + 3]


# From one process to the next


def opened(path: Path, *, seal: Seal = NOT_SEALED) -> AbstractAsyncContextManager[SqliteStore]:
    return open_store(path, tell=Ear(), clock=FakeClock(), seal=seal)


async def put(path: Path, seal: Seal) -> None:
    """An answer, by a process that has ended since."""
    async with opened(path, seal=seal) as store:
        await store.begin("ci", "k-1", WHOLE, NOON)
        await store.finish("ci", "k-1", ANSWER)


async def test_after_a_restart_what_was_under_way_is_begun_anew_only_for_who_says_that_it_may_be(path: Path) -> None:
    await put(path, NOT_SEALED)
    async with opened(path) as store:
        for key in ("k-2", "k-3"):
            await store.begin("ci", key, WHOLE, NOON)
    async with opened(path) as store:
        assert await store.begin("ci", "k-1", WHOLE, NOON, again=False) == ANSWER
        assert await store.begin("ci", "k-2", WHOLE, NOON) == "fresh"
        assert await store.begin("ci", "k-2", WHOLE, NOON) == "under-way"
        await store.finish("ci", "k-2", ANSWER)
        await store.finish("ci", "k-3", ANSWER)
        await store.abandon("ci", "k-3")
        assert await store.begin("ci", "k-3", b"\x01", NOON, again=False) == "other"
        for _ in range(2):
            assert await store.begin("ci", "k-3", WHOLE, NOON, again=False) == "unclear"
    async with opened(path) as store:
        assert await store.begin("ci", "k-2", WHOLE, NOON, again=False) == ANSWER
        assert await store.begin("ci", "k-3", WHOLE, NOON, again=False) == "unclear"
        assert await store.begin("ci", "k-3", WHOLE, NOON + DAY, again=False) == "fresh"


async def test_an_answer_is_sealed_where_there_is_a_key(path: Path) -> None:
    await put(path, Seal([FIRST]))
    assert b"hush-hush" not in _bytes_in(path.parent)
    async with opened(path, seal=Seal([FIRST])) as store:
        assert await store.begin("ci", "k-1", WHOLE, NOON) == ANSWER


@pytest.mark.parametrize("before", [NOT_SEALED, Seal([FIRST])], ids=["plain", "old"])
async def test_answers_are_sealed_anew_with_the_newest_key_at_opening(path: Path, before: Seal) -> None:
    await put(path, before)
    async with opened(path, seal=Seal([SECOND, FIRST])):
        pass
    assert b"hush-hush" not in _bytes_in(path.parent)
    async with opened(path, seal=Seal([SECOND])) as store:
        assert await store.begin("ci", "k-1", WHOLE, NOON) == ANSWER


async def test_an_answer_whose_key_is_missing_is_refused_until_it_comes_back(path: Path) -> None:
    await put(path, Seal([FIRST]))
    async with opened(path, seal=Seal([SECOND])) as store:
        with pytest.raises(StoreError, match=r"cannot be read any more.*database\.old_encryption_keys"):
            await store.begin("ci", "k-1", WHOLE, NOON)
    async with opened(path, seal=Seal([SECOND, FIRST])) as store:
        assert await store.begin("ci", "k-1", WHOLE, NOON) == ANSWER


async def test_an_answer_moved_to_another_key_or_holder_cannot_be_read(path: Path) -> None:
    await put(path, Seal([FIRST]))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE once SET holder = 'ops'")
    connection.commit()
    connection.close()
    async with opened(path, seal=Seal([FIRST])) as store:
        with pytest.raises(StoreError, match="changed outside of this program"):
            await store.begin("ops", "k-1", WHOLE, NOON)


async def _count(sqlite: SqliteStore) -> int:
    count: int = await sqlite._reader.run("count", lambda it: it.execute("SELECT count(*) FROM once").fetchone()[0])
    return count


def _bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
