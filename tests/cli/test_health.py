"""How the daemon says it is, by command, against the interface alone."""

import json

import pytest

from tests.cli.conftest import Watcher
from tests.cli.interface import Interface
from tests.stack.processes import a_port
from watcher.ports import Check

FULL = Check(name="store", ok=False, detail="cannot be read and written: see the log")


def test_a_daemon_that_is_well_says_what_it_checked(watcher: Watcher, there: Interface) -> None:
    result = watcher("health", WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout.split()) == (0, ["WHAT", "ok", "store"])
    alive = watcher("health", "--live", "-o", "json", WATCHER_URL=there.url)
    assert json.loads(alive.stdout) == [{"name": "loop", "ok": True, "detail": "turned 0.1 s ago"}]


def test_what_is_failing_is_named_and_told_by_the_exit_code(watcher: Watcher, there: Interface) -> None:
    there.health.readiness = [FULL, Check(name="started", ok=True)]
    result = watcher("health", WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout.splitlines()[1].split(maxsplit=2)) == (1, ["WRONG", "store", FULL.detail])


def test_a_daemon_whose_database_is_gone_is_alive(watcher: Watcher, there: Interface) -> None:
    """Whoever restarts what is not alive would only make it worse."""
    there.health.readiness = [FULL]
    assert [watcher("health", *option, WATCHER_URL=there.url).exit_code for option in ((), ("--live",))] == [1, 0]


def test_it_needs_neither_token_nor_proxy(watcher: Watcher, there: Interface, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{a_port(0)}")
    assert watcher("health", WATCHER_URL=there.url, no_proxy="").exit_code == 0


def test_where_nobody_answers_it_is_not_well(watcher: Watcher) -> None:
    url = f"http://127.0.0.1:{a_port(0)}"
    result = watcher("health", WATCHER_LISTEN=url.removeprefix("http://"))
    assert (result.exit_code, result.stderr) == (
        1,
        f"no daemon answers at {url} (Connection refused): see its log\n",
    )


def test_another_server_is_not_taken_for_the_daemon(watcher: Watcher, there: Interface) -> None:
    result = watcher("health", WATCHER_URL=f"{there.url}/v1")
    assert (result.exit_code, result.stderr) == (
        1,
        f"what answers at {there.url}/v1 is not the daemon: set WATCHER_URL to its address\n",
    )
