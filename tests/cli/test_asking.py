"""Asking the daemon: each error in one line with its remedy, and what is said of a refused account."""

from typing import Any

import pytest

from watcher.cli.asking import refusal, remedied, words
from watcher.cli.printing import Stop
from watcher.cli.subscriptions import OPTIONS
from watcher.client import NotThere, Refused, TryLater, Unauthorized, Unreachable, WatcherError

HERE = "no daemon answers at http://127.0.0.1:8080 (Connection refused)"
NAMES = {"accounts": ["a", "b"]}


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (Unreachable(HERE), f"{HERE}: start it with `watcher run`, or set WATCHER_URL", 2),
        (
            Unreachable("something else answers at http://a", kind="something-else"),
            "something else answers at http://a: set WATCHER_URL to the daemon's address",
            2,
        ),
        (
            Unauthorized("x", kind="token-wrong"),
            "the daemon does not accept the token: set WATCHER_API_TOKEN to one that is good there",
            2,
        ),
        (
            Unauthorized("x", kind="token-wanted"),
            "the daemon wants a token: set WATCHER_API_TOKEN to one that `watcher token new` made",
            2,
        ),
        (Unauthorized("Only this machine may ask.", kind="local-only"), "Only this machine may ask.", 2),
        (TryLater("The store is busy"), "The store is busy: try again in a moment", 2),
        (TryLater("It is full. Try again in a few seconds."), "It is full. Try again in a few seconds.", 2),
        (
            Refused("several", kind="account-wanted", document=NAMES),
            "there are several accounts: name one with --account (a, b)",
            2,
        ),
        (
            NotThere("there is no account c: there are a, b", kind="unknown-account", document=NAMES),
            "there is no account c: --account takes one of a, b",
            2,
        ),
        (NotThere("There is no account 'c'.", kind="unknown-account"), "There is no account 'c'.", 2),
        (NotThere("There is no endpoint 'c'.", kind="unknown-endpoint"), "There is no endpoint 'c'.", 1),
        (Refused("It is under way.", kind="in-flight"), "It is under way.", 2),
    ],
)
def test_each_error_is_a_line_with_its_remedy(error: WatcherError, said: str, code: int) -> None:
    with pytest.raises(Stop) as ended, remedied():
        raise error
    assert (ended.value.lines, ended.value.code) == ((said,), code)


def test_where_the_address_was_given_that_may_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_URL", "http://127.0.0.1:8080")
    assert words(Unreachable(HERE), {}) == [f"{HERE}: start it there, or correct WATCHER_URL"]


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ([], ["No."]),
        ([{"parameter": "state", "message": "Wrong"}], ["No."]),
        (
            [{"parameter": "state", "message": "A"}, {"parameter": "batch_id", "message": "B"}],
            ["--state: A", "--batch-id: B"],
        ),
        ([{"pointer": "", "message": "Wrong"}], ["Wrong"]),
        ([{"pointer": "/url", "message": "Wrong"}], ["URL: Wrong"]),
        ([{"pointer": "/types/1", "message": "Wrong"}], ["--type: Wrong"]),
        ([{"pointer": "/labels/a~1b", "message": "Wrong"}], ["--label a/b: Wrong"]),
        ([{"pointer": "/headers/X-Team", "message": "Wrong"}], ["--header X-Team: Wrong"]),
        ([{"pointer": "/authorization/bearer", "message": "Wrong"}], ["--bearer-file: Wrong"]),
        ([{"pointer": "/authorization/basic/username", "message": "Wrong"}], ["--basic-file: Wrong"]),
        (
            [{"pointer": "/secret", "message": "A"}, {"pointer": "/rate", "message": "B"}],
            ["--secret-file: A", "--rate: B"],
        ),
        ([{"pointer": "/verification", "message": "Wrong"}], ["--verify: Wrong"]),
        ([{"pointer": "/dry_run", "message": "Wrong"}], ["--dry-run: Wrong"]),
    ],
)
def test_a_fault_is_told_by_the_option_that_it_is_about(errors: list[Any], wanted: list[str]) -> None:
    assert words(Refused("No.", document={"errors": errors}), {**OPTIONS, "url": "URL"}) == wanted


def test_a_refusal_says_what_to_correct() -> None:
    assert refusal("default", "CallFire answered 401: no") == (
        "account default: CallFire refuses its login (CallFire answered 401: no): "
        "correct CALLFIRE_LOGIN and CALLFIRE_PASSWORD and restart the daemon"
    )
    assert refusal("north", "") == (
        "account north: CallFire refuses its login: "
        "correct login and password in [accounts.north] and restart the daemon"
    )
