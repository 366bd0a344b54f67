"""What is not copied, and where a copy is found not to be the same."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.fakes import Ear, FakeClock
from tests.store.copies import New, copied, finished, full, meddle, opened, path_of
from tests.store.full import shown
from tests.store.making import KEY, SECRETS, follow
from tests.store.postgres_server import Server
from watcher.app import CannotStart
from watcher.ports import StoreError, UnusableStore, WatchQuery
from watcher.store import copying_between, copying_sides
from watcher.store.migrations import migrations
from watcher.store.opening import connect
from watcher.store.postgres import open_postgres
from watcher.store.postgres_pool import Access
from watcher.store.sealing import Seal

# What is refused


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_is_in_use_is_neither_copied_nor_copied_into(new: New, kind: str) -> None:
    busy, source = new(kind), new("sqlite")
    await full(source)
    async with opened(busy):
        for pair in ((busy, new("postgres")), (source, busy)):
            with pytest.raises(CannotStart, match=r"is in use by process \d+.*: end that"):
                await copied(*pair)
    await copied(source, busy)


async def test_nobody_opens_a_database_that_is_being_copied(new: New) -> None:
    source, target = new("postgres"), new("sqlite")
    await full(source)
    access = Access(lock=timedelta(milliseconds=20))

    async def tried() -> None:
        async with open_postgres(source, tell=Ear(), clock=FakeClock(), access=access):
            pass

    async with copying_sides.postgres_source(source, access):
        with pytest.raises(UnusableStore, match="is locked by another transaction for too long"):
            await tried()
    await tried()
    await copied(source, target)


@pytest.mark.parametrize("other", ["sqlite", "postgres"])
async def test_nothing_is_copied_into_a_database_that_has_rows(new: New, other: str) -> None:
    source, target = new("sqlite"), new(other)
    await full(source)
    async with opened(target) as store:
        await follow(store, KEY)
    with pytest.raises(CannotStart, match="is not empty: there are rows in watches: name an empty database"):
        await copied(source, target)
    async with opened(target) as store:
        assert [watch.key for watch in await store.find(WatchQuery())] == [KEY]


async def test_a_whole_copy_is_not_copied_once_more(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    await full(source)
    await copied(source, target)
    with pytest.raises(CannotStart, match="is a whole copy of it already"):
        await copied(source, target)


async def test_a_copy_that_was_broken_off_goes_on_from_its_own_source_alone(new: New) -> None:
    source, other, target = new("sqlite"), new("sqlite"), new("postgres")
    for url in (source, other):
        await full(url)
    assert not await finished(source, target, steps=3)
    with pytest.raises(CannotStart, match="is a copy of another database that was not finished"):
        await copied(other, target)


async def test_of_two_that_copy_into_one_database_one_gives_way(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    await full(source)
    assert not await finished(source, target, steps=3)
    async with copying_sides.sqlite_source(path_of(source)) as one:
        origin = await copying_between.origin_of(one)
        async with copying_sides.postgres_target(target, Access(), origin) as (other, progress):
            await copying_between.transfer(one, other, progress, lambda rows: None)
            with pytest.raises(
                StoreError, match=r"another process copies into postgresql:\S+: let it end, and start this"
            ):
                await copying_between.transfer(one, other, progress, lambda rows: None)
    assert await finished(source, target)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_has_no_tables_or_is_not_there_is_not_copied(new: New, kind: str) -> None:
    source, target = new(kind), new("postgres")
    with pytest.raises(CannotStart, match="name the database that is to be copied"):
        await copied(source, target)


async def test_a_database_is_not_copied_into_itself(new: New) -> None:
    source = new("sqlite")
    with pytest.raises(CannotStart, match="cannot be copied into itself"):
        await copied(source, source)


async def test_older_tables_are_to_be_migrated_first(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    connect(path_of(source), migrations("sqlite")[:-1])[0].close()
    with pytest.raises(CannotStart, match=r"are of version 5, and this program copies version 6: .*watcher db migrate"):
        await copied(source, target)


# Comparing


async def test_a_row_that_is_not_the_same_is_found(new: New, server: Server) -> None:
    source, target = new("sqlite"), new("postgres")
    await full(source)
    assert not await finished(source, target, steps=15)
    meddling = "UPDATE watches SET name = name || '.' WHERE account = 'default' AND batch_id = 3"
    server.say(meddling, urlsplit(target).path[1:])
    with pytest.raises(
        CannotStart, match=r"^watches is not the same in .*, from default/3 to default/8: the source was used"
    ):
        await copied(source, target, size=7)
    with pytest.raises(UnusableStore, match="is a copy that is not finished"):
        async with opened(target):
            pass


@pytest.mark.parametrize(("missing", "found"), [("source", "sub_1"), ("target", "sub_1")])
async def test_a_row_that_one_side_lacks_is_found(new: New, server: Server, missing: str, found: str) -> None:
    source, target = new("sqlite"), new("postgres")
    await full(source)
    assert not await finished(source, target, steps=25)
    delete = "DELETE FROM submissions WHERE id = 'sub_1'"
    if missing == "source":
        meddle(source, delete)
    else:
        server.say(delete, urlsplit(target).path[1:])
    with pytest.raises(CannotStart, match=rf"^submissions is not the same in .*, from {found} to"):
        await copied(source, target)


# Secrets


async def test_secrets_travel_as_they_are_and_their_key_is_wanted(new: New) -> None:
    source, target, key = new("sqlite"), new("postgres"), b"k" * 32
    before = await full(source, Seal([key]))
    with pytest.raises(
        CannotStart, match="the secrets of endpoint ep_1 cannot be read: they are encrypted with the key"
    ):
        await copied(source, target, key=b"x" * 32)
    assert (await copied(source, target, key=key)).sealed
    with pytest.raises(UnusableStore, match="the secrets of endpoint ep_1 cannot be read"):
        async with opened(target):
            pass
    async with opened(target, Seal([key])) as store:
        assert await shown(store) == before
        kept = await store.endpoint("ep_1")
        assert kept is not None
        assert kept.secrets == SECRETS


async def test_that_secrets_are_not_encrypted_is_known(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    await full(source)
    assert not (await copied(source, target)).sealed
