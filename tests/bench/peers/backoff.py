"""A script as many have it: `python backoff.py LIST API LOGIN PASSWORD TELL RATE [TOLD]`, of tenacity, aiohttp and aiolimiter.

LIST is a file to which batches are added, one a line. Each is followed by a task of its own, with pauses that grow by half, and
all of them keep to one budget; what settled is POSTed to TELL until that is accepted. With TOLD it notes there what it told, so
that it does not tell it again after a restart.
"""

import asyncio
import sys
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, retry_if_exception_type, retry_if_result, wait_exponential

SETTLED = {"ACTIVE", "ERRORS", "SOURCE_ERROR"}
PAUSES = wait_exponential(multiplier=1, exp_base=1.5, max=60)
FAILED = retry_if_exception_type((ClientError, TimeoutError))
DEADLINE = ClientTimeout(total=15)


async def follow(url: str, callfire: ClientSession, budget: AsyncLimiter, tell: str, receiver: ClientSession) -> None:
    """Returns when the batch has settled and that was told."""

    async def look() -> dict[str, object]:
        async with budget, callfire.get(url, raise_for_status=True) as answer:
            batch: dict[str, object] = await answer.json()
            return batch

    async def post() -> None:
        async with receiver.post(tell, json=batch, raise_for_status=True):
            pass

    unsettled = retry_if_result(lambda batch: batch["status"] not in SETTLED)
    batch = await AsyncRetrying(wait=PAUSES, retry=unsettled | FAILED)(look)
    await AsyncRetrying(wait=PAUSES, retry=FAILED)(post)


async def main(listed: str, api: str, login: str, password: str, tell: str, rate: str, told: str | None = None) -> None:
    """Without end."""
    noted = None if told is None else Path(told)
    known = set(noted.read_text().split()) if noted is not None and noted.exists() else set()
    budget = AsyncLimiter(1, 1 / float(rate))  # evenly spaced

    async def one(number: str) -> None:
        await follow(f"{api}/campaigns/batches/{number}", callfire, budget, tell, receiver)
        if noted is not None:
            with noted.open("a") as file:
                file.write(f"{number}\n")

    credentials = {"Authorization": encode_basic_auth(login, password)}
    async with (
        ClientSession(headers=credentials, timeout=DEADLINE) as callfire,
        ClientSession(timeout=DEADLINE) as receiver,
        asyncio.TaskGroup() as group,
    ):
        while True:
            for number in Path(listed).read_text().split():  # noqa: ASYNC240 -- it is short
                if number not in known:
                    known.add(number)
                    group.create_task(one(number), name=number)
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
