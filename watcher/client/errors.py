"""What the client raises. Each error is named by what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


class WatcherError(Exception):
    """It was not done. `kind` is the stable name of the problem, `detail` what is said of it, `document` the problem as it
    came."""

    def __init__(self, detail: str, *, kind: str = "", document: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.kind = kind
        self.document: Mapping[str, Any] = document or {}


class Unreachable(WatcherError):
    """Nothing answers at the address, or something that is no watcher: start it, or correct the address."""


class Unauthorized(WatcherError):
    """It may not be asked so: a token is wanted, is wrong, or lacks what this takes. Give the right one."""


class NotThere(WatcherError):
    """There is no such thing, or none that the token may see."""


class Refused(WatcherError):
    """What was asked for is not right, or cannot be done as things stand: asking again changes nothing."""

    @property
    def pointers(self) -> Mapping[str, str]:
        """What is wrong with the body, by JSON pointer."""
        return {each["pointer"]: each["message"] for each in self.errors if "pointer" in each}

    @property
    def errors(self) -> Sequence[Mapping[str, str]]:
        """All that is wrong, each with its `pointer` or `parameter`, and a `message`."""
        return tuple(self.document.get("errors", ()))


class TryLater(WatcherError):
    """It cannot be done just now: ask again, after so many seconds."""

    def __init__(
        self, detail: str, *, kind: str = "", document: Mapping[str, Any] | None = None, after: float = 1.0
    ) -> None:
        super().__init__(detail, kind=kind, document=document)
        self.after = after


@contextmanager
def as_if_alone() -> Iterator[None]:
    """Around a group of tasks: what one of them raised is raised as if it had been alone, and of several the first."""
    try:
        yield
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
