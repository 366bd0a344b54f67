"""`watcher token`: who may use the daemon's interface. The daemon does it; where none runs, the database is changed itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watcher.cli.asking import ask
from watcher.cli.formats import Column, say_list, say_one
from watcher.cli.options import As, Config, environment, seconds_of
from watcher.cli.printing import Output, complain, say, stop
from watcher.cli.running import run_to_end
from watcher.cli.times import relative, second

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.settings import Settings

OPTIONS: Final[Mapping[str, str]] = {"scopes": "--scope", "accounts": "--account", "expires_in": "--expires"}
"""How a key of what is sent is given by command, where it is not by its own name."""
TOKENS: Final = (
    Column(heading="ID", name="id"),
    Column(heading="NAME", name="name"),
    Column(heading="SCOPES", name="scopes", value=lambda each: " ".join(each["scopes"]), spare=1),
    Column(heading="ACCOUNTS", name="accounts", value=lambda each: _accounts(each["accounts"]), spare=2),
    Column(heading="EXPIRES", name="expires", short=lambda each, at: relative(each["expires"], at) or "never", spare=3),
    Column(heading="USED", name="used", short=lambda each, at: relative(each["used"], at) or "never", spare=4),
    Column(heading="CREATED", name="created", wide=True),
)


class Scopes(StrEnum):
    """What a token may do."""

    READ = "read"
    WRITE = "write"
    SUBMIT = "submit"
    ADMIN = "admin"


def new(
    name: Annotated[str, typer.Option("--name", help="For whom it is: shown in lists.")],
    scopes: Annotated[
        list[Scopes],
        typer.Option(
            "--scope",
            help="What it may do; give it again for more. read: see. write: follow, stop, labels, endpoints, deliveries. "
            "submit: send batches, switch them on and off. admin: all that, tokens, accounts.",
        ),
    ],
    accounts: Annotated[
        list[str] | None, typer.Option("--account", "-a", help="Only this account; give it again for more. Else all.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="How long it is good: 12h, 90d. Else for ever.")
    ] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Make a token. Its secret is printed on standard output, this once; nobody can show it again.

    \b
    The first one must be able to make others; from then on nobody asks without one:
        watcher token new --name me --scope admin > ~/.watcher-token && chmod 600 ~/.watcher-token
        export WATCHER_API_TOKEN_FILE=~/.watcher-token
        watcher token new --name ci --scope read --scope write --account north --expires 90d
    With no daemon running it is made in the database of the settings: that is also the way back in.
    """
    lasts = None if expires is None else seconds_of("--expires", expires)
    if not name.strip() or len(name) > 100:
        stop("--name: must have 1 to 100 characters")
    settings = _without_daemon(config)
    if settings is not None:
        made = _made_directly(settings, name, scopes, accounts, lasts)
    else:
        asked = [*dict.fromkeys(each.value for each in scopes)]
        made = ask(
            config,
            lambda watcher: watcher.tokens.make(name, scopes=asked, accounts=accounts or None, expires_in=lasts),
            options=OPTIONS,
        ).document
    say_one(made, output, lambda: _say_made(made))


def ls(config: Config = None, output: As = Output.TABLE) -> None:
    """List the tokens, but for their secrets, which nobody has.

    \b
    watcher token ls
    watcher token ls -o json | jq -r '.[] | select(.used == null) | .id'
    """
    settings = _without_daemon(config)
    if settings is not None:
        from watcher.app.tokens import kept_tokens

        tokens = _directly(settings, kept_tokens)
    else:
        tokens = [token.document for token in ask(config, lambda watcher: watcher.tokens.list())]
    say_list(tokens, TOKENS, output)


def rm(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id, as `watcher token ls` shows it.")],
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Remove a token: from now on it opens nothing, and who signed in with it is signed out. Exit code 1: there is none.

    \b
    watcher token rm tok_0123456789abcdef
    """
    settings = _without_daemon(config)
    if settings is not None:
        from watcher.app.tokens import remove_token

        if not _directly(settings, lambda settings: remove_token(settings, token_id)):
            stop(f"there is no token {token_id}: `watcher token ls` lists those there are", code=1)
    elif not token_id:
        stop("ID: is empty: name a token as `watcher token ls` shows it")
    else:
        ask(config, lambda watcher: watcher.tokens.remove(token_id))
    say_one({"id": token_id, "removed": True}, output, lambda: say(f"token {token_id} is removed"))


def _without_daemon(config: Path | None) -> "Settings | None":
    """The settings, where no daemon has their database open, and none was named; None where one is to be asked."""
    from watcher.app.tokens import is_in_use
    from watcher.settings import BadSettings, load

    if environment().get("WATCHER_URL"):
        return None
    try:
        settings = load(config, environment())
    except BadSettings:
        return None  # whoever asks a daemon need not have all of its settings
    return None if run_to_end(is_in_use(settings)) else settings


def _directly(settings: "Settings", work: "Callable[[Settings], Awaitable[Any]]") -> Any:
    """What becomes of it in the database itself."""
    from watcher.app import CannotStart
    from watcher.app.tokens import NotDone

    async def done() -> Any:
        return await work(settings)

    complain(f"no daemon has {settings.database.place} open: it is read and changed directly")
    try:
        return run_to_end(done())
    except (CannotStart, NotDone) as error:
        stop(str(error))


def _made_directly(
    settings: "Settings",
    name: str,
    scopes: Sequence[Scopes],
    accounts: Sequence[str] | None,
    lasts: float | None,
) -> "Document":
    from datetime import timedelta

    from watcher.app.tokens import Wanted, make_token

    wanted = Wanted(
        name=name,
        scopes=frozenset(each.value for each in scopes),
        accounts=frozenset(accounts) if accounts else None,
        lasts=None if lasts is None else timedelta(seconds=lasts),
    )
    made: Document = _directly(settings, lambda settings: make_token(settings, wanted))
    return made


def _accounts(names: Sequence[str] | None) -> str:
    return "all" if names is None else " ".join(names)


def _say_made(made: "Document") -> None:
    until = "" if made["expires"] is None else f", good until {second(made['expires'])}"
    complain(f"token {made['id']} is made{until}: this is its secret, shown this once")
    say(made["token"])
