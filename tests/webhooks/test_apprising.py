"""Apprise itself, over real sockets: what is accepted, what is not and why, and that nothing that it says gets out."""

import asyncio
import importlib
import json
import logging
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.mailbox import mailbox
from tests.sockets import Reply, drop, http, listening
from watcher.core.notification import THREADS, Notification
from watcher.telemetry.lines import configure
from watcher.webhooks.apprising import APART, BAD_URL, apprise, hushed, known_as
from watcher.webhooks.failures import Failure

NOTIFICATION = Notification(
    title="Batch 13 has errors: API ‹14›", text="Nobody is reached.\nTo do: correct it.", mood="failure"
)
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""A module that one of Apprise's services asks for when they are all loaded."""

SECRET = "what-only-the-channel-must-know"


async def told(url: str, notification: Notification = NOTIFICATION) -> Failure | None:
    with hushed() as heard:
        return await asyncio.to_thread(apprise, url, notification, heard)


async def told_to(*replies: Reply, query: str = "") -> tuple[Failure | None, list[Any]]:
    """What came of it where a receiver replies so, and the bodies that it got."""
    async with listening(*replies) as receiver:
        failure = await told(f"json://127.0.0.1:{receiver.port}/{SECRET}{query}")
        return failure, [json.loads(heard.body) for heard in receiver.heard]


async def test_what_is_accepted_has_title_text_and_how_bad_it_is() -> None:
    failure, (body,) = await told_to(http(200))
    assert failure is None
    assert (body["title"], body["message"], body["type"]) == (NOTIFICATION.title, NOTIFICATION.text, "failure")


async def test_a_mail_is_plain_text_from_and_to_whom_the_url_says() -> None:
    async with mailbox() as box:
        assert await told(box.url()) is None
    (mail,) = box.mails
    assert (mail["Subject"], mail["To"]) == (NOTIFICATION.title, "oncall@example.org")
    assert "watcher@example.org" in mail["From"]
    assert mail.get_content_type() == "text/plain"
    assert cast(bytes, mail.get_payload(decode=True)).decode().rstrip().split("\r\n") == NOTIFICATION.text.split("\n")


async def test_several_recipients_are_told_within_a_usual_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("apprise.url.time", SimpleNamespace(sleep=waits.append))
    async with listening(http(200)) as receiver:
        assert await told(f"ntfy://127.0.0.1:{receiver.port}/a/b/c/d?image=no") is None
    assert len(receiver.heard) == 4
    assert [0 < wait <= APART for wait in waits] == [True] * 3


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (http(401), "the service answered 401"),
        (http(302, Location="http://127.0.0.1:9/"), "the service answered 302"),
        (drop, "the service was not reached, or refused the login"),
    ],
)
async def test_what_is_not_accepted_says_why_without_a_secret_and_is_tried_once(reply: Reply, detail: str) -> None:
    failure, bodies = await told_to(reply, query="?retry=3&wait=0.1")
    assert (failure, len(bodies)) == (Failure("not_accepted", detail), 1)


async def test_of_several_failures_the_last_one_is_told() -> None:
    async with listening(http(500), http(401)) as receiver:
        failure = await told(f"ntfy://127.0.0.1:{receiver.port}/a/b?image=no")
    assert failure == Failure("not_accepted", "the service answered 401")


async def test_what_is_heard_is_of_the_same_thread_and_time() -> None:
    said_of = logging.getLogger("apprise").warning
    with hushed() as heard:
        with heard.listening() as said:
            await asyncio.to_thread(said_of, "of another thread")
            said_of("of this one")
        said_of("later")
    assert said == ["of this one"]


async def test_a_mail_that_is_refused_is_not_accepted() -> None:
    async with mailbox() as box:
        box.accepts = False
        assert await told(box.url()) == Failure("not_accepted", "the service did not accept it")


async def test_a_failure_that_the_url_calls_no_matter_is_one() -> None:
    failure, _ = await told_to(http(500), query="?optional=yes")
    assert failure == Failure("not_accepted", "the service answered 500")


async def test_a_long_text_comes_in_parts_unless_the_url_has_it_otherwise() -> None:
    long = Notification(title="Title", text="word " * 8000, mood="info")
    for query, parts in (("", 2), ("?overflow=truncate", 1)):
        async with listening(http(200)) as receiver:
            url = f"json://127.0.0.1:{receiver.port}/{query}"
            assert await told(url, long) is None
            assert len(receiver.heard) == parts


@pytest.mark.parametrize("url", ["slakc://T1/B1/secret", "slack://T1", "mailto://", "https://example.org/hook"])
async def test_a_url_of_which_apprise_makes_nothing_is_bad(url: str) -> None:
    assert await told(url) == BAD_URL
    assert await asyncio.to_thread(known_as, url) is None


def test_a_service_has_a_name() -> None:
    assert known_as("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ") == "Slack"


async def test_what_the_library_raises_is_no_more_than_its_name() -> None:
    odd = Notification(title="Title", text="Text", mood=cast(Any, f"a mood like {SECRET}"))
    assert await told("json://127.0.0.1:9/", odd) == Failure("not_accepted", "the library failed with ValueError")


async def test_nothing_that_the_library_says_gets_into_the_log(
    capfd: pytest.CaptureFixture[str], logging_as_it_was: None
) -> None:
    importlib.import_module("apprise")  # which gives its logger a handler of its own, the first time
    configure(format="json", level="debug")
    quiet = logging.getLogger("apprise")
    before = quiet.level, quiet.propagate, list(quiet.handlers)

    async with listening(http(200), http(401)) as receiver:
        url = f"json://user:{SECRET}@127.0.0.1:{receiver.port}/{SECRET}"
        with hushed() as heard:
            for _ in range(2):
                thread = threading.Thread(target=apprise, args=(url, NOTIFICATION, heard), name=f"{THREADS}oncall")
                thread.start()
                await asyncio.to_thread(thread.join)
            quiet.error("of nobody's thread: %s", SECRET)
    assert (quiet.level, quiet.propagate, list(quiet.handlers)) == before
    logging.getLogger("watcher").info("this is")
    assert "this is" in (out := "".join(capfd.readouterr()))
    assert SECRET not in out
    assert "POST" not in out
