"""Recovering an endpoint by command: counted first, agreed to, done in portions, and gone on with where it was interrupted."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.cli.conftest import ROOT, Watcher
from tests.cli.interface import PATIENCE, Interface
from tests.fakes import NOON
from watcher.cli.options import moment_of
from watcher.cli.printing import Stop
from watcher.core.endpoint import Endpoint
from watcher.core.recovering import Recovered
from watcher.ports import Refused

SINCE = "2026-11-23T09:00:00.000Z"
PORTIONS = [{"dead": 2, "held": 1}, {"dead": 0, "held": 3}, {"dead": 1, "held": 0}]
"""What each portion brings; the positions at which they end are 100, 200 and so on."""


class Portions:
    """A daemon that recovers in portions; at portion number `broken` it refuses, at number `hanging` it never answers."""

    def __init__(self, *, broken: int | None = None, hanging: int | None = None) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.hangs = Event()
        self._broken = broken
        self._hanging = hanging

    async def recover(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        number = body["after"] // 100
        if not body["dry_run"] and number == self._broken:
            return web.json_response(
                {"type": "/problems/not-active", "detail": "It is disabled: enable it."}, status=409
            )
        if not body["dry_run"] and number == self._hanging:
            self.hangs.set()
            await asyncio.Event().wait()
        after = (number + 1) * 100 if number + 1 < len(PORTIONS) else None
        until = body.get("until", "2026-11-23T12:00:00.000Z")
        answer = {"counts": PORTIONS[number], "after": after, "since": body["since"], "until": until}
        return web.json_response({**answer, "dry_run": body["dry_run"]})


@contextmanager
def daemon(portions: Portions) -> Iterator[str]:
    """It, served by a thread of its own; its URL."""
    urls: list[str] = []
    ready, end = Event(), Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/v1/endpoints/crm/recover", portions.recover)
        async with TestServer(app) as server:
            urls.append(str(server.make_url("")).rstrip("/"))
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield urls[0]
    finally:
        end.set()
        thread.join(60)


def recover(watcher: Watcher, url: str, *arguments: object, input: str | None = None) -> Any:  # noqa: A002
    return watcher("endpoints", "recover", "crm", "--since", SINCE, *arguments, input=input, WATCHER_URL=url)


def test_a_dry_run_counts_all_portions_and_does_nothing(watcher: Watcher) -> None:
    portions = Portions()
    with daemon(portions) as url:
        result = recover(watcher, url, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["STATE", "EVENTS"],
        ["dead", "3"],
        ["held", "4"],
    ]
    first = {"since": SINCE, "after": 0, "dry_run": True}
    until = {"until": "2026-11-23T12:00:00.000Z"}
    assert portions.asked == [first, {**first, **until, "after": 100}, {**first, **until, "after": 200}]


def test_what_was_counted_is_done_where_somebody_agrees(watcher: Watcher) -> None:
    portions = Portions()
    with daemon(portions) as url:
        result = recover(watcher, url, "--state", "dead", "--state", "held", input="y\n")
    assert result.exit_code == 0
    assert result.stderr.strip() == "Send these 7 again to crm? [y/N]:"
    assert result.stdout.splitlines()[-1] == "7 events are sent to crm again, within its limits"
    done = [body for body in portions.asked if not body["dry_run"]]
    same = {"since": SINCE, "until": "2026-11-23T12:00:00.000Z", "states": ["dead", "held"], "dry_run": False}
    assert done == [{**same, "after": after} for after in (0, 100, 200)]


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("", 2)])
def test_without_agreement_nothing_is_done(watcher: Watcher, answer: str, code: int) -> None:
    portions = Portions()
    with daemon(portions) as url:
        result = recover(watcher, url, input=answer)
    assert result.exit_code == code
    assert all(body["dry_run"] for body in portions.asked)
    unanswered = "nothing was recovered: nobody answered; give --yes where nobody is asked"
    assert (unanswered in result.stderr.splitlines()) == (code == 2)


def test_ctrl_c_at_the_question_ends_it_and_nothing_is_done() -> None:
    portions = Portions()
    with (
        daemon(portions) as url,
        subprocess.Popen(
            [sys.executable, "-m", "watcher", "endpoints", "recover", "crm", "--since", SINCE],
            env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as running,
    ):
        assert running.stderr is not None
        said = b""
        while not said.endswith(b"]:"):
            one = running.stderr.read(1)
            assert one, said
            said += one
        running.send_signal(signal.SIGINT)
        _, rest = running.communicate(timeout=PATIENCE)
    assert (running.returncode, rest.strip()) == (130, b"")
    assert all(body["dry_run"] for body in portions.asked)


def test_a_single_event_is_told_as_one(watcher: Watcher, there: Interface) -> None:
    there.subscribing.keep(Endpoint(id="crm", url="https://example.com/"))
    there.subscribing.recovered = Recovered(counts={"dead": 1}, after=None)
    result = recover(watcher, there.url, input="y\n")
    assert result.stderr.strip() == "Send it again to crm? [y/N]:"
    assert result.stdout.splitlines()[-1] == "1 event is sent to crm again, within its limits"


def test_for_a_program_it_is_one_document(watcher: Watcher) -> None:
    with daemon(Portions()) as url:
        result = recover(watcher, url, "--yes", "-o", "json")
        dry = recover(watcher, url, "--dry-run", "-o", "json")
    wanted = {
        "endpoint": "crm",
        "since": SINCE,
        "until": "2026-11-23T12:00:00.000Z",
        "after": 0,
        "dry_run": False,
        "counts": {"dead": 3, "held": 4},
    }
    assert json.loads(result.stdout) == wanted
    assert json.loads(dry.stdout) == {**wanted, "dry_run": True}
    asked = recover(watcher, url, "-o", "json")
    assert asked.exit_code == 2
    assert "With -o json nothing is asked: give --dry-run, or --yes." in asked.stderr


def test_where_it_ends_early_it_says_how_to_go_on_and_that_command_does(watcher: Watcher) -> None:
    with daemon(Portions(broken=1)) as url:
        result = recover(watcher, url, "--yes", "--state", "dead", "--state", "held")
    rest = (
        *("watcher", "endpoints", "recover", "crm", "--since", SINCE, "--until", "2026-11-23T12:00:00.000Z"),
        *("--state", "dead", "--state", "held", "--after", "100"),
    )
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "It is disabled: enable it.",
        f"3 were recovered; go on with: {' '.join(rest)}",
    ]
    portions = Portions()
    with daemon(portions) as url:
        again = watcher(*rest[1:], "--yes", WATCHER_URL=url)
    assert again.stdout == "4 events are sent to crm again, within its limits\n"
    assert [body["after"] for body in portions.asked] == [100, 200, 100, 200]


def test_ctrl_c_ends_it_with_the_command_that_goes_on() -> None:
    portions = Portions(hanging=2)
    with (
        daemon(portions) as url,
        subprocess.Popen(
            [sys.executable, "-m", "watcher", "endpoints", "recover", "crm", "--since", SINCE, "--yes"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": url},
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        assert portions.hangs.wait(60)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=PATIENCE)
    until = "2026-11-23T12:00:00.000Z"
    assert (running.returncode, said) == (
        130,
        f"6 were recovered; go on with: watcher endpoints recover crm --since {SINCE} --until {until} --after 200\n",
    )


def test_where_there_is_nothing_nothing_is_asked(watcher: Watcher, there: Interface) -> None:
    there.subscribing.keep(Endpoint(id="crm", url="https://example.com/"))
    result = recover(watcher, there.url, "--until", "2026-11-23T10:00:00+00:00")
    assert result.exit_code == 0
    assert result.stdout == (f"there is nothing to recover for crm from {SINCE} to 2026-11-23T10:00:00.000Z\n")


def test_the_daemons_refusal_names_the_option(watcher: Watcher, there: Interface) -> None:
    there.subscribing.keep(Endpoint(id="crm", url="https://example.com/"))
    result = recover(watcher, there.url, "--until", "2026-11-22")
    assert (result.exit_code, result.stderr) == (2, "--until: It must be later than since\n")
    there.subscribing.refusals["recover"] = [Refused(kind="not-active", detail="It is disabled: enable it first.")]
    result = recover(watcher, there.url)
    assert (result.exit_code, result.stderr) == (2, "It is disabled: enable it first.\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("24h", "2026-11-22T12:00:00.000Z"),
        ("1h30m", "2026-11-23T10:30:00.000Z"),
        ("2026-11-23", "2026-11-23T00:00:00.000Z"),
        ("2026-11-23T09:00:00Z", "2026-11-23T09:00:00.000Z"),
        ("2026-11-23T09:00:00.5+01:00", "2026-11-23T08:00:00.500Z"),
    ],
)
def test_a_moment_is_written_as_is_easiest(text: str, wanted: str) -> None:
    assert moment_of("--since", text, NOON) == wanted


@pytest.mark.parametrize("text", ["yesterday", "", "2026-11-23T09:00:00", "2026-13-01", "-1h", "9999999d"])
def test_what_is_no_moment_is_told_with_the_remedy(text: str) -> None:
    with pytest.raises(Stop, match="is no moment: write 2026-11-23T09:00:00Z"):
        moment_of("--since", text, NOON)
