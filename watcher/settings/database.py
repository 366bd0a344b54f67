"""[database]: where everything that lasts is kept. A password in its URL is taken out of it at once, so the URL may be shown."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from pydantic import Field, ValidationError, model_validator

from watcher.settings.credentials import Credential, EncryptionKey, EncryptionKeys, encryption_key
from watcher.settings.problems import BadSettings, Problem, refusal
from watcher.settings.section import OR_FILE, Section
from watcher.settings.values import POSTGRES, Address, Count, DatabaseUrl, Duration


class Database(Section):
    """[database]: where everything that lasts is kept."""

    url: DatabaseUrl = Field(
        default="sqlite:///var/watcher.db",
        description="sqlite:///PATH, from the working directory (its folder is made if need be), or postgresql://USER@HOST/NAME",
    )
    password: Credential | None = Field(
        default=None,
        description="PostgreSQL's password for the user of the URL, which may also have it",
        json_schema_extra=OR_FILE,
    )
    connections: Count = Field(
        default=5,
        ge=2,
        le=1000,
        description="connections of each process to PostgreSQL at once, at most, beside one that listens; one of them writes",
    )
    statement_timeout: Duration = Field(
        default=timedelta(seconds=30),
        ge=timedelta(seconds=1),
        le=timedelta(minutes=10),
        description="how long PostgreSQL may take for one statement",
    )
    lock_timeout: Duration = Field(
        default=timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=10),
        description="how long a statement may wait in PostgreSQL for what another one has locked",
    )
    lease: Duration = Field(
        default=timedelta(seconds=6),
        ge=timedelta(seconds=2),
        le=timedelta(minutes=1),
        description="how long a process that says nothing any more keeps its accounts, before another one polls them",
    )
    pooler: bool = Field(
        default=False, description="pgbouncer, or its like, is in between and hands out single transactions"
    )
    encryption_key: EncryptionKey | None = Field(
        default=None,
        description="what the secrets of endpoints are encrypted with in the database: `watcher db key` makes one",
        json_schema_extra=OR_FILE,
    )
    old_encryption_keys: EncryptionKeys = Field(
        default=(),
        description="keys that were in force before: the next start encrypts anew what they encrypted",
        json_schema_extra=OR_FILE,
    )

    @property
    def postgres(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        return self.url.startswith(POSTGRES)

    @property
    def path(self) -> Path:
        """The file of SQLite, relative to the working directory unless it starts at the root."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.url.partition("?")[0] if self.postgres else str(self.path)

    @property
    def unverified(self) -> bool:
        """Whether it is reached over a network, and nothing says that it is the one that is meant: sslmode=verify-full does.
        Who wrote sslmode=disable has decided it, for a network where nobody else is."""
        if not self.postgres:
            return False
        parts = urlsplit(self.url)
        options = parse_qs(parts.query)
        hosts = options.get("host") or [each.rpartition("@")[2] for each in parts.netloc.split(",")]
        near = all(_is_near(host) for named in hosts for host in named.split(","))
        return not near and options.get("sslmode") not in (["verify-full"], ["disable"])

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys that secrets are encrypted with, the newest first; none: they are kept as they are."""
        newest = () if self.encryption_key is None else (self.encryption_key,)
        return tuple(encryption_key(key.get_secret_value()) for key in (*newest, *self.old_encryption_keys))

    @model_validator(mode="before")
    @classmethod
    def _without_password(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not str(values.get("url", "")).startswith(POSTGRES):
            return values
        url, password = _parted(str(values["url"]))
        if password is None:
            return values
        if values.get("password") is not None:
            raise refusal("there are two passwords", "leave the one in url out", key="password")
        return {**values, "url": url, "password": password}

    @model_validator(mode="after")
    def _newest(self) -> Self:
        if self.old_encryption_keys and self.encryption_key is None:
            raise refusal(
                "there are old keys, and none to encrypt with", "set encryption_key too", key="old_encryption_keys"
            )
        return self


def database_at(settings: Database, url: str, place: str) -> Database:
    """Another database, used as the settings say: their password is for the one they name, and never sent elsewhere. Raises
    BadSettings where the URL, which was given at that place, is none."""
    try:
        named = Database.model_validate({"url": url})
    except ValidationError as error:
        problems = [each.get("ctx", {}) for each in error.errors()]
        raise BadSettings(
            [Problem(place=place, what=each["what"], remedy=each["remedy"]) for each in problems]
        ) from error
    password = settings.password if named.password is None and named.url == settings.url else named.password
    return settings.model_copy(update={"url": named.url, "password": password})


def _is_near(host: str) -> bool:
    """Whether it is this machine: by name, by address, or by the folder of a socket (also where none is named)."""
    host = unquote(host)
    name = host.removeprefix("[").partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return not name or name.startswith("/") or Address(host=name, port=0).loopback


def _parted(url: str) -> tuple[str, str | None]:
    """The URL without its password, and that; what is no URL stays as it is, to be refused."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url, None
        login, _, place = parts.netloc.rpartition("@")
        user = login.partition(":")[0]
        return urlunsplit(parts._replace(netloc=f"{user}@{place}")), unquote(parts.password)
    except ValueError:
        return url, None
