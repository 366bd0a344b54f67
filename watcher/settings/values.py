"""What a single value may look like: durations, web addresses, networks, listening addresses, names, labels."""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from watcher.core.addresses import Network
from watcher.core.endpoint import TIMEOUT_LEAST, TIMEOUT_MOST
from watcher.core.spans import span_of
from watcher.settings.problems import refusal

POSTGRES: Final = "postgresql://"
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen. Port 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def duration(value: object) -> timedelta:
    """A span of time, as `core.spans` reads it."""
    if isinstance(value, timedelta):
        return value
    try:
        return span_of(value)
    except ValueError as error:
        raise refusal("must be a duration", str(error)) from None


def _number(value: object) -> object:
    """A number, or text that is one (the environment knows only text). A bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise refusal("must be a number", "write one without quotes")
    return value


def web_address(value: object) -> str:
    """An http or https URL without user info and fragment. What was given is never quoted: it may hold a password."""
    if not isinstance(value, str):
        raise refusal("must be a URL", "write one in quotes, https://…")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refusal("is not a URL", "check host and port: https://HOST[:PORT]/PATH") from None
    if parts.scheme not in ("http", "https") or not host or port == 0 or re.search(r"[\s\x00-\x1f\\]", value):
        raise refusal("is not a URL that starts with https:// or http://", "write it as https://HOST[:PORT]/PATH")
    if "@" in parts.netloc:
        raise refusal("holds a login in the URL", "take out what stands before the @")
    if parts.fragment or value.endswith("#"):
        raise refusal("has a fragment (#…), which is never sent", "take it out")
    return value


def _base_url(value: str) -> str:
    if "?" in value:
        raise refusal("has a query (?…)", "end it with the path, as in https://api.callfire.com/v2")
    return value.rstrip("/")


def proxy_url(value: object) -> str:
    """http://HOST:PORT. What was given is never quoted: it may hold a password."""
    url = web_address(value)
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise refusal("is an https:// proxy, which is not supported", "write http://HOST:PORT")
    if parts.path.strip("/") or parts.query or url.endswith("?"):
        raise refusal("has a path or a query", "write http://HOST:PORT alone")
    return url.rstrip("/")


def networks(value: object) -> tuple[Network, ...]:
    """Networks such as 10.0.0.0/8 or ::1/128; an address alone is a network of one."""
    parts = _comma_separated(value)
    wrong = refusal("is not a list of networks", 'write ["10.0.0.0/8", "::1/128"]')
    if not isinstance(parts, list | tuple):
        raise wrong
    found = []
    for part in parts:
        if isinstance(part, Network):
            found.append(part)
            continue
        if not isinstance(part, str):
            raise wrong
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            try:
                meant = ipaddress.ip_network(part, strict=False)
            except ValueError:
                raise wrong from None
            raise refusal(f"has {part}, an address within a network", f"write {meant}") from None
    return tuple(found)


def listening_address(value: object) -> Address:
    """HOST:PORT, with brackets around an IPv6 address."""
    if isinstance(value, Address):
        return value
    match = (
        re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})", value) if isinstance(value, str) else None
    )
    if match is None or int(match[3]) > 65535:
        raise refusal("is not HOST:PORT", "write 127.0.0.1:8080, [::1]:8080, or 0.0.0.0:8080 for every interface")
    if match[1]:
        try:
            ipaddress.IPv6Address(match[1])
        except ValueError:
            raise refusal("has no IPv6 address in its brackets", "write [::1]:8080") from None
    return Address(host=match[1] or match[2], port=int(match[3]))


def name(value: str) -> str:
    """What an account or an endpoint may be called."""
    if not NAME.fullmatch(value):
        raise refusal("is not a name", "use 1 to 64 letters, digits, - and _")
    return value


def database_url(value: object) -> str:
    """sqlite:///PATH or postgresql://…; what was given is never quoted: it may hold a password."""
    if isinstance(value, str) and value.startswith(POSTGRES):
        return _postgres_url(value)
    if isinstance(value, str) and re.match(r"postgres(ql)?(\+\w+)?:", value):
        raise refusal("is not how PostgreSQL is named here", "write postgresql://USER@HOST:PORT/NAME")
    if not isinstance(value, str) or not value.startswith("sqlite:///"):
        raise refusal(
            "is not a database", "write sqlite:///PATH, sqlite:////PATH from the root, or postgresql://HOST/NAME"
        )
    path = value.removeprefix("sqlite:///")
    if "?" in path:
        raise refusal("has options after ?, which are not supported", "write sqlite:///PATH alone")
    if not path or path.endswith("/") or path.startswith(":") or re.search(r"[#\x00]", path):
        raise refusal("names no file", "write sqlite:///var/watcher.db, without #")
    return value


def _postgres_url(value: str) -> str:
    """Options after ? are libpq's: sslmode, sslrootcert, host (a folder with its socket)."""
    remedy = "write postgresql://USER@HOST:PORT/NAME"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise refusal("is not the address of a database", remedy) from None
    if not re.fullmatch(r"/[^/#\x00]+", parts.path) or parts.fragment or re.search(r"\s", value):
        raise refusal("names no database", remedy)
    if "password=" in parts.query:
        raise refusal("has a password after ?, where it would be seen", "set database.password, or password_file")
    return value


def ca_file(value: object) -> Path:
    """A file of certificates that can be read now."""
    if not isinstance(value, str | Path):
        raise refusal("is not a path", "write the path of the file in quotes")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=value)
    except ssl.SSLError:
        raise refusal("names a file without certificates", "give one in PEM form, with BEGIN CERTIFICATE") from None
    except OSError as error:
        raise refusal(f"names a file that cannot be read ({error.strerror})", "give the path of one that can") from None
    return Path(value)


def _labels(value: object) -> object:
    """A table; in the environment text: campaign=autumn,team=north."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(equals and name.strip() for name, equals, _ in pairs):
        raise refusal("has a label without a value", "write NAME=VALUE, and commas between them")
    return {name.strip(): text.strip() for name, _, text in pairs}


def _comma_separated(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _attempt_timeout(value: timedelta) -> timedelta:
    if not TIMEOUT_LEAST <= value <= TIMEOUT_MOST:
        raise refusal("is not between 1 and 30 s", 'write seconds as a number, or "15s"')
    return value


Duration = Annotated[timedelta, BeforeValidator(duration)]
AttemptTimeout = Annotated[Duration, AfterValidator(_attempt_timeout)]
Count = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, BeforeValidator(_number)]
Name = Annotated[str, AfterValidator(name)]
BaseUrl = Annotated[str, BeforeValidator(web_address), AfterValidator(_base_url)]
ProxyUrl = Annotated[str, BeforeValidator(proxy_url)]
CaFile = Annotated[Path, BeforeValidator(ca_file)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(networks)]
DatabaseUrl = Annotated[str, BeforeValidator(database_url)]
Listen = Annotated[Address, BeforeValidator(listening_address)]
Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
Numbers = Annotated[
    tuple[Annotated[int, BeforeValidator(_number), Field(ge=1)], ...], BeforeValidator(_comma_separated)
]
Labels = Annotated[Mapping[str, str], BeforeValidator(_labels)]
