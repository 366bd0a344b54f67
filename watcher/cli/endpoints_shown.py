"""How endpoints, deliveries and attempts look for a person."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from watcher.cli.chart import spark
from watcher.cli.formats import Column
from watcher.cli.printing import complain, say, say_table
from watcher.cli.times import relative, second

if TYPE_CHECKING:
    from watcher.cli.formats import Document

PLACES: Final = (("dns", "DNS"), ("connect", "connect"), ("tls", "TLS"), ("first_byte", "first byte"))
ANSWER: Final = 500
"""Characters of a receiver's answer that a table shows; -o json has all that is kept."""


def _state(delivery: "Document") -> str:
    return "in flight" if delivery["in_flight"] else str(delivery["state"])


ENDPOINTS: Final = (
    Column(heading="ID", name="id"),
    Column(heading="CONDITION", name="condition"),
    Column(heading="UNTIL", name="until", short=lambda each, at: relative(each["until"], at), spare=5, rare=True),
    Column(heading="PENDING", name="pending"),
    Column(heading="HELD", name="held", spare=3),
    Column(heading="DEAD", name="dead", spare=2),
    Column(heading="OLDEST", name="oldest", short=lambda each, at: relative(each["oldest"], at), spare=8),
    Column(heading="KEPT BY", name="kept_by", spare=9),
    Column(heading="TYPES", name="types", short=lambda each, _: " ".join(each["types"]) or "all", spare=7),
    Column(heading="URL", name="url", spare=1),
    Column(heading="STATE", name="state", wide=True),
    Column(heading="REASON", name="reason", wide=True),
    Column(heading="DESCRIPTION", name="description", wide=True),
    Column(heading="ACCOUNTS", name="accounts", wide=True),
    Column(heading="BROADCASTS", name="broadcasts", wide=True),
    Column(heading="LABELS", name="labels", wide=True),
    Column(heading="KIND", name="kind", wide=True),
    Column(heading="FORM", name="form", wide=True),
    Column(heading="ORDERING", name="ordering", wide=True),
    Column(heading="RATE", name="rate", wide=True),
    Column(heading="MADE", name="created", wide=True),
)
DELIVERIES: Final = (
    Column(heading="ID", name="id"),
    Column(heading="ENDPOINT", name="endpoint"),
    Column(heading="STATE", name="state", short=lambda each, _: _state(each)),
    Column(heading="EVENT", name="event_id"),
    Column(heading="TYPE", name="event_type", spare=8),
    Column(heading="ATTEMPTS", name="attempts", spare=6),
    Column(heading="LAST", name="last", value=lambda each: each["code"] or each["error"], spare=7),
    Column(heading="DUE", name="due", short=lambda each, at: relative(each["due"], at), spare=9),
    Column(heading="ACCOUNT", name="account", wide=True),
    Column(heading="BATCH", name="batch_id", wide=True),
    Column(heading="POSITION", name="position", wide=True),
    Column(heading="MADE", name="created", wide=True),
    Column(heading="ENDED", name="ended", wide=True),
    Column(heading="CAUSE", name="cause", wide=True),
    Column(heading="IN FLIGHT", name="in_flight", wide=True),
)


def say_endpoint(endpoint: "Document") -> None:
    """How it is set up, and how it stands."""
    say_table(("", ""), [(name, value) for name, value in _rows(endpoint) if value not in (None, "")])


def say_keys(document: "Document", said: str) -> None:
    """What a receiver verifies with, to be kept: on standard output; on standard error what it is."""
    shared = [secret for secret in document["secrets"] if secret.startswith("whsec_")]
    pairs = (key for key in document["keys"] if key["scheme"] == "v1a")
    public = [text for key, text in zip(pairs, document["public_keys"], strict=True) if key["until"] is None]
    if len(shared) == len(document["secrets"]):  # no pair is new
        public = []
    for text in (*shared, *public):
        say(text)
    complain(said)
    if shared:
        complain("the secret (whsec_…) is shown this once: keep it where only the receiver reads it")
    if public:
        complain("the public key (whpk_…) verifies what is signed as v1a, and need not be kept secret")


def say_attempt(attempt: "Document") -> None:
    """What came of it, and what the receiver said."""
    say(attempt_line(attempt))
    spent = ", ".join(
        f"{word} {_span(attempt['timings'][key])}" for key, word in PLACES if _there(attempt["timings"][key])
    )
    rows = [
        ("at", attempt["at"]),
        ("address", attempt["address"]),
        ("time", f"{_span(attempt['took'])}{f' ({spent})' if spent else ''}"),
        ("location", attempt["location"]),
        ("retry after", None if attempt["retry_after"] is None else f"{attempt['retry_after']:g} s"),
        ("answer", cut(attempt["answer"])),
    ]
    say_table(("", ""), [row for row in rows if row[1]])


def attempt_line(attempt: "Document") -> str:
    """How it ended, in words."""
    if attempt["code"] is not None:
        return f"the receiver answered {attempt['code']}"
    return f"no answer: {attempt['error']}" + (f" ({attempt['detail']})" if attempt["detail"] else "")


def say_delivery(delivery: "Document") -> None:
    """What is owed to whom, and a line an attempt."""
    about = f"{delivery['account']}/{delivery['batch_id']}" if delivery["batch_id"] else delivery["account"]
    say_table(
        ("", ""),
        [
            ("delivery", delivery["id"]),
            ("endpoint", delivery["endpoint"]),
            ("event", f"{delivery['event_type']} {delivery['event_id']}"),
            ("position", delivery["position"]),
            *((("batch", about),) if about else ()),
            ("state", _state(delivery)),
            ("made", delivery["created"]),
            ("due", delivery["due"]),
            ("attempts", delivery["attempts"]),
            ("cause", delivery["cause"]),
        ],
    )
    if not delivery["history"]:
        say("no attempt is kept")
        return
    say("")
    say_table(
        ("AT", "TOOK", "CODE", "ERROR", "ADDRESS", "CAUSE", "OUTCOME", "NEXT", "ANSWER"),
        [
            (
                *(second(each["at"]), _span(each["took"]), each["code"], _error(each), each["address"], each["cause"]),
                *(each["outcome"], second(each["next_due"]), " ".join(cut(each["answer"], 60).split())),
            )
            for each in delivery["history"]
        ],
        spare=("ANSWER", "ADDRESS", "CAUSE", "TOOK"),
    )


def cut(text: str, most: int = ANSWER) -> str:
    """The beginning of it, for a table."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _rows(endpoint: "Document") -> list[tuple[str, Any]]:
    health, breaker = endpoint["health"], endpoint["health"]["breaker"]
    until = f" until {endpoint['until']}" if endpoint["until"] else ""
    labels = [(f"label {key}", value) for key, value in endpoint["labels"].items()]
    old = [f"{key['scheme']} until {key['until']}" for key in endpoint["keys"] if key["until"] is not None]
    return [
        ("endpoint", endpoint["id"]),
        ("kind", endpoint["kind"]),
        ("url", endpoint["url"]),
        ("description", endpoint["description"]),
        ("kept by", {"api": "the daemon (watcher endpoints)"}.get(endpoint["kept_by"], "the settings file")),
        ("made", endpoint["created"]),
        ("condition", endpoint["condition"] + until),
        ("reason", None if endpoint["condition"] == "active" else endpoint["reason"]),
        ("pending", endpoint["pending"]),
        ("oldest", endpoint["oldest"]),
        ("held", endpoint["held"]),
        ("dead", endpoint["dead"]),
        ("types", ", ".join(endpoint["types"]) or "all"),
        ("accounts", ", ".join(endpoint["accounts"]) or "all"),
        ("broadcasts", ", ".join(map(str, endpoint["broadcasts"])) or "all"),
        *labels,
        ("timeout", f"{endpoint['timeout']:g} s"),
        ("concurrency", endpoint["concurrency"] or "as usual"),
        ("rate", f"{endpoint['rate']:g} a second" if endpoint["rate"] else "without bound"),
        ("ordering", endpoint["ordering"]),
        ("form", endpoint["form"]),
        ("signatures", ", ".join(endpoint["signatures"])),
        ("old keys", ", ".join(old)),
        *(("public key", text) for text in endpoint["public_keys"]),
        ("headers", ", ".join(endpoint["headers"])),
        ("authorization", endpoint["authorization"]),
        ("failures in a row", health["failures_in_a_row"] or None),
        ("failing since", health["failing_since"]),
        ("disabled at", health["disables_at"] and f"{health['disables_at']} at the earliest, if nothing succeeds"),
        ("breaker", None if breaker["state"] == "closed" else f"{breaker['state']}, opened {breaker['opened']} times"),
        *_recent(endpoint.get("recent")),
    ]


def _recent(recent: "Mapping[str, Any] | None") -> list[tuple[str, Any]]:
    """The last hour, a stroke for two minutes; nothing where nothing was sent."""
    if recent is None or not any(recent["done"] + recent["failed"]):
        return []
    done, failed = recent["done"], recent["failed"]
    slow = [each or 0.0 for each in recent["p95"]]
    return [
        ("accepted", f"{spark([sum(some) for some in _pairs(done)])} {sum(done)} since {second(recent['since'])}"),
        ("failed", f"{spark([sum(some) for some in _pairs(failed)])} {sum(failed)}"),
        ("time of 95 %", f"{spark([max(some) for some in _pairs(slow)])} {_span(max(slow))} at most"),
    ]


def _pairs(values: "Sequence[Any]") -> "list[Sequence[Any]]":
    """Two by two, the last ones together."""
    return [values[max(end - 2, 0) : end] for end in range(len(values), 0, -2)][::-1]


def _error(attempt: "Mapping[str, Any]") -> str | None:
    if attempt["location"]:
        return f"redirects to {attempt['location']}"
    if attempt["code"] is not None or attempt["error"] is None:
        return None
    return f"{attempt['error']}: {attempt['detail']}" if attempt["detail"] else str(attempt["error"])


def _there(seconds: float | None) -> bool:
    return seconds is not None


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
