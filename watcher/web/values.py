"""What a single value in a body may look like, beyond what pydantic knows: spans of time, moments, URLs, secrets, headers."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from watcher.core.addresses import url_fault
from watcher.core.endpoint import (
    CONCURRENCY_MOST,
    ID,
    RATE_LEAST,
    RATE_MOST,
    TIMEOUT_LEAST,
    TIMEOUT_MOST,
    SigningKey,
    covers,
)
from watcher.core.headers import header_refusal
from watcher.core.keys import GRACE_MOST, parse_key
from watcher.core.model import EVENT_TYPES
from watcher.core.spans import span_of
from watcher.web.problems import cut, listed

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
"""RFC 3339: with the offset, for without one nobody knows which moment is meant."""
BEARER: Final = re.compile(r"[\x21-\x7e]{1,4000}")
CREDENTIAL: Final = re.compile(r"[^\x00-\x1f\x7f]{0,200}")
USERNAME: Final = re.compile(r"[^\x00-\x1f\x7f:]{1,200}")
NO_TYPE: Final = "There is no event type {}. There are: {}"


def in_milliseconds(moment: datetime) -> datetime:
    """As it will be shown, so that asking again with what was shown asks for the same."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _span(least: timedelta, most: timedelta) -> Callable[[object], timedelta]:
    within = f"It must be from {least.total_seconds():g} to {most.total_seconds():g} seconds"

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
        raise ValueError(f"It {fault}")
    return value


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


EndpointId = Annotated[str, AfterValidator(_endpoint_id)]
Url = Annotated[str, AfterValidator(_url)]
EventPattern = Annotated[str, AfterValidator(_event_pattern)]
SampleType = Annotated[str, AfterValidator(_sample_type)]
AccountName = Annotated[str, AfterValidator(_account)]
Timeout = Annotated[timedelta, BeforeValidator(_span(TIMEOUT_LEAST, TIMEOUT_MOST))]
Grace = Annotated[timedelta, BeforeValidator(_span(timedelta(0), GRACE_MOST))]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Rate = Annotated[float, Field(ge=RATE_LEAST, le=RATE_MOST, allow_inf_nan=False)]
"""Deliveries a second."""
Concurrency = Annotated[int, Field(ge=1, le=CONCURRENCY_MOST)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
BearerToken = Annotated[SecretStr, AfterValidator(_shaped(BEARER, "It must be 1 to 4000 visible ASCII characters"))]
Password = Annotated[SecretStr, AfterValidator(_shaped(CREDENTIAL, "It must be up to 200 characters, none of control"))]
Username = Annotated[
    SecretStr, AfterValidator(_shaped(USERNAME, "It must be 1 to 200 characters, none of control, no colon"))
]
