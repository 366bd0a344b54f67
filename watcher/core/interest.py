"""Which events somebody who listens to the log wants, and may have. From values to values."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from watcher.core.endpoint import Subject, subject_of_data
from watcher.core.model import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What an event must be like: all that is given applies. No types means all, `seen` None that every account may be seen;
    where it is limited, nothing is there that belongs to no account. Equal ones are of one kind, and can be served at once."""

    types: frozenset[str] = frozenset()
    seen: frozenset[str] | None = None
    account: str | None = None
    batch_id: int | None = None
    broadcast_id: int | None = None
    labels: frozenset[tuple[str, str]] = frozenset()

    @property
    def reads_bodies(self) -> bool:
        """Whether it takes more than the log's columns to tell."""
        return self.broadcast_id is not None or bool(self.labels)


class Opened:
    """A recorded event whose body is read at most once, and only where somebody wants to know."""

    __slots__ = ("_subject", "event")

    def __init__(self, event: Recorded) -> None:
        self.event = event
        self._subject: Subject | None = None

    @property
    def subject(self) -> Subject:
        """What of the body filters look at."""
        if self._subject is None:
            self._subject = subject_of_data(self.event.type, json.loads(self.event.body)["data"], self.event.endpoint)
        return self._subject


def wanted(interest: Interest, opened: Opened) -> bool:
    """Whether the event is one of those."""
    event = opened.event
    account = None if event.endpoint is not None else event.account
    if interest.seen is not None and account not in interest.seen:
        return False
    if interest.types and event.type not in interest.types:
        return False
    if interest.account is not None and account != interest.account:
        return False
    if interest.batch_id is not None and event.batch_id != interest.batch_id:
        return False
    if not interest.reads_bodies:
        return True
    subject = opened.subject
    if interest.broadcast_id is not None and subject.broadcast_id != interest.broadcast_id:
        return False
    return all(subject.labels.get(name) == value for name, value in interest.labels)


def among(interest: Interest, events: Iterable[Opened]) -> list[Recorded]:
    """Those that are wanted, in their order."""
    return [opened.event for opened in events if wanted(interest, opened)]
