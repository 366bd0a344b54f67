"""What clients send, read with a bound and a deadline, and refused with the place of what is wrong."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from aiohttp import StreamReader, web
from pydantic import BaseModel, ValidationError

from watcher.web.operations import JSON
from watcher.web.problems import Problem, cut, listed, places, summary

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes, as they come out of a compressed body."""
READ_DEADLINE: Final = 30.0
"""Seconds from the headers to the last byte of the body."""
BODY: Final = web.RequestKey("body", bytes)
"""What was read of a request: the middleware for Idempotency-Key reads before the handler does."""
MAX_ROWS: Final = 10_000
IN_A_THREAD: Final = 128 * 1024
"""Bytes of rows from which on reading them takes a millisecond or more, so that others get their turn meanwhile."""

NDJSON: Final = "application/x-ndjson"
ROWS: Final = (JSON, NDJSON)
PATCHES: Final = (JSON, "application/merge-patch+json")
"""What a JSON merge patch (RFC 7396) may be called."""

Model = TypeVar("Model", bound=BaseModel)


class BadJson(Exception):
    """This text is no JSON, or none that has one meaning; the message says where and why."""


async def read_body(request: web.Request, deadline: float = READ_DEADLINE, most: int = MAX_BODY) -> bytes:
    """The whole body, as often as it is asked for; the first bound is the one that counts. A Problem where it is too large, too
    slow, or broken."""
    if BODY in request:
        return request[BODY]
    try:
        async with asyncio.timeout(deadline):
            request[BODY] = await _taken(request.content, most)
            return request[BODY]
    except TimeoutError:
        raise Problem(
            408, "body-too-slow", f"Send it within {deadline:g} s.", headers={"Connection": "close"}
        ) from None
    except ConnectionError:
        # Nobody hears this: but it is the client's doing, and no failure of ours.
        raise Problem(400, "bad-encoding", "The connection ended before the body did.") from None
    except web.RequestPayloadError as error:
        raise Problem(
            400, "bad-encoding", f"The body cannot be read: {cut(str(error))}", headers={"Connection": "close"}
        ) from error


async def _taken(content: StreamReader, most: int) -> bytes:
    """In small pieces: aiohttp's own `read` has what is packed unpacked by megabytes, twelve times as many as may come of it."""
    body = bytearray()
    while piece := await content.readany():
        body += piece
        if len(body) > most:
            raise Problem(
                413,
                "body-too-large",
                f"At most {most} bytes at once: send it in parts.",
                headers={"Connection": "close"},
            )
    return bytes(body)


async def read_object(
    request: web.Request,
    model: type[Model],
    context: Mapping[str, Any] | None = None,
    *,
    media: Sequence[str] = (JSON,),
    most: int = MAX_BODY,
) -> Model:
    """The body as the model says, whose validators may look at the context; where there is none, as an empty object."""
    body = await read_body(request, most=most)
    if body.strip() and request.content_type not in media:
        raise _other_kind(request, " or ".join(media))
    try:
        return model.model_validate(parse(body) if body.strip() else {}, context=context)
    except BadJson as error:
        raise Problem(400, "bad-json", str(error)) from None
    except ValidationError as error:
        errors = places(error)
        raise Problem(422, "bad-body", summary(errors), errors=errors) from None


async def read_rows(request: web.Request) -> list[tuple[str, object]]:
    """The rows of a JSON list or of NDJSON, each with its place in words. A line of NDJSON that is no JSON is a BadJson in its
    place; in a list nobody can tell where the next row would begin, so that it is refused as a whole."""
    if request.content_type not in (JSON, NDJSON):
        raise _other_kind(request, f"{JSON} (a list) or {NDJSON} (a line each)")
    body = await read_body(request)
    rows_of = _rows_of_lines if request.content_type == NDJSON else _rows_of_list
    return rows_of(body) if len(body) < IN_A_THREAD else await asyncio.to_thread(rows_of, body)


def parse(text: bytes) -> object:
    """JSON with one meaning: no key twice, no NaN; 13.0 is 13. Raises BadJson."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_number)
    except RecursionError:
        raise BadJson("It is nested too deeply.") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, a number with thousands of digits
        raise BadJson(f"{cut(str(error))}.") from None


def read_query(request: web.Request, model: type[Model], *, repeatable: Sequence[str] = ()) -> Model:
    """The query as the model says. Unknown parameters and ones given twice are refused, all at once."""
    query: dict[str, Any] = {}
    errors: list[dict[str, str]] = []
    for name in dict.fromkeys(request.query):
        values = request.query.getall(name)
        query[name] = values if name in repeatable else values[0]
        if name not in repeatable and len(values) > 1:
            errors.append({"parameter": cut(name), "message": f"It is given {len(values)} times; give it once"})
    try:
        read = model.model_validate(query)
    except ValidationError as error:
        errors += places(error, "parameter")
    else:
        if not errors:
            return read
    detail = f"{summary(errors)}. There are: {listed(model.model_fields)}."
    raise Problem(422, "bad-query", detail, errors=errors)


def _rows_of_lines(body: bytes) -> list[tuple[str, object]]:
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    _check_count(len(lines))
    return [(f"line {number}", _row(line)) for number, line in lines]


def _rows_of_list(body: bytes) -> list[tuple[str, object]]:
    try:
        document = parse(body)
    except BadJson as error:
        raise Problem(400, "bad-json", str(error)) from None
    if not isinstance(document, list):
        raise Problem(422, "bad-body", f"Send a list of rows, [{{…}}, {{…}}], or one row a line as {NDJSON}.")
    _check_count(len(document))
    return [(f"row {number}", row) for number, row in enumerate(document)]


def _row(line: bytes) -> object:
    """A row of NDJSON: what it holds, or why it holds nothing."""
    try:
        return parse(line)
    except BadJson as error:
        return error


def _check_count(rows: int) -> None:
    if rows > MAX_ROWS:
        raise Problem(
            422, "too-many-rows", f"{rows} rows are more than {MAX_ROWS}: nothing was done. Send them in parts."
        )


def _other_kind(request: web.Request, wanted: str) -> Problem:
    return Problem(
        415,
        "bad-media-type",
        f"The Content-Type must be {wanted}, not {cut(request.content_type)}.",
        headers={"Accept": wanted.partition(" ")[0]},
    )


def _unique(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"The key {cut(twice)!r} is there twice")
    return found


def _number(text: str) -> float:
    """JSON knows numbers only, and a JSON Schema takes 13.0 for an integer as well."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")
