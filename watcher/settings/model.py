"""The settings as one frozen tree: every key, its default and what it does. How they are read is elsewhere."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from watcher.core.model import EVENT_TYPES
from watcher.settings.problems import refusal
from watcher.settings.values import (
    Address,
    AttemptTimeout,
    BaseUrl,
    Count,
    Credential,
    DatabaseUrl,
    Duration,
    EndpointUrl,
    Listen,
    Login,
    Name,
    Names,
    Number,
    SigningSecret,
    Token,
    signing_key,
)

WEAK_TOKEN: Final = 16
"""Characters; a shorter token can be guessed."""

OR_FILE: Final[dict[str, Any]] = {"or_file": True}
"""Marks a key that may also be given as the path of a file that holds it: `KEY_file`, or the variable with _FILE."""


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


def _some(accounts: "Mapping[str, Account]") -> "Mapping[str, Account]":
    if not accounts:
        raise refusal(
            "there is no account", "set CALLFIRE_LOGIN and CALLFIRE_PASSWORD, or add [accounts.NAME] to the file"
        )
    return accounts


class Section(BaseModel):
    """What all of them are: frozen, and refusing what they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


class Account(Section):
    """[accounts.NAME]: one CallFire API login with a request budget of its own."""

    login: Login = Field(description="API login of the account", json_schema_extra=OR_FILE)
    password: Credential = Field(description="its API password", json_schema_extra=OR_FILE)
    base_url: BaseUrl = Field(default="https://api.callfire.com/v2", description="where CallFire's API is")
    rate: Number = Field(
        default=5.0,
        ge=0.0001,
        allow_inf_nan=False,
        description="requests a second this service may use, never exceeded; fractions allowed",
    )
    concurrency: Count = Field(default=64, ge=1, le=1000, description="requests in flight at once, at most")
    partial: bool = Field(
        default=True, description="ask only for the fields that are needed (CallFire's partial answers)"
    )


class Polling(Section):
    """[polling]: how politely and how patiently batches are looked at."""

    worth: Duration = Field(
        default=timedelta(milliseconds=100),
        ge=timedelta(0),
        description="no request is spent on less expected waiting than this",
    )
    min_interval: Duration = Field(
        default=timedelta(seconds=1), ge=timedelta(milliseconds=10), description="one batch is not looked at more often"
    )
    max_interval: Duration = Field(
        default=timedelta(minutes=5),
        ge=timedelta(seconds=1),
        description="no batch waits longer for a look while budget is left",
    )
    max_age: Duration = Field(
        default=timedelta(days=7),
        ge=timedelta(minutes=1),
        description="a watch older than this ends with watch.expired",
    )
    stuck_new: Duration = Field(
        default=timedelta(minutes=15),
        ge=timedelta(seconds=1),
        description="batch.stuck when a batch is NEW for this long",
    )
    stuck_validating: Duration = Field(
        default=timedelta(minutes=30),
        ge=timedelta(seconds=1),
        description="batch.stuck when a batch is VALIDATING for this long",
    )
    stuck_repeat: Duration = Field(
        default=timedelta(hours=6), ge=timedelta(seconds=1), description="batch.stuck is told again after this long"
    )
    stuck_most: Count = Field(default=4, ge=0, le=1000, description="how often batch.stuck is told again, at most")
    save_interval: Duration = Field(
        default=timedelta(seconds=3),
        ge=timedelta(milliseconds=50),
        le=timedelta(minutes=5),
        description="how often it is saved when batches were last looked at",
    )
    connect_timeout: Duration = Field(
        default=timedelta(seconds=5),
        ge=timedelta(milliseconds=10),
        le=timedelta(minutes=1),
        description="deadline for connecting to CallFire",
    )
    look_timeout: Duration = Field(
        default=timedelta(seconds=15),
        ge=timedelta(milliseconds=10),
        le=timedelta(minutes=2),
        description="deadline for a whole request to CallFire",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_interval > self.max_interval:
            raise refusal("is longer than max_interval", "make it shorter, or max_interval longer", key="min_interval")
        if self.connect_timeout > self.look_timeout:
            raise refusal(
                "is longer than look_timeout", "make it shorter, or look_timeout longer", key="connect_timeout"
            )
        return self


class Webhooks(Section):
    """[webhooks]: what holds for all endpoints."""

    max_in_flight: Count = Field(default=200, ge=1, le=10_000, description="deliveries in flight at once, in all")
    per_endpoint: Count = Field(default=4, ge=1, le=1000, description="deliveries in flight at once to one endpoint")
    timeout: AttemptTimeout = Field(
        default=timedelta(seconds=15), description="deadline for one attempt, to the last byte of the answer"
    )


class Endpoint(Section):
    """[endpoints.NAME]: a subscriber's webhook address."""

    url: EndpointUrl = Field(description="where webhooks are sent")
    secret: SigningSecret = Field(
        description="what they are signed with: `watcher endpoints secret` makes one", json_schema_extra=OR_FILE
    )
    types: Annotated[Names, AfterValidator(_known_types)] = Field(
        default=(), description='event types to send, as in "batch.active" or "batch.*"; none: all'
    )
    accounts: Annotated[Names, AfterValidator(_known_accounts)] = Field(
        default=(), description="accounts whose events to send; none: all"
    )
    timeout: AttemptTimeout | None = Field(
        default=None, description="deadline for one attempt; none: that of [webhooks]"
    )

    @property
    def key(self) -> bytes:
        """The bytes to sign with."""
        return signing_key(self.secret.get_secret_value())


class Database(Section):
    """[database]: where everything that lasts is kept."""

    url: DatabaseUrl = Field(
        default="sqlite:///var/watcher.db",
        description="sqlite:///PATH, from the working directory; its folder is made if need be",
    )

    @property
    def path(self) -> Path:
        """The database file, relative to the working directory unless it starts at the root."""
        return Path(self.url.removeprefix("sqlite:///"))


class Http(Section):
    """[http]: the daemon's own interface."""

    listen: Listen = Field(
        default=Address(host="127.0.0.1", port=8080),
        description="HOST:PORT to serve on; port 0 takes a free one; other than loopback only with a token",
    )
    token: Token | None = Field(
        default=None,
        description="token that requests must bring; none: loopback only. `watcher token new` makes one",
        json_schema_extra=OR_FILE,
    )

    @model_validator(mode="after")
    def _closed(self) -> Self:
        if self.token is None and not self.listen.loopback:
            raise refusal(
                f"{self.listen} can be reached from other machines, and there is no token",
                "set WATCHER_API_TOKEN (or http.token_file), or listen on 127.0.0.1",
                key="listen",
            )
        return self


class Log(Section):
    """[log]: what is written to standard error."""

    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="json, console, or auto: console on a terminal, json otherwise"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="what is less important is left out"
    )


class Settings(Section):
    """All settings. `origins` says of each key where its value came from, `warnings` what should be looked after."""

    accounts: Annotated[Mapping[Name, Account], AfterValidator(_some)] = Field(default_factory=dict)
    polling: Polling = Polling()
    webhooks: Webhooks = Webhooks()
    endpoints: Mapping[Name, Endpoint] = Field(default_factory=dict)
    database: Database = Database()
    http: Http = Http()
    log: Log = Log()

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    def model_post_init(self, context: Any, /) -> None:
        """Remembers what the reader of the settings hands over in the validation context."""
        self._origins = (context or {}).get("origins", {})
        self._warnings = (context or {}).get("warnings", ())

    @property
    def origins(self) -> Mapping[str, str]:
        """Where each key that was given came from, by its dotted name; keys that are not in it have their default."""
        return self._origins

    @property
    def warnings(self) -> tuple[str, ...]:
        """What works but should be looked after, each with its place and remedy."""
        return (*self._warnings, *self._risks())

    def _risks(self) -> Iterator[str]:
        for name, account in self.accounts.items():
            parts = urlsplit(account.base_url)
            if parts.scheme == "http" and not Address(host=parts.hostname or "", port=0).loopback:
                place = self._origins.get(f"accounts.{name}.base_url", f"accounts.{name}.base_url")
                yield f"{place}: login and password go over the network in the clear: use https://"
        if self.http.token is not None and len(self.http.token.get_secret_value()) < WEAK_TOKEN:
            place = self._origins.get("http.token", "http.token")
            yield f"{place}: is shorter than {WEAK_TOKEN} characters: make one with `watcher token new`"
