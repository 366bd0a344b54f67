"""`watcher check` and `watcher db migrate`: what can be said about settings and connections without running the daemon."""

import asyncio
import errno
import math
import socket
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from watcher.app.assembly import CannotStart, Town, access_of, open_parts, unfit_keys
from watcher.app.tracing import WITHIN, exporter_of
from watcher.clock import SystemClock
from watcher.core.answers import Answer, Kind
from watcher.core.parts import Part
from watcher.ports import UnusableStore
from watcher.settings.database import Database
from watcher.settings.endpoints import Endpoint
from watcher.settings.model import Settings
from watcher.settings.showing import without_query
from watcher.store import postgres_opening
from watcher.store.lock import holder
from watcher.store.migrations import migrations
from watcher.store.opening import Migrated, connect_reader, outlook, schema_version
from watcher.store.opening import migrate as migrate_store
from watcher.store.postgres import open_postgres
from watcher.store.postgres_opening import peek
from watcher.store.rows import Row
from watcher.store.sealing import CannotOpen, Seal
from watcher.store.sqlite import open_store
from watcher.store.statements import load
from watcher.store.work import Connection
from watcher.webhooks.apprising import BAD_URL, known_as
from watcher.webhooks.signing import fits

PROBE_BATCH: Final = 1
"""Whether there is such a batch does not matter: what matters is whether CallFire accepts the login."""
FIRST_REQUEST: Final = 10.0
"""Seconds that are waited for the first request of an account: a new owner of its budget lets one period pass first."""
USUAL_PATH: Final = "/v2"
PATIENCE: Final = timedelta(days=2)
"""How long an index may take that is made on purpose, beside a daemon at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. Where it is not ok, `detail` says what to do."""

    name: str
    ok: bool
    detail: str


async def check(settings: Settings, *, upstream: bool) -> list[Finding]:
    """Looks at the database, the address to listen on and, where `upstream`, at each account by one request to CallFire."""
    postgres = settings.database.postgres
    database = await _postgres(settings) if postgres else await asyncio.to_thread(_database, settings)
    findings = [database, await asyncio.to_thread(_listen, settings)]
    findings += await asyncio.to_thread(_endpoints, settings)
    findings += await _traces(settings)
    if postgres:
        findings += _readable(settings, await _postgres_endpoints(settings))
    else:
        findings += await asyncio.to_thread(_secrets, settings)
    if upstream:
        findings += await _accounts(settings)
    return findings


async def migrate(settings: Settings) -> Migrated:
    """Brings the database to this version's schema: what was done, and what waits. CannotStart where it cannot be done."""
    database, clock, town = settings.database, SystemClock(), Town()
    try:
        if database.postgres:
            access = replace(access_of(database), aside=PATIENCE)
            async with open_postgres(
                database.url, tell=town.tell, clock=clock, seal=Seal(database.keys), access=access
            ) as store:
                return store.migrated
        return await asyncio.to_thread(migrate_store, database.path)
    except UnusableStore as error:
        raise CannotStart(str(error)) from error


async def _postgres(settings: Settings) -> Finding:
    database = settings.database
    try:
        look = partial(postgres_opening.outlook, place=database.place, seal=Seal(database.keys))
        said = await peek(database.url, access_of(database), look)
    except UnusableStore as error:
        return Finding(name="database", ok=False, detail=str(error))
    return Finding(name="database", ok=True, detail=f"{database.place} {said}")


async def _postgres_endpoints(settings: Settings) -> Sequence[Row]:
    """The endpoints that are kept; none where the database cannot be looked into: the finding of that says so."""
    database, newest = settings.database, migrations("postgres")[-1].number

    def ask(connection: Connection, version: int) -> Sequence[Row]:
        return connection.execute(load("postgres")["endpoints"]).fetchall() if version >= newest else []

    try:
        return await peek(database.url, access_of(database), ask)
    except UnusableStore:
        return []


def _database(settings: Settings) -> Finding:
    try:
        return Finding(name="database", ok=True, detail=outlook(settings.database.path))
    except UnusableStore as error:
        return Finding(name="database", ok=False, detail=str(error))


def _endpoints(settings: Settings) -> list[Finding]:
    """Each endpoint of the settings. Nothing is looked up nor sent: a URL that is wrong is a problem of the settings."""
    return [
        _endpoint(f"endpoint {name}", endpoint)
        if all(map(fits, endpoint.keys))
        else Finding(name=f"endpoint {name}", ok=False, detail=unfit_keys([name]))
        for name, endpoint in settings.endpoints.items()
    ]


def _endpoint(name: str, endpoint: Endpoint) -> Finding:
    if endpoint.apprise_url is None:
        return Finding(name=name, ok=True, detail=without_query(endpoint.place))
    service = known_as(endpoint.apprise_url.get_secret_value())
    if service is None:
        return Finding(name=name, ok=False, detail=f"{endpoint.place}: {BAD_URL.detail}")
    return Finding(name=name, ok=True, detail=f"{endpoint.place}: {service}")


async def _traces(settings: Settings) -> list[Finding]:
    """Whether traces can be made, where they are wanted. The collector is not asked: it may come and go while the daemon runs."""
    telemetry = settings.telemetry
    if telemetry.traces_endpoint is None:
        return []
    try:
        exporter = await asyncio.to_thread(exporter_of, telemetry, clock=SystemClock(), tell=Town().tell)
    except CannotStart as error:
        return [Finding(name="traces", ok=False, detail=str(error))]
    await exporter.close(WITHIN)
    return [Finding(name="traces", ok=True, detail=without_query(telemetry.traces_endpoint))]


def _secrets(settings: Settings) -> list[Finding]:
    """Whether the secrets in the database are encrypted, and with a key that the settings have; nothing where there are none, or
    where the database cannot be looked into: the finding of that says so."""
    path = settings.database.path
    try:
        if schema_version(path) < migrations("sqlite")[-1].number:
            return []
        with closing(connect_reader(path)) as reader:
            rows = reader.execute(load("sqlite")["endpoints"]).fetchall()
    except (UnusableStore, sqlite3.Error):
        return []
    return _readable(settings, rows)


def _readable(settings: Settings, rows: Sequence[Row]) -> list[Finding]:
    seal = Seal(settings.database.keys)
    kept = {row["id"]: row["sealed"] for row in rows if row["sealed"] is not None}
    for name, secret in kept.items():
        try:
            seal.opened(name, secret)
        except CannotOpen as error:
            return [Finding(name="secrets", ok=False, detail=f"those of endpoint {name} cannot be read: {error}")]
    count = f"those of {len(kept)} endpoint{'s' * (len(kept) != 1)} in the database"
    if not kept:
        return []
    if seal.encrypts:
        return [Finding(name="secrets", ok=True, detail=f"{count} can be decrypted")]
    its = "its tables" if settings.database.postgres else "its file"
    remedy = "give database.encryption_key, made by `watcher db key`"
    return [Finding(name="secrets", ok=True, detail=f"{count} can be read by whoever has {its}: {remedy}")]


def _listen(settings: Settings) -> Finding:
    listen = settings.http.listen
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen.host, listen.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return Finding(name="listen", ok=True, detail=f"{listen} is in use: by the daemon, if it runs already")
            return Finding(name="listen", ok=False, detail=f"{listen} cannot be listened on: {error.strerror}")
    return Finding(name="listen", ok=True, detail=f"{listen} is free")


async def _accounts(settings: Settings) -> list[Finding]:
    """What CallFire says to each login. A request beside a running daemon's would be one over the budget: none is made."""
    process = await _held_by(settings.database)
    if process is not None:
        busy = f"not tried: the budget is spent by {process}; see /v1/accounts"
        return [Finding(name=f"account {name}", ok=True, detail=busy) for name in settings.accounts]
    town = Town()
    clock = SystemClock()
    async with (
        open_store(None, tell=town.tell, clock=clock) as store,
        open_parts(settings, store, clock=clock, tell=town.tell) as parts,
    ):
        findings = []
        for name, account in settings.accounts.items():
            upstream = parts.upstreams[Part(name, of=account.parts).share]
            period = 1 / upstream.effective_rate
            if period > FIRST_REQUEST or not await upstream.token(FIRST_REQUEST):
                come = f"at this rate the first request would come in {math.ceil(period)} s"
                findings.append(Finding(name=f"account {name}", ok=True, detail=f"not tried: {come}"))
                continue
            answer = await upstream.look(PROBE_BATCH)
            findings.append(_verdict(name, account.base_url, answer))
        return findings


async def _held_by(database: Database) -> str | None:
    """The processes that have the database, in words; None where there is none, or that cannot be seen."""
    if not database.postgres:
        process = await asyncio.to_thread(_holder, database.path)
        return None if process is None else f"process {process}"
    try:
        there = await peek(database.url, access_of(database), postgres_opening.others)
    except UnusableStore:
        return None
    return " and ".join(each.name for each in there) or None


def _holder(path: Path) -> str | None:
    """The process that has the database, and with it the accounts' budgets. None also where that cannot be seen."""
    try:
        return holder(path)
    except OSError:
        return None


def _verdict(name: str, base_url: str, answer: Answer) -> Finding:
    """What the answer to the probe says of the login. That there is no such batch, and no such path, look alike."""
    answered = f"answered {answer.outcome}" if answer.outcome.isdigit() else f"did not answer: {answer.outcome}"
    said = f"CallFire {answered}" + (f" ({answer.detail})" if answer.detail else "")
    if answer.kind in (Kind.UNAUTHORIZED, Kind.FORBIDDEN):
        return Finding(name=f"account {name}", ok=False, detail=f"{said}: check login and password")
    if answer.kind is Kind.NOT_FOUND and not base_url.rstrip("/").endswith(USUAL_PATH):
        return Finding(
            name=f"account {name}",
            ok=False,
            detail=f"{said}, and {base_url} does not end in {USUAL_PATH}: if that is meant, try it with `watcher wait`",
        )
    if answer.kind in (Kind.SEEN, Kind.NOT_FOUND, Kind.GONE):
        return Finding(name=f"account {name}", ok=True, detail=f"{said}: the login is good")
    return Finding(name=f"account {name}", ok=False, detail=f"{said}: the login could not be tried; check base_url")
