"""Waiting, in a test, for a transaction that waits for another one."""

import asyncio
from typing import Final, TypeAlias

import asyncpg

Somebody: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
WAITS: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def until_waited_for(somebody: Somebody, count: int = 1) -> None:
    """Until so many transactions wait for what somebody has locked."""
    async with asyncio.timeout(60):
        while await somebody.fetchval(WAITS) < count:
            pass
