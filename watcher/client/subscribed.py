"""What the client gives of endpoints, deliveries and tokens. Times are aware, in UTC; durations are seconds.

`document` is what the watcher answered, as it came: with what this version does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from watcher.client.watches import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signs: how, and until when; None for one that was not replaced."""

    scheme: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Who gets webhooks: how it is set up, and how it stands. `secrets` are there only where keys were made, that once; `recent`,
    how the last hour's attempts went by the minute, where it was asked for."""

    id: str
    url: str = ""
    kept_by: str = "api"
    description: str = ""
    types: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    broadcasts: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    concurrency: int | None = None
    rate: float | None = None
    ordering: str = "none"
    form: str = "plain"
    headers: tuple[str, ...] = ()
    authorization: str | None = None
    signatures: tuple[str, ...] = ()
    keys: tuple[SigningKey, ...] = ()
    public_keys: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    created: datetime | None = None
    state: str = ""
    condition: str = ""
    reason: str = ""
    until: datetime | None = None
    pending: int = 0
    held: int = 0
    dead: int = 0
    oldest: datetime | None = None
    recent: Document | None = None
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to deliver. `answer` is the beginning of what the receiver said."""

    at: datetime
    took: float
    code: int | None = None
    error: str | None = None
    detail: str | None = None
    address: str | None = None
    answer: str = ""
    accepted: bool | None = None
    cause: str | None = None
    outcome: str | None = None
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event owed to an endpoint. `history` has its attempts where it was asked for by itself."""

    id: int
    endpoint: str
    state: str
    position: int
    event_id: str
    event_type: str
    account: str | None = None
    batch_id: int | None = None
    created: datetime | None = None
    due: datetime | None = None
    attempts: int = 0
    cause: str = ""
    in_flight: bool = False
    code: int | None = None
    error: str | None = None
    ended: datetime | None = None
    history: tuple[Attempt, ...] = ()
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A portion of a recovery: how many events there were by state; with `after` None nothing is left."""

    counts: Mapping[str, int]
    after: int | None
    since: datetime
    until: datetime
    dry_run: bool
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token for the interface. `token` is its secret, there only where it was made, that once; `accounts` None means all."""

    id: str
    name: str = ""
    scopes: tuple[str, ...] = ()
    accounts: tuple[str, ...] | None = None
    created: datetime | None = None
    expires: datetime | None = None
    used: datetime | None = None
    token: str | None = field(default=None, repr=False)
    document: Document = field(default_factory=dict, repr=False, compare=False)
