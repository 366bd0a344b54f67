"""deploy/receivers.md tells receivers the truth: its Python is run against messages as they are really sent, its tables and
examples are those of the code."""

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.documents.reading import blocks, rows, section, text_of
from tests.fakes import NOON
from tests.stack.processes import a_port
from tests.web.house import open_house
from watcher.core.endpoint import TIMEOUT_LEAST, TIMEOUT_MOST, Delivery, Endpoint, Form, SigningKey
from watcher.core.health import (
    DISABLE_AFTER,
    FAILING_AT,
    OPEN_AT,
    OPEN_FIRST,
    OPEN_MOST,
    RECENT_LEAST,
    RECENT_SHARE,
    RECENT_SPAN,
    TOLD_APART,
    WARN_AFTER,
)
from watcher.core.keys import GRACE, GRACE_MOST, public_text, secret_text
from watcher.core.message import MAX_BODY, body_of, event_id
from watcher.core.model import EVENT_TYPES, OPERATOR_TYPES, Batch, Event, Seen, Watch
from watcher.core.outbox import (
    BLAMELESS_ERRORS,
    BUSY_CODES,
    BUSY_DELAY,
    DELAYS,
    HOPELESS_ERRORS,
    RETRY_AFTER_CODES,
    RETRY_AFTER_MOST,
)
from watcher.core.samples import sample
from watcher.core.transitions import Rules, learn
from watcher.delivery import Limits
from watcher.settings.model import Retention, Webhooks
from watcher.settings.values import duration
from watcher.store.opening import ORIGIN_LENGTH
from watcher.webhooks.answer import ANSWER_KEPT
from watcher.webhooks.forms import message_of
from watcher.webhooks.sender import CONNECT
from watcher.webhooks.signing import make_key, sign

DOCUMENT: Final = "deploy/receivers.md"
TEXT: Final = text_of(DOCUMENT)
BLOCKS: Final = [(block.language, block.text) for block in blocks(DOCUMENT)]
OPENED, RECEIVER, BY_HAND, PUBLIC, EVENTS = (text for language, text in BLOCKS if language == "python")
EVENT, *EXAMPLES = (json.loads(text) for language, text in BLOCKS if language == "json")
BODY: Final = body_of(sample("batch.active", NOON, endpoint_id="crm"))
PATIENCE: Final = 60.0


def run(block: str) -> dict[str, Any]:
    """The block as a module of its own."""
    names: dict[str, Any] = {}
    exec(compile(block, "receivers.md", "exec"), names)
    return names


def message(*keys: SigningKey, at: float | None = None, body: bytes = BODY, number: str = "evt_1") -> dict[str, str]:
    """The signed headers, as they are really sent."""
    now = int(time.time() if at is None else at)
    return {
        "webhook-id": number,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(number, now, body, keys),
    }


def test_each_language_has_its_lines() -> None:
    assert [language for language, _ in BLOCKS] == [
        *("python", "python", "js", "go", "php", "java", "csharp", "python", "python"),
        *("json", "json", "json", "json", "json", "json", "python"),
    ]


# Verifying.


@pytest.mark.parametrize(
    ("block", "scheme", "file", "text"),
    [
        pytest.param(BY_HAND, "v1", "secret", secret_text, id="by hand"),
        pytest.param(PUBLIC, "v1a", "public", public_text, id="with a public key"),
    ],
)
def test_what_is_sent_is_verified_and_nothing_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: str,
    scheme: Any,
    file: str,
    text: Callable[[SigningKey], str],
) -> None:
    monkeypatch.chdir(tmp_path)
    key, old, pair = make_key(scheme), make_key(scheme), make_key("v1a" if scheme == "v1" else "v1")
    Path(file).write_text(text(key) + "\n")
    verified: Callable[[Mapping[str, str], bytes], bool] = run(block)["verified"]
    now = time.time()
    good = message(key)
    for headers in (good, message(key, old), message(old, key), message(pair, old, key), message(key, at=now - 290)):
        assert verified(headers, BODY)
    for headers in (
        *(message(old), message(pair), message(key, at=now - 400), message(key, at=now + 400)),
        *({**good, "webhook-id": "evt_2"}, {**good, "webhook-timestamp": str(int(now) - 1)}),
        *({**good, "webhook-timestamp": "now"}, {**good, "webhook-timestamp": "²"}),
        *({**good, "webhook-signature": each} for each in ("", "v1", "v1a,é", f"{scheme},AAAA", "v2,AAAA")),
        *({name: value for name, value in good.items() if name != gone} for gone in good),
        {},
    ):
        assert not verified(headers, BODY)
    assert not verified(good, BODY + b" ")


def test_by_hand_it_takes_fifteen_lines() -> None:
    assert len([line for line in BY_HAND.splitlines() if line.strip()]) <= 15


# A whole receiver.


@contextmanager
def receiver(folder: Path, secret: str) -> Iterator[str]:
    """The receiver, as a process in a folder of its own; its URL."""
    port = a_port(0)
    (folder / "secret").write_text(secret + "\n")
    (folder / "receiver.py").write_text(RECEIVER.replace("9000", str(port)))
    with subprocess.Popen([sys.executable, "receiver.py"], cwd=folder) as running:
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            running.kill()


def post(url: str, headers: Mapping[str, str], body: bytes = BODY) -> int:
    """The code of the answer; once the receiver is up."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(Request(url, body, dict(headers)), timeout=PATIENCE) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > ends:
                raise


def test_the_receiver_keeps_each_event_once_and_only_what_is_signed(tmp_path: Path) -> None:
    key = make_key("v1")
    with receiver(tmp_path, secret_text(key)) as url:
        assert post(url, message(key)) == 204
        assert post(url, message(make_key("v1"), key)) == 204
        assert post(url, message(key, number="evt_2")) == 204
        assert post(url, message(make_key("v1"), number="evt_3")) == 401
        assert post(url, {"webhook-id": "evt_4"}) == 401
        assert post(url, {**message(key), "webhook-signature": "nonsense"}) == 401
        large = b"x" * (MAX_BODY + 1)
        assert post(url, message(key, number="evt_5", body=large), large) == 413
    kept = sqlite3.connect(tmp_path / "inbox.db")
    assert kept.execute("SELECT id, body, done FROM inbox ORDER BY id").fetchall() == [
        ("evt_1", BODY.decode(), 0),
        ("evt_2", BODY.decode(), 0),
    ]
    kept.close()


@pytest.mark.parametrize("form", ["plain", "cloudevents", "cloudevents-binary"])
@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_event_in_any_form_is_opened(form: Form, event_type: str) -> None:
    body = body_of(sample(event_type, NOON, endpoint_id="crm"))
    owed = Delivery(
        id=1,
        endpoint_id="crm",
        position=1,
        event_id="evt_1",
        event_type=event_type,
        body=body,
        created=NOON,
        due=NOON,
    )
    sent = message_of(owed, form)
    assert run(OPENED)["opened"](sent.headers, sent.body) == (event_type, json.loads(body)["data"])


# A missed day.


@pytest.mark.parametrize("token", [None, "t" * 20])
async def test_the_loop_goes_through_the_whole_log_and_on_from_a_position(token: str | None) -> None:
    events = run(EVENTS.replace("limit=1000", "limit=2"))["events"]
    async with open_house(token=token) as house:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        await house.ask("PUT", "/v1/accounts/default/batches/13", headers=headers)
        assert await asyncio.to_thread(lambda: list(events(house.url, token=token))) == []
        await house.see(13, "NEW", "VALIDATING", "NEW", "VALIDATING", "ACTIVE")
        found = await asyncio.to_thread(lambda: list(events(house.url, token=token)))
        assert [event["data"]["number"] for event in found] == [1, 2, 3, 4, 5]
        rest = await asyncio.to_thread(lambda: list(events(house.url, found[2]["position"], token)))
        assert rest == found[3:]


# What is said of events.


def test_the_event_is_as_it_is_sent() -> None:
    """To the last value: a batch is seen NEW, VALIDATING and ACTIVE at the moments that the event names."""
    seen = EVENT["data"]
    after, by = (datetime.fromisoformat(seen["window"][name]) for name in ("after", "by"))
    batch = {name: seen[name] for name in ("name", "broadcast_id", "size", "remaining", "enabled")}
    watch = Watch(account=seen["account"], batch_id=seen["batch_id"], opened=after, labels=seen["labels"])
    events: list[Event] = []
    for status, asked in (("NEW", after), ("VALIDATING", after), ("ACTIVE", by)):
        look = Seen(asked=asked, answered=asked, batch=Batch(id=seen["batch_id"], status=status, **batch))
        learnt = learn(watch, look, Rules())
        watch = learnt.watch
        events += learnt.events
    event = events[-1]
    assert json.loads(body_of(event)) == EVENT
    assert list(json.loads(body_of(event))["data"]) == list(seen)
    (webhook_id,) = re.findall(r"`(evt_\w+)`", section(DOCUMENT, "What events look like"))
    assert webhook_id == event_id(webhook_id.split("_")[1], event)
    assert len(webhook_id.split("_")[1]) == ORIGIN_LENGTH


def test_every_key_of_an_event_is_explained() -> None:
    told = [key for row in rows(section(DOCUMENT, "What events look like")) for key in re.findall(r"`(\w+)`", row[0])]
    assert sorted(told) == sorted(EVENT["data"])


def test_the_event_types_are_those_that_are_sent() -> None:
    named = [kind for row in rows(section(DOCUMENT, "All types")) for kind in re.findall(r"`([a-z_.]+)`", row[0])]
    assert sorted(named) == sorted(EVENT_TYPES)


def test_the_examples_are_what_is_sent() -> None:
    for told in EXAMPLES:
        real = json.loads(body_of(sample(told["type"], NOON, endpoint_id="ops")))
        names = {"endpoint": "crm", "number": told["data"]["number"], "event_id": "evt_k3v9x2ab_default_13_3"}
        wanted = {key: names.get(key, value) for key, value in real["data"].items()}
        assert told == {**real, "data": wanted}
        assert list(told["data"]) == list(real["data"])


def test_the_types_for_operators_are_all_there() -> None:
    told = [example["type"] for example in EXAMPLES]
    assert told == ["account.refused", *OPERATOR_TYPES]
    assert "Four types tell the operator" in TEXT
    assert len(OPERATOR_TYPES) == 4


def test_the_kinds_of_errors_are_named() -> None:
    (told,) = re.findall(r"`error` is one of ([^.]*)\.", TEXT)
    assert set(re.findall(r"`(\w+)`", told)) > HOPELESS_ERRORS | BLAMELESS_ERRORS


# Numbers.


def test_the_attempts_are_those_of_the_schedule() -> None:
    section = TEXT[TEXT.index("### Retries") :]
    (delays,) = re.findall(r"^\| after the one before \| at once \| (.*) \|$", section, re.MULTILINE)
    assert tuple(map(duration, delays.split(" | "))) == DELAYS
    (numbers,) = re.findall(r"^\| attempt \| (.*) \|$", section, re.MULTILINE)
    assert numbers.split(" | ") == [str(number) for number in range(1, len(DELAYS) + 2)]
    assert timedelta(days=3) < sum(DELAYS, timedelta(0)) < timedelta(days=4)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Answer within 15 s", Endpoint(id="a", url="https://a").timeout == timedelta(seconds=15)),
        ("from 1 to 30 s", (timedelta(seconds=1), timedelta(seconds=30)) == (TIMEOUT_LEAST, TIMEOUT_MOST)),
        ("Connecting may take 5 s of it", CONNECT == Webhooks().connect_timeout == timedelta(seconds=5)),
        ("Of your answer's body at most 16 KiB are read", ANSWER_KEPT == 16 * 1024),
        ("at most 256 KiB", MAX_BODY == 256 * 1024),
        ("429 or 503 with `Retry-After`", {429, 503} == RETRY_AFTER_CODES),
        ("nothing is sent to you until then (24 h at most)", timedelta(hours=24) == RETRY_AFTER_MOST),
        ("| 429, 502, 504 |", {429, 502, 504} == BUSY_CODES),
        ("not within the next minute", timedelta(minutes=1) == BUSY_DELAY),
        ("At most 4 attempts are under way to you", Limits().per_endpoint == Webhooks().per_endpoint == 4),
        ("After 5 failures in a row", OPEN_AT == 5),
        ("at least half of 10 or more attempts", (RECENT_SHARE, RECENT_LEAST) == (0.5, 10)),
        ("within a minute failed", timedelta(minutes=1) == RECENT_SPAN),
        ("nothing is sent for 30 s", timedelta(seconds=30) == OPEN_FIRST),
        ("up to 10 min", timedelta(minutes=10) == OPEN_MOST),
        ("When nothing succeeded for five days", timedelta(days=5) == DISABLE_AFTER),
        ("At the fourth failure in a row", FAILING_AT == 4),
        ("again after one day and after three", (timedelta(days=1), timedelta(days=3)) == WARN_AFTER),
        ("at most once an hour", timedelta(hours=1) == TOLD_APART),
        ("signs along for 24 hours", timedelta(hours=24) == GRACE),
        ("up to 7 days", timedelta(days=7) == GRACE_MOST),
        ("for as long as events are kept (30 days)", Retention().events == timedelta(days=30)),
    ],
)
def test_a_number_that_is_told_is_the_one_in_force(said: str, meant: bool) -> None:
    assert said in " ".join(TEXT.split())
    assert meant
