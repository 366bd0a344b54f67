"""The words exchanged with CallFire, without the exchange: requests as data, and what a status, headers and a body say.

Follows callfire-api.md for the shapes and the table of polling.md ("What an answer means") for their meaning.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from aiohttp import encode_basic_auth
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from yarl import URL

from watcher.core.answers import Answer, Kind
from watcher.core.model import MAX_BATCH_ID, Batch
from watcher.core.retry_after import retry_after

MAX_BODY: Final = 1024 * 1024
"""Bytes of an answer's body, as received and as unpacked; more than that is not read."""

FIELDS: Final = "id,status,size,remaining,enabled,broadcastId,name,created"
"""What is asked of a batch when partial answers are on."""

NEEDED: Final = frozenset({"id", "status"})
"""The fields without which an answer says nothing."""
STATUS_LENGTH: Final = 100
NAME_LENGTH: Final = 1000
"""Characters of a name that are kept, so that no name makes an event too large to send."""
DETAIL_LENGTH: Final = 200

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = 946_684_800_000
_LATEST: Final = 4_102_444_800_000
"""Unix milliseconds of the years 2000 and 2100: a time outside of them is a mistake (seconds, say), and no time at all."""

_MARKUP: Final = re.compile(r"<[^<>]{0,300}>")

_KINDS: Final[Mapping[int, Kind]] = {
    400: Kind.UNFIT,
    401: Kind.UNAUTHORIZED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    405: Kind.UNFIT,
    406: Kind.UNFIT,
    410: Kind.GONE,
    429: Kind.THROTTLED,
}
"""By HTTP code; 200 depends on the body, and every other code is a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, ready to be sent."""

    method: str
    url: URL
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What all requests of one account have in common. `batches` is the address below which they are. `headers` hold the
    credentials and stay out of every repr."""

    batches: URL
    headers: Mapping[str, str] = field(repr=False)


def access(base_url: str, login: str, password: str, *, partial: bool = True) -> Access:
    """How to reach one account, for any base URL, with a slash at its end or not. With `partial`, answers are asked to
    hold what is needed and not more. ValueError for a login with a colon, which Basic authentication cannot carry."""
    batches = URL(f"{base_url.rstrip('/')}/campaigns/batches")
    return Access(
        batches=batches.with_query(f"fields={FIELDS}") if partial else batches,
        headers={
            "Authorization": encode_basic_auth(login, password),
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        },
    )


def batch_request(account: Access, batch_id: int) -> Request:
    """getCampaignBatch."""
    path = f"{account.batches.raw_path}/{batch_id}"
    # The rest of the URL was read once, when the account was set up: reading it anew costs as much as deciphering an answer.
    return Request(
        method="GET", url=account.batches.with_path(path, encoded=True, keep_query=True), headers=account.headers
    )


class _BatchBody(BaseModel):
    """A Batch as sent. Strict, because a number that comes as text is a sign of something else than CallFire; every field but
    two may be missing or null, because answers are partial and CallFire is careless with them."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: int
    status: Annotated[str, Field(min_length=1, max_length=STATUS_LENGTH)]
    name: str | None = None
    broadcast_id: int | None = Field(default=None, alias="broadcastId")
    created: int | None = None
    size: int | None = None
    remaining: int | None = None
    enabled: bool | None = None


class _ErrorBody(BaseModel):
    """The part of an error body that is meant for people."""

    model_config = ConfigDict(extra="ignore")

    message: str | None = None
    developer_message: str | None = Field(default=None, alias="developerMessage")


def decipher(
    batch_id: int,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    asked: datetime,
    answered: datetime,
    truncated: bool = False,
) -> Answer:
    """What an answer to the question for a batch says; every status, headers and body give an Answer.

    `headers` are looked up without regard to case. `body` is as received, still packed where it came packed;
    `truncated` says that there was more of it than MAX_BODY.
    """
    batch: Batch | None = None
    detail: str | None
    if status == 200:
        outcome = "200"
        try:
            batch = _batch(batch_id, _unpacked(headers, body, truncated=truncated))
            kind, detail = Kind.SEEN, None
        except _Nonsense as nonsense:
            kind, detail, outcome = Kind.GARBAGE, str(nonsense), "bad_body"
    else:
        kind, outcome = _KINDS.get(status, Kind.FAILED), str(status)
        detail = _complaint(headers, body)
    return Answer(
        batch_id=batch_id,
        asked=asked,
        answered=answered,
        kind=kind,
        outcome=outcome,
        batch=batch,
        retry_after=retry_after(headers.get("Retry-After"), answered, headers.get("Date")),
        detail=detail,
        size=len(body),
    )


def no_answer(batch_id: int, outcome: str, reason: str, *, asked: datetime, answered: datetime) -> Answer:
    """What remains to say when no answer came. `outcome` is timeout, reset, dns, tls or bad_body."""
    return Answer(
        batch_id=batch_id,
        asked=asked,
        answered=answered,
        kind=Kind.FAILED,
        outcome=outcome,
        detail=_tidy(reason),
    )


class _Nonsense(Exception):
    """A body that does not say what was asked; the message says why."""


def _unpacked(headers: Mapping[str, str], body: bytes, *, truncated: bool = False) -> bytes:
    if truncated:
        raise _Nonsense("the body is over 1 MiB")
    encoding = headers.get("Content-Encoding")
    if encoding is None or encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise _Nonsense(_tidy(f"the body is packed as {encoding}, which was not asked for") or "")
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        unpacked = unpacking.decompress(body, MAX_BODY + 1)  # a bomb is never unpacked any further
    except zlib.error:
        raise _Nonsense("the body is not gzip, as its header says") from None
    if len(unpacked) > MAX_BODY:
        raise _Nonsense("the body is over 1 MiB when unpacked")
    if not unpacking.eof:
        raise _Nonsense("the gzip body is cut short")
    return unpacked


def _batch(batch_id: int, body: bytes) -> Batch:
    try:
        sent = _sent(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _Nonsense(_tidy(f"{place}: {first['msg']}" if place else first["msg"]) or "") from None
    if sent.id != batch_id:
        raise _Nonsense("the answer is about another batch")
    if not sent.status.isprintable() or sent.status.isspace():
        raise _Nonsense("the status is not a word")
    return Batch(
        id=batch_id,
        status=sent.status,
        name=None if sent.name is None else _kept(sent.name),
        broadcast_id=_within(sent.broadcast_id, 1),
        created=_moment(sent.created),
        size=_within(sent.size, 0),
        remaining=_within(sent.remaining, 0),
        enabled=sent.enabled,
    )


def _sent(body: bytes) -> _BatchBody:
    """Raises ValidationError where it says not which batch it is about, or not its status.

    Nonsense in a field that nobody needs is no reason to, nor is half of a surrogate pair in a name that was cut there.
    """
    try:
        return _BatchBody.model_validate_json(body)
    except ValidationError as error:
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            raise error from None
        if not isinstance(read, dict):
            raise
        wrong = {each["loc"][0] for each in _errors(read)}
        return _BatchBody.model_validate({name: read[name] for name in read if name in NEEDED or name not in wrong})


def _errors(read: object) -> Sequence[ErrorDetails]:
    try:
        _BatchBody.model_validate(read)
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False, include_input=False)
    return ()


def _within(number: int | None, least: int) -> int | None:
    """A number that is none where CallFire could not mean it, or no store could hold it."""
    return number if number is not None and least <= number <= MAX_BATCH_ID else None


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None or not _EARLIEST <= milliseconds < _LATEST:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _kept(name: str) -> str:
    """Without what no text may hold: half of a surrogate pair, and NUL, which PostgreSQL does not keep."""
    return name[:NAME_LENGTH].encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _complaint(headers: Mapping[str, str], body: bytes) -> str | None:
    """CallFire's own message, or what a proxy in between wrote instead, for people."""
    try:
        body = _unpacked(headers, body)
    except _Nonsense as nonsense:
        return str(nonsense)
    try:
        error = _ErrorBody.model_validate_json(body)
    except ValidationError:
        return _tidy(_MARKUP.sub(" ", body[:4096].decode("utf-8", "replace")))
    return _tidy(error.message or error.developer_message or "")


def _tidy(text: str) -> str | None:
    """One line without control characters, of at most DETAIL_LENGTH characters; None where nothing is left."""
    printable = "".join(each if each.isprintable() else " " for each in text[:4096])
    return " ".join(printable.split())[:DETAIL_LENGTH].strip() or None
