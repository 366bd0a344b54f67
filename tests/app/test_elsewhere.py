"""Two daemons on one PostgreSQL: what the one polls, the other follows, waits for, refreshes, explains and shows."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.app.house import PATIENCE, Daemon, asked, daemon, settings_for
from tests.store.postgres_server import Server
from watcher.core.news import Answered
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

ADMIN = "a-token-of-the-settings-as-long-as-it-has-to-be"
LISTENERS = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"


@dataclass(slots=True, kw_only=True)
class Two:
    """`owner` polls the only account, `other` does not; `control` is that of the simulated CallFire."""

    owner: Daemon
    other: Daemon
    control: str

    async def batch(self, **how: object) -> int:
        """A new batch at CallFire."""
        made = await asked(self.control, "/batches", {"validating_for": 0, "end": "ERRORS", **how})
        batch_id: int = made["ids"][0]
        return batch_id


@asynccontextmanager
async def two(url: str, folder: Path, **environ: str) -> AsyncIterator[Two]:
    quick = replace(SimulatorConfig(port=0), workload=Workload(at_start=0))
    async with serve(quick) as callfire:
        settings = settings_for(folder, callfire.api, WATCHER_DATABASE_URL=url, **environ)
        async with daemon(settings) as owner, daemon(settings) as other:
            async with asyncio.timeout(PATIENCE):  # until the other knows who polls
                while await condition_at(other) == "unpolled":
                    pass
            yield Two(owner=owner, other=other, control=callfire.control)
            assert other.heard
            assert not [news for news in other.heard if isinstance(news, Answered)]  # it never asks CallFire


async def condition_at(there: Daemon) -> str:
    """That of the account, as it is seen there."""
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with there.session.get(f"{there.url}/v1/accounts/default", headers=headers) as answer:
        condition: str = (await answer.json())["condition"]
        return condition


def place(batch_id: int) -> str:
    return f"/v1/accounts/default/batches/{batch_id}"


async def ended(there: Daemon, batch_id: int) -> Any:
    """The watch when it is settled, waited for there."""
    async with asyncio.timeout(PATIENCE):
        tag = "none"
        while True:
            headers = {"Prefer": "wait=10", "If-None-Match": f'"{tag}"'}
            async with there.session.get(there.url + place(batch_id), headers=headers) as answer:
                if answer.status == 200:
                    watch = await answer.json()
                    tag = answer.headers["ETag"].strip('"')
                    if watch["final"]:
                        return watch


async def test_what_is_followed_at_one_is_polled_by_the_other_and_waited_for_at_the_one(
    url: str, tmp_path: Path
) -> None:
    async with two(url, tmp_path) as both:
        batch_id = await both.batch(validating_for=1)
        streamed = asyncio.ensure_future(first_of(both.other, "batch.errors"))
        await both.other.follow(batch_id)
        watch = await ended(both.other, batch_id)
        assert watch["status"] == "ERRORS"
        assert (await streamed)["data"]["batch_id"] == batch_id


async def first_of(there: Daemon, event_type: str) -> Any:
    """The first event of that type that is streamed there."""
    path = f"{there.url}/v1/events/stream?after=0&type={event_type}"
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session, session.get(path) as answer:
        while not (line := await answer.content.readline()).startswith(b"data: "):
            pass
        return json.loads(line[6:])


async def test_a_look_asked_for_at_one_is_made_by_the_other_and_explained_and_listed_at_the_one(
    url: str, tmp_path: Path
) -> None:
    async with two(url, tmp_path) as both:
        batch_id = await both.batch(validating_for=600)
        await both.other.follow(batch_id)
        async with asyncio.timeout(PATIENCE):
            while (await both.other.get(place(batch_id)))[1]["status"] != "VALIDATING":
                await both.other.session.get(both.other.url + place(batch_id), headers={"Prefer": "wait=2"})
        before = (await both.other.get(place(batch_id)))[1]["looks"]
        async with both.other.session.post(f"{both.other.url}{place(batch_id)}/refresh", json={}) as answer:
            refreshed = await answer.json()
            assert answer.status == 200, refreshed
        assert refreshed["looks"] > before
        assert refreshed["next_look"] is not None
        explained = await both.other.ask("GET", f"{place(batch_id)}/explanation")
        assert explained["batch_id"] == batch_id
        looks = await both.other.ask("GET", f"{place(batch_id)}/looks")
        assert len(looks["items"]) >= 2
        await both.other.ask("DELETE", place(batch_id))
        async with both.owner.session.get(f"{both.owner.url}{place(batch_id)}/explanation") as gone:
            assert gone.status == 404


async def test_an_account_and_its_broadcasts_are_seen_and_changed_from_either(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path) as both:
        path = "/v1/accounts/default/broadcasts/14"
        made = await both.other.ask("PUT", path, {"kind": "call"})
        assert made["followed"]
        assert (await both.other.ask("GET", path))["note"] != "whoever polls the account did not say how it stands"
        assert (await both.owner.ask("GET", path))["followed"]
        assert (await both.other.ask("POST", "/v1/accounts/default/resume", {}))["condition"] == "ok"
        ours, theirs = [(await each.ask("GET", "/v1/accounts"))["items"] for each in (both.owner, both.other)]
        assert [(each["name"], each["rate"]) for each in ours] == [(each["name"], each["rate"]) for each in theirs]


async def test_a_token_that_is_made_or_removed_at_one_is_so_at_the_other(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path, WATCHER_API_TOKEN=ADMIN) as both:
        admin = {"Authorization": f"Bearer {ADMIN}"}

        async def status_at_other(secret: str) -> int:
            headers = {"Authorization": f"Bearer {secret}"}
            async with both.other.session.get(f"{both.other.url}/v1/accounts", headers=headers) as answer:
                return answer.status

        async with both.owner.session.post(
            f"{both.owner.url}/v1/tokens", json={"name": "n", "scopes": ["read"]}, headers=admin
        ) as answer:
            made = await answer.json()
            assert answer.status == 201, made
        async with asyncio.timeout(PATIENCE):
            while await status_at_other(made["token"]) != 200:
                pass
        async with both.owner.session.delete(f"{both.owner.url}/v1/tokens/{made['id']}", headers=admin) as answer:
            assert answer.status == 204
        async with asyncio.timeout(PATIENCE):
            while await status_at_other(made["token"]) != 401:
                pass


@pytest.mark.parametrize("pooler", [False, True])
async def test_nothing_is_lost_where_nobody_can_be_notified(
    url: str, tmp_path: Path, server: Server, pooler: bool
) -> None:
    async with two(url, tmp_path, WATCHER_DATABASE__POOLER=str(pooler).lower()) as both:
        batches = [await both.batch(validating_for=0.5) for _ in range(3)]
        for batch_id in batches:
            server.say(f"SELECT count(pg_terminate_backend(pid)) {LISTENERS}", urlsplit(url).path[1:])
            await both.other.follow(batch_id)
            assert (await ended(both.other, batch_id))["status"] == "ERRORS"
