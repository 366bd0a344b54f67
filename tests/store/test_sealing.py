"""Secrets at rest: encrypted where there is a key, moved to a new key at opening, and never lost or shown."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.making import SECRETS, api_endpoint, endpoint
from watcher.core.endpoint import Endpoint, Secrets
from watcher.core.news import SecretsExposed
from watcher.ports import UnusableStore
from watcher.store.sealing import CannotOpen, Seal
from watcher.store.sqlite import open_store

FIRST, SECOND = b"1" * 32, b"2" * 32
PLAIN = b'{"a": "hush"}'
NEEDLES = (b"hush-hush", b"Bearer mum", b"bmV3bmV3", b"newnew")
"""How secrets of SECRETS would look in a file."""


# The seal


def test_what_was_sealed_can_be_opened_with_the_same_key_and_is_another_each_time() -> None:
    seal = Seal([FIRST])
    one, two = seal.sealed("ep_1", PLAIN), seal.sealed("ep_1", PLAIN)
    assert one != two
    assert b"hush" not in one
    assert [seal.opened("ep_1", each) for each in (one, two)] == [PLAIN, PLAIN]
    assert seal.is_newest(one)


def test_the_first_key_seals_and_all_of_them_open() -> None:
    old, both = Seal([FIRST]), Seal([SECOND, FIRST])
    kept = old.sealed("ep_1", PLAIN)
    assert both.opened("ep_1", kept) == PLAIN
    assert not both.is_newest(kept)
    anew = both.sealed("ep_1", PLAIN)
    assert both.is_newest(anew)
    with pytest.raises(CannotOpen):
        old.opened("ep_1", anew)


def test_without_a_key_everything_stays_as_it_is() -> None:
    seal = Seal()
    assert seal.sealed("ep_1", PLAIN) == PLAIN
    assert seal.opened("ep_1", PLAIN) == PLAIN
    assert seal.is_newest(PLAIN)
    assert (seal.encrypts, Seal([FIRST]).encrypts) == (False, True)


def test_what_is_not_sealed_yet_can_be_read_with_a_key_and_is_to_be_sealed() -> None:
    seal = Seal([FIRST])
    assert seal.opened("ep_1", PLAIN) == PLAIN
    assert not seal.is_newest(PLAIN)
    assert not Seal().is_newest(seal.sealed("ep_1", PLAIN))


def test_what_was_sealed_for_one_endpoint_is_nothing_for_another() -> None:
    seal = Seal([FIRST])
    with pytest.raises(CannotOpen, match=r"moved from another endpoint: restore a backup"):
        seal.opened("ep_2", seal.sealed("ep_1", PLAIN))


@pytest.mark.parametrize("place", [5, 16, 17, -17, -1])
def test_what_was_changed_is_noticed(place: int) -> None:
    seal = Seal([FIRST])
    kept = bytearray(seal.sealed("ep_1", PLAIN))
    kept[place] ^= 1
    with pytest.raises(CannotOpen, match="changed outside of this program"):
        seal.opened("ep_1", bytes(kept))


@pytest.mark.parametrize("length", range(0, 40, 3))
def test_what_was_cut_short_is_noticed(length: int) -> None:
    seal = Seal([FIRST])
    with pytest.raises(CannotOpen):
        seal.opened("ep_1", seal.sealed("ep_1", PLAIN)[:length])


def test_a_missing_key_is_named_with_those_there_are_and_what_to_set() -> None:
    kept = Seal([FIRST]).sealed("ep_1", PLAIN)
    needed = repr(Seal([FIRST]))[5:-1]
    with pytest.raises(CannotOpen) as one:
        Seal([SECOND]).opened("ep_1", kept)
    with pytest.raises(CannotOpen) as none:
        Seal().opened("ep_1", kept)
    assert str(one.value) == (
        f"they are encrypted with the key {needed}, which is not among those given ({repr(Seal([SECOND]))[5:-1]}): set "
        "database.encryption_key to it, or put it into database.old_encryption_keys beside a new one"
    )
    assert "(none)" in str(none.value)


def test_what_a_newer_version_sealed_says_so() -> None:
    kept = b"\x02" + Seal([FIRST]).sealed("ep_1", PLAIN)[1:]
    with pytest.raises(CannotOpen, match="newer version"):
        Seal([FIRST]).opened("ep_1", kept)


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="has 32 bytes"):
        Seal([FIRST, b"short"])


def test_keys_are_shown_by_their_ids_only() -> None:
    shown = repr(Seal([FIRST, SECOND]))
    assert len(shown) == len("Seal(01234567, 01234567)")
    assert "1111" not in shown


# The database


async def with_endpoints(path: Path, seal: Seal, *endpoints: Endpoint, ear: Ear | None = None) -> list[Endpoint]:
    """Opens the database with the seal, makes the endpoints, and says which there are."""
    async with open_store(path, tell=ear or Ear(), clock=FakeClock(), seal=seal) as store:
        for each in endpoints:
            await store.make_endpoint(each, NOON)
        return await store.endpoints()


def bytes_of(path: Path) -> bytes:
    """All that is in the folder."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))


def found_in(path: Path) -> list[bytes]:
    return [needle for needle in NEEDLES if needle in bytes_of(path)]


async def test_with_a_key_no_secret_is_in_the_files(path: Path) -> None:
    seal = Seal([FIRST])
    async with open_store(path, tell=Ear(), clock=FakeClock(), seal=seal) as store:
        made = await store.make_endpoint(api_endpoint(), NOON)
        assert made is not None
        changed = await store.change_endpoint(replace(made, description="changed"))
        assert found_in(path) == []
    assert found_in(path) == []
    assert await with_endpoints(path, seal) == [changed]
    assert changed is not None
    assert changed.secrets == SECRETS


async def test_a_key_that_is_added_seals_what_was_not_and_leaves_nothing_of_it_behind(path: Path) -> None:
    made = await with_endpoints(path, Seal(), api_endpoint(), api_endpoint("ep_2"))
    assert found_in(path) != []
    async with open_store(path, tell=Ear(), clock=FakeClock(), seal=Seal([FIRST])) as store:
        assert await store.endpoints() == made
        assert found_in(path) == []
    assert found_in(path) == []


async def test_a_new_key_takes_the_place_of_the_old_one(path: Path) -> None:
    made = await with_endpoints(path, Seal([FIRST]), api_endpoint())
    assert await with_endpoints(path, Seal([SECOND, FIRST])) == made
    assert await with_endpoints(path, Seal([SECOND])) == made
    with pytest.raises(UnusableStore, match="is not among those given"):
        await with_endpoints(path, Seal([FIRST]))


@pytest.mark.parametrize("keys", [[], [SECOND]])
async def test_a_database_whose_key_is_missing_is_not_opened_and_left_as_it_is(path: Path, keys: list[bytes]) -> None:
    made = await with_endpoints(path, Seal([FIRST]), api_endpoint())
    before = bytes_of(path)
    with pytest.raises(UnusableStore) as refusal:
        await with_endpoints(path, Seal(keys))
    assert str(refusal.value).startswith(
        f"{path}: the secrets of endpoint ep_1 cannot be read: they are encrypted with the key "
    )
    assert "set database.encryption_key" in str(refusal.value)
    assert bytes_of(path) == before
    assert await with_endpoints(path, Seal([FIRST])) == made


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE endpoints SET sealed = (SELECT sealed FROM endpoints WHERE id = 'ep_2') WHERE id = 'ep_1'",
        "UPDATE endpoints SET sealed = x'' WHERE id = 'ep_1'",
        "UPDATE endpoints SET sealed = CAST('{\"keys\": 3}' AS BLOB) WHERE id = 'ep_1'",
        'UPDATE endpoints SET sealed = CAST(\'{"keys": [{"key": "hush-hush"\' AS BLOB) WHERE id = \'ep_1\'',
    ],
)
async def test_secrets_that_were_tampered_with_are_refused_without_a_word_of_them(path: Path, change: str) -> None:
    await with_endpoints(path, Seal([FIRST]), api_endpoint(), api_endpoint("ep_2"))
    with sqlite3.connect(path) as meddler:
        meddler.execute(change)
    meddler.close()
    with pytest.raises(UnusableStore, match="the secrets of endpoint ep_1 cannot be read") as refusal:
        await with_endpoints(path, Seal([FIRST]))
    assert "hush" not in str(refusal.value)


async def test_a_removed_endpoint_leaves_no_secret_behind(path: Path) -> None:
    async with open_store(path, tell=Ear(), clock=FakeClock()) as store:
        await store.make_endpoint(api_endpoint(), NOON)
        await store.remove_endpoint("ep_1")
    assert found_in(path) == []


async def test_secrets_of_the_settings_endpoints_are_not_kept(path: Path) -> None:
    async with open_store(path, tell=Ear(), clock=FakeClock()) as store:
        await store.settle_endpoints([replace(endpoint(), secrets=SECRETS)])
        [kept] = await store.endpoints()
    assert kept.secrets == Secrets()
    assert found_in(path) == []


async def test_the_settings_that_take_an_endpoint_over_remove_its_secrets(path: Path) -> None:
    async with open_store(path, tell=Ear(), clock=FakeClock()) as store:
        await store.make_endpoint(api_endpoint("hook"), NOON)
        await store.settle_endpoints([endpoint()])
        [kept] = await store.endpoints()
    assert kept.secrets == Secrets()
    assert found_in(path) == []


async def test_a_lack_of_a_key_is_told_where_there_are_secrets(path: Path) -> None:
    ear = Ear()
    await with_endpoints(path, Seal(), ear=ear)
    assert ear.of(SecretsExposed) == []
    await with_endpoints(path, Seal(), api_endpoint(), api_endpoint("ep_2"), api_endpoint("ep_2"), ear=ear)
    assert ear.of(SecretsExposed) == [SecretsExposed(endpoints=1), SecretsExposed(endpoints=2)]
    await with_endpoints(path, Seal(), ear=ear)
    assert ear.of(SecretsExposed)[2:] == [SecretsExposed(endpoints=2)]
    await with_endpoints(path, Seal([FIRST]), api_endpoint("ep_3"), ear=ear)
    assert len(ear.of(SecretsExposed)) == 3


async def test_what_cannot_be_sealed_anew_is_left_as_it_is_and_said(path: Path) -> None:
    await with_endpoints(path, Seal(), api_endpoint())
    with sqlite3.connect(path) as meddler:
        meddler.execute("CREATE TRIGGER no BEFORE UPDATE ON endpoints BEGIN SELECT raise(ABORT, 'no'); END")
    meddler.close()
    with pytest.raises(UnusableStore, match=rf"^{path} .*\(no\)$"):
        await with_endpoints(path, Seal([FIRST]))
    assert sorted(each.name for each in path.parent.iterdir()) == ["watcher.db", "watcher.db.lock"]
    assert len(await with_endpoints(path, Seal())) == 1
