"""Endpoints and what they are owed: the nouns endpoint, delivery, attempt, and the filter. Data, and who wants what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from watcher.core.health import Health
from watcher.core.model import Event

Kind = Literal["webhook", "apprise"]
"""Whom an endpoint tells: a program, by a signed webhook; or people, through the library Apprise."""
Scheme = Literal["v1", "v1a"]
"""How Standard Webhooks names a way of signing: HMAC-SHA256 with a shared secret, or Ed25519 with a key pair."""
Form = Literal["plain", "cloudevents", "cloudevents-binary"]
"""What is posted: the event's body as it is, or CloudEvents 1.0, structured or in headers."""
Ordering = Literal["none", "batch"]
Keeper = Literal["settings", "api"]
"""Who says how an endpoint is set up."""
Cause = Literal["schedule", "person", "recovery"]
"""Why an attempt was made."""

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an endpoint may be called."""
BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
"""When those were made of which nobody knows."""
TIMEOUT_LEAST: Final = timedelta(seconds=1)
TIMEOUT_MOST: Final = timedelta(seconds=30)
"""How long an attempt may take, to the last byte of the answer."""
CONCURRENCY_MOST: Final = 1000
RATE_LEAST, RATE_MOST = 0.001, 100_000
"""Deliveries a second: beneath, an endpoint had better be disabled; above, a rate bounds nothing."""

APPRISE: Final = "apprise:"
"""How the URL begins that is kept and shown of an endpoint of that kind; behind it stands no more than the service. The whole one
is a secret, and only the settings have it."""

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class EndpointState(StrEnum):
    """What happens is HELD for a DISABLED one. A REMOVED one was deleted, and is owed nothing new."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class SigningKey:
    """A key that signs. For v1 `key` are the bytes behind `whsec_`; for v1a the 64 bytes behind `whsk_`, seed and public key.

    One that was replaced signs along until `until`.
    """

    scheme: Scheme = "v1"
    key: bytes = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What of an endpoint is never shown: its keys, the newest first; custom headers; the header Authorization; and where one of
    kind `apprise` leads to."""

    keys: tuple[SigningKey, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = None
    apprise_url: str | None = None

    def __repr__(self) -> str:
        return f"Secrets({len(self.keys)} keys, …)"

    def signing(self, now: datetime) -> tuple[SigningKey, ...]:
        """The keys that sign at that time."""
        return tuple(key for key in self.keys if key.until is None or key.until > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A subscriber's address, what it wants, how it is sent, and how it stands.

    `types`, `accounts`, `broadcasts` and `labels` filter (empty: everything); a type may end in `.*`. `concurrency` None means
    the usual one; `rate` is deliveries a second, None without bound. `paused_until` holds back every delivery (a Retry-After).
    `version` grows with every change of how it is set up, `number` is that of its last operator event. Where it is printed, its
    secrets are not shown, nor the URL, whose query may be one.
    """

    id: str
    url: str = field(repr=False)
    kept_by: Keeper = "api"
    description: str = ""
    types: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    broadcasts: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta = timedelta(seconds=15)
    concurrency: int | None = None
    rate: float | None = None
    ordering: Ordering = "none"
    form: Form = "plain"
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    created: datetime | None = None
    version: int = 0
    state: EndpointState = EndpointState.ACTIVE
    disabled_reason: str | None = None
    paused_until: datetime | None = None
    health: Health = field(default_factory=Health)
    number: int = 0

    @property
    def edition(self) -> tuple[datetime, int]:
        """Which one of its name it is, and how it is set up: what is greater came later. Versions begin anew with one that is
        made after the last of its name was forgotten."""
        return self.created or BEFORE_ALL, self.version

    @property
    def kind(self) -> Kind:
        return "apprise" if self.url.startswith(APPRISE) else "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What of an event filters look at. `account` is None where it is about none, and so is `broadcast_id`."""

    type: str
    account: str | None = None
    broadcast_id: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    endpoint: str | None = None


def shown_url(apprise_url: str) -> str:
    """What is kept and shown of an Apprise URL: its scheme. Each service has its secrets in other places of it."""
    return f"{APPRISE}{apprise_url.partition(':')[0].lower()}://…"


def subject_of(event: Event) -> Subject:
    """What filters look at. In `data` are the keys of the documented body."""
    return subject_of_data(event.type, event.data, event.endpoint)


def subject_of_data(event_type: str, data: Mapping[str, object], endpoint: str | None = None) -> Subject:
    """As `subject_of`, from the "data" of a body."""
    account, broadcast_id, labels = data.get("account"), data.get("broadcast_id"), data.get("labels")
    return Subject(
        type=event_type,
        account=account if isinstance(account, str) and endpoint is None else None,
        broadcast_id=broadcast_id if isinstance(broadcast_id, int) else None,
        labels=labels if isinstance(labels, Mapping) else NOTHING,
        endpoint=endpoint,
    )


def wants(endpoint: Endpoint, subject: Subject) -> bool:
    """Whether the endpoint's filter lets the event through. What a filter asks for and the event does not have keeps it out;
    nobody is told about itself."""
    if subject.endpoint == endpoint.id:
        return False
    if endpoint.types and not any(covers(pattern, subject.type) for pattern in endpoint.types):
        return False
    if endpoint.accounts and subject.account not in endpoint.accounts:
        return False
    if endpoint.broadcasts and subject.broadcast_id not in endpoint.broadcasts:
        return False
    return all(subject.labels.get(name) == value for name, value in endpoint.labels.items())


def covers(pattern: str, event_type: str) -> bool:
    """Whether the pattern (a type, `batch.*`, or `*`) names the type."""
    if pattern == "*":
        return True
    return event_type.startswith(pattern[:-1]) if pattern.endswith(".*") else pattern == event_type


def most_at_once(ordering: Ordering, concurrency: int | None, usual: int) -> int:
    """How many attempts at an endpoint may be under way at once, where so many usually may."""
    if ordering == "batch":
        return 1
    return usual if concurrency is None else concurrency


class DeliveryState(StrEnum):
    """PENDING ones wait for `due`; DONE was accepted; DEAD ran out of attempts; HELD is kept while its endpoint is not active."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event owed to one endpoint. `attempts` counts those that were answered or failed, not those given back.

    `cause` is that of its next attempt.
    """

    id: int
    endpoint_id: str
    position: int
    event_id: str
    event_type: str
    body: bytes = field(repr=False)
    created: datetime
    due: datetime
    attempts: int = 0
    state: DeliveryState = DeliveryState.PENDING
    cause: Cause = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Where the time of an attempt went, up to the first byte of the answer; None for what was not done (a connection that
    was open already, a literal address, no TLS) or not come to."""

    dns: timedelta | None = None
    connect: timedelta | None = None
    tls: timedelta | None = None
    first_byte: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one try at a delivery brought. `code` is None when no answer came; `error` then says what kind of failure it was.

    `address` is the concrete one that was connected to. `answer` are the first bytes of the answer's body, as received.
    `server` (https://HOST) and the header `traceparent` that was sent are for traces, and are not kept.
    """

    at: datetime
    took: timedelta
    code: int | None
    error: str | None = None
    detail: str | None = None
    retry_after: timedelta | None = None
    answer: bytes = b""
    location: str | None = None
    address: str | None = None
    timings: Timings = field(default_factory=Timings)
    server: str = field(default="", compare=False)
    traceparent: str = field(default="", compare=False)

    @property
    def accepted(self) -> bool:
        """Whether the answer was a 2xx."""
        return self.code is not None and 200 <= self.code < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """An attempt as it is kept: what caused it, what became of the delivery, and when the next one was due then."""

    attempt: Attempt
    cause: Cause
    outcome: str
    next_due: datetime | None
