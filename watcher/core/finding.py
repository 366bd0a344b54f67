"""What a person who searches finds: the rule, as a store's statements have it too.

Letters' case does not matter. A store keeps words and marks beside each watch, so that it need not look at the watches.
"""

from dataclasses import dataclass
from typing import Final

from watcher.core.model import Watch

BETWEEN: Final = "\n"
"""Stands between words, and around marks; nobody can search for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needle:
    """What is looked for: `word` anywhere in a name or in a label's value; `mark` as a whole, a correlation id or a label as
    NAME:VALUE; `digits` at the beginning of a batch's or a broadcast's id, None where it is no number."""

    word: str
    mark: str
    digits: str | None


def needle_of(q: str) -> Needle:
    """What to look for where somebody searches for that."""
    word = q.strip(" ").lower()
    return Needle(
        word=word, mark=f"{BETWEEN}{word}{BETWEEN}", digits=word if word.isascii() and word.isdigit() else None
    )


def is_found(watch: Watch, needle: Needle) -> bool:
    """Whether the watch is among what is found."""
    words = [watch.name or "", *watch.labels.values()]
    if needle.word in BETWEEN.join(words).lower():
        return True
    marks = [watch.correlation_id or "", *(f"{name}:{value}" for name, value in watch.labels.items())]
    if needle.mark in f"{BETWEEN}{BETWEEN.join(marks)}{BETWEEN}".lower():
        return True
    ids = (watch.batch_id, watch.broadcast_id)
    return needle.digits is not None and any(str(each).startswith(needle.digits) for each in ids if each is not None)
