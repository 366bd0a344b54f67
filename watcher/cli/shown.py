"""How watches and events look for a person: a table of many, one with all that is known of it, a line an event."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from watcher.cli.formats import PEOPLE, Column, say_list
from watcher.cli.printing import Output, complain, say, say_json, say_table
from watcher.cli.times import now, relative, second

if TYPE_CHECKING:
    from watcher.cli.formats import Document


UNSEEN: Final = "unseen"
UNSEEN_STILL: Final = f"{UNSEEN}; what CallFire does not know counts as missing after ten minutes"


def _status(watch: "Document") -> str | None:
    """The status; or how the watch ended, where it was not by one."""
    state: str = watch["state"]
    if state in ("missing", "expired"):
        return state
    return watch["status"] or UNSEEN


def _eta(watch: "Document", chance: str) -> str | None:
    eta = watch["eta"]
    return None if eta is None else str(eta[chance])


def _look(watch: "Document") -> str | None:
    look = watch["last_look"]
    return None if look is None else str(look["answered"])


WATCHES: Final = (
    Column(heading="ACCOUNT", name="account"),
    Column(heading="BATCH", name="batch_id"),
    Column(heading="BROADCAST", name="broadcast_id", spare=9),
    Column(heading="STATUS", name="status", short=lambda watch, _: _status(watch)),
    Column(heading="SINCE", name="since", short=lambda watch, at: relative(watch["since"], at), spare=1),
    Column(
        heading="ETA",
        name="eta",
        value=lambda watch: _eta(watch, "p50"),
        short=lambda watch, at: relative(_eta(watch, "p50"), at),
        spare=2,
        rare=True,
    ),
    Column(heading="LOOKS", name="looks", spare=7),
    Column(heading="SIZE", name="size", spare=8),
    Column(heading="NAME", name="name", spare=6),
    Column(heading="STATE", name="state", wide=True),
    Column(heading="FINAL", name="final", wide=True),
    Column(heading="LATEST", name="eta_90", value=lambda watch: _eta(watch, "p90"), wide=True),
    Column(heading="REMAINING", name="remaining", wide=True),
    Column(heading="ENABLED", name="enabled", wide=True),
    Column(heading="OPENED", name="opened", wide=True),
    Column(heading="EXPIRES", name="expires", wide=True),
    Column(heading="LAST LOOK", name="last_look", value=_look, wide=True),
    Column(heading="NEXT LOOK", name="next_look", wide=True),
    Column(heading="LABELS", name="labels", wide=True),
    Column(heading="CORRELATION ID", name="correlation_id", wide=True),
)
LOOKS: Final = (
    Column(heading="ASKED", name="asked"),
    Column(heading="ANSWERED", name="answered"),
    Column(heading="BY", name="by"),
    Column(heading="RESULT", name="result"),
)
EVENTS: Final = (
    Column(heading="POSITION", name="position"),
    Column(heading="TIMESTAMP", name="timestamp"),
    Column(heading="TYPE", name="type"),
    Column(heading="ACCOUNT", name="account", value=lambda event: event["data"].get("account")),
    Column(heading="BATCH", name="batch_id", value=lambda event: event["data"].get("batch_id")),
    Column(heading="STATUS", name="status", value=lambda event: event["data"].get("status")),
    Column(heading="BEFORE", name="previous_status", value=lambda event: event["data"].get("previous_status")),
    Column(heading="NUMBER", name="number", value=lambda event: event["data"].get("number")),
    Column(heading="ID", name="id"),
    Column(heading="DATA", name="data"),
)


def watch_columns(watches: "Sequence[Document]") -> Sequence[Column]:
    """The columns; where all are of one account, that need not be named where there is no room."""
    one = len({watch["account"] for watch in watches}) == 1
    return [replace(each, spare=3) if one and each.name == "account" else each for each in WATCHES]


def watch_line(watch: "Document") -> str:
    """The batch and its status, in a line."""
    what = f"{watch['account']}/{watch['batch_id']}"
    line = f"{second(watch['since']) or '':<19}  {what:<24}  {_status(watch) or '':<12}  {watch['name'] or ''}"
    return line.rstrip()


def say_watch(watch: "Document") -> None:
    """The batch as last seen, and everything that happened to it."""
    at, look = now(), watch["last_look"] or {}
    say_table(
        ("", ""),
        [
            ("batch", f"{watch['batch_id']} of account {watch['account']}"),
            ("name", watch["name"]),
            ("broadcast", watch["broadcast_id"]),
            ("status", watch["status"] or (UNSEEN_STILL if watch["state"] == "open" else None)),
            ("since", moment(watch["since"], at)),
            ("watch", watch["state"]),
            ("contacts", watch["size"]),
            ("remaining", watch["remaining"]),
            ("looks", watch["looks"]),
            ("last look", moment(look.get("answered"), at)),
            ("next look", moment(watch["next_look"], at)),
            ("eta", _expected(watch["eta"])),
            *((("given up", moment(watch["expires"], at)),) if watch.get("expires") else ()),
            *((f"label {key}", value) for key, value in watch["labels"].items()),
            ("correlation id", watch["correlation_id"]),
        ],
    )
    if not watch["transitions"]:
        return
    say("")
    say_table(
        ("NUMBER", "EVENT", "STATUS", "BEFORE", "AFTER", "BY"),
        [
            (t["number"], t["type"], t["status"], t["previous_status"], *_window(t["window"], t["timestamp"]))
            for t in watch["transitions"]
        ],
        spare=("AFTER", "BEFORE"),
    )


def say_looks(looks: "Document", output: Output) -> None:
    """A line a look, and for people how many there were; for programs that read JSON all that is known of them."""
    if output is Output.JSON:
        say_json(looks, indent=2)
        return
    say_list(looks["items"], LOOKS, output)
    if output in PEOPLE:
        since = looks["since"]
        complain(
            f"seen in {looks['total']} looks" + ("" if since is None else f"; what was before {since} is forgotten")
        )


def event_line(event: "Document") -> str:
    """Where it stands in the log, when and what it was, of what it tells."""
    data = event["data"]
    what = str(data.get("endpoint") or data.get("account") or "")
    if "batch_id" in data:
        what = f"{data['account']}/{data['batch_id']}"
    change = data.get("status") or data.get("reason") or ""
    if data.get("previous_status"):
        change = f"{data['previous_status']} -> {change}"
    return f"{event['position']:>6}  {event['timestamp']}  {event['type']:<20}  {what:<24}  {change}".rstrip()


def moment(instant: str | None, at: datetime) -> str | None:
    """A moment as it stands in what is shown of one thing: exactly, and how far it is from now."""
    return None if instant is None else f"{instant} ({relative(instant, at)})"


def _expected(eta: "Document | None") -> str | None:
    """When it will have ended, in words and in UTC; the second day is named where it is another."""
    if eta is None:
        return None
    half, most = eta["p50"][:19].split("T"), eta["p90"][:19].split("T")
    by = most[1] if half[0] == most[0] else " ".join(most)
    return f"about {' '.join(half)}, by {by} with 90 %"


def _window(window: "Document | None", timestamp: str) -> tuple[str | None, str]:
    return (None, timestamp) if window is None else (window["after"], window["by"])
