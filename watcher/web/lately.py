"""Answers that were given lately, in memory and for minutes: for those with secrets in them, which nobody is to write down."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from watcher.ports import Clock
from watcher.web.once import HEADER
from watcher.web.problems import Problem

KEPT: Final = timedelta(minutes=10)
"""Long enough for whoever lost an answer to ask again."""
MOST: Final = 100


Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Generic[Asked, Answer]):
    """An answer: to what it was one, and when."""

    asked: Asked
    answer: Answer
    at: datetime


class Lately(Generic[Asked, Answer]):
    """Answers by whose key they were asked for with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given: OrderedDict[tuple[str, str], Given[Asked, Answer]] = OrderedDict()

    def given(self, holder: str, key: str, asked: Asked) -> Answer | None:
        """The answer that was given; None where none was, or not lately. A Problem where the key was for something else."""
        for place, each in list(self._given.items()):
            if each.at + KEPT <= self._clock.now():
                del self._given[place]
        found = self._given.get((holder, key))
        if found is not None and found.asked != asked:
            raise Problem(
                422,
                "idempotency-key-reused",
                f"{HEADER} {key!r} was sent with another body a moment ago. Take a new key for a new request.",
            )
        return None if found is None else found.answer

    def give(self, holder: str, key: str, asked: Asked, answer: Answer) -> None:
        """Keeps the answer; where there are too many, the oldest goes."""
        self._given[holder, key] = Given(asked=asked, answer=answer, at=self._clock.now())
        if len(self._given) > MOST:
            self._given.popitem(last=False)
