"""An example of everything that is answered, and with `taken` of all that is sent, by the name of its schema. Each is valid: a
test sees to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from watcher.web.openapi.planned import PLANNED
from watcher.web.openapi.taken import LABELS, TAKEN

WINDOW: Final = {"after": "2026-11-23T09:00:02.101Z", "by": "2026-11-23T09:00:04.213Z"}
LOOK: Final = {"asked": "2026-11-23T09:00:04.101Z", "answered": "2026-11-23T09:00:04.213Z"}
ETA: Final = {"p50": "2026-11-23T09:00:30.000Z", "p90": "2026-11-23T09:02:10.000Z"}
WATCH: Final = {
    "account": "default",
    "batch_id": 13,
    "broadcast_id": 14,
    "name": "API 14",
    "status": "VALIDATING",
    "since": "2026-11-23T08:59:58.412Z",
    "final": False,
    "state": "open",
    "created": "2026-11-23T08:59:55.000Z",
    "size": 6198,
    "remaining": 6198,
    "enabled": True,
    "opened": "2026-11-23T08:59:55.300Z",
    "stuck": False,
    "attention": None,
    "looks": 4,
    "last_look": LOOK,
    "next_look": "2026-11-23T09:00:05.300Z",
    "eta": ETA,
    "expires": None,
    "labels": LABELS,
    "correlation_id": "order-77",
}
PAST_LOOK: Final = LOOK | {"by": "single", "result": "changed"}
TRANSITION: Final = {
    "number": 2,
    "type": "batch.validating",
    "timestamp": "2026-11-23T08:59:58.412Z",
    "status": "VALIDATING",
    "previous_status": "NEW",
    "skipped": [],
    "window": {"after": "2026-11-23T08:59:57.300Z", "by": "2026-11-23T08:59:58.412Z"},
}
BROADCAST: Final = {
    "account": "default",
    "broadcast_id": 14,
    "kind": "call",
    "followed": True,
    "labels": LABELS,
    "correlation_id": None,
    "opened": "2026-11-23T08:59:55.300Z",
    "batches": 3,
    "listed": "2026-11-23T09:00:00.120Z",
    "note": "",
}
SUBMISSION: Final = {
    "id": "sub_7k3f9x2abc4m",
    "account": "default",
    "broadcast_id": 14,
    "kind": "call",
    "name": "Autumn, north [7k3f9x2abc4m]",
    "state": "accepted",
    "batch_id": 13,
    "recipients": 2,
    "tries": 1,
    "created": "2026-11-23T08:59:54.900Z",
    "sent": "2026-11-23T08:59:54.950Z",
    "settled": "2026-11-23T08:59:55.250Z",
    "labels": LABELS,
    "correlation_id": None,
    "detail": "",
}
EVENT: Final = {
    "position": 1234,
    "id": "evt_k3v9x2ab_default_13_3",
    "type": "batch.active",
    "timestamp": "2026-11-23T09:00:04.213Z",
    "data": {
        "account": "default",
        "batch_id": 13,
        "broadcast_id": 14,
        "name": "API 14",
        "number": 3,
        "status": "ACTIVE",
        "previous_status": "VALIDATING",
        "skipped": [],
        "final": True,
        "expected": True,
        "size": 6198,
        "remaining": 6198,
        "enabled": True,
        "window": WINDOW,
        "labels": LABELS,
        "correlation_id": "order-77",
    },
}
ACCOUNT: Final = {
    "name": "default",
    "condition": "ok",
    "reason": "",
    "until": None,
    "rate": 5.0,
    "effective_rate": 5.0,
    "in_flight": 1,
    "open": 30,
    "overdue": 0,
    "last_step": "2026-11-23T09:00:04.213Z",
    "used": 1.2,
    "looks_per_request": 7.5,
    "change_percentage": 4.8,
}
LENGTH: Final = {"from": 3163, "to": 10_000, "ends": 41.5, "p50": 4.2, "p90": 30.1}
LEARNT: Final = {"ends": 52, "sizes": [LENGTH]}
STREAMRANK: Final = {
    "polling_total_time_average": 0.21,
    "polling_size_download_average": 545.0,
    "streaming_total_time_average": 0.08,
    "streaming_size_download_average": 409.0,
    "change_yes": 12,
    "change_no": 240,
    "time_percentage": 98.2,
    "size_percentage": 96.4,
    "change_percentage": 4.8,
    "last_run": "2026-11-23T09:00:04.213Z",
    "days_run": 1,
    "minute_run": 31,
}
TOKEN: Final = {
    "id": "tok_1f0c9a7be2d34455",
    "name": "CRM",
    "scopes": ["read", "write"],
    "accounts": ["default"],
    "created": "2026-11-23T08:00:00.000Z",
    "expires": "2027-02-21T08:00:00.000Z",
    "used": None,
}
KEYS: Final = {
    "id": "crm",
    "signatures": ["v1"],
    "keys": [{"scheme": "v1", "until": None}],
    "public_keys": [],
}
BREAKER: Final = {"state": "closed", "opened": 0, "open_until": None}
HEALTH: Final = {
    "failures_in_a_row": 0,
    "failing_since": None,
    "failed": 0,
    "exhausted": 0,
    "disables_at": None,
    "breaker": BREAKER,
}
ENDPOINT: Final = KEYS | {
    "kind": "webhook",
    "url": "https://crm.example/hooks/batches",
    "kept_by": "api",
    "description": "the CRM",
    "types": ["batch.*"],
    "accounts": [],
    "broadcasts": [],
    "labels": LABELS,
    "timeout": 15.0,
    "concurrency": None,
    "rate": None,
    "ordering": "none",
    "form": "plain",
    "headers": ["X-Tenant"],
    "authorization": "Bearer",
    "created": "2026-11-23T08:00:00.000Z",
    "state": "active",
    "condition": "active",
    "reason": "",
    "until": None,
    "health": HEALTH,
    "pending": 0,
    "held": 0,
    "dead": 0,
    "oldest": None,
    "recent": None,
}
RECENT: Final = {
    "since": "2026-11-23T08:58:00.000Z",
    "step": 60,
    "done": [12, 0, 3],
    "failed": [0, 0, 1],
    "p50": [0.0812, None, 0.0904],
    "p95": [0.2105, None, 0.3411],
}
SECRETS: Final = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="]
TIMINGS: Final = {"dns": 0.004, "connect": 0.011, "tls": 0.023, "first_byte": 0.071}
ATTEMPT: Final = {
    "at": "2026-11-23T09:00:04.301Z",
    "took": 0.112,
    "code": 503,
    "error": None,
    "detail": None,
    "address": "203.0.113.7",
    "timings": TIMINGS,
    "retry_after": None,
    "location": None,
    "answer": "down for maintenance",
}
KEPT: Final = ATTEMPT | {"cause": "schedule", "outcome": "pending", "next_due": "2026-11-23T09:00:09.512Z"}
DELIVERY: Final = {
    "id": 1,
    "endpoint": "crm",
    "position": 1234,
    "event_id": "evt_k3v9x2ab_default_13_3",
    "event_type": "batch.active",
    "account": "default",
    "batch_id": 13,
    "created": "2026-11-23T09:00:04.213Z",
    "due": "2026-11-23T09:00:09.512Z",
    "attempts": 1,
    "state": "pending",
    "cause": "schedule",
    "in_flight": False,
    "code": 503,
    "error": None,
    "ended": "2026-11-23T09:00:04.413Z",
}
AHEAD: Final = {"batch_id": None, "broadcast_id": 14, "page": 1, "worth": 12.5}
ROWS: Final = [
    {"row": 0, "result": "created", "account": "default", "batch_id": 13},
    {
        "row": 1,
        "error": {
            "type": "/problems/bad-body",
            "title": "The body is not right",
            "status": 422,
            "detail": "Input should be greater than or equal to 1, at /batch_id",
            "errors": [{"pointer": "/batch_id", "message": "Input should be greater than or equal to 1"}],
            "place": "row 1",
        },
    },
]
CHECK: Final = {"name": "loop", "ok": True, "detail": "turned 0.1 s ago", "data": {}}

EXAMPLES: Final[Mapping[str, Sequence[Any]]] = {
    **TAKEN,
    **PLANNED,
    "Watch": [WATCH],
    "WatchDetails": [WATCH | {"transitions": [TRANSITION]}],
    "WatchPage": [{"items": [WATCH], "next": None}],
    "Transition": [TRANSITION],
    "Look": [LOOK],
    "Looks": [
        {
            "account": "default",
            "batch_id": 13,
            "items": [PAST_LOOK],
            "total": 4,
            "since": "2026-11-23T09:00:04.012Z",
        }
    ],
    "PastLook": [PAST_LOOK],
    "Eta": [ETA],
    "Window": [WINDOW],
    "Broadcast": [BROADCAST],
    "BroadcastPage": [{"items": [BROADCAST], "next": None}],
    "Submission": [SUBMISSION],
    "SubmissionPage": [{"items": [SUBMISSION], "next": None}],
    "Batch": [
        {
            "account": "default",
            "batch_id": 13,
            "broadcast_id": 14,
            "name": "Autumn, north [7k3f9x2abc4m]",
            "status": "ACTIVE",
            "size": 2,
            "remaining": 2,
            "enabled": False,
        }
    ],
    "Token": [TOKEN],
    "TokenMade": [TOKEN | {"token": "wt_a-secret-shown-this-once"}],
    "TokenPage": [{"items": [TOKEN], "next": None}],
    "Session": [
        {"holder": "settings", "scopes": ["read", "write", "submit", "admin"], "accounts": None, "expires": None}
    ],
    "RowResult": ROWS,
    "RowResults": [{"created": 1, "known": 0, "reopened": 0, "refused": 1, "items": ROWS}],
    "Event": [EVENT],
    "EventPage": [{"items": [EVENT], "next": 1234}],
    "Account": [ACCOUNT],
    "AccountDetails": [ACCOUNT | {"learnt": LEARNT, "streamrank": STREAMRANK}],
    "AccountPage": [{"items": [ACCOUNT], "next": None}],
    "Length": [LENGTH],
    "Learnt": [LEARNT],
    "StreamRank": [STREAMRANK],
    "Check": [CHECK],
    "Health": [{"status": "ok", "version": "1.0.0", "at": "2026-11-23T09:00:04.213Z", "checks": [CHECK]}],
    "Ahead": [AHEAD],
    "Explanation": [
        {
            "account": "default",
            "batch_id": 13,
            "part": None,
            "at": "2026-11-23T09:00:04.213Z",
            "why": "by_itself",
            "summary": "A look at it would end 1.2 s of expected waiting. 1 request goes before it. Its turn is expected now.",
            "age": 9.213,
            "waited": 1.1,
            "hazard": 0.2,
            "worth": 1.2,
            "threshold": 0.1,
            "broadcast_id": 14,
            "page": None,
            "page_worth": None,
            "rank": 2,
            "ahead": [AHEAD],
            "next_look": "2026-11-23T09:00:04.413Z",
        }
    ],
    "Key": [{"scheme": "v1", "until": None}],
    "Breaker": [BREAKER],
    "EndpointHealth": [HEALTH],
    "Endpoint": [ENDPOINT, ENDPOINT | {"recent": RECENT}],
    "Recent": [RECENT],
    "EndpointMade": [ENDPOINT | {"secrets": SECRETS}],
    "EndpointPage": [{"items": [ENDPOINT], "next": None}],
    "KeysMade": [
        KEYS
        | {
            "keys": [{"scheme": "v1", "until": None}, {"scheme": "v1", "until": "2026-11-24T09:00:00.000Z"}],
            "secrets": SECRETS,
        }
    ],
    "Timings": [TIMINGS],
    "Attempt": [ATTEMPT],
    "Sample": [ATTEMPT | {"code": 204, "answer": "", "type": "batch.active", "accepted": True}],
    "AttemptKept": [KEPT],
    "Delivery": [DELIVERY],
    "DeliveryWhole": [DELIVERY | {"history": [KEPT]}],
    "DeliveryPage": [{"items": [DELIVERY], "next": None}],
    "Recovered": [
        {
            "counts": {"dead": 2, "held": 0, "missing": 7},
            "after": None,
            "since": "2026-11-22T09:00:00.000Z",
            "until": "2026-11-23T09:00:00.000Z",
            "dry_run": True,
        }
    ],
}
"""Of each schema one or more."""
