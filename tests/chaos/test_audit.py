"""What a campaign's database writes down of who wrote and who had the lease: a poller's write without it is found."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.database import Database, serving
from tests.chaos.fleet import Fleet
from tests.chaos.replica import Replica
from tests.fakes import Ear, FakeClock
from tests.store.making import KEY, event, follow
from watcher.core.model import Watch
from watcher.ports import Change, Store
from watcher.store.postgres import open_postgres


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with serving() as database:
        yield database


@pytest.fixture
def ours(database: Database, tmp_path: Path) -> Fleet:
    """Nobody yet; of an account."""
    return Fleet(tmp_path, "", "", "", database, database.server.make(), [KEY.account], 5.0)


async def change(store: Store, watch: Watch) -> Watch:
    """As a poller does, but that it repeats no lease."""
    number = watch.number + 1
    changed = replace(watch, number=number)
    assert await store.commit(Change(watch=changed, version=watch.version, events=[event(watch, number)])) is not None
    return replace(changed, version=watch.version + 1)


async def test_a_write_of_who_does_not_have_the_lease_is_found(ours: Fleet) -> None:
    """Whether nobody has it, or another process; what the owner writes is not."""
    ours.replicas = [Replica(0, ours.folder / "settings.toml", str, pids={"owner": os.getpid(), "stranger": 1})]
    async with (
        open_postgres(ours.place(None, "owner"), tell=Ear(), clock=FakeClock()) as owner,
        open_postgres(ours.place(None, "stranger"), tell=Ear(), clock=FakeClock()) as stranger,
    ):
        [watch] = await follow(owner, KEY)
        ours.audit()
        watch = await change(stranger, watch)
        await owner.board([KEY.account])
        await owner.take([KEY.account])
        watch = await change(owner, watch)
        await change(stranger, watch)
        found = [each.rpartition(", ")[0] for each in ours.foreign()]
        assert found == [
            "default by stranger (process 1), while nobody had it",
            f"default by stranger (process 1), while process {os.getpid()} on {socket.gethostname()} had it",
        ]
        assert [owner for _, owner in ours.history()[KEY.account]] == [None, os.getpid()]
        assert ours.owners() == {KEY.account: os.getpid()}


async def test_what_clients_ask_for_is_no_poller_s_write(ours: Fleet) -> None:
    async with open_postgres(ours.place(None, "anybody"), tell=Ear(), clock=FakeClock()) as store:
        ours.audit()
        await follow(store, KEY)
        await follow(store, KEY)
        await store.stop(KEY)
        assert list(ours.foreign()) == []
