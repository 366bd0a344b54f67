"""The logins whose batches are followed, by command, against the interface alone."""

import json

from tests.cli.conftest import Watcher, timeless
from tests.cli.interface import Interface


def test_accounts_are_listed_with_how_they_stand(watcher: Watcher, there: Interface) -> None:
    lines = timeless(watcher("accounts", "ls", WATCHER_URL=there.url).stdout).splitlines()
    assert [line.split() for line in lines] == [
        [
            "ACCOUNT",
            "CONDITION",
            "UNTIL",
            "FOLLOWED",
            "OVERDUE",
            "RATE",
            "IN",
            "FORCE",
            "USED",
            "IN",
            "FLIGHT",
            "REASON",
        ],
        ["default", "throttled", "THEN", "3", "2", "5/s", "2.5/s", "1.25/s", "1", "CallFire", "answered", "429"],
    ]
    csv = watcher("accounts", "ls", "-o", "csv", WATCHER_URL=there.url).stdout.splitlines()
    names = "name,condition,until,open,overdue,rate,effective_rate,used,in_flight,reason,last_step"
    assert csv[0] == f"{names},looks_per_request,change_percentage"
    assert csv[1].endswith(",8.0,25.0")


def test_an_account_is_shown_with_what_it_saves(watcher: Watcher, there: Interface) -> None:
    shown = watcher("accounts", "show", "default", WATCHER_URL=there.url)
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert rows[0] == ["account", "default"]
    assert ["rate", "5", "requests", "a", "second,", "2.5", "in", "force"] in rows
    assert ["used", "1.25", "requests", "a", "second", "over", "the", "last", "minute"] in rows
    (looks,) = (line for line in shown.stdout.splitlines() if line.startswith("looks"))
    assert " ".join(looks.split()) == "looks 8 a request over the last five minutes, 25 % of all showed another status"
    document = json.loads(watcher("accounts", "show", "default", "-o", "json", WATCHER_URL=there.url).stdout)
    assert document["learnt"]["ends"] == 52
    nobody = watcher("accounts", "show", "north", WATCHER_URL=there.url)
    assert (nobody.exit_code, nobody.stdout) == (2, "")
    assert nobody.stderr.startswith("There is no account 'north'.")


def test_of_an_account_that_was_not_looked_at_nothing_is_said_of_looks(watcher: Watcher, there: Interface) -> None:
    there.following.held = {"looks_per_request": None, "change_percentage": None}
    shown = watcher("accounts", "show", "default", WATCHER_URL=there.url).stdout
    assert [line.split() for line in shown.splitlines() if line.startswith("looks")] == [["looks"]]


def test_an_account_is_asked_for_again(watcher: Watcher, there: Interface) -> None:
    resumed = watcher("accounts", "resume", "default", WATCHER_URL=there.url)
    assert (resumed.exit_code, resumed.stdout) == (0, "account default is asked for again; it is throttled now\n")
