"""What lists of watches and broadcasts may be asked for by, and what may be said of them afterwards."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from watcher.core.model import KNOWN_STATUSES
from watcher.web.models import STORABLE, BroadcastId, BroadcastShown, Given, LabelName, LabelValue, Listed, Taken, Text
from watcher.web.values import Moment

SEARCHABLE: Final = re.compile(r" *[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*")
"""Something that is no space, and nothing that is for control."""


def _label(text: str) -> str:
    name, colon, _ = text.partition(":")
    if not colon or not name:
        raise ValueError("Write NAME:VALUE, as in label=team:blue")
    return text


def _only_true(value: bool) -> bool:
    if not value:
        raise ValueError("It can be true, or left out")
    return value


def labels_of(filters: Sequence[str]) -> dict[str, str]:
    """The labels that are asked for, names and values."""
    return {name: value for name, _, value in (each.partition(":") for each in filters)}


def status_of(asked: str | None) -> str | None:
    """The status that is asked for: CallFire's are in capitals, and may be asked for in any letters."""
    return asked.upper() if asked is not None and asked.upper() in KNOWN_STATUSES else asked


def _one_value_a_label(filters: list[str]) -> list[str]:
    if len(labels_of(filters)) < len(set(filters)):
        raise ValueError("A label has one value: nothing has the same label with two")
    return filters


def _searchable(q: str) -> str:
    if not SEARCHABLE.fullmatch(q):
        raise ValueError("Write what to look for, in one line")
    return q.strip(" ")


LabelFilter = Annotated[
    str,
    Field(max_length=601),
    STORABLE,
    AfterValidator(_label),
    WithJsonSchema({"type": "string", "pattern": r"^[^:\u0000]+:[^\u0000]*$", "maxLength": 601}),
]
"""A label that a watch must have, NAME:VALUE. The name ends at the first colon."""
LabelFilters = Annotated[list[LabelFilter], Field(max_length=10), AfterValidator(_one_value_a_label)]
"""All of the labels that a watch must have."""
Search = Annotated[
    str,
    Field(max_length=200),
    STORABLE,
    AfterValidator(_searchable),
    WithJsonSchema({"type": "string", "pattern": f"^{SEARCHABLE.pattern}$", "maxLength": 200}),
]
"""What a person searches for."""
OnlyTrue = Annotated[bool, AfterValidator(_only_true), WithJsonSchema({"type": "boolean", "const": True})]


class WatchesParams(Listed):
    """The query of a list of watches: those to which everything applies.

    `account` and `label` may be given several times: of one of the accounts, with all of the labels. `since`: in their present
    status since then or later, and in the order in which they came into it. `stuck`: in a status for longer than usual.
    `overdue`: not looked at for longer than they may be. `q`: found by what a person knows of them.
    """

    account: list[Text] | None = None
    status: Annotated[str, Field(min_length=1, max_length=100), STORABLE] | None = None
    state: Literal["open", "settled", "missing", "expired"] | None = None
    final: bool | None = None
    stuck: bool | None = None
    overdue: OnlyTrue | None = None
    label: LabelFilters = Field(default=[])
    broadcast: BroadcastId | None = None
    since: Moment | None = None
    q: Search | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The labels that a watch must have."""
        return labels_of(self.label)


class BroadcastsParams(Listed):
    """The query of a list of broadcasts. `followed` false: those of which something is known, but that nobody follows."""

    account: list[Text] | None = None
    followed: bool | None = None


class MarksPatch(Taken):
    """A JSON merge patch (RFC 7396): labels that are given are set, those given as null are taken away, the others stay."""

    labels: Annotated[dict[LabelName, LabelValue | None], Field(max_length=100)] | None = None
    correlation_id: Annotated[str, Field(max_length=200), STORABLE] | None = None


class BroadcastPage(Given):
    """Some of the broadcasts. `next` is the cursor for more, null at the end."""

    items: list[BroadcastShown]
    next: str | None
