"""What the other replicas are told of what was stored: for each operation that they have to know of, which words. The words are
part of its transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from watcher.core.submissions import Submission
from watcher.ports import Followed, Word, WordKind

IDS_MOST: Final = 1_000
"""Batches that one word names."""
TOKENS: Final = Word(kind="token")

Args = Sequence[Any]
"""What the operation was asked to do, as its method has it."""


def words_of(operation: str, args: Args, result: Any, *, held: bool) -> Sequence[Word]:
    """What is to be said of an operation that gave that result. `held`: the account's poller did it, for itself: of what it
    follows by itself the others need not know."""
    said = (SAID_BY_ALL if held else SAID).get(operation)
    return () if said is None else said(args, result)


def moved(account: str, batch_id: int) -> Word:
    """What is said of a watch that another part of its account polls from now on: it is to be read again."""
    return Word(kind="relabelled", account=account, body={"ids": [batch_id]})


def _followed(_: Args, followed: Sequence[Followed]) -> Sequence[Word]:
    by_place: dict[tuple[WordKind, str], dict[int, None]] = {}
    for each in followed:
        if each.what != "known" or each.told:
            kind: WordKind = "relabelled" if each.what == "known" else "followed"
            by_place.setdefault((kind, each.watch.account), {})[each.watch.batch_id] = None
    return [
        Word(kind=kind, account=account, body={"ids": list(some)})
        for (kind, account), ids in by_place.items()
        for some in _portions(list(ids))
    ]


def _portions(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + IDS_MOST] for start in range(0, len(ids), IDS_MOST)]


def _stopped(args: Args, stopped: bool) -> Sequence[Word]:
    return [Word(kind="stopped", account=args[0].account, body={"ids": [args[0].batch_id]})] if stopped else ()


def _relabelled(args: Args, watch: object) -> Sequence[Word]:
    key = args[0]
    return () if watch is None else [Word(kind="relabelled", account=key.account, body={"ids": [key.batch_id]})]


def _broadcast_followed(args: Args, _: object) -> Sequence[Word]:
    return [Word(kind="broadcast", account=args[0].account, body={"ids": [args[0].broadcast_id]})]


def _broadcast_stopped(args: Args, stopped: bool) -> Sequence[Word]:
    return [Word(kind="broadcast", account=args[0], body={"ids": [args[1]]})] if stopped else ()


def _intended(args: Args, stored: Submission) -> Sequence[Word]:
    return [_submission(stored)] if stored.id == args[0].id else ()


def _changed(args: Args, changed: object) -> Sequence[Word]:
    """Who waits for it waits for its end."""
    return [_submission(args[0])] if changed and args[0].over else ()


def _submission(submission: Submission) -> Word:
    return Word(kind="submission", account=submission.account, body={"id": submission.id})


def _tokens(_: Args, changed: bool) -> Sequence[Word]:
    return [TOKENS] if changed else ()


Saying = Callable[[Args, Any], Sequence[Word]]

SAID_BY_ALL: Final[Mapping[str, Saying]] = {"change_submission": _changed, "accept_submission": _changed}
"""What is said also of what pollers do: others wait for it."""
SAID: Final[Mapping[str, Saying]] = {
    **SAID_BY_ALL,
    "follow": _followed,
    "stop": _stopped,
    "relabel": _relabelled,
    "follow_broadcast": _broadcast_followed,
    "stop_broadcast": _broadcast_stopped,
    "intend": _intended,
    "make_token": _tokens,
    "remove_token": _tokens,
    "make_session": _tokens,
    "remove_session": _tokens,
}
