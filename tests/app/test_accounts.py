"""Several accounts in one daemon: one in trouble slows no other."""

from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.app.house import Daemon, asked, daemon, settings_for
from watcher.core.account import REFUSALS_IN_A_ROW
from watcher.core.news import Changed, Looked
from watcher.settings import Settings
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.journal import PENDING
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

QUICK = SimulatorConfig(
    latency=0.0,
    accounts={"a": ("login-a", "password-a"), "b": ("login-b", "password-b")},
    workload=Workload(at_start=0, batches_a_broadcast=1),  # so that each is asked about by itself
)
BATCHES = 20
CONCURRENCY = 8


def of_both(folder: Path, callfire: str) -> Settings:
    """Settings for the accounts a and b, and no other."""
    return settings_for(
        folder,
        "",
        CALLFIRE_LOGIN="",
        CALLFIRE_PASSWORD="",
        CALLFIRE_RATE="",
        **{
            f"WATCHER_ACCOUNTS__{name.upper()}__{key}": value
            for name, (login, password) in QUICK.accounts.items()
            for key, value in {
                "LOGIN": login,
                "PASSWORD": password,
                "BASE_URL": callfire,
                "RATE": "50",
                "CONCURRENCY": str(CONCURRENCY),
            }.items()
        },
    )


async def follow(running: Daemon, account: str, batch_ids: list[int]) -> None:
    rows = [{"account": account, "batch_id": batch_id} for batch_id in batch_ids]
    async with running.session.post(f"{running.url}/v1/watches", json=rows) as answer:
        assert answer.status == 200, await answer.text()


@pytest.mark.parametrize(
    ("fault", "outcome", "least"),
    [({"kind": "hang"}, "hang", CONCURRENCY), ({"kind": "code", "code": 401}, "401", REFUSALS_IN_A_ROW)],
    ids=["hangs", "refuses"],
)
async def test_an_account_in_trouble_slows_no_other(
    tmp_path: Path, fault: dict[str, object], outcome: str, least: int
) -> None:
    """All of b is seen to its end while a gets nowhere: as many of its requests as may be hang, or its login is refused."""
    async with AsyncExitStack() as stack:
        callfire = await stack.enter_async_context(serve(QUICK))
        async with daemon(of_both(tmp_path, callfire.api)) as running:
            await follow(running, "a", await made(callfire, "a", validating_for=3600))
            await running.until(Changed, times=BATCHES)  # its login is known to be good
            await asked(callfire.control, "/faults", {**fault, "account": "a"})
            while (await troubles(callfire)).total() < least:
                assert not running.ended.done()

            await follow(running, "b", await made(callfire, "b", validating_for=0.2))
            changes = 0  # counted before the list is read: what comes meanwhile need not come once more
            while {watch["status"] for watch in await watches(running, "b")} != {"ACTIVE"}:
                assert not running.ended.done()
                await running.until(Changed, times=changes + 1)
                changes = sum(isinstance(news, Changed) for news in running.heard)
            troubled = await troubles(callfire)
            assert troubled.keys() == {outcome}
            assert troubled.total() <= CONCURRENCY
            assert not any(isinstance(news, Looked) and news.result == "unanswered" for news in running.heard), (
                "what hangs was given up before"
            )
            await stack.aclose()  # CallFire hangs up, or the daemon would wait for what flies


async def made(callfire: Addresses, account: str, *, validating_for: float) -> list[int]:
    more = {"account": account, "count": BATCHES, "validating_for": validating_for, "end": "ACTIVE"}
    ids: list[int] = (await asked(callfire.control, "/batches", more))["ids"]
    return ids


async def troubles(callfire: Addresses) -> Counter[str]:
    """How a's requests ended that did not get what they asked for."""
    requests = (await asked(callfire.control, "/requests"))["requests"]
    outcomes = (each["outcome"] for each in requests if each["account"] == "a")
    return Counter(outcome for outcome in outcomes if outcome not in ("200", PENDING))


async def watches(running: Daemon, account: str) -> list[dict[str, object]]:
    status, found = await running.get(f"/v1/watches?account={account}")
    assert status == 200
    items: list[dict[str, object]] = found["items"]
    assert len(items) == BATCHES
    return items
