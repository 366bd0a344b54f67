"""Very many batches to follow, in as few portions as the watcher takes at once; never more than one portion in memory."""

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from watcher.client.parts import given
from watcher.client.watches import Document, Outcome, Row

MOST_ROWS: Final = 10_000
MOST_BYTES: Final = 3_500_000
"""What the watcher takes at once is a little more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A row as JSON has it, for who has it so already; and where it was named."""

    where: str
    body: Mapping[str, object]


Rows = Iterable[Row | Raw] | AsyncIterable[Row | Raw]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Rows that are sent together, as NDJSON."""

    where: list[str]
    body: bytes

    def outcomes(self, answer: Document) -> list[Outcome]:
        """What became of each."""
        return [_outcome(self.where[item["row"]], item) for item in answer["items"]]


async def portions(rows: Rows) -> AsyncIterator[Portion]:
    """The rows in portions, as they come."""
    lines: list[bytes] = []
    where: list[str] = []
    size = 0
    async for row in _each(rows):
        line = json.dumps(_body(row), separators=(",", ":")).encode()
        if lines and (size + len(line) + 1 > MOST_BYTES or len(lines) == MOST_ROWS):
            yield Portion(where=where, body=b"\n".join(lines))
            lines, where, size = [], [], 0
        lines.append(line)
        where.append(row.where)
        size += len(line) + 1
    if lines:
        yield Portion(where=where, body=b"\n".join(lines))


async def _each(rows: Rows) -> AsyncIterator[Row | Raw]:
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row


def _body(row: Row | Raw) -> Mapping[str, Any]:
    if isinstance(row, Raw):
        return row.body
    return given(
        batch_id=row.batch_id,
        account=row.account,
        labels=row.labels,
        correlation_id=row.correlation_id,
        broadcast_id=row.broadcast_id,
        expires_in=row.expires_in,
    )


def _outcome(where: str, item: Document) -> Outcome:
    if "error" in item:
        return Outcome(where=where, error=_fault(item["error"]))
    return Outcome(where=where, result=item["result"], account=item["account"], batch_id=item["batch_id"])


def _fault(problem: Document) -> str:
    """All that is wrong with the row, where that is more than one thing."""
    errors = problem.get("errors", ())
    if len(errors) > 1:
        return "; ".join(f"{each['message']}, at {each['pointer']}" for each in errors)
    return str(problem.get("detail", "refused"))
