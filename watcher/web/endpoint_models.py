"""What the interface takes and gives of endpoints and deliveries, as pydantic models. Durations are given in seconds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from watcher.core.endpoint import Form, Keeper, Kind, Ordering, Scheme
from watcher.core.keys import GRACE
from watcher.core.recovering import USUAL_STATES, RecoveryState
from watcher.ports import Verification
from watcher.web.models import MAX_POSITION, STORABLE, BroadcastId, Given, Instant, LabelName, LabelValue, Listed, Taken
from watcher.web.values import (
    AccountName,
    BearerToken,
    Concurrency,
    EndpointId,
    EventPattern,
    Grace,
    HeaderName,
    HeaderValue,
    Moment,
    OwnKind,
    Password,
    Rate,
    SampleType,
    Secret,
    Timeout,
    Url,
    Username,
)

MOST_HEADERS = 20
IN_ORDER = "One at a time is what keeps an order: leave concurrency out, or make it 1"

Schemes = Annotated[list[Scheme], Field(min_length=1, max_length=2)]

# Taken


class BasicBody(Taken):
    """Credentials as RFC 7617 has them."""

    username: Username
    password: Password


class AuthorizationBody(Taken):
    """The credentials that webhooks bear: a bearer token, or a name and a password."""

    bearer: BearerToken | None = None
    basic: BasicBody | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.bearer is None) == (self.basic is None):
            raise ValueError("Give either bearer or basic")
        return self


class SetUpBody(Taken):
    """How an endpoint is set up. What is null is as usual."""

    kind: OwnKind | None = None
    url: Url
    description: Annotated[str, Field(max_length=500), STORABLE] | None = None
    types: Annotated[list[EventPattern], Field(max_length=50)] | None = None
    accounts: Annotated[list[AccountName], Field(max_length=1000)] | None = None
    broadcasts: Annotated[list[BroadcastId], Field(max_length=1000)] | None = None
    labels: Annotated[dict[LabelName, LabelValue], Field(max_length=50)] | None = None
    timeout: Timeout | None = None
    concurrency: Concurrency | None = None
    rate: Rate | None = None
    ordering: Ordering | None = None
    form: Form | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=MOST_HEADERS)] | None = None
    authorization: AuthorizationBody | None = None
    signatures: Schemes | None = None

    @field_validator("ordering")
    @classmethod
    def _orderly(cls, ordering: Ordering | None, info: ValidationInfo) -> Ordering | None:
        if ordering == "batch" and (info.data.get("concurrency") or 1) > 1:
            raise ValueError(IN_ORDER)
        return ordering

    @field_validator("headers")
    @classmethod
    def _once(cls, headers: Mapping[str, object] | None) -> Mapping[str, object] | None:
        if headers and len({name.lower() for name in headers}) < len(headers):
            raise ValueError("Two of the names differ by case only, and are the same header")
        return headers


class EndpointBody(SetUpBody):
    """A new endpoint. Without an id it gets one, without a secret a key for each of the signatures."""

    id: EndpointId | None = None
    secret: Secret | None = None
    verification: Verification = "none"

    @field_validator("secret")
    @classmethod
    def _fitting(cls, secret: Secret | None, info: ValidationInfo) -> Secret | None:
        schemes = info.data.get("signatures")
        if secret is not None and schemes:
            scheme = "v1a" if secret.get_secret_value().startswith("whsk_") else "v1"
            if scheme not in schemes:
                raise ValueError(f"It is one for {scheme}, which is not among the signatures")
        return secret


class EndpointPatch(SetUpBody):
    """What is to be another with an endpoint; what is left out stays."""

    url: Url = ""  # left out it stays, and null is no URL


class EnableBody(Taken):
    """Whether what was held is sent."""

    send_held: bool = True


class DisableBody(Taken):
    """Why nothing is to be sent."""

    reason: Annotated[str, Field(min_length=1, max_length=500), STORABLE] = "disabled by the operator"


class RotateBody(Taken):
    """How long the old keys sign along, and the new one, where it is not to be made."""

    grace: Grace = GRACE
    secret: Secret | None = None


class SampleBody(Taken):
    """What to send a sample of."""

    type: SampleType = "ping"


class RecoverBody(Taken):
    """Which events an endpoint is to get again: those from `since` to before `until`, in one of the states, after a position."""

    since: Moment
    until: Moment | None = None
    states: Annotated[list[RecoveryState], Field(min_length=1)] = sorted(USUAL_STATES)
    after: Annotated[int, Field(ge=0, le=MAX_POSITION)] = 0
    dry_run: bool = False

    @field_validator("until")
    @classmethod
    def _later(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        since = info.data.get("since")
        if until is not None and since is not None and until <= since:
            raise ValueError("It must be later than since")
        return until


class EndpointsParams(Listed):
    """The query of a list of endpoints. `recent`: also how their attempts went during the last hour."""

    recent: bool = False


class EndpointParams(BaseModel):
    """The query of one endpoint. `recent`: also how its attempts went during the last hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recent: bool = False


# Given


class KeyShown(Given):
    """A key that signs: how, and until when; null for one that was not replaced."""

    scheme: Scheme
    until: Instant | None


class BreakerShown(Given):
    """An endpoint's breaker: how often it opened since the last success, and until when it keeps everything back. Then one
    delivery probes, and a success closes it."""

    state: Literal["closed", "open", "probing"]
    opened: int
    open_until: Instant | None


class EndpointHealth(Given):
    """How an endpoint's attempts went since its last success. `disables_at` is when it is disabled at the earliest, if nothing
    succeeds meanwhile; `exhausted` counts events that ran out of attempts."""

    failures_in_a_row: int
    failing_since: Instant | None
    failed: int
    exhausted: int
    disables_at: Instant | None
    breaker: BreakerShown


class KeysShown(Given):
    """An endpoint's keys, the newest first, also old ones that sign along; the public ones as text. `signatures` are those that
    do not end."""

    id: str
    signatures: list[Scheme]
    keys: list[KeyShown]
    public_keys: list[str]


class RecentShown(Given):
    """How the attempts at an endpoint's deliveries went during the last hour, as far as this daemon has seen it: for spans of
    `step` seconds from `since` on, of which the last one is not over, how many were accepted (`done`) and how many `failed`, and
    the seconds within which half of them (`p50`) and 95 in a hundred (`p95`) were over, right to about a tenth, null where there
    was none. Where the receiver asked for a pause an attempt is among neither."""

    since: Instant
    step: float
    done: list[int]
    failed: list[int]
    p50: list[float | None]
    p95: list[float | None]


class EndpointShown(KeysShown):
    """An endpoint: how it is set up, and how it stands. Of custom headers only the names are shown, of credentials only the
    kind, and of the URL not what stands behind its question mark; with the kind `apprise` only the service. `recent` is null
    where it is not asked for."""

    kind: Kind
    url: str
    kept_by: Keeper
    description: str
    types: list[str]
    accounts: list[str]
    broadcasts: list[int]
    labels: Mapping[str, str]
    timeout: float
    concurrency: int | None
    rate: float | None
    ordering: Ordering
    form: Form
    headers: list[str]
    authorization: str | None
    created: Instant | None
    state: str
    condition: str
    reason: str
    until: Instant | None
    health: EndpointHealth
    pending: int
    held: int
    dead: int
    oldest: Instant | None
    recent: RecentShown | None = None


class EndpointMade(EndpointShown):
    """A new endpoint, with its secrets, which are shown this once."""

    secrets: list[str]


class KeysMade(KeysShown):
    """What a rotation made, with the new secrets, which are shown this once; and the old keys that sign along."""

    secrets: list[str]


class EndpointPage(Given):
    """Some of the endpoints. `next` is the cursor for more, null at the end."""

    items: list[EndpointShown]
    next: str | None
