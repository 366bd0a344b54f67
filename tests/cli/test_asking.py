"""Asking the daemon: how long one that restarts is waited for, and what is said of a refused account."""

import pytest

from watcher.cli.asking import SILENT_MOST, Patience, refusal
from watcher.cli.daemon import DaemonError, NoDaemon


def silence(patience: Patience) -> None:
    with patience.round():
        raise NoDaemon("nobody there")


def answer(patience: Patience) -> None:
    with patience.round():
        pass


def test_a_daemon_that_never_answered_is_not_waited_for() -> None:
    with pytest.raises(NoDaemon, match=r"^nobody there$"):
        silence(Patience())


def test_a_silence_is_told_when_it_begins_and_ends_the_wait_when_it_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    patience = Patience()
    for _ in range(2):
        answer(patience)
        for _ in range(SILENT_MOST):
            silence(patience)
        assert capsys.readouterr().err == "the daemon does not answer: waiting for it, 60 s at most\n"
    with pytest.raises(DaemonError, match=r"^nobody there$") as ended:
        silence(patience)
    assert type(ended.value) is DaemonError


def test_a_refusal_says_what_to_correct() -> None:
    assert refusal("default", "CallFire answered 401: no") == (
        "account default: CallFire refuses its login (CallFire answered 401: no): "
        "correct CALLFIRE_LOGIN and CALLFIRE_PASSWORD and restart the daemon"
    )
    assert refusal("north", "") == (
        "account north: CallFire refuses its login: "
        "correct login and password in [accounts.north] and restart the daemon"
    )
