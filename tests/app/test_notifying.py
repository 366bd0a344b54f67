"""What the service manager hears, over a real socket of the kind that systemd has."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import NOON, FakeClock
from watcher.app.notifying import Notices, Watchdog
from watcher.core.news import LoopLag, Reloaded, Started, Stopping
from watcher.ports import Check

STARTED = Started(version="1", listen="http://127.0.0.1:8080", accounts=2, watches=31)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end, at both kinds of addresses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(f"\0{tmp_path}" if request.param == "abstract" else str(tmp_path / "notify"))
        yield manager


def address(manager: socket.socket) -> str:
    """As NOTIFY_SOCKET names it."""
    name = manager.getsockname()
    return name if isinstance(name, str) else "@" + name[1:].decode()


def heard(manager: socket.socket) -> list[list[str]]:
    """What came so far, each message by its lines."""
    messages = []
    while True:
        try:
            messages.append(manager.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return messages


def test_it_is_told_that_the_daemon_is_up_reads_its_settings_again_and_stops(manager: socket.socket) -> None:
    notices = Notices({"NOTIFY_SOCKET": address(manager)}, clock=FakeClock())
    notices(LoopLag(seconds=0.1))
    notices(STARTED)
    notices.reloading()
    notices(Reloaded(at=NOON, error=None, changed=("log.level",)))
    notices(Reloaded(at=NOON, error=None, restart=("http.listen", "database.url")))
    notices(Reloaded(at=NOON, error="w.toml:http.lis: is not known: did you\nmean it?"))
    notices(Stopping(reason="SIGTERM"))
    serves = "STATUS=serves http://127.0.0.1:8080:"
    assert heard(manager) == [
        ["READY=1", f"{serves} 2 accounts, 31 open watches at the start"],
        ["RELOADING=1", f"MONOTONIC_USEC={int(NOON.timestamp())}000000"],
        ["READY=1", f"{serves} settings read again"],
        ["READY=1", f"{serves} settings read again, restart needed for http.listen, database.url"],
        [
            "READY=1",
            f"{serves} the settings were refused, those of before are in force: w.toml:http.lis: is not known: did you mean it?",
        ],
        ["STOPPING=1", "STATUS=stops (SIGTERM): what flies ends, then all is given back"],
    ]


def test_of_many_settings_that_need_a_start_it_names_the_first(manager: socket.socket) -> None:
    notices = Notices({"NOTIFY_SOCKET": address(manager)}, clock=FakeClock())
    notices(Reloaded(at=NOON, error=None, restart=tuple(f"polling.k{number}" for number in range(12))))
    assert heard(manager)[0][1].endswith(", polling.k9 and 2 more")


async def test_it_gets_signs_of_life_at_half_the_time_as_long_as_all_is_well(manager: socket.socket) -> None:
    clock = FakeClock()
    environ = {"NOTIFY_SOCKET": address(manager), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    notices = Notices(environ, clock=clock)
    assert notices.every == 15.0
    checks = [Check(name="loop", ok=True), Check(name="pollers", ok=True)]
    watchdog = Watchdog(notices, every=notices.every, live=lambda: checks, clock=clock)
    await watchdog.step()
    checks[1] = Check(name="pollers", ok=False)
    await watchdog.step()
    assert (heard(manager), clock.slept) == ([["WATCHDOG=1"]], [15.0, 15.0])
    checks[1] = Check(name="pollers", ok=True)
    await watchdog.step()
    assert heard(manager) == [["WATCHDOG=1"]]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "30000000"},
        {"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "30000000"},
        {"NOTIFY_SOCKET": "/run/notify"},
        {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
    ],
)
def test_nobody_who_does_not_ask_for_signs_of_life_gets_any(environ: dict[str, str]) -> None:
    assert Notices(environ, clock=FakeClock()).every is None


def test_without_a_service_manager_no_socket_is_opened() -> None:
    def opened() -> socket.socket:
        raise AssertionError

    notices = Notices({}, clock=FakeClock(), open_socket=opened)
    notices(STARTED)
    notices.alive()


def test_a_service_manager_that_does_not_hear_is_no_trouble(tmp_path: Path) -> None:
    Notices({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, clock=FakeClock())(STARTED)
