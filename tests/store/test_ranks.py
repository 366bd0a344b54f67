"""The port's promises about what StreamRank counts."""

from watcher.ports import Store


async def test_what_was_counted_is_kept_byte_for_byte_by_account(store: Store) -> None:
    assert await store.rank("a") is None
    await store.save_ranks({"a": b"\x00{", "b": b""})
    await store.save_ranks({"a": b"\xff"})
    await store.save_ranks({})
    assert [await store.rank(account) for account in ("a", "b", "c")] == [b"\xff", b"", None]
