"""`check`: each thing that can be wrong is found before the daemon runs, and said with what to do."""

import base64
import os
import sqlite3
from pathlib import Path

import pytest

from tests.app.house import asked, daemon, settings_for
from watcher.app import Finding, check
from watcher.settings import Settings
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.store.lock import ProcessLock
from watcher.store.opening import migrate

NOWHERE = "http://127.0.0.1:9"


async def test_an_address_of_another_machine_is_found(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path, NOWHERE, WATCHER_LISTEN="192.0.2.1:8080", WATCHER_API_TOKEN="a-token-of-some-length"
    )
    assert (await check(settings, upstream=False))[1] == Finding(
        name="listen", ok=False, detail="192.0.2.1:8080 cannot be listened on: Cannot assign requested address"
    )


async def test_a_database_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOWHERE)
    path = tmp_path / "watcher.db"
    assert (await check(settings, upstream=False))[0].detail == f"{path} will be made at the first start"
    migrate(path)
    assert (await check(settings, upstream=False))[0] == Finding(
        name="database", ok=True, detail=f"{path} can be read and written"
    )
    with sqlite3.connect(path) as newer:
        newer.execute("UPDATE meta SET value = '99' WHERE name IN ('schema', 'compatible')")
    newer.close()
    found = (await check(settings, upstream=False))[0]
    assert (found.ok, found.detail.partition(" (")[0]) == (
        False,
        f"{path} was made by a newer version of this program",
    )


async def test_a_database_whose_folder_cannot_be_made_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "watcher.db"
    settings = settings_for(tmp_path, NOWHERE, WATCHER_DATABASE_URL=f"sqlite:///{place}")
    assert (await check(settings, upstream=False))[0] == Finding(
        name="database",
        ok=False,
        detail=f"{place.parent} cannot be made, for {place.parent} is no folder: name another database",
    )


async def test_a_database_in_use_is_no_fault(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOWHERE)
    path = tmp_path / "watcher.db"
    path.touch()
    lock = ProcessLock(path)
    assert (await check(settings, upstream=False))[0] == Finding(
        name="database", ok=True, detail=f"{path} is in use by process {os.getpid()}"
    )
    lock.release()


@pytest.mark.parametrize(
    ("fault", "ok", "said"),
    [
        ({"kind": "code", "code": 404}, True, "the login is good"),
        ({"kind": "code", "code": 401}, False, "check login and password"),
        ({"kind": "code", "code": 403}, False, "check login and password"),
        ({"kind": "code", "code": 502, "body": "html"}, False, "the login could not be tried; check base_url"),
        ({"kind": "reset"}, False, "the login could not be tried; check base_url"),
    ],
)
async def test_the_login_is_tried_with_one_request(
    tmp_path: Path, fault: dict[str, object], ok: bool, said: str
) -> None:
    async with serve(SimulatorConfig(latency=0.0)) as callfire:
        await asked(callfire.control, "/faults", fault)
        finding = (await check(settings_for(tmp_path, callfire.api), upstream=True))[-1]
        assert len((await asked(callfire.control, "/requests"))["requests"]) == 1
    assert (finding.name, finding.ok, finding.detail.endswith(said)) == ("account default", ok, True), finding
    assert finding.detail.startswith(
        "CallFire did not answer: reset" if fault["kind"] == "reset" else "CallFire answered "
    )


async def test_a_rate_that_lets_no_request_out_soon_is_not_waited_for(tmp_path: Path) -> None:
    finding = (await check(settings_for(tmp_path, NOWHERE, CALLFIRE_RATE="0.0003"), upstream=True))[-1]
    assert finding == Finding(
        name="account default", ok=True, detail="not tried: at this rate the first request would come in 3334 s"
    )


async def test_beside_a_daemon_that_has_the_budget_no_request_is_made(tmp_path: Path) -> None:
    async with serve(SimulatorConfig(latency=0.0)) as callfire:
        settings = settings_for(tmp_path, callfire.api)
        async with daemon(settings):
            finding = (await check(settings, upstream=True))[-1]
        assert (await asked(callfire.control, "/requests"))["requests"] == []
    assert finding == Finding(
        name="account default",
        ok=True,
        detail=f"not tried: the budget is spent by process {os.getpid()}; see /v1/accounts",
    )


async def test_that_nothing_is_there_is_no_proof_of_a_login_where_the_address_is_an_odd_one(tmp_path: Path) -> None:
    async with serve(SimulatorConfig(latency=0.0)) as callfire:
        odd = callfire.api.removesuffix("/v2") + "/v3"
        finding = (await check(settings_for(tmp_path, odd), upstream=True))[-1]
    assert not finding.ok
    assert f"404 (Entity not found), and {odd} does not end in /v2" in finding.detail


async def test_what_an_endpoints_url_carries_is_not_shown(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        NOWHERE,
        WATCHER_WEBHOOK_URL="https://example.org/hook?key=hunter2",
        WATCHER_WEBHOOK_SECRET="whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    )
    findings = await check(settings, upstream=False)
    assert Finding(name="endpoint default", ok=True, detail="https://example.org/hook?********") in findings


async def test_a_private_key_whose_halves_do_not_belong_together_is_found(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        NOWHERE,
        WATCHER_WEBHOOK_URL="https://example.org/hook",
        WATCHER_WEBHOOK_SECRET="whsk_" + "A" * 86 + "==",
    )
    finding = (await check(settings, upstream=False))[2]
    assert (finding.name, finding.ok) == ("endpoint default", False)
    assert finding.detail.endswith("its halves do not belong together: copy it anew, the whole of it")
    assert "AAAA" not in finding.detail


async def test_it_is_said_how_the_secrets_in_the_database_are_kept(tmp_path: Path) -> None:
    key, other = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"o"))

    def with_key(*keys: str) -> Settings:
        given = dict(zip(("ENCRYPTION_KEY", "OLD_ENCRYPTION_KEYS"), keys, strict=False))
        return settings_for(tmp_path, NOWHERE, **{f"WATCHER_DATABASE__{name}": value for name, value in given.items()})

    async def said(settings: Settings) -> list[tuple[bool, str]]:
        return [(each.ok, each.detail) for each in await check(settings, upstream=False) if each.name == "secrets"]

    assert await said(with_key()) == []
    async with daemon(with_key()) as running:
        assert await said(with_key()) == []
        await running.ask("POST", "/v1/endpoints", {"id": "hook", "url": "http://127.0.0.1:9000/"})
        exposed = (
            "those of 1 endpoint in the database can be read by whoever has its file: give database.encryption_key, "
            "made by `watcher db key`"
        )
        assert await said(with_key()) == [(True, exposed)]
    async with daemon(with_key(key)):
        pass
    assert await said(with_key(other, key)) == [(True, "those of 1 endpoint in the database can be decrypted")]
    ((ok, detail),) = await said(with_key(other))
    assert not ok
    assert detail.startswith("those of endpoint hook cannot be read: ")
    assert "database.old_encryption_keys" in detail


async def test_of_secrets_nothing_is_said_where_the_database_cannot_be_looked_into(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOWHERE)
    (tmp_path / "watcher.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    assert [each.name for each in await check(settings, upstream=False) if not each.ok] == ["database"]
