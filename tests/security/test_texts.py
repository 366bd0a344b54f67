"""Texts from outside, wherever one can come in, to wherever it may come out: a log, a terminal, a header, a stream, an answer.
Nowhere does one begin a line of its own, move a cursor, turn letters round, or end what it stands in."""

import csv
import io
import json
import unicodedata
from dataclasses import fields, replace
from typing import Any, Final, get_args

import pytest
from typer.testing import CliRunner

from tests.fakes import FakeClock
from tests.sockets import http, listening
from tests.telemetry.every_news import EVERYTHING
from tests.web.hearing import hearing
from tests.web.house import House
from tests.webhooks.house import DELIVERY, endpoint, sending
from watcher.callfire.bodies import Nonsense, batch_shown, complaint
from watcher.cli.formats import Column, say_list
from watcher.cli.printing import Output, complain, say_line
from watcher.cli.program import program
from watcher.core.endpoint import Form
from watcher.core.headers import header_refusal
from watcher.core.news import News
from watcher.telemetry.lines import Format
from watcher.telemetry.logs import Logs, configure

EVIL: Final = (
    "a\r\nX-Evil: yes",
    "a\nevent: evil\ndata: {}\n\n",
    "a\r2026-01-01 [error] faked",
    "a\x00b",
    "a\x1b[2J\x1b]0;title\x07",
    "a\x9b31m\x9d0;title\x9c",
    "a\x08\x08\x08b\x7f",
    "a\x0b\x0cb\x85c\u2028d\u2029e",
    "a\u202eb\u202c\u2066c\u2069\u200f\u200e\u061c",
    "a\u200b\u2060\ufeff\u00ad\U000e0041b",
    "a\ud800b\udfff",
    "\"'><script>alert(1)</script>",
    "${jndi:ldap://x} {0} %s %(x)s {event}",
)
JOINERS: Final = "\u200c\u200d"
"""They join letters of some scripts, and may stand in what is shown."""


def unsafe(text: str) -> list[str]:
    """The letters of the text that a terminal, or the reader of a log, may take for something else than letters."""
    return [
        letter
        for letter in text
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and letter not in JOINERS
    ]


# Logs


def told(news: News, evil: str) -> News:
    """The news with this text in each of its fields that is any text."""
    names = [each.name for each in fields(news) if each.type is str or each.type in ("str", "str | None")]
    return replace(news, **dict.fromkeys(names, evil))  # type: ignore[arg-type] # whatever text


def written(news: News, form: Format) -> list[str]:
    """The lines of the log that come of it, but for those of a trace."""
    stream = io.StringIO()
    configure(format=form, level="debug", stream=stream)
    Logs(clock=FakeClock())(news)
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    return [line for line in lines if not line.startswith("    | ") or form == "json"]


@pytest.mark.usefixtures("logging_as_it_was")
@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("evil", EVIL)
def test_no_text_in_any_news_is_more_than_text_in_the_log(form: Format, evil: str) -> None:
    for news in EVERYTHING:
        lines, plain = (written(news_with, form) for news_with in (told(news, evil), told(news, "x")))
        assert unsafe("".join(lines)) == [], lines
        assert len(lines) == len(plain), lines


# Terminals

COMMANDS: Final = (
    *(("show",), ("add",), ("rm",), ("explain",), ("wait",), ("events", "--type"), ("ls", "--search")),
    ("check", "--config"),
)


@pytest.mark.parametrize("output", list(Output))
@pytest.mark.parametrize("evil", EVIL)
def test_no_name_is_more_than_text_on_a_terminal(output: Output, evil: str, capsys: pytest.CaptureFixture[str]) -> None:
    columns = [Column(heading="NAME", name="name"), Column(heading="LABELS", name="labels")]
    say_list([{"name": evil, "labels": {evil: evil}}], columns, output)
    said = capsys.readouterr().out
    assert unsafe(said.replace("\n", "").replace("\t", "")) == []
    if output is Output.CSV:
        assert len(list(csv.reader(io.StringIO(said)))) == 2
    elif output in (Output.TABLE, Output.WIDE, Output.NDJSON):
        assert said.count("\n") == (1 if output is Output.NDJSON else 2)
    say_line(evil)
    complain(evil)
    captured = capsys.readouterr()
    assert unsafe((captured.out + captured.err).replace("\n", "").replace("\t", "")) == []
    assert (captured.out.count("\n"), captured.err.count("\n")) == (1, 1)


@pytest.mark.parametrize("evil", [each for each in EVIL if "\x00" not in each and "\ud800" not in each])
@pytest.mark.parametrize("arguments", COMMANDS)
def test_no_argument_is_more_than_text_on_a_terminal(arguments: tuple[str, ...], evil: str) -> None:
    result = CliRunner().invoke(program, [*arguments, evil], env={"WATCHER_URL": "http://127.0.0.1:9"})
    assert result.exit_code != 0
    assert unsafe((result.output + result.stderr).replace("\n", "").replace("\t", "")) == []


# CallFire and receivers


@pytest.mark.parametrize("evil", EVIL)
def test_what_callfire_says_is_kept_where_it_is_text_and_refused_where_it_is_a_word(evil: str) -> None:
    body = json.dumps({"id": 13, "status": "ACTIVE", "name": evil}).encode()
    assert unsafe(json.dumps(batch_shown(13, body).name)) == []
    said = complaint({"Content-Type": "application/json"}, json.dumps({"message": evil}).encode()) or ""
    assert unsafe(said) == []
    if not evil.isprintable():
        with pytest.raises(Nonsense) as refused:
            batch_shown(13, json.dumps({"id": 13, "status": evil}).encode())
        assert unsafe(str(refused.value)) == []


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 503 \x1b[2Jgone\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://x/\x1b[2J\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://x/\xe2\x80\xae\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\x1b: y\r\n\r\n",
        b"\x1b[2J\r\n\r\n",
        http(429, Retry_After="\x1b[2J"),
    ],
)
async def test_what_a_receiver_says_is_told_as_text(reply: bytes) -> None:
    async with listening(reply) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert unsafe(f"{attempt.detail}{attempt.error}") == []


@pytest.mark.parametrize("form", get_args(Form))
@pytest.mark.parametrize("evil", EVIL)
async def test_no_text_of_an_event_becomes_a_header_of_a_webhook(form: Form, evil: str) -> None:
    evil = evil.encode(errors="replace").decode()  # half a pair is not taken from anywhere
    data = {"account": evil, "batch_id": 13, "name": evil, "labels": {evil: evil}}
    body = json.dumps({"type": "batch.active", "timestamp": "2026-11-23T12:00:00.000Z", "data": data})
    delivery = replace(DELIVERY, body=body.encode())
    async with listening(http(200)) as receiver, sending() as sender:
        await sender.send(endpoint(receiver.url, form=form), delivery)
    for heard in receiver.heard:
        assert "x-evil" not in heard.headers
        assert set(heard.headers) <= {
            *("host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "webhook-id"),
            *("webhook-timestamp", "webhook-signature", "traceparent"),
            *("ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time"),
        }
        assert unsafe("".join(heard.headers.values())) == []


@pytest.mark.parametrize("evil", EVIL)
def test_no_header_for_receivers_has_a_text_that_ends_it(evil: str) -> None:
    if evil.isprintable() and evil.isascii():
        assert header_refusal("X-Ours", evil) is None
        assert header_refusal(evil, "x") is not None
    else:
        assert header_refusal("X-Ours", evil) is not None
        assert header_refusal(evil, "x") is not None
    assert unsafe(header_refusal(evil, "x") or "") == []


# The interface

PLACES: Final = (
    ("PUT", "/v1/accounts/default/batches/13", "labels"),
    ("PUT", "/v1/accounts/default/batches/13", "correlation_id"),
    ("POST", "/v1/watches", "rows"),
    ("POST", "/v1/endpoints", "description"),
    ("POST", "/v1/endpoints", "id"),
    ("POST", "/v1/endpoints", "url"),
    ("POST", "/v1/endpoints", "types"),
    ("POST", "/v1/endpoints", "headers"),
    ("POST", "/v1/tokens", "name"),
    ("POST", "/v1/accounts/default/broadcasts/14/batches", "name"),
    ("POST", "/v1/nothing", "name"),
)


def body_of(place: str, evil: str) -> Any:
    if place == "rows":
        return [
            {"batch_id": 13, "account": evil},
            {"batch_id": evil},
            {evil: evil},
            {"batch_id": 14, "labels": {evil: evil}},
        ]
    more: dict[str, Any] = {"url": "https://example.com/"} if place in ("description", "id", "types", "headers") else {}
    if place == "name":
        more = {"scopes": ["admin"]}
    value: Any = {"labels": {"a": evil}, "types": [evil], "headers": {"X-Ours": evil}}.get(place, evil)
    return more | {place: value}


@pytest.mark.parametrize("evil", EVIL)
async def test_whatever_is_sent_comes_back_as_json_on_one_line_and_in_no_header(house: House, evil: str) -> None:
    for method, path, place in PLACES:
        answer = await house.ask(method, path, json=body_of(place, evil), headers={"Prefer": "wait=0"})
        where = f"{method} {path} {place}: {answer.status}"
        assert answer.status < 500, where
        assert answer.headers["Content-Type"].partition(";")[0] in ("application/json", "application/problem+json"), (
            where
        )
        assert "X-Evil" not in answer.headers, where
        assert unsafe("".join(answer.headers.values())) == [], where
        text = answer.body.decode().rstrip("\n")
        assert text.isprintable() or not set(text) & set(map(chr, range(32))), where
        detail = "" if not answer.json else str(answer.json.get("detail", ""))
        assert unsafe(detail) == [], where


async def test_no_label_ends_an_event_of_a_stream(house: House) -> None:
    evil = {f"l{number}": each for number, each in enumerate(EVIL) if "\ud800" not in each and "\x00" not in each}
    followed = await house.ask("PUT", "/v1/accounts/default/batches/13", json={"labels": evil})
    assert followed.status == 201
    await house.see(13, "NEW", name="".join(evil.values()))
    for path, kind in (("/v1/events/stream?after=0", "batch.new"), ("/v1/stream", "data")):
        async with hearing(house, path) as stream:
            whole = b""
            while b"\ndata: " not in whole:
                whole = await stream.response.content.readuntil(b"\n\n")
        lines = whole.decode().strip("\n").split("\n")
        assert "\r" not in whole.decode()
        assert [line.partition(":")[0] for line in lines if line.startswith("data")] == ["data"], lines
        assert f"event: {kind}" in lines
        assert list(evil.values()) == list(_labels(json.loads(lines[-1].removeprefix("data: "))).values())


def _labels(document: Any) -> dict[str, str]:
    """Those of the batch, of an event or of a page."""
    found: dict[str, str] = (document["data"] if "data" in document else document["watches"]["default/13"])["labels"]
    return found
