"""[endpoints.NAME]: where webhooks are sent, or whom notifications are, as the settings keep it."""

import difflib
from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from watcher.core.addresses import url_refusal
from watcher.core.endpoint import CONCURRENCY_MOST, RATE_LEAST, RATE_MOST, Kind, SigningKey, shown_url
from watcher.core.keys import OLD_MOST, parse_key
from watcher.core.model import EVENT_TYPES
from watcher.settings.credentials import (
    AppriseUrl,
    Bearer,
    Credential,
    Headers,
    Login,
    PrivateKey,
    SigningSecret,
    SigningSecrets,
)
from watcher.settings.problems import refusal
from watcher.settings.section import OR_FILE, Section
from watcher.settings.values import AttemptTimeout, Count, Labels, Names, Number, Numbers

NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {"webhook": ("url", "secret"), "apprise": ("apprise_url",)}
OF_WEBHOOKS: Final = (
    *NEEDED["webhook"],
    *("private_key", "old_secrets", "form", "headers", "bearer", "username", "password"),
)
"""What says nothing of a notification, and is refused beside it."""


def _installed(kind: Kind) -> Kind:
    if kind == "apprise" and find_spec("apprise") is None:
        raise refusal(
            "needs Apprise, which is not installed", "install requirements-extras.txt (deploy/notifications.md)"
        )
    return kind


def _url(value: object, info: ValidationInfo) -> str | None:
    """A URL that the address guard lets through. What was given is never quoted: it may hold a password."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise refusal("must be a URL", "write one in quotes, https://…")
    why = url_refusal(value, (info.context or {}).get("networks", ()))
    if why is not None:
        what, _, remedy = why.partition("; ")
        raise refusal(what, remedy)
    return value


def _known_types(types: tuple[str, ...]) -> tuple[str, ...]:
    patterns = ("*", *EVENT_TYPES, *sorted({kind.split(".")[0] + ".*" for kind in EVENT_TYPES}))
    for kind in types:
        if kind not in patterns:
            near = difflib.get_close_matches(kind, patterns, 1)
            hint = f"did you mean {near[0]}?" if near else f"take some of {', '.join(patterns)}"
            raise refusal(f"names the event type {kind}, which is not known", hint)
    return types


def _known_accounts(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    known = (info.context or {}).get("accounts", names)
    for account in names:
        if account not in known:
            near = difflib.get_close_matches(account, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"add [accounts.{account}], or take it out"
            raise refusal(f"names the account {account}, which is not in the settings", hint)
    return names


class Endpoint(Section):
    """[endpoints.NAME]: a subscriber's webhook address, or people."""

    kind: Annotated[Literal["webhook", "apprise"], AfterValidator(_installed)] = Field(
        default="webhook", description="webhook, or apprise: people are told through Apprise (watcher[notify])"
    )
    apprise_url: AppriseUrl | None = Field(
        default=None,
        description="whom they are told, as Apprise's URL of a mailbox, a channel and the like: a secret as a whole",
        json_schema_extra=OR_FILE,
    )
    url: Annotated[str | None, BeforeValidator(_url)] = Field(
        default=None, repr=False, description="where webhooks are sent"
    )
    secret: SigningSecret | None = Field(
        default=None,
        description="what they are signed with, whsec_… or whsk_…: `watcher endpoints secret` makes one",
        json_schema_extra=OR_FILE,
    )
    private_key: PrivateKey | None = Field(
        default=None,
        description="a whsk_… that they are signed with too, beside a whsec_… (`watcher endpoints secret --pair`)",
        json_schema_extra=OR_FILE,
    )
    old_secrets: SigningSecrets = Field(
        default=(),
        description="former secrets, which sign along as long as they stand here; in a file: one a line",
        json_schema_extra=OR_FILE,
    )
    types: Annotated[Names, AfterValidator(_known_types)] = Field(
        default=(),
        description='event types to send, as in "batch.active" or "batch.*"; none: all; to people: what they must act on',
    )
    accounts: Annotated[Names, AfterValidator(_known_accounts)] = Field(
        default=(), description="accounts whose events to send; none: all"
    )
    broadcasts: Numbers = Field(default=(), description="broadcasts whose events to send; none: all")
    labels: Labels = Field(default_factory=dict, description="labels that a batch must have, with these values")
    timeout: AttemptTimeout | None = Field(
        default=None, description="deadline for one attempt; none: that of [webhooks]"
    )
    concurrency: Count | None = Field(
        default=None, ge=1, le=CONCURRENCY_MOST, description="deliveries in flight at once; none: webhooks.per_endpoint"
    )
    rate: Number | None = Field(
        default=None,
        ge=RATE_LEAST,
        le=RATE_MOST,
        allow_inf_nan=False,
        description="deliveries a second, at most; none: no bound",
    )
    ordering: Literal["none", "batch"] = Field(
        default="none", description="batch: one delivery at a time, and each batch's events in their order"
    )
    form: Literal["plain", "cloudevents", "cloudevents-binary"] = Field(
        default="plain", description="the body: plain, or CloudEvents 1.0 as one JSON document or with its headers"
    )
    headers: Headers = Field(
        default_factory=dict,
        description="more headers to send; in the environment or a file: one a line, Name: value",
        json_schema_extra=OR_FILE,
    )
    bearer: Bearer | None = Field(
        default=None, description="token for the header Authorization: Bearer", json_schema_extra=OR_FILE
    )
    username: Login | None = Field(
        default=None, description="login for the header Authorization: Basic, with password", json_schema_extra=OR_FILE
    )
    password: Credential | None = Field(default=None, description="its password", json_schema_extra=OR_FILE)

    @property
    def place(self) -> str:
        """What is kept and shown of where it leads."""
        return self.url or ("" if self.apprise_url is None else shown_url(self.apprise_url.get_secret_value()))

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """What it is signed with, the present keys before the old ones."""
        present = [secret for secret in (self.secret, self.private_key) if secret is not None]
        return tuple(parse_key(secret.get_secret_value()) for secret in (*present, *self.old_secrets))

    @field_validator("apprise_url", *OF_WEBHOOKS, mode="before")
    @classmethod
    def _of_its_kind(cls, value: object, info: ValidationInfo) -> object:
        """Nothing that its kind needs is left out, and nothing is accepted that would not act."""
        kind, name = info.data.get("kind"), info.field_name or ""
        if kind is None:  # which is wrong itself
            return value
        if value is None and name in NEEDED[kind]:
            raise PydanticCustomError("missing", "Field required")
        given = value != cls.model_fields[name].get_default(call_default_factory=True, validated_data={})
        if given and (name in OF_WEBHOOKS) == (kind == "apprise"):
            raise refusal(f'says nothing of kind = "{kind}"', "take it out, or write the other kind")
        return value

    @model_validator(mode="after")
    def _in_agreement(self) -> Self:
        if self.private_key is not None and self.keys[0].scheme == "v1a":
            raise refusal("stands beside a secret that is a private key, too", "take one out", key="private_key")
        present = 1 if self.private_key is None else 2
        if any(count > OLD_MOST for count in Counter(key.scheme for key in self.keys[present:]).values()):
            raise refusal(f"has more than {OLD_MOST} of one kind", "take the oldest out", key="old_secrets")
        if self.ordering == "batch" and (self.concurrency or 1) > 1:
            raise refusal(
                'is more than 1, and ordering = "batch" sends one after another',
                'take it out, or write ordering = "none"',
                key="concurrency",
            )
        if self.bearer is not None and (self.username is not None or self.password is not None):
            raise refusal("stands beside username or password: only one can be sent", "take one out", key="bearer")
        if self.username is not None and self.password is None:
            raise refusal("has no password beside it", "give both, or neither", key="username")
        if self.password is not None and self.username is None:
            raise refusal("has no username beside it", "give both, or neither", key="password")
        return self
