"""How watches and events look for a person: a table of many, one with all that is known of it, a line an event."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from watcher.cli.printing import say, say_table

if TYPE_CHECKING:
    from watcher.cli.daemon import Document


def say_watches(watches: "Sequence[Document]") -> None:
    """A table with a line a watch; on a narrow terminal with fewer columns."""
    one = len({watch["account"] for watch in watches}) == 1
    headings: tuple[str, ...] = ("ACCOUNT", "BATCH", "BROADCAST", "STATUS", "SINCE", "ETA", "LOOKS", "SIZE", "NAME")
    cells: list[tuple[object, ...]] = [
        (
            *(watch["account"], watch["batch_id"], watch["broadcast_id"], _status(watch), second(watch["since"])),
            *(_half(watch["eta"]), watch["looks"], watch["size"], watch["name"]),
        )
        for watch in watches
    ]
    spare = ["BROADCAST", "SIZE", "LOOKS", "NAME", *(("ACCOUNT",) if one else ()), "ETA", "SINCE"]
    if not any(watch["eta"] for watch in watches):
        place = headings.index("ETA")
        headings = (*headings[:place], *headings[place + 1 :])
        cells = [(*row[:place], *row[place + 1 :]) for row in cells]
        spare.remove("ETA")
    say_table(headings, cells, spare=spare)


def say_watch(watch: "Document") -> None:
    """The batch as last seen, and everything that happened to it."""
    look = watch["last_look"] or {}
    say_table(
        ("", ""),
        [
            ("batch", f"{watch['batch_id']} of account {watch['account']}"),
            ("name", watch["name"]),
            ("broadcast", watch["broadcast_id"]),
            ("status", watch["status"]),
            ("since", watch["since"]),
            ("watch", watch["state"]),
            ("contacts", watch["size"]),
            ("remaining", watch["remaining"]),
            ("looks", watch["looks"]),
            ("last look", look.get("answered")),
            ("next look", watch["next_look"]),
            ("eta", _expected(watch["eta"])),
            *((f"label {key}", value) for key, value in watch["labels"].items()),
            ("correlation id", watch["correlation_id"]),
        ],
    )
    say("")
    say_table(
        ("NUMBER", "EVENT", "STATUS", "BEFORE", "AFTER", "BY"),
        [
            (t["number"], t["type"], t["status"], t["previous_status"], *_window(t["window"], t["timestamp"]))
            for t in watch["transitions"]
        ],
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


def _status(watch: "Document") -> str | None:
    """The status; or how the watch ended, where it was not by one."""
    state: str = watch["state"]
    return state if state in ("missing", "expired") else watch["status"]


def second(instant: str | None) -> str | None:
    """An instant to the second and in UTC: what fits into a line."""
    return instant and instant[:19].replace("T", " ")


def _half(eta: "Document | None") -> str | None:
    """By when it will have ended with even chances."""
    return None if eta is None else second(eta["p50"])


def _expected(eta: "Document | None") -> str | None:
    """When it will have ended, in words and in UTC; the second day is named where it is another."""
    if eta is None:
        return None
    half, most = eta["p50"][:19].split("T"), eta["p90"][:19].split("T")
    by = most[1] if half[0] == most[0] else " ".join(most)
    return f"about {' '.join(half)}, by {by} with 90 %"


def _window(window: "Document | None", timestamp: str) -> tuple[str | None, str]:
    return (None, timestamp) if window is None else (window["after"], window["by"])
