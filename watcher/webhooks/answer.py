"""What is read of a receiver's answer, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from aiohttp import StreamReader
from aiohttp.http import RawResponseMessage

from watcher.core.outbox import RETRY_AFTER_CODES
from watcher.core.retry_after import retry_after

ANSWER_KEPT: Final = 16 * 1024
"""Bytes of an answer that are read, as received; then the connection is closed."""

LOCATION_LENGTH: Final = 2048


@dataclass(slots=True)
class Answer:
    """What of an answer has come so far."""

    code: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def take(self, message: RawResponseMessage, content: StreamReader) -> None:
        self.code, self.headers = message.code, message.headers
        while len(self.body) < ANSWER_KEPT and not content.at_eof():
            self.body += await content.read(ANSWER_KEPT - len(self.body))

    @property
    def location(self) -> str | None:
        """Where a redirect that is not followed leads to."""
        if self.code is None or not 300 <= self.code < 400:
            return None
        location = self.headers.get("Location")
        return None if location is None else location[:LOCATION_LENGTH]

    def pause(self, answered: datetime) -> timedelta | None:
        """How long the receiver asks to be left alone."""
        if self.code not in RETRY_AFTER_CODES:
            return None
        return retry_after(self.headers.get("Retry-After"), answered, self.headers.get("Date"))
