"""Several processes on one database open what any of them encrypts: whoever could not is refused, and told why."""

from contextlib import AbstractAsyncContextManager

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.making import api_endpoint, stored
from watcher.ports import UnusableStore
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.sealing import Seal

FIRST, SECOND = b"1" * 32, b"2" * 32
ONE, TWO = Seal([FIRST]).key_ids[0], Seal([SECOND]).key_ids[0]
OTHERS: list[list[bytes]] = [[], [SECOND]]


def opened(url: str, *keys: bytes) -> AbstractAsyncContextManager[PostgresStore]:
    return open_postgres(url, tell=Ear(), clock=FakeClock(), seal=Seal(keys))


@pytest.mark.parametrize("keys", OTHERS)
async def test_whose_keys_do_not_open_what_the_others_encrypt_is_told_which_to_set(url: str, keys: list[bytes]) -> None:
    async with opened(url, FIRST):
        with pytest.raises(
            UnusableStore, match=rf"process \d+ on .* encrypts secrets with the key {ONE}, which is not"
        ):
            async with opened(url, *keys):
                raise AssertionError
    async with opened(url, *keys):  # nothing was encrypted with the other one
        pass


@pytest.mark.parametrize("keys", OTHERS)
async def test_who_would_encrypt_what_the_others_cannot_open_is_told_what_comes_first(
    url: str, keys: list[bytes]
) -> None:
    async with opened(url, *keys) as there:
        assert await there.make_endpoint(api_endpoint(), NOON) is not None
        with pytest.raises(
            UnusableStore, match=rf" does not have the key {ONE}, and could not open .*: start that proc"
        ):
            async with opened(url, FIRST, *keys):
                raise AssertionError
        assert await there.endpoints() == [stored(api_endpoint())]


async def test_a_key_is_replaced_while_all_of_them_can_read_everything_in_two_rounds(url: str) -> None:
    made = [stored(api_endpoint())]
    async with opened(url, FIRST) as old:
        assert await old.make_endpoint(api_endpoint(), NOON) is not None
        async with opened(url, FIRST, SECOND) as knowing:
            assert [await old.endpoints(), await knowing.endpoints()] == [made, made]
    async with opened(url, FIRST, SECOND) as knowing, opened(url, SECOND, FIRST) as new:
        assert [await knowing.endpoints(), await new.endpoints()] == [made, made]
        assert await new.make_endpoint(api_endpoint("ep_2"), NOON) is not None
        assert len(await knowing.endpoints()) == 2
    async with opened(url, SECOND) as last:
        assert len(await last.endpoints()) == 2


async def test_a_process_that_has_ended_has_no_part_in_it(url: str) -> None:
    async with opened(url, FIRST):
        pass
    async with opened(url, SECOND) as other:
        assert await other.endpoints() == []
