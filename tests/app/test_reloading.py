"""Settings that are read again while the daemon runs: all of them, or nothing; and nobody else is disturbed."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.app.house import PATIENCE, Daemon, asked, daemon, settings_for
from tests.cli.conftest import ROOT
from tests.sockets import http, listening
from watcher.app import Parts
from watcher.app.reloading import Asked
from watcher.core.news import Attempted, BudgetUsed, Changed, ConditionChanged, Looked, Reloaded
from watcher.polling.poller import Poller
from watcher.ports import Store, StoreError
from watcher.settings import BadSettings, Problem, Settings
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

EMPTY = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENDED = {"validating_for": 0, "end": "ERRORS"}


class File:
    """The settings as they are to be read next."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wrong: list[Problem] = []

    def read(self) -> Settings:
        if self.wrong:
            raise BadSettings(self.wrong)
        return self.settings


async def reread(running: Daemon) -> Reloaded:
    """Asks for the settings to be read again; what came of it."""
    before = len(heard(running))
    os.kill(os.getpid(), signal.SIGHUP)
    await running.until(Reloaded, times=before + 1)
    return heard(running)[-1]


def heard(running: Daemon) -> list[Reloaded]:
    return [news for news in running.heard if isinstance(news, Reloaded)]


def west(callfire: str, **keys: str) -> dict[str, str]:
    """A second account."""
    given = {"login": "login", "password": "password", "base_url": callfire, "rate": "50", **keys}
    return {f"WATCHER_ACCOUNTS__WEST__{key.upper()}": value for key, value in given.items()}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty one of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'watcher.db'}"
    url: str = request.getfixturevalue("url")
    return url


async def test_accounts_come_change_and_go_while_others_are_polled(tmp_path: Path, database: str) -> None:
    async with serve(EMPTY) as callfire:

        def settings(**environ: str) -> Settings:
            often = {
                "WATCHER_DATABASE_URL": database,
                "WATCHER_DATABASE__LEASE": "2s",
                "WATCHER_POLLING__SAVE_INTERVAL": "100ms",
            }
            return settings_for(tmp_path, callfire.api, **often, **environ)

        file = File(settings())
        async with daemon(file.settings, read=file.read) as running:
            (default,) = (await asked(callfire.control, "/batches", {"validating_for": 3600, "end": "ACTIVE"}))["ids"]
            await running.follow(default)
            await running.until(Looked, account="default")

            file.settings = settings(**west(callfire.api, password="wrong"))
            news = await reread(running)
            assert (news.error, news.changed, news.restart) == (None, ("accounts.west",), ())
            (batch,) = (await asked(callfire.control, "/batches", ENDED))["ids"]
            await running.ask("PUT", f"/v1/accounts/west/batches/{batch}")
            await running.until(ConditionChanged, account="west", condition="refused")

            file.settings = settings(**west(callfire.api, rate="20"))
            assert (await reread(running)).changed == ("accounts.west.password", "accounts.west.rate")
            await running.until(Changed, account="west", status="ERRORS")
            await running.until(BudgetUsed, account="west", configured=20.0)

            file.settings = settings()
            assert (await reread(running)).changed == ("accounts.west",)
            assert [line for line in await _metrics(running) if 'account="west"' in line] == []
            assert [each["name"] for each in (await running.get("/v1/accounts"))[1]["items"]] == ["default"]
            assert (await running.get(f"/v1/accounts/west/batches/{batch}"))[0] == 404
            looks = sum(isinstance(news, Looked) and news.account == "default" for news in running.heard)
            await running.until(Looked, times=looks + 2, account="default")
        async with daemon(settings(**west(callfire.api))) as again:
            _, watch = await again.get(f"/v1/accounts/west/batches/{batch}")
            _, log = await again.get("/v1/events")
        assert [each["status"] for each in watch["transitions"]] == ["ERRORS"]
        told = [event["type"] for event in log["items"]]
        assert told == ["batch.validating", "account.refused", "account.recovered", "batch.errors"]


def pollers() -> list[Poller]:
    """All that there are, also among what stays."""
    gc.unfreeze()
    return [each for each in gc.get_objects() if isinstance(each, Poller)]


async def test_a_poller_of_the_start_that_others_follow_is_not_kept_for_good(tmp_path: Path) -> None:
    """It is a circle, which nobody collects where it is among what stays."""
    others = pollers()  # of other tests' daemons, in this process
    async with serve(EMPTY) as callfire:
        file = File(settings_for(tmp_path, callfire.api))
        async with daemon(file.settings, read=file.read) as running:
            ids = (await asked(callfire.control, "/batches", {"validating_for": 3600, "end": "ACTIVE"}))["ids"]
            await running.follow(*ids)
            await running.until(Looked, account="default")
            file.settings = settings_for(tmp_path, callfire.api, CALLFIRE_RATE="40")
            assert (await reread(running)).changed == ("accounts.default.rate",)
            looks = sum(isinstance(news, Looked) for news in running.heard)
            await running.until(Looked, times=looks + 1, account="default")
            gc.collect()  # of what does not stay, and of that alone
            assert len([each for each in pollers() if not any(each is other for other in others)]) == 1


async def test_endpoints_come_change_and_go_with_secrets_and_networks_of_their_own(tmp_path: Path) -> None:
    async with serve(EMPTY) as callfire, listening(http(200)) as one, listening(http(200)) as two:

        def settings(url: str | None, bearer: str, **environ: str) -> Settings:
            hook = {"URL": url, "SECRET": SECRET, "BEARER": bearer} if url else {}
            named = {f"WATCHER_ENDPOINTS__CRM__{key}": value for key, value in hook.items()}
            return settings_for(tmp_path, callfire.api, **{**named, **environ})

        async def happens(running: Daemon) -> None:
            (batch,) = (await asked(callfire.control, "/batches", ENDED))["ids"]
            await running.follow(batch)
            await running.until(Changed, batch_id=batch)

        file = File(settings(None, "", WATCHER_WEBHOOKS__ALLOW_NETWORKS="10.0.0.0/8"))
        async with daemon(file.settings, read=file.read) as running:
            file.settings = settings(one.url, "first")
            assert (await reread(running)).changed == ("webhooks.allow_networks", "endpoints.crm")
            await happens(running)
            await running.until(Attempted, outcome="done")

            file.settings = settings(two.url, "second")
            assert (await reread(running)).changed == ("endpoints.crm.url", "endpoints.crm.bearer")
            await happens(running)
            await running.until(Attempted, times=2, outcome="done")

            file.settings = settings(None, "")
            assert (await reread(running)).changed == ("endpoints.crm",)
            await happens(running)
            _, endpoint = await running.get("/v1/endpoints/crm")
            assert endpoint["state"] == "disabled"

            file.settings = settings(two.url, "third")
            await reread(running)
            await running.until(Attempted, times=3, outcome="done")
        sent = [[request.headers["authorization"] for request in receiver.heard] for receiver in (one, two)]
        assert sent == [["Bearer first"], ["Bearer second", "Bearer third"]]


async def test_settings_that_are_wrong_change_nothing_and_are_said(tmp_path: Path) -> None:
    class Failing:
        """Cannot settle endpoints, but for the first time."""

        def __init__(self, real: Store) -> None:
            self._real = real
            self._left = 1

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        async def settle_endpoints(self, endpoints: Any) -> None:
            self._left -= 1
            if self._left < 0:
                raise StoreError("the disk of here is full: make room")
            await self._real.settle_endpoints(endpoints)

    def failing(parts: Parts) -> Parts:
        return replace(parts, store=cast(Store, Failing(parts.store)))

    async with serve(EMPTY) as callfire:
        file = File(settings_for(tmp_path, callfire.api))
        async with daemon(file.settings, failing, read=file.read) as running:
            file.wrong = [
                Problem(place="w.toml:accounts.west.login", what="is missing", remedy="set it"),
                Problem(place="w.toml:http.liste", what="is not known", remedy="did you mean http.listen?"),
            ]
            file.settings = settings_for(tmp_path, callfire.api, **west(callfire.api))
            wrong = await reread(running)
            metrics = await _metrics(running)
            file.wrong = []
            failed = await reread(running)
            accounts = (await running.get("/v1/accounts"))[1]["items"]
    said = "w.toml:accounts.west.login: is missing: set it; w.toml:http.liste: is not known: did you mean http.listen?"
    assert wrong == Reloaded(at=wrong.at, error=said)
    assert "watcher_settings_last_reload_successful 0.0" in metrics
    assert failed == Reloaded(at=failed.at, error="the disk of here is full: make room")
    assert [account["name"] for account in accounts] == ["default"]


async def _metrics(running: Daemon) -> list[str]:
    async with running.session.get(f"{running.url}/metrics") as answer:
        return (await answer.text()).splitlines()


async def test_a_daemon_that_nobody_gave_other_settings_says_that_it_read_them(tmp_path: Path) -> None:
    """A terminal that closes, too, ends nothing."""
    async with serve(EMPTY) as callfire, daemon(settings_for(tmp_path, callfire.api)) as running:
        news = await reread(running)
        assert news == Reloaded(at=news.at, error=None)


async def test_settings_on_a_disk_that_hangs_are_given_up() -> None:
    there = threading.Event()

    def read() -> Settings:
        there.wait(PATIENCE)
        raise BadSettings([])

    with pytest.raises(BadSettings) as refused:
        await Asked(read, within=0.01).settings()
    there.set()
    (problem,) = refused.value.problems
    assert str(problem) == "settings: could not be read within 0.01 s: see to the disk that they are on"


def test_a_read_that_hangs_holds_up_no_end(tmp_path: Path) -> None:
    """Asked of a process of its own, for it is at its very end that threads are waited for."""
    code = """
import os, signal, sys, threading
from watcher.app.daemon import main
from watcher.settings import load

def read():
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()

settings = load(None, dict(CALLFIRE_LOGIN="a", CALLFIRE_PASSWORD="b", WATCHER_LISTEN="127.0.0.1:0",
                           WATCHER_DATABASE_URL=f"sqlite:///{sys.argv[1]}/w.db"))
print(main(settings, read=read, announce=lambda url: os.kill(os.getpid(), signal.SIGHUP)))
"""
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (said.returncode, said.stdout) == (0, "0\n"), said.stderr


def test_the_service_manager_and_the_log_hear_what_comes_of_it(tmp_path: Path) -> None:
    """A daemon as systemd runs it: up, its file changed, its file broken, asked to stop."""
    file = tmp_path / "w.toml"
    good = '[accounts.default]\nlogin = "anna"\npassword = "hunter2"\n[http]\nlisten = "127.0.0.1:0"\n'
    file.write_text(good + '[log]\nlevel = "error"\n')
    file.chmod(0o600)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{tmp_path}")
        manager.settimeout(PATIENCE)
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NOTIFY_SOCKET": f"@{tmp_path}",
            "WATCHDOG_USEC": "3600000000",
        }
        command = [sys.executable, "-m", "watcher", "run", "-c", str(file)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environ
        ) as running:

            def next_word() -> str:
                return manager.recv(4096).decode().partition("\n")[0].partition("=")[0]

            def status() -> str:
                return manager.recv(4096).decode().rpartition(": ")[2]

            assert {next_word(), next_word()} == {"READY", "WATCHDOG"}
            file.write_text(good.replace(":0", ":81") + '[log]\nlevel = "info"\n')
            file.chmod(0o640)
            running.send_signal(signal.SIGHUP)
            assert (next_word(), status()) == ("RELOADING", "settings read again, restart needed for http.listen")
            file.write_text(good + "[log]\nlevel = 7\n")
            running.send_signal(signal.SIGHUP)
            assert (next_word(), next_word()) == ("RELOADING", "READY")
            running.terminate()
            assert next_word() == "STOPPING"
            while running.poll() is None:  # until the very end, when nobody reads anything again
                running.send_signal(signal.SIGHUP)
            assert running.returncode == 0
            assert running.stderr is not None
            lines = [json.loads(line) for line in running.stderr]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("settings.reloaded", "info"),
        ("settings.wait", "warning"),
        ("settings.warning", "warning"),
        ("settings.refused", "error"),
        ("daemon.stopping", "info"),
    ]
    assert (lines[0]["changed"], lines[1]["settings"]) == (["log.level"], ["http.listen"])
    said = f"can be used by others on this machine (mode 0640): chmod 600 {file}"
    assert lines[2]["warning"] == f"{file}:accounts.default.password: {file} {said}"
    assert lines[3]["error"].startswith(f"{file}:log.level: ")
