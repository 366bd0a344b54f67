"""What `watcher add`, `show` and `rm` do with a broadcast that is followed as a whole."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.asking import warn_of_refused
from watcher.cli.options import whole
from watcher.cli.printing import say, say_table

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Watcher


class Kind(StrEnum):
    """What a broadcast sends."""

    CALL = "call"
    TEXT = "text"


Broadcasts = Annotated[
    list[int] | None,
    typer.Option("--broadcast", parser=whole, metavar="ID", help="A broadcast as a whole; several times."),
]
Broadcast = Annotated[
    int | None, typer.Option("--broadcast", parser=whole, metavar="ID", help="A broadcast instead of a batch.")
]
OfKind = Annotated[Kind | None, typer.Option("--kind", help="What the broadcast sends; else it is found out.")]
Within = Annotated[
    int | None,
    typer.Option("--in-broadcast", parser=whole, metavar="ID", help="The broadcast that the batches are in."),
]


async def follow_broadcasts(
    watcher: "Watcher", account: str | None, ids: Sequence[int], body: Mapping[str, Any]
) -> "list[Document]":
    """How each of them stands, now that it is followed."""
    if not ids:
        return []
    name = await watcher.accounts.meant(account)
    wanted = dict.fromkeys(ids)
    followed = [await watcher.broadcasts.follow(broadcast_id, account=name, **body) for broadcast_id in wanted]
    await warn_of_refused(watcher, {name})
    return [broadcast.document for broadcast in followed]


def say_followed(broadcast: "Document") -> None:
    """That it is followed, and how many of its batches are."""
    count = broadcast["batches"]
    known = (
        f"{count} of its batches {'is' if count == 1 else 'are'} followed now"
        if count
        else "its batches are looked for"
    )
    say(f"broadcast {broadcast['broadcast_id']} is followed as a whole; {known}")


def unfollowed(broadcast_id: int) -> str:
    """That it is not followed any more, and what that means."""
    return f"broadcast {broadcast_id} is no longer followed; those of its batches that were found still are"


def say_broadcast(broadcast: "Document") -> None:
    """All that is known of it."""
    say_table(
        ("", ""),
        [
            ("broadcast", f"{broadcast['broadcast_id']} of account {broadcast['account']}"),
            ("kind", broadcast["kind"]),
            ("followed", "as a whole" if broadcast["followed"] else "no"),
            ("since", broadcast["opened"] if broadcast["followed"] else None),
            ("batches", broadcast["batches"]),
            ("listed", broadcast["listed"]),
            ("note", broadcast["note"]),
            *((f"label {key}", value) for key, value in broadcast["labels"].items()),
            ("correlation id", broadcast["correlation_id"]),
        ],
    )
