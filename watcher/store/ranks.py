"""What a store does for StreamRank: keeps what was counted of each account."""

from collections.abc import Mapping

from watcher.store.lanes import Lanes
from watcher.store.work import Connection, Statements


class KeptRanks(Lanes):
    """The port `Ranks` on an open database."""

    async def save_ranks(self, records: Mapping[str, bytes]) -> None:
        await self._write("save_ranks", save, records)

    async def rank(self, account: str) -> bytes | None:
        return await self._read("rank", rank, account)


def save(connection: Connection, sql: Statements, records: Mapping[str, bytes]) -> None:
    """Puts the records in the place of the former ones."""
    values = [{"account": account, "record": record} for account, record in records.items()]
    connection.executemany(sql["put_rank"], values)


def rank(connection: Connection, sql: Statements, account: str) -> bytes | None:
    """The record that was saved last."""
    row = connection.execute(sql["rank"], {"account": account}).fetchone()
    return None if row is None else bytes(row["record"])
