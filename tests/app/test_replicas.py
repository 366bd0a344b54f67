"""Daemons that have one PostgreSQL: each account is polled by one of them, whoever comes, goes, or is cut off."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.app.house import PATIENCE, Daemon, asked, daemon
from tests.chaos.relay import relays
from tests.store.postgres_server import Server
from watcher.app.waiting import wait_alone
from watcher.core.news import Changed, LeasesMoved, LeasesSeen, Looked
from watcher.settings import Settings, load
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

ACCOUNTS = ("a", "b", "c", "d")
RATE = 20
QUIET = replace(
    SimulatorConfig(port=0),
    workload=Workload(at_start=0),
    accounts={name: (name, "password") for name in ACCOUNTS},
    latency=0.001,
)


def settings_of(callfire: str, url: str, accounts: Sequence[str] = ACCOUNTS, **more: str) -> Settings:
    """Four accounts that have something to do all the time, with leases that are soon over."""
    given = {
        f"WATCHER_ACCOUNTS__{name.upper()}__{key}": value
        for name in accounts
        for key, value in {"LOGIN": name, "PASSWORD": "password", "BASE_URL": callfire, "RATE": str(RATE)}.items()
    }
    environ = {
        "WATCHER_DATABASE_URL": url,
        "WATCHER_DATABASE__LEASE": "2s",
        "WATCHER_LISTEN": "127.0.0.1:0",
        "WATCHER_POLLING__MIN_INTERVAL": "10ms",
        "WATCHER_POLLING__MAX_INTERVAL": "1s",
        "WATCHER_POLLING__WORTH": "1ms",
        "WATCHER_LOG__LEVEL": "error",
    }
    return load(Path(os.devnull), environ | given | more)


async def made_in(callfire: Addresses, account: str) -> int:
    """A batch that is validated for as long as the test lasts."""
    made = await asked(callfire.control, "/batches", {"account": account, "validating_for": 3600, "end": "ACTIVE"})
    return int(made["ids"][0])


async def follow_one_in_each(callfire: Addresses, at: Daemon) -> None:
    rows = [{"account": name, "batch_id": await made_in(callfire, name)} for name in ACCOUNTS]
    assert await at.ask("POST", "/v1/watches", rows)


def polled(there: Daemon, since: int = 0) -> set[str]:
    """The accounts that it asked CallFire about."""
    return {news.account for news in there.heard[since:] if isinstance(news, Looked)}


def lost(there: Daemon) -> set[str]:
    """The accounts that it found to be another's."""
    return {share for news in there.heard if isinstance(news, LeasesMoved) for share in news.lost}


async def no_budget_was_exceeded(callfire: Addresses) -> None:
    spent = await asked(callfire.control, "/budget")
    assert {name: of["most_in_a_second"] for name, of in spent.items() if of["most_in_a_second"] > RATE + 1} == {}


@asynccontextmanager
async def two(url: str, **more: str) -> AsyncIterator[tuple[Addresses, Daemon, Daemon]]:
    """Two daemons that share the accounts evenly, each of which has something to do."""
    async with AsyncExitStack() as stack:
        callfire = await stack.enter_async_context(serve(QUIET))
        settings = settings_of(callfire.api, url, **more)
        first = await stack.enter_async_context(daemon(settings))
        assert first.accounts == set(ACCOUNTS)
        await follow_one_in_each(callfire, first)
        second = await stack.enter_async_context(daemon(settings))
        await second.becomes(lambda: len(second.accounts) == 2)
        yield callfire, first, second


async def test_who_comes_gets_its_part_and_each_account_is_polled_by_one(url: str) -> None:
    async with two(url) as (callfire, first, second):
        await first.becomes(lambda: len(first.accounts) == 2)
        since = len(first.heard)
        assert first.accounts | second.accounts == set(ACCOUNTS)
        await second.becomes(lambda: polled(second) == second.accounts)
        await first.becomes(lambda: polled(first, since) == first.accounts)
        await second.until(LeasesSeen, held=2, replicas=2)
        for each in (first, second):
            status, ready = await each.get("/readyz")
            (leases,) = (check for check in ready["checks"] if check["name"] == "leases")
            assert (status, leases["ok"]) == (200, True)
        await no_budget_was_exceeded(callfire)


async def test_who_stops_gives_back_and_the_other_polls_on_at_once(url: str) -> None:
    async with two(url) as (callfire, first, second):
        since = len(second.heard)
        first.stop.set()
        await second.becomes(lambda: second.accounts == set(ACCOUNTS))
        await second.becomes(lambda: polled(second, since) == set(ACCOUNTS))
        assert not any(news.lost for news in first.heard if isinstance(news, LeasesMoved))
        await no_budget_was_exceeded(callfire)


async def test_who_is_cut_off_asks_for_nothing_more_before_another_takes_over_and_finds_out_by_itself(
    server: Server, url: str
) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    with relays([next(server.folder.glob(".s.PGSQL.*[0-9]"))]) as [wire]:
        async with serve(QUIET) as callfire, daemon(settings_of(callfire.api, url)) as first:
            await follow_one_in_each(callfire, first)
            behind = f"postgresql://postgres@127.0.0.1:{wire.port}/{name}"
            async with daemon(settings_of(callfire.api, behind)) as second:
                await second.becomes(lambda: len(second.accounts) == 2)
                await second.becomes(lambda: polled(second) == second.accounts)
                theirs = second.accounts
                await asyncio.to_thread(wire.be, "silent")
                await first.becomes(lambda: first.accounts == set(ACCOUNTS))
                since = len(first.heard)
                await first.becomes(
                    lambda: polled(first, since) >= theirs
                )  # meanwhile what the other asked before is answered
                since, before = len(first.heard), len(second.heard)
                await first.becomes(lambda: polled(first, since) >= theirs)
                assert polled(second, before) == set()
                await asyncio.to_thread(wire.be, "open")
                await second.becomes(lambda: lost(second) == theirs)
                await second.becomes(lambda: len(second.accounts) == 2)
                await no_budget_was_exceeded(callfire)


async def scraped(*there: Daemon) -> tuple[Counter[str], dict[str, list[int]]]:
    """By account: the looks that all of them have counted, and the watches of each that shows any."""
    looks: Counter[str] = Counter()
    watches: dict[str, list[int]] = {}
    for each in there:
        async with each.session.get(f"{each.url}/metrics") as answer:
            families = {family.name: family.samples for family in read_text(await answer.text())}
        for sample in families["watcher_looks"]:
            looks[sample.labels["account"]] += int(sample.value)
        shown: Counter[str] = Counter()
        for sample in families.get("watcher_watches", []):
            shown[sample.labels["account"]] += int(sample.value)
        for account, count in shown.items():
            watches.setdefault(account, []).append(count)
    return looks, watches


async def test_over_a_hand_over_no_sum_goes_back_and_each_watch_is_counted_once(url: str) -> None:
    async def settled(*there: Daemon) -> Counter[str]:
        """What was counted, as soon as each account is shown by the one that polls it, and by nobody else."""
        async with asyncio.timeout(PATIENCE):
            while True:
                looks, watches = await scraped(*there)
                if watches == {name: [1] for name in ACCOUNTS}:
                    return looks

    often = {"WATCHER_POLLING__SAVE_INTERVAL": "50ms"}
    async with two(url, **often) as (callfire, first, second):
        before = await settled(first, second)
        async with daemon(settings_of(callfire.api, url, **often)) as third:
            await third.becomes(lambda: len(third.accounts) == 1)
            among_three = await settled(first, second, third)
            own = (await scraped(first, second))[0]
        after = await settled(first, second)
    assert sorted(before) == list(ACCOUNTS)
    assert before <= among_three
    assert own <= after


async def test_of_three_each_has_its_part_and_when_one_stops_the_others_share_what_it_had(url: str) -> None:
    async with two(url) as (callfire, first, second), daemon(settings_of(callfire.api, url)) as third:
        three = (first, second, third)
        await third.becomes(lambda: len(third.accounts) == 1)
        await first.becomes(lambda: sorted(len(each.accounts) for each in three) == [1, 1, 2])
        third.stop.set()
        await third.becomes(lambda: not third.accounts)
        await second.becomes(lambda: len(first.accounts) == len(second.accounts) == 2)
        assert first.accounts | second.accounts == set(ACCOUNTS)
        await no_budget_was_exceeded(callfire)


async def test_changes_are_seen_whoever_polls(url: str) -> None:
    async with two(url) as (callfire, first, second):
        ids: dict[str, Any] = {}
        for name in ACCOUNTS:
            made = await asked(callfire.control, "/batches", {"account": name, "validating_for": 0.0, "end": "ERRORS"})
            ids[name] = made["ids"][0]
            at = first if name in first.accounts else second
            await at.ask("POST", "/v1/watches", [{"account": name, "batch_id": ids[name]}])
        for name in ACCOUNTS:
            at = first if name in first.accounts else second
            await at.until(Changed, account=name, batch_id=ids[name], status="ERRORS")


async def test_an_account_that_only_one_of_them_has_in_its_settings_is_polled_by_that_one(url: str) -> None:
    async with (
        serve(QUIET) as callfire,
        daemon(settings_of(callfire.api, url, accounts=("a",))) as first,
        daemon(settings_of(callfire.api, url)) as second,
    ):
        await second.becomes(lambda: second.accounts == {"b", "c", "d"})
        assert first.accounts == {"a"}


async def test_a_wait_without_a_daemon_has_its_turn_when_nobody_polls_the_account(url: str) -> None:
    said: list[str] = []
    told = asyncio.Event()

    def in_use(who: str) -> None:
        said.append(who)
        told.set()

    async with serve(QUIET) as callfire:
        settings = settings_of(callfire.api, url)
        made = await asked(callfire.control, "/batches", {"account": "a", "validating_for": 0.0, "end": "ERRORS"})
        batch = ("a", int(made["ids"][0]))
        async with daemon(settings) as there:
            waiting = asyncio.ensure_future(
                wait_alone(settings, [batch], timeout=PATIENCE, progress=lambda _: None, in_use=in_use)
            )
            await told.wait()
            assert "a" in there.accounts
        ended = await waiting
        await no_budget_was_exceeded(callfire)
    assert (ended.waited, ended.refusals) == ({batch: "ERRORS"}, {})
    assert [who.partition(" by process ")[0] for who in said] == ["a is polled"]
