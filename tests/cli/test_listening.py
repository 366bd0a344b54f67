"""`watcher listen` as a command: what it prints when it starts, of each message, and of what it was given wrongly."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from standardwebhooks import Webhook

from tests.cli.conftest import ROOT, Watcher
from tests.cli.interface import PATIENCE
from watcher.cli.listening import line_of
from watcher.simulator.listener import Message, Note

SECRET = "whsec_" + "QUJD" * 8
BODY = '{"type": "batch.active", "data": {"account": "default", "batch_id": 13, "status": "ACTIVE"}}'
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


@contextmanager
def listening(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The command on a free port, as a process of its own; it ends in good order at the end of the context."""
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "listen", "127.0.0.1:0", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGINT)
            assert running.stderr is not None
            assert running.wait(PATIENCE) == 0, running.stderr.read()


def line(running: "subprocess.Popen[str]") -> str:
    assert running.stdout is not None
    return running.stdout.readline().rstrip("\n")


def post(url: str, secret: str = SECRET) -> int:
    """Sends the message now; the answer's code."""
    now = datetime.now(UTC)
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("evt_1", now, BODY)
    try:
        with urlopen(Request(url, BODY.encode(), headers)) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_it_says_where_it_listens_and_how_to_subscribe_it_and_prints_what_comes() -> None:
    Path("secret").write_text(SECRET)
    with listening("--secret-file", "secret", "--fail", 503, "--first", 1) as running:
        first = line(running)
        url = first.split()[2].rstrip(",")
        assert first == f"listening at {url}, until Ctrl-C"
        assert line(running) == f"subscribe it with: watcher endpoints add {url} --secret-file secret"
        assert line(running) == (
            "a receiver on this machine needs a daemon that was started with "
            "WATCHER_WEBHOOKS__ALLOW_NETWORKS=127.0.0.0/8,::1/128"
        )
        assert [post(url), post(url), post(url, "whsec_" + "REVG" * 8)] == [503, 204, 401]
        what = ["evt_1", "batch.active", "default/13", "ACTIVE"]
        assert [line(running).split()[1:] for _ in range(3)] == [
            [*what, "verified", "->", "503"],
            [*what, "verified", "attempt", "2", "seen", "->", "204"],
            [
                *(*what, "NOT", "VERIFIED:", "none", "of", "its", "1", "signatures", "fits", "the", "secret"),
                *("attempt", "3", "seen", "->", "401"),
            ],
        ]


def test_for_a_program_it_is_a_document_a_line() -> None:
    with listening("--secret", SECRET, "-o", "json") as running:
        said = json.loads(line(running))
        assert said == {"url": said["url"], "subscribe": f"watcher endpoints add {said['url']} > secret"}
        assert post(said["url"]) == 204
        came: dict[str, Any] = json.loads(line(running))
        assert came == {
            "at": came["at"],
            "id": "evt_1",
            "attempt": 1,
            "form": "plain",
            "type": "batch.active",
            "verified": True,
            "why": None,
            "answered": 204,
            "size": len(BODY),
            "data": {"account": "default", "batch_id": 13, "status": "ACTIVE"},
        }
        assert came["at"].endswith("Z")


def test_without_a_secret_it_says_that_nothing_is_verified() -> None:
    with listening() as running:
        first = line(running)
        url = first.split()[2].rstrip(",")
        assert first == f"listening at {url}, until Ctrl-C; without a secret nothing is verified"
        assert line(running) == f"subscribe it with: watcher endpoints add {url} > secret"


def test_nobody_who_reads_ends_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "listen", "127.0.0.1:0", "-o", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        url = json.loads(running.stdout.readline())["url"]
        running.stdout.close()
        post(url)
        assert (running.wait(PATIENCE), running.stderr.read()) == (1, "")


def a_message(**fields: Any) -> Message:
    usual: dict[str, Any] = {"at": NOON, "id": "evt_1", "attempt": 1, "form": "plain", "type": "batch.new"}
    usual |= {"verified": None, "why": None, "answered": 204, "size": 9}
    return Message(**{**usual, **fields})


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (a_message(), "evt_1  batch.new  not checked  -> 204"),
        (a_message(id=None, type=None), "no id  no event  not checked  -> 204"),
        (
            a_message(type="endpoint.failing", data={"endpoint": "crm", "number": 1}),
            "evt_1  endpoint.failing  crm  not checked  -> 204",
        ),
        (
            a_message(type="account.refused", data={"account": "default"}, form="cloudevents", verified=True),
            "evt_1  account.refused  default  verified  cloudevents  -> 204",
        ),
        (Note(at=NOON, what="something"), "something"),
        (Note(at=NOON, what="something", id="evt_1"), "evt_1  something"),
    ],
)
def test_a_line_has_what_there_is(what: Message | Note, wanted: str) -> None:
    assert line_of(what) == f"2026-11-23T12:00:00.000Z  {wanted}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("9000x",), "9000x: is not HOST:PORT: write 127.0.0.1:9000, [::1]:9000, or 0.0.0.0:9000 for every interface"),
        (("--secret", "whsec_hunter2!"), "--secret: is not base64 after its prefix, whsec_ or whpk_: give the secret"),
        (("--secret", "whsk_AAAA"), "--secret: is the private half of a pair: a receiver verifies with the public one"),
        (("--secret-file", "no"), "--secret-file no: cannot be read (No such file or directory): give the file that"),
        (("--slow", "soon"), "--slow soon: is not a duration: write 90s, 30m or 2h"),
        (("--first", "3"), "--first, --share and --retry-after say when and how to --fail: give --fail CODE."),
        (("--share", "0.2"), "--first, --share and --retry-after say when and how to --fail: give --fail CODE."),
        (("--retry-after", "1"), "--first, --share and --retry-after say when and how to --fail: give --fail CODE."),
        (("--fail", "204"), "Input should be greater than or equal to 300"),
    ],
)
def test_what_makes_no_sense_is_refused_and_no_secret_repeated(
    watcher: Watcher, arguments: tuple[str, ...], said: str
) -> None:
    result = watcher("listen", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
    assert "hunter2" not in result.stderr


def test_a_place_that_cannot_be_had_is_told(watcher: Watcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        result = watcher("listen", place)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"cannot listen at {place} (")
    assert result.stderr.endswith("): take another place, or port 0 for a free one\n")
