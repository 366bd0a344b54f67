"""Daemons that have one PostgreSQL and one account in parts: each part is polled by one of them, with its broadcasts."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from tests.app.house import PATIENCE, Daemon, Decorate, asked, daemon, settings_for
from tests.chaos.relay import relays
from tests.store.postgres_server import Server
from watcher.app import Parts
from watcher.core.model import PageRef
from watcher.core.news import Changed, ConditionChanged, DividedOtherwise, LeasesMoved, Looked
from watcher.core.parts import part_named, parts_of
from watcher.ports import Upstream
from watcher.settings import Settings
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

RATE = 60
PARTS = 4
SHARES = {part.share for part in parts_of("default", PARTS)}
BROADCASTS = 12
IN_EACH = 4
BATCHES = BROADCASTS * IN_EACH
QUIET = replace(SimulatorConfig(port=0), workload=Workload(at_start=0, batches_a_broadcast=IN_EACH), latency=0.001)
ASKED = dict[str, set[int]]
"""By share: the broadcasts whose pages, or the batches, that were asked for."""


def settings_of(callfire: str, url: str, folder: Path, parts: int = PARTS) -> Settings:
    """One account that has something to do all the time, with leases that are soon over."""
    return settings_for(
        folder,
        callfire,
        WATCHER_DATABASE_URL=url,
        WATCHER_DATABASE__LEASE="2s",
        WATCHER_ACCOUNTS__DEFAULT__PARTS=str(parts),
        CALLFIRE_RATE=str(RATE),
        WATCHER_POLLING__MIN_INTERVAL="10ms",
        WATCHER_POLLING__MAX_INTERVAL="1s",
    )


@dataclass(slots=True)
class Noting:
    """CallFire, with a note of which part asks for which pages."""

    upstream: Upstream
    pages: set[int]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.upstream, name)

    async def page(self, ref: PageRef) -> Any:
        self.pages.add(ref.broadcast_id)
        return await self.upstream.page(ref)


def noting(pages: ASKED) -> Decorate:
    def noted(parts: Parts) -> Parts:
        upstreams = {share: cast(Upstream, Noting(each, pages[share])) for share, each in parts.upstreams.items()}
        return replace(parts, upstreams=upstreams)

    return noted


async def made_in(callfire: Addresses) -> dict[int, int]:
    """Batches that are validated for as long as the test lasts, and their broadcasts."""
    await asked(callfire.control, "/batches", {"count": BATCHES, "validating_for": 3600, "end": "ACTIVE"})
    truth = await asked(callfire.control, "/truth")
    return {batch["id"]: batch["broadcast_id"] for batch in truth["batches"]}


async def end(callfire: Addresses, *batch_ids: int) -> None:
    for batch_id in batch_ids:
        await asked(callfire.control, f"/batches/{batch_id}/end", {})


def lost(there: Daemon) -> set[str]:
    """The parts that it found to be another's."""
    return {share for news in there.heard if isinstance(news, LeasesMoved) for share in news.lost}


def settled(*daemons: Daemon) -> list[int]:
    """The batches that were seen to be ACTIVE, each as often as that was told."""
    heard = [news for each in daemons for news in each.heard]
    return sorted(news.batch_id for news in heard if isinstance(news, Changed) and news.status == "ACTIVE")


async def no_budget_was_exceeded(callfire: Addresses) -> None:
    """Each part may be early by one request in a window, as an account is."""
    spent = await asked(callfire.control, "/budget")
    assert spent["default"]["most_in_a_second"] <= RATE + PARTS


@asynccontextmanager
async def two(url: str, folder: Path) -> AsyncIterator[tuple[Addresses, dict[int, int], Daemon, Daemon, ASKED]]:
    """Two daemons that share the parts evenly, and what they follow."""
    pages: ASKED = defaultdict(set)
    async with serve(QUIET) as callfire:
        settings = settings_of(callfire.api, url, folder)
        async with daemon(settings, noting(pages)) as first:
            assert first.accounts == SHARES
            batches = await made_in(callfire)
            await first.follow(*batches)
            async with daemon(settings, noting(pages)) as second:
                await second.becomes(lambda: len(second.accounts) == 2)
                await first.becomes(lambda: len(first.accounts) == 2)
                yield callfire, batches, first, second, pages


async def test_every_batch_is_polled_by_one_part_and_every_broadcast_is_listed_by_one(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path) as (callfire, batches, first, second, pages):
        assert first.accounts | second.accounts == SHARES
        await end(callfire, *batches)
        await second.becomes(lambda: len(settled(first, second)) >= BATCHES)
        assert settled(first, second) == sorted(batches)
        listed = sorted(broadcast for some in pages.values() for broadcast in some)
        assert listed == sorted(set(listed))
        assert all(part_named(share).lists(each) for share, some in pages.items() for each in some)
        assert listed
        await no_budget_was_exceeded(callfire)


async def test_the_account_is_seen_as_one_from_both(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path) as (callfire, batches, first, second, _):
        batch_id, broadcast_id = next(iter(batches.items()))
        part = next(part for part in parts_of("default", PARTS) if part.lists(broadcast_id))
        for each in (first, second):
            async with asyncio.timeout(PATIENCE):
                while (await each.ask("GET", "/v1/accounts/default"))["open"] != BATCHES:
                    pass
            shown = await each.ask("GET", "/v1/accounts/default")
            assert (shown["rate"], shown["effective_rate"], shown["condition"]) == (RATE, RATE, "ok")
            explained = await each.ask("GET", f"/v1/accounts/default/batches/{batch_id}/explanation")
            assert explained["part"] == part.share
            refreshed = await each.ask("POST", f"/v1/accounts/default/batches/{batch_id}/refresh", {})
            assert refreshed["broadcast_id"] == broadcast_id
            assert len((await each.ask("GET", "/v1/watches"))["items"]) == BATCHES
        await no_budget_was_exceeded(callfire)


async def test_a_broadcast_that_is_followed_as_a_whole_is_gone_through_by_its_part(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path) as (callfire, batches, first, second, _):
        made = await asked(callfire.control, "/batches", {"count": IN_EACH, "validating_for": 3600, "end": "ACTIVE"})
        assert made["broadcast_id"] not in batches.values()
        await second.ask("PUT", f"/v1/accounts/default/broadcasts/{made['broadcast_id']}", {"kind": "call"})
        async with asyncio.timeout(PATIENCE):
            while len((await first.ask("GET", "/v1/watches"))["items"]) < BATCHES + IN_EACH:
                pass
        await end(callfire, *made["ids"])
        await first.becomes(lambda: settled(first, second) == sorted(made["ids"]))


async def test_a_login_that_is_refused_stops_all_parts_and_is_told_once(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path) as (callfire, batches, first, second, _):
        await asked(callfire.control, "/faults", {"kind": "code", "code": 401})
        for each in (first, second):
            await each.until(ConditionChanged, times=2, condition="refused")
            assert (await each.ask("GET", "/v1/accounts/default"))["condition"] == "refused"
        await first.session.delete(f"{callfire.control}/faults")
        before = [len(each.heard) for each in (first, second)]
        await end(callfire, *batches)
        await second.ask("POST", "/v1/accounts/default/resume", {})
        await second.becomes(lambda: settled(first, second) == sorted(batches))
        for each, since in zip((first, second), before, strict=True):
            assert any(isinstance(news, Looked) for news in each.heard[since:])
        events = (await first.ask("GET", "/v1/events?type=account.refused&type=account.recovered"))["items"]
        assert [event["type"] for event in events] == ["account.refused", "account.recovered"]


async def test_what_one_had_that_is_cut_off_another_takes_over(server: Server, url: str, tmp_path: Path) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    pages: ASKED = defaultdict(set)
    with relays([next(server.folder.glob(".s.PGSQL.*[0-9]"))]) as [wire]:
        behind = f"postgresql://postgres@127.0.0.1:{wire.port}/{name}"
        async with serve(QUIET) as callfire, daemon(settings_of(callfire.api, url, tmp_path), noting(pages)) as first:
            batches = await made_in(callfire)
            await first.follow(*batches)
            async with daemon(settings_of(callfire.api, behind, tmp_path), noting(pages)) as second:
                await second.becomes(lambda: len(second.accounts) == 2)
                await asyncio.to_thread(wire.be, "silent")
                await first.becomes(lambda: first.accounts == SHARES)
                await end(callfire, *batches)
                await first.becomes(lambda: settled(first) == sorted(batches))
                await asyncio.to_thread(wire.be, "open")
                await second.becomes(lambda: bool(lost(second)))
                await no_budget_was_exceeded(callfire)
                assert settled(second) == []


async def test_who_divides_it_differently_polls_nothing_until_the_others_have_given_it_back(
    url: str, tmp_path: Path
) -> None:
    async with serve(QUIET) as callfire, daemon(settings_of(callfire.api, url, tmp_path)) as first:
        batches = await made_in(callfire)
        await first.follow(*batches)
        other = settings_of(callfire.api, url, tmp_path, parts=3)
        async with daemon(other) as second:
            await second.until(DividedOtherwise, account="default", shares=tuple(sorted(SHARES)))
            assert (second.accounts, first.accounts) == (set(), SHARES)
            first.stop.set()
            await second.becomes(lambda: second.accounts == {part.share for part in parts_of("default", 3)})
            await second.until(DividedOtherwise, account="default", shares=())
            await end(callfire, *batches)
            await second.becomes(lambda: settled(second) == sorted(batches))
            await no_budget_was_exceeded(callfire)


async def test_one_process_has_all_parts_also_on_sqlite_and_their_number_may_change(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'watcher.db'}"
    async with serve(QUIET) as callfire:
        async with daemon(settings_of(callfire.api, url, tmp_path)) as there:
            batches = await made_in(callfire)
            await there.follow(*batches)
            await there.until(Changed, times=BATCHES, status="VALIDATING")
            assert (await there.ask("GET", "/v1/accounts/default"))["open"] == BATCHES
        async with daemon(settings_of(callfire.api, url, tmp_path, parts=1)) as there:
            await end(callfire, *batches)
            await there.becomes(lambda: settled(there) == sorted(batches))
