"""The short text by which people are told of an event: title, lines, and how bad it is. Made from the event's body; pure.

Names that come from outside are made plain: no character of them is markup, a mention or a link to any channel.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from watcher.core.spans import span_text

Mood = Literal["info", "success", "warning", "failure"]
Data = Mapping[str, Any]

TITLE: Final = 59
BODY: Final = 399
"""Characters: a title fits into the subject of a mail, title and text into three short messages."""
NAME: Final = 60
"""Characters of what somebody else named."""
THREADS: Final = "notification "
"""How the names of threads begin that send notifications. What libraries log there may hold secrets, and is not written."""
ACTED_ON: Final = (
    *("batch.active", "batch.errors", "batch.source_error", "batch.unknown", "batch.missing", "batch.stuck"),
    *("watch.expired", "account.refused", "account.recovered", "endpoint.disabled", "delivery.exhausted"),
)
"""What people are told of where nothing else is said: what somebody must act on, and that an account is well again."""

PLAIN: Final = str.maketrans("<>&@#[]*`~|\\", "‹›＆＠＃()∗'∼¦∖")
"""What means something to a mail program or a chat, and what looks like it."""
SECOND: Final = timedelta(seconds=1)
BARE_LINE: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore that may begin or end something; within a word it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What people are told: a title under 60 characters, a text under 400, and how bad it is."""

    title: str
    text: str
    mood: Mood


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What is said of an event: its title, what happened, what to do, and how bad it is."""

    title: str
    what: str
    to_do: str
    mood: Mood


def notification_of(body: bytes, *, sample: bool = False) -> Notification:
    """What people are told of the event with that body. A `sample` is marked as one: nobody need act on it."""
    event: Mapping[str, Any] = json.loads(body)
    kind, data = str(event["type"]), event["data"]
    said = _SAID.get(kind, _of_unknown_type)({**data, "type": kind})
    lines = [said.what, _subject(data), _when(kind, data, event["timestamp"]), said.to_do, _marks(data)]
    if sample:
        lines = ["This is a test, nothing has happened.", *lines]
    text = "\n".join(line for line in lines if line)
    return Notification(
        title=cut(f"Test: {said.title}" if sample else said.title, TITLE), text=cut(text, BODY), mood=said.mood
    )


def plain(text: object, most: int = NAME) -> str:
    """What somebody else wrote, on one line, without anything that a channel takes for markup, and cut."""
    line = "".join(each if each.isprintable() else " " for each in str(text).translate(PLAIN))
    return cut(BARE_LINE.sub("‗", " ".join(line.replace("://", ": //").split())), most)


def cut(text: str, most: int) -> str:
    """At most so many characters of it."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


# What is said of each type


def _of_batch(what_it_is: str, what: str, to_do: str, mood: Mood) -> Callable[[Data], _Said]:
    def said(data: Data) -> _Said:
        status = plain(data.get("status") or "no status", 20)
        name = f": {plain(data['name'])}" if data.get("name") else ""
        title = f"Batch {data.get('batch_id')} {what_it_is.format(status=status)}{name}"
        return _Said(title=title, what=what.format(status=status), to_do=f"To do: {to_do}" if to_do else "", mood=mood)

    return said


def _active(data: Data) -> _Said:
    if data.get("enabled") is False:
        to_do = "enable the batch at CallFire: until then nobody is reached."
        return _of_batch("is active, but disabled", "Its contacts are validated.", to_do, "warning")(data)
    to_do = "start the broadcast, if it does not run yet."
    return _of_batch("is active", "Its contacts are validated.", to_do, "success")(data)


def _of_account(data: Data) -> _Said:
    name = plain(data.get("account"), 30)
    if data["type"] == "account.recovered":
        return _Said(
            title=f"Account {name} is well again", what="CallFire accepts its login.", to_do="", mood="success"
        )
    why = f" ({plain(data['reason'])})" if data.get("reason") else ""
    probe = f" It is tried again at {_time(data['next_probe'])}." if data.get("next_probe") else ""
    return _Said(
        title=f"Account {name} is refused by CallFire",
        what=f"CallFire does not accept its login{why}: none of its batches is looked at.{probe}",
        to_do="To do: check login and password, correct them in the settings, and have them read again.",
        mood="failure",
    )


def _of_endpoint(what_it_is: str, what: str, to_do: str, mood: Mood) -> Callable[[Data], _Said]:
    def said(data: Data) -> _Said:
        why = f" Why: {plain(data['reason'], 100)}." if data.get("reason") and mood != "success" else ""
        title = f"Endpoint {plain(data.get('endpoint'), 30)} {what_it_is}"
        return _Said(title=title, what=what + why, to_do=f"To do: {to_do}" if to_do else "", mood=mood)

    return said


def _exhausted(data: Data) -> _Said:
    event = f"{plain(data.get('event_type'), 30)} ({plain(data.get('event_id'), 80)})"
    what = f"{event} was given up after {data.get('attempts')} attempts."
    to_do = "mend the receiver, then have the endpoint recover what it missed."
    return _of_endpoint("missed an event", what, to_do, "failure")(data)


def _ping(data: Data) -> _Said:
    what = f"Notifications of the endpoint {plain(data.get('endpoint'))} arrive here."
    return _Said(title="notifications arrive", what=what, to_do="", mood="info")


def _of_unknown_type(data: Data) -> _Said:
    kind = plain(data["type"], 40)
    return _Said(title=f"An event: {kind}", what=f"The event {kind} happened.", to_do="", mood="info")


_SAID: Final[Mapping[str, Callable[[Data], _Said]]] = {
    "ping": _ping,
    "batch.new": _of_batch("is new", "CallFire has it; its contacts are yet to be validated.", "", "info"),
    "batch.validating": _of_batch("is being validated", "CallFire looks at its contacts.", "", "info"),
    "batch.active": _active,
    "batch.errors": _of_batch(
        "has errors",
        "CallFire found errors in every contact: nobody is reached.",
        "correct the contacts and submit them again.",
        "failure",
    ),
    "batch.source_error": _of_batch(
        "cannot be read",
        "CallFire found an error in the contact list that it comes from: nobody is reached.",
        "correct the list at CallFire and submit it again.",
        "failure",
    ),
    "batch.unknown": _of_batch(
        "is {status}", "CallFire shows a status that is not documented.", "look at the batch at CallFire.", "warning"
    ),
    "batch.missing": _of_batch(
        "is gone",
        "CallFire does not have this batch any more.",
        "see whether it was deleted, or its id or account is wrong.",
        "warning",
    ),
    "batch.stuck": _of_batch(
        "is stuck in {status}",
        "It stays in its status for longer than usual.",
        "look at it at CallFire; if it stays so, ask their support.",
        "warning",
    ),
    "batch.unstuck": _of_batch("goes on", "It was stuck in {status}, and is not any more.", "", "success"),
    "watch.expired": _of_batch(
        "is followed no longer",
        "It did not settle in the time it was given, and is not looked at any more.",
        "look at it at CallFire; follow it again if it is still needed.",
        "warning",
    ),
    "account.refused": _of_account,
    "account.recovered": _of_account,
    "endpoint.failing": _of_endpoint(
        "fails", "What is sent to it is not accepted.", "see what its receiver says; it is tried again.", "warning"
    ),
    "endpoint.disabled": _of_endpoint(
        "is disabled",
        "Nothing is sent to it any more.",
        "mend its receiver, then enable it: what it missed is kept.",
        "failure",
    ),
    "endpoint.recovered": _of_endpoint("is well again", "What is sent to it is accepted.", "", "success"),
    "delivery.exhausted": _exhausted,
}


# The lines that all share


def _subject(data: Data) -> str:
    """Which batch, whose, and how large."""
    if data.get("batch_id") is None:
        return ""
    named = f"“{plain(data['name'])}”, account" if data.get("name") else "Account"
    about = f"{named} {plain(data.get('account'), 30)}"
    if data.get("broadcast_id") is not None:
        about += f", broadcast {data['broadcast_id']}"
    if data.get("size") is not None:
        about += f", {data['size']} contact{'s' * (data['size'] != 1)}"
        if data.get("remaining") not in (None, data["size"]):
            about += f" ({data['remaining']} to go)"
    return about + "."


def _when(kind: str, data: Data, timestamp: str) -> str:
    """Since when, and for how long, as far as it is known."""
    window = data.get("window") or {}
    after, by = window.get("after"), window.get("by", timestamp)
    if data.get("since") is not None:
        status = plain(data.get("status"), 20)
        span = span_text(_whole(by, data["since"]))
        return (
            f"{status} from {_time(data['since'])} on, for {span}."
            if kind != "batch.missing"
            else f"Noticed at {_time(by)}."
        )
    if after is None:
        return f"Seen at {_time(by)}."
    return f"Since {_time(by)}, or up to {span_text(_whole(by, after))} before."


def _whole(later: str, earlier: str) -> timedelta:
    """The time between, rounded up to whole seconds."""
    span = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return -(-span // SECOND) * SECOND


def _time(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _marks(data: Data) -> str:
    """The correlation id and the labels that somebody gave the batch."""
    marks = [f"{plain(name, 30)}: {plain(value, 40)}" for name, value in (data.get("labels") or {}).items()]
    if data.get("correlation_id") is not None:
        marks.insert(0, f"correlation id: {plain(data['correlation_id'], 60)}")
    return ", ".join(marks)
