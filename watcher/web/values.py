"""What a single value in a body may look like, beyond what pydantic knows: spans of time, moments, URLs, secrets, headers."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, WithJsonSchema

from watcher.core.addresses import URL_LENGTH, url_fault
from watcher.core.endpoint import (
    CONCURRENCY_MOST,
    ID,
    RATE_LEAST,
    RATE_MOST,
    TIMEOUT_LEAST,
    TIMEOUT_MOST,
    Kind,
    SigningKey,
    covers,
)
from watcher.core.headers import NAME, header_refusal
from watcher.core.keys import GRACE_MOST, parse_key
from watcher.core.model import EVENT_TYPES
from watcher.core.spans import LONGEST, span_of
from watcher.web.problems import cut, listed

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
"""RFC 3339: with the offset, for without one nobody knows which moment is meant."""
BEARER: Final = re.compile(r"[\x21-\x7e]{1,4000}")
CREDENTIAL: Final = re.compile(r"[^\x00-\x1f\x7f]{0,200}")
USERNAME: Final = re.compile(r"[^\x00-\x1f\x7f:]{1,200}")
OTHER_SCHEME: Final = re.compile(r"(?i)(?!https?:)[a-z][a-z0-9+.-]*://")
"""How a URL begins that may be one of Apprise's."""
TO_PEOPLE: Final = (
    "To tell people, whose URL is a secret as a whole, write [endpoints.NAME] into the settings, "
    'with kind = "apprise" and apprise_url, and have the daemon read them again (SIGHUP)'
)
NO_TYPE: Final = "There is no event type {}. There are: {}"

EXPIRES_LEAST: Final = timedelta(minutes=1)
EXPIRES_MOST: Final = timedelta(days=366)
"""After how long a watch may be given up where somebody says when."""


def in_milliseconds(moment: datetime) -> datetime:
    """As it will be shown, so that asking again with what was shown asks for the same."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _span(least: timedelta, most: timedelta) -> Callable[[object], timedelta]:
    within = f"It must be from {least.total_seconds():.10g} to {most.total_seconds():.10g} seconds"

    def span(value: object) -> timedelta:
        try:
            given = span_of(value)
        except ValueError as error:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            text = within if is_number else str(error)
            raise ValueError(text[:1].upper() + text[1:]) from None
        if not least <= given <= most:
            raise ValueError(within)
        return timedelta(milliseconds=round(given / timedelta(milliseconds=1)))

    return span


def _moment(value: object) -> datetime:
    if isinstance(value, str) and MOMENT.fullmatch(value):
        try:
            return in_milliseconds(datetime.fromisoformat(value.upper()).astimezone(UTC))
        except (ValueError, OverflowError):  # no such day, or none that can be told in UTC
            pass
    raise ValueError("Write it as RFC 3339 has it: 2026-11-23T09:00:00Z, or with an offset such as +01:00")


def _endpoint_id(value: str) -> str:
    if not ID.fullmatch(value):
        raise ValueError("It must be 1 to 64 letters, digits, - and _")
    return value


def _url(value: str) -> str:
    fault = url_fault(value)
    if fault is not None:
        raise ValueError(f"It {fault}" if not OTHER_SCHEME.match(value) else f"It {fault}. {TO_PEOPLE}")
    return value


def _own_kind(kind: Kind) -> Kind:
    if kind == "apprise":
        raise ValueError(TO_PEOPLE)
    return kind


def _event_pattern(pattern: str) -> str:
    if not any(covers(pattern, kind) for kind in EVENT_TYPES):
        raise ValueError(NO_TYPE.format(repr(cut(pattern)), f"{', '.join(EVENT_TYPES)}; batch.* and the like; *"))
    return pattern


def _sample_type(kind: str) -> str:
    if kind not in ("ping", *EVENT_TYPES):
        raise ValueError(NO_TYPE.format(repr(cut(kind)), f"ping, {', '.join(EVENT_TYPES)}"))
    return kind


def _account(name: str, info: ValidationInfo) -> str:
    """One of the accounts that the reader of the body told of."""
    accounts = (info.context or {})["accounts"]
    if name not in accounts:
        raise ValueError(f"There is no account {cut(name)!r}. There are: {listed(accounts)}")
    return name


def _secret(value: SecretStr) -> SecretStr:
    try:
        parse_key(value.get_secret_value())
    except ValueError as error:
        raise ValueError(f"It {error}; leave it out, and one is made") from None
    return value


def key_of_secret(secret: SecretStr | None) -> SigningKey | None:
    """The key that a checked secret is."""
    return None if secret is None else parse_key(secret.get_secret_value())


def _header_name(name: str) -> str:
    fault = header_refusal(name, "x")
    if fault is not None:
        raise ValueError(f"It {fault}")
    return name


def _header_value(value: SecretStr) -> SecretStr:
    fault = header_refusal("x", value.get_secret_value())
    if fault is not None:
        raise ValueError(f"It {fault}")
    return value


def _shaped(shape: re.Pattern[str], wanted: str) -> Callable[[SecretStr], SecretStr]:
    def shaped(value: SecretStr) -> SecretStr:
        if not shape.fullmatch(value.get_secret_value()):
            raise ValueError(wanted)
        return value

    return shaped


def _written(seconds: tuple[float, float], text: str, description: str) -> WithJsonSchema:
    """How a span of time is told of in the document: seconds as a number, or a text such as `15s`."""
    least, most = seconds
    choices = [{"type": "number", "minimum": least, "maximum": most}, {"type": "string", "pattern": text}]
    return WithJsonSchema({"anyOf": choices, "description": description})


def _secret_schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "format": "password", "writeOnly": True, "pattern": pattern})


EVENT_PATTERNS: Final = (*EVENT_TYPES, *sorted({f"{kind.partition('.')[0]}.*" for kind in EVENT_TYPES}), "*")
"""What may be asked for of the types of events."""
SIXTY_FOUR: Final = "[A-Za-z0-9+/]"
SECRETS: Final = (
    f"^(?:whsec_(?:(?:{SIXTY_FOUR}{{4}}){{8,20}}(?:{SIXTY_FOUR}{{2}}==|{SIXTY_FOUR}{{3}}=)?"
    f"|(?:{SIXTY_FOUR}{{4}}){{21}}(?:{SIXTY_FOUR}{{2}}==)?)|whsk_(?:{SIXTY_FOUR}{{4}}){{21}}{SIXTY_FOUR}{{2}}==)$"
)
"""24 to 64 bytes behind `whsec_`, 64 behind `whsk_`, in base64."""

OwnKind = Annotated[Kind, AfterValidator(_own_kind), WithJsonSchema({"type": "string", "enum": ["webhook"]})]
EndpointId = Annotated[
    str, AfterValidator(_endpoint_id), WithJsonSchema({"type": "string", "pattern": f"^{ID.pattern}$"})
]
Url = Annotated[
    str,
    AfterValidator(_url),
    WithJsonSchema(
        {"type": "string", "format": "uri", "maxLength": URL_LENGTH, "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s@#]+$"}
    ),
]
EventPattern = Annotated[
    str, AfterValidator(_event_pattern), WithJsonSchema({"type": "string", "enum": list(EVENT_PATTERNS)})
]
TypeFilter = Annotated[str, WithJsonSchema({"type": "string", "enum": list(EVENT_PATTERNS)})]
"""As an EventPattern, of a query, whose reader refuses others."""
SampleType = Annotated[
    str, AfterValidator(_sample_type), WithJsonSchema({"type": "string", "enum": ["ping", *EVENT_TYPES]})
]
AccountName = Annotated[str, AfterValidator(_account)]
Timeout = Annotated[
    timedelta,
    BeforeValidator(_span(TIMEOUT_LEAST, TIMEOUT_MOST)),
    _written(
        (TIMEOUT_LEAST.total_seconds(), TIMEOUT_MOST.total_seconds()),
        r"^(?:(?:[1-9]|[12][0-9])(?:\.[0-9]{1,6})?s?|30s?|(?:[1-9][0-9]{3}|[12][0-9]{4}|30000)ms)$",
        "1 to 30 seconds, as a number or a text such as `2.5s` or `1500ms`.",
    ),
]
Grace = Annotated[
    timedelta,
    BeforeValidator(_span(timedelta(0), GRACE_MOST)),
    _written(
        (0, GRACE_MOST.total_seconds()),
        r"^(?:[0-9]{1,5}(?:\.[0-9]{1,6})?s?|[0-9]{1,4}m|(?:[0-9]{1,2}|1[0-5][0-9])h|[0-7]d)$",
        "Up to 7 days: seconds as a number, or a text such as `90s`, `12h` or `7d`.",
    ),
]
ExpiresIn = Annotated[
    timedelta,
    BeforeValidator(_span(EXPIRES_LEAST, EXPIRES_MOST)),
    _written(
        (EXPIRES_LEAST.total_seconds(), EXPIRES_MOST.total_seconds()),
        r"^(?:[1-9][0-9]{2,6}s?|[1-9][0-9]{0,4}m|[1-9][0-9]{0,2}h|(?:[1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-6])d)$",
        "A minute to 366 days: seconds as a number, or a text such as `90m`, `12h` or `7d`.",
    ),
]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Rate = Annotated[float, Field(ge=RATE_LEAST, le=RATE_MOST, allow_inf_nan=False)]
"""Deliveries a second."""
Concurrency = Annotated[int, Field(ge=1, le=CONCURRENCY_MOST)]
Secret = Annotated[SecretStr, AfterValidator(_secret), _secret_schema(SECRETS)]
HeaderName = Annotated[
    str, AfterValidator(_header_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"})
]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value), _secret_schema("^[!-~](?:[ -~]{0,4094}[!-~])?$")]
BearerToken = Annotated[
    SecretStr,
    AfterValidator(_shaped(BEARER, "It must be 1 to 4000 visible ASCII characters")),
    _secret_schema("^[!-~]{1,4000}$"),
]
Password = Annotated[
    SecretStr,
    AfterValidator(_shaped(CREDENTIAL, "It must be up to 200 characters, none of control")),
    _secret_schema(r"^[^\u0000-\u001f\u007f]{0,200}$"),
]
Username = Annotated[
    SecretStr,
    AfterValidator(_shaped(USERNAME, "It must be 1 to 200 characters, none of control, no colon")),
    _secret_schema(r"^[^\u0000-\u001f\u007f:]{1,200}$"),
]
Life = Annotated[
    timedelta,
    BeforeValidator(_span(timedelta(minutes=1), LONGEST)),
    _written(
        (60, LONGEST.total_seconds()),
        r"^(?:[1-9][0-9]{0,2}d|[1-9][0-9]{0,3}h|[1-9][0-9]{0,4}m|[1-9][0-9]{2,8}s?)$",
        "1 minute to 3650 days: seconds as a number, or a text such as `12h` or `90d`.",
    ),
]
