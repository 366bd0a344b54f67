"""The bodies of CallFire's answers: what they say, and how they are read where they are odd.

Follows callfire-api.md for the shapes. Knows nothing of codes and headers but the one that says how a body is packed.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from watcher.core.model import KNOWN_STATUSES, MAX_BATCH_ID, Batch, Page, PageRef

MAX_BODY: Final = 1024 * 1024
"""Bytes of an answer's body, as received and as unpacked; more than that is not read."""
MOST_ROWS: Final = 10_000
"""Rows of a page; more whole ones do not go into MAX_BODY, and a flood of crumbs is not worth the time it takes to read."""

NEEDED: Final = frozenset({"id", "status"})
"""The fields without which an answer says nothing."""
STATUS_LENGTH: Final = 100
NAME_LENGTH: Final = 1000
"""Characters of a name that are kept, so that no name makes an event too large to send."""
DETAIL_LENGTH: Final = 200

_EARLIEST: Final = 946_684_800_000
_LATEST: Final = 4_102_444_800_000
"""Unix milliseconds of the years 2000 and 2100: a time outside of them is a mistake (seconds, say), and no time at all."""

_MARKUP: Final = re.compile(r"<[^<>]{0,300}>")


class Nonsense(Exception):
    """A body that does not say what was asked; the message says why."""


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


class _PageBody(BaseModel):
    """A page as sent when nothing is odd about it."""

    model_config = ConfigDict(strict=True, extra="ignore")

    items: Annotated[list[_BatchBody], Field(max_length=MOST_ROWS, fail_fast=True)]
    limit: int | None = None
    offset: int | None = None
    total: int | None = Field(default=None, alias="totalCount")


class _OddPage(NamedTuple):
    """A page as sent when something is odd about it: rows of any kind."""

    items: Sequence[object]
    limit: int | None
    offset: int | None
    total: int | None


class _AddedBody(BaseModel):
    """What is answered where a batch was added."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: int


class _ErrorBody(BaseModel):
    """The part of an error body that is meant for people."""

    model_config = ConfigDict(extra="ignore")

    message: str | None = None
    developer_message: str | None = Field(default=None, alias="developerMessage")


def unpacked(headers: Mapping[str, str], body: bytes, *, truncated: bool = False) -> bytes:
    """The body as it was before it was packed for the way. Nonsense where it cannot be had whole, within MAX_BODY."""
    if truncated:
        raise Nonsense("the body is over 1 MiB")
    encoding = headers.get("Content-Encoding")
    if encoding is None or encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise Nonsense(tidy(f"the body is packed as {encoding}, which was not asked for") or "")
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = unpacking.decompress(body, MAX_BODY + 1)  # a bomb is never unpacked any further
    except zlib.error:
        raise Nonsense("the body is not gzip, as its header says") from None
    if len(plain) > MAX_BODY:
        raise Nonsense("the body is over 1 MiB when unpacked")
    if not unpacking.eof:
        raise Nonsense("the gzip body is cut short")
    return plain


def batch_shown(batch_id: int, body: bytes) -> Batch:
    """The batch, where the body shows the one that was asked for; Nonsense otherwise.

    Nonsense in a field that nobody needs is no reason to, nor is half of a surrogate pair in a name that was cut there.
    """
    try:
        sent = _BatchBody.model_validate_json(body)
    except ValidationError as error:
        read = _loaded(body, error)
        if not isinstance(read, dict):
            raise _nonsense(error) from None
        sent = _forgiven(read)
    if sent.id != batch_id:
        raise Nonsense("the answer is about another batch")
    return _batch(sent, _within(sent.broadcast_id, 1))


def page_shown(ref: PageRef, body: bytes) -> Page:
    """The page, where the body is one and shows a batch that can be meant, or that there is none; Nonsense otherwise.

    A row that makes no sense, or is another broadcast's, hides none of the others.
    """
    try:
        sent: _PageBody | _OddPage = _PageBody.model_validate_json(body)
    except ValidationError as error:
        sent = _odd_page(body, error)
    items: dict[int, Batch] = {}
    spoilt, reason = 0, ""
    for row in sent.items:
        try:
            batch = _row(ref.broadcast_id, row)
        except Nonsense as nonsense:
            spoilt, reason = spoilt + 1, reason or str(nonsense)
        else:
            items.setdefault(batch.id, batch)
    if spoilt and not items:
        raise Nonsense(f"no row makes sense: {reason}"[:DETAIL_LENGTH])
    offset = _within(sent.offset, 0)
    offset = ref.offset if offset is None else offset
    # A total that there are more rows than is none: it is that of something else, of the page perhaps.
    total = _within(sent.total, offset + len(sent.items) if sent.items else 0)
    return Page(
        offset=offset,
        limit=_within(sent.limit, 1) or ref.limit,
        items=tuple(items.values()),
        total=total,
        spoilt=spoilt,
    )


def _odd_page(body: bytes, error: ValidationError) -> _OddPage:
    """A page of which something is not as it should be; Nonsense where it is none.

    Past the end it may do without `items`: some who write JSON leave out lists that are empty. But then it must say that this is
    where the end is: without, it is perhaps no page at all.
    """
    read = _loaded(body, error)
    if not isinstance(read, dict):
        raise _nonsense(error)
    rows = read.get("items")
    limit, offset, total = (_number(read.get(name)) for name in ("limit", "offset", "totalCount"))
    if rows is None and total is not None and 0 <= total <= (offset or 0):
        rows = []
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        raise _nonsense(error)
    return _OddPage(rows, limit, offset, total)


def _row(broadcast_id: int, row: object) -> Batch:
    """A row as the batch it shows. It needs not say which broadcast it is of, but must not say that it is another's."""
    sent = row if isinstance(row, _BatchBody) else _forgiven(row)
    if not 0 < sent.id <= MAX_BATCH_ID:
        raise Nonsense("id: none that a batch can have")
    if sent.broadcast_id != broadcast_id and _within(sent.broadcast_id, 1) is not None:
        raise Nonsense("broadcastId: another broadcast's")
    return _batch(sent, broadcast_id)


def _batch(sent: _BatchBody, broadcast_id: int | None) -> Batch:
    status = sent.status
    if status not in KNOWN_STATUSES and (not status.isprintable() or status.isspace()):
        raise Nonsense("the status is not a word")
    return Batch(
        id=sent.id,
        status=status,
        name=None if sent.name is None else _kept(sent.name),
        broadcast_id=broadcast_id,
        created=_moment(sent.created),
        size=_within(sent.size, 0),
        remaining=_within(sent.remaining, 0),
        enabled=sent.enabled,
    )


def _loaded(body: bytes, error: ValidationError) -> object:
    """The body as JSON, read by the more tolerant of two readers. Nonsense, as the error says, where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise _nonsense(error) from None


def _forgiven(read: object) -> _BatchBody:
    """The batch without the fields that nobody needs and that make no sense."""
    try:
        return _BatchBody.model_validate(read)
    except ValidationError as error:
        if not isinstance(read, dict):
            raise _nonsense(error) from None
        wrong = {each["loc"][0] for each in _errors(error)}
    try:
        return _BatchBody.model_validate({name: read[name] for name in read if name in NEEDED or name not in wrong})
    except ValidationError as error:
        raise _nonsense(error) from None


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _nonsense(error: ValidationError) -> Nonsense:
    """The first thing that is wrong, and where."""
    first = _errors(error)[0]
    place = ".".join(map(str, first["loc"]))
    return Nonsense(tidy(f"{place}: {first['msg']}" if place else first["msg"]) or "")


def _number(read: object) -> int | None:
    return read if type(read) is int else None


def _within(number: int | None, least: int) -> int | None:
    """A number that is none where CallFire could not mean it, or no store could hold it."""
    return number if number is not None and least <= number <= MAX_BATCH_ID else None


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None or not _EARLIEST <= milliseconds < _LATEST:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)  # exact within those years


def _kept(name: str) -> str:
    """Without what no text may hold: half of a surrogate pair, and NUL, which PostgreSQL does not keep."""
    if name.isascii() and name.isprintable() and len(name) <= NAME_LENGTH:
        return name  # as nearly all are
    return name[:NAME_LENGTH].encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def complaint(headers: Mapping[str, str], body: bytes) -> str | None:
    """CallFire's own message, or what a proxy in between wrote instead, for people."""
    try:
        body = unpacked(headers, body)
    except Nonsense as nonsense:
        return str(nonsense)
    try:
        error = _ErrorBody.model_validate_json(body)
    except ValidationError:
        return tidy(_MARKUP.sub(" ", body[:4096].decode("utf-8", "replace")))
    return tidy(error.message or error.developer_message or "")


def explained(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether it is CallFire's own error object, and not what something in between wrote."""
    try:
        error = _ErrorBody.model_validate_json(unpacked(headers, body))
    except (Nonsense, ValidationError):
        return False
    return bool(error.message or error.developer_message)


def added_batch(headers: Mapping[str, str], body: bytes, *, truncated: bool = False) -> int:
    """The id of the batch that was added; Nonsense where the body does not name one."""
    try:
        sent = _AddedBody.model_validate_json(unpacked(headers, body, truncated=truncated))
    except ValidationError as error:
        raise _nonsense(error) from None
    if not 0 < sent.id <= MAX_BATCH_ID:
        raise Nonsense("id: none that a batch can have")
    return sent.id


def tidy(text: str) -> str | None:
    """One line without control characters, of at most DETAIL_LENGTH characters; None where nothing is left."""
    printable = "".join(each if each.isprintable() else " " for each in text[:4096])
    return " ".join(printable.split())[:DETAIL_LENGTH].strip() or None
