"""The settings as one frozen tree: every key, its default and what it does. How they are read is elsewhere."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from watcher.core.endpoint import CONCURRENCY_MOST
from watcher.core.spans import LONGEST
from watcher.settings.credentials import Credential, Login, Token
from watcher.settings.database import Database
from watcher.settings.endpoints import Endpoint
from watcher.settings.problems import refusal
from watcher.settings.section import OR_FILE, Section
from watcher.settings.telemetry import Telemetry
from watcher.settings.values import (
    Address,
    AttemptTimeout,
    BaseUrl,
    CaFile,
    Count,
    Duration,
    Listen,
    Name,
    Networks,
    Number,
    ProxyUrl,
)

WEAK_TOKEN: Final = 16
"""Characters; a shorter token can be guessed."""
MONTH: Final = timedelta(days=30)
LEAST_KEPT: Final = timedelta(hours=1)


def _some(accounts: "Mapping[str, Account]") -> "Mapping[str, Account]":
    if not accounts:
        raise refusal(
            "there is no account", "set CALLFIRE_LOGIN and CALLFIRE_PASSWORD, or add [accounts.NAME] to the file"
        )
    return accounts


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
    parts: Count = Field(
        default=1,
        ge=1,
        le=64,
        description="into how many parts the account is divided among replicas; the same for all of them",
    )

    @model_validator(mode="after")
    def _a_request_for_each(self) -> Self:
        if self.parts > self.concurrency:
            raise refusal(
                "is more than concurrency",
                "make it less, or concurrency more: each part needs one request",
                key="parts",
            )
        return self


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


class Submit(Section):
    """[submit]: how careful to be with what has people called or texted."""

    settle: Duration = Field(
        default=timedelta(seconds=60),
        ge=timedelta(milliseconds=100),
        le=timedelta(hours=1),
        description="after a lost answer, CallFire counts as not having the batch when it is not listed this long after",
    )
    resend: bool = Field(
        default=True, description="send it again then, under the same name; off: say so, and leave it to a person"
    )
    within: Duration = Field(
        default=timedelta(hours=1),
        ge=timedelta(seconds=1),
        le=timedelta(days=7),
        description="a batch that could not be sent for this long is not sent any more",
    )


class Webhooks(Section):
    """[webhooks]: what holds for all endpoints."""

    max_in_flight: Count = Field(default=400, ge=1, le=10_000, description="deliveries in flight at once, in all")
    per_endpoint: Count = Field(
        default=4, ge=1, le=CONCURRENCY_MOST, description="deliveries in flight at once to one endpoint"
    )
    timeout: AttemptTimeout = Field(
        default=timedelta(seconds=15), description="deadline for one attempt, to the last byte of the answer"
    )
    connect_timeout: Duration = Field(
        default=timedelta(seconds=5),
        ge=timedelta(milliseconds=10),
        le=timedelta(seconds=30),
        description="deadline for connecting, within that of the attempt",
    )
    allow_networks: Networks = Field(
        default=(),
        description="networks that endpoints may be in although they are not public; none: public addresses only",
    )
    proxy: ProxyUrl | None = Field(
        default=None, description="http:// proxy that webhooks go through: only its own address is checked then"
    )
    ca_file: CaFile | None = Field(
        default=None, description="file of certificates (PEM) that receivers' are checked against, beside the system's"
    )


class Retention(Section):
    """[retention]: how long what is over is kept."""

    events: Duration = Field(
        default=MONTH, ge=LEAST_KEPT, le=LONGEST, description="events, but for those that somebody is still owed"
    )
    deliveries: Duration = Field(
        default=MONTH,
        ge=LEAST_KEPT,
        le=LONGEST,
        description="deliveries with their attempts, but for pending ones, and removed endpoints; at most as long as events",
    )
    broadcasts: Duration = Field(
        default=MONTH, ge=LEAST_KEPT, le=LONGEST, description="what is known of broadcasts that nobody follows"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.deliveries > self.events:
            raise refusal("is longer than events", "make it shorter, or events longer", key="deliveries")
        return self


class Http(Section):
    """[http]: the daemon's own interface."""

    listen: Listen = Field(
        default=Address(host="127.0.0.1", port=8080),
        description="HOST:PORT to serve on; port 0 takes a free one; other than loopback only with a token",
    )
    token: Token | None = Field(
        default=None,
        description="token with all scopes, beside those of `watcher token new`; without any: loopback only. "
        "`watcher token random` makes one",
        json_schema_extra=OR_FILE,
    )

    streams: Count = Field(
        default=2000, ge=1, le=100_000, description="clients that may listen to streams at once; each takes some 20 kB"
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


class Auth(Section):
    """[auth]: who may use the interface, beside what tokens themselves say."""

    session: Duration = Field(
        default=timedelta(hours=12),
        ge=timedelta(minutes=1),
        le=timedelta(days=30),
        description="how long a browser that signed in with a token stays signed in; never longer than the token is good",
    )


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
    submit: Submit = Submit()
    webhooks: Webhooks = Webhooks()
    endpoints: Mapping[Name, Endpoint] = Field(default_factory=dict)
    database: Database = Database()
    retention: Retention = Retention()
    http: Http = Http()
    auth: Auth = Auth()
    log: Log = Log()
    telemetry: Telemetry = Telemetry()

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
            if _in_the_clear(account.base_url):
                place = self._origins.get(f"accounts.{name}.base_url", f"accounts.{name}.base_url")
                yield f"{place}: login and password go over the network in the clear: use https://"
        for name, endpoint in self.endpoints.items():
            if endpoint.url is not None and _in_the_clear(endpoint.url):
                place = self._origins.get(f"endpoints.{name}.url", f"endpoints.{name}.url")
                yield f"{place}: webhooks go over the network in the clear: use https://"
        if self.database.unverified:
            place = self._origins.get("database.url", "database.url")
            yield f"{place}: nothing shows that the server is the one that is meant: end it with ?sslmode=verify-full"
        collector = self.telemetry.traces_endpoint
        if collector is not None and self.telemetry.traces_headers and _in_the_clear(collector):
            place = self._origins.get("telemetry.traces_endpoint", "telemetry.traces_endpoint")
            yield f"{place}: the headers for the collector go over the network in the clear: use https://"
        if self.http.token is not None and len(self.http.token.get_secret_value()) < WEAK_TOKEN:
            place = self._origins.get("http.token", "http.token")
            yield f"{place}: is shorter than {WEAK_TOKEN} characters: make one with `watcher token random`"


def _in_the_clear(url: str) -> bool:
    """Whether others on the network can read what goes there."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not Address(host=parts.hostname or "", port=0).loopback
