"""A command's question to the daemon: how it ends where there is no answer, in one line with the remedy; and what is said of
accounts that CallFire refuses."""

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from watcher.cli.options import environment
from watcher.cli.printing import complain, stop
from watcher.cli.progress import progress
from watcher.cli.running import running

if TYPE_CHECKING:
    from watcher.cli.daemon import Place
    from watcher.client import Refused, Watcher, WatcherError

Answered = TypeVar("Answered")
Question = Callable[["Watcher"], Awaitable[Answered]]
Talk = Callable[["Question[Any]"], Any]

QUERY: Final[Mapping[str, str]] = {"batch_id": "--batch", "labels": "--label", "q": "--search"}
"""How a key of a query or of a body is given by command, where it is not by its own name."""
NOT_FOLLOWED: Final = ("not-followed", "broadcast-not-followed")
USAGE: Final = ("unknown-account", "unknown-path")
"""What is not there, but was named wrongly: exit code 2, not 1."""


def ask(
    config: Path | None,
    question: "Question[Answered]",
    *,
    options: Mapping[str, str] = QUERY,
    busy: str | None = "asking the daemon",
) -> Answered:
    """The daemon's answer; ends the command where it has none. `busy` is said on a terminal where it takes more than a second;
    `options`: how the keys that the daemon names are given by command."""

    async def asked(watcher: "Watcher") -> Answered:
        if busy is None:
            return await question(watcher)
        async with progress(busy, None):
            return await question(watcher)

    with talking(config, options=options) as talk:
        answer: Answered = talk(asked)
        return answer


@contextmanager
def talking(config: Path | None, *, options: Mapping[str, str] = QUERY) -> "Iterator[Talk]":
    """For several questions over one connection, with other work in between that may be interrupted."""
    with remedied(options), running() as run:
        watcher = run(_opened(place(config)))
        try:
            yield lambda question: run(_run(question, watcher))
        finally:
            run(watcher.__aexit__(None, None, None))


async def _opened(place: "Place") -> "Watcher":
    return await watcher_at(place).__aenter__()


async def _run(question: "Question[Answered]", watcher: "Watcher") -> Answered:
    return await question(watcher)


def place(config: Path | None) -> "Place":
    """Where the daemon is; ends the command where nobody can say."""
    from watcher.cli.daemon import NoPlace, place_of
    from watcher.settings import BadSettings

    try:
        return place_of(config, environment())
    except BadSettings as bad:
        stop(*map(str, bad.problems))
    except NoPlace as error:
        stop(str(error))


def watcher_at(place: "Place") -> "Watcher":
    """The daemon there, as the client knows it. That it is silent for a while is told."""
    from watcher.client import Watcher

    return Watcher(place.url, token=place.token, noted=complain)


@contextmanager
def remedied(options: Mapping[str, str] = QUERY) -> Iterator[None]:
    """Ends the command where the daemon did not do what is asked in the block."""
    from watcher.client import NotThere, WatcherError

    try:
        yield
    except WatcherError as error:
        code = 1 if isinstance(error, NotThere) and error.kind not in USAGE else 2
        stop(*words(error, options), code=code)


def words(error: "WatcherError", options: Mapping[str, str] = QUERY) -> list[str]:
    """What went wrong, with what to do, a line each."""
    from watcher.client import NotThere, Refused, TryLater, Unauthorized, Unreachable

    names = ", ".join(error.document.get("accounts", ()))
    said = str(error)
    match error:
        case Unreachable(kind="something-else"):
            said += ": set WATCHER_URL to the daemon's address"
        case Unreachable() if environment().get("WATCHER_URL"):
            said += ": start it there, or correct WATCHER_URL"
        case Unreachable():
            said += ": start it with `watcher run`, or set WATCHER_URL"
        case Unauthorized(kind="token-wrong"):
            said = "the daemon does not accept the token: set WATCHER_API_TOKEN to one that is good there"
        case Unauthorized(kind="token-wanted"):
            said = "the daemon wants a token: set WATCHER_API_TOKEN to one that `watcher token new` made"
        case TryLater() if not said.endswith("."):  # sentences of the daemon say themselves when
            said += ": try again in a moment"
        case Refused(kind="account-wanted"):
            said = f"there are several accounts: name one with --account ({names})"
        case NotThere(kind="unknown-account") if names:
            said = f"{said.partition(':')[0]}: --account takes one of {names}"
        case Refused():
            return faults(error, options)
    return [said]


def faults(refused: "Refused", options: Mapping[str, str]) -> list[str]:
    """What is wrong, a line each, with options in the place of JSON pointers and of parameters."""
    said = [
        f"{_option(each.get('pointer') or '/' + each.get('parameter', ''), options)}{each['message']}"
        for each in refused.errors
    ]
    if len(said) == 1 and not refused.pointers:
        return [str(refused)]  # its detail says what there is instead
    return said or [str(refused)]


def _option(pointer: str, options: Mapping[str, str]) -> str:
    """`/labels/team` is `--label team: `."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if not steps or not steps[0]:
        return ""
    if steps[0] == "authorization":
        return "--basic-file: " if "basic" in steps else "--bearer-file: "
    named = options.get(steps[0], f"--{steps[0].replace('_', '-')}")
    return f"{named} {steps[1]}: " if len(steps) > 1 and not steps[1].isdigit() else f"{named}: "


@contextmanager
def named(watcher: "Watcher", account: str, what: str, number: int) -> Iterator[None]:
    """Around a question about a batch or a broadcast: that it is not followed is said with the command that follows it."""
    from watcher.client import NotThere, Refused

    given = f"--broadcast {number}" if what == "broadcast" else str(number)
    command = f"`watcher add {given}{f' --account {account}' if watcher.accounts.several else ''}`"
    try:
        yield
    except NotThere as error:
        if error.kind not in NOT_FOLLOWED:
            raise
        said = f"{what} {number} of account {account} is not followed: {command} follows it"
        raise NotThere(said, kind=error.kind) from None
    except Refused as error:
        if error.kind != "not-open":
            raise
        if error.document.get("state") == "open":
            raise NotThere(str(error), kind=error.kind) from None
        ended = f"batch {number} of account {account} is {error.document['state']}: it is not looked at any more"
        raise NotThere(f"{ended}; {command} follows it again", kind=error.kind) from None


async def first_of(items: AsyncIterator[Any], most: int) -> list[Any]:
    """The documents of so many of a list that may be longer, and of which no more is asked for."""
    found: list[Any] = []
    async for item in items:
        found.append(item.document)
        if len(found) == most:
            break
    return found


async def warn_of_refused(watcher: "Watcher", among: Container[str] | None = None) -> None:
    """Says which accounts (of those named, else of all) CallFire refuses: nothing is learnt of their batches. Whoever may not
    read is told nothing."""
    from watcher.client import Unauthorized

    try:
        accounts = await watcher.accounts.list()
    except Unauthorized as error:
        if error.kind != "scope-missing":
            raise
        return
    for account in accounts:
        if account.condition == "refused" and (among is None or account.name in among):
            complain(refusal(account.name, account.reason))


def refusal(account: str, reason: str, then: str = "restart the daemon") -> str:
    """That CallFire refuses the account, why, and what to do."""
    because = f" ({reason})" if reason else ""
    keys = (
        "CALLFIRE_LOGIN and CALLFIRE_PASSWORD"
        if account == "default"
        else f"login and password in [accounts.{account}]"
    )
    return f"account {account}: CallFire refuses its login{because}: correct {keys} and {then}"
