"""The command line as a whole: which commands there are, and how an error of theirs ends.

Commands import what they need when they run, so that `watcher --help` is quick.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import watcher
from watcher.cli import (
    accounts,
    adding,
    backing_up,
    completing,
    copying,
    deliveries,
    demo,
    endpoints,
    explaining,
    happening,
    health,
    labelling,
    listening,
    making,
    planning,
    recovering,
    serving,
    simulating,
    submitting,
    tokens,
    waiting,
    watching,
)
from watcher.cli.options import environment
from watcher.cli.printing import Stop, complain, in_line, printable, printing, say


class Command(TyperCommand):
    """One command. Its help, too, may find no place to be written to."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with printing():
            return super().make_context(*args, **kwargs)


class Commands(TyperGroup):
    """Ends a command that cannot go on with its lines on standard error and its exit code, without a traceback."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with printing(), _told_as_text():
                return super().make_context(*args, **kwargs)
        except Stop as end:
            raise _ended(end) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return self._invoke(ctx)
        except Stop as end:
            raise _ended(end) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise  # typer knows what they mean
        except Exception as error:  # noqa: BLE001 -- whoever gave a command gets a word, and the place where asked for
            if environment().get("WATCHER_DEBUG"):
                for line in traceback.format_exc().splitlines():
                    complain(line)
            raise _ended(Stop(_fallen(error))) from None

    def _invoke(self, ctx: Any) -> Any:
        """What one task of several raised counts as if it had been alone."""
        try:
            with _told_as_text():
                return super().invoke(ctx)
        except ExceptionGroup as group:
            error: Exception = group
            while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
                error = error.exceptions[0]
            raise error from group


@contextmanager
def _told_as_text() -> Iterator[None]:
    """What typer says of an argument quotes it as it is: a name of a file, say, that somebody else chose."""
    try:
        yield
    except typer.TyperException as error:
        error.message = printable(in_line(error.message))
        raise


def _fallen(error: Exception) -> str:
    """What is said of a command that fell over it. Where memory is short, several tasks find none at once, as a rule."""
    rest = error.split(MemoryError)[1] if isinstance(error, ExceptionGroup) else error
    if rest is None or isinstance(rest, MemoryError):
        return "no memory was left: give this process more, or ask less of it"
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{what}: this is a bug: please report it; set WATCHER_DEBUG=1 to see where"


def _ended(end: Stop) -> typer.Exit:
    for line in end.lines:
        complain(line)
    return typer.Exit(end.code)


program = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"watcher {watcher.__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="The version, and nothing else.")
]


@program.callback()
def about(version: Version = False) -> None:
    """Follows CallFire batches through validation and tells whoever must act on it.

    \b
    See it work, without an account:  watcher demo
    Try it by hand, without one; it says how a daemon is started for it:  watcher simulate --help
    Run it (or put both into config/watcher.toml), and see to it that all is well:
        CALLFIRE_LOGIN=… CALLFIRE_PASSWORD=… watcher run
        watcher check --upstream
    In another terminal, follow a batch, look at it, and wait for its end in a script:
        watcher add 13
        watcher ls --watch
        watcher wait 13 --timeout 30m && echo "batch 13 is ACTIVE"
    Subscribe a receiver, and try it; `watcher listen` is one for trying out, and says how to subscribe it:
        watcher endpoints add https://example.com/hooks --id crm > secret
        watcher endpoints test crm
    See what it got, each attempt of it, and send it again:
        watcher deliveries ls --endpoint crm
        watcher deliveries show 1
        watcher deliveries resend 1
    A daemon elsewhere:
        WATCHER_URL=https://watcher.example.com WATCHER_API_TOKEN=… watcher ls

    \b
    -o wide|json|ndjson|csv changes what is printed, wherever something is. In a pipe there is no colour and no progress.
    Exit codes: 0 done · 1 done in part, or not found · 2 usage, settings, or no daemon · 130 Ctrl-C
    (`wait` has more: see `watcher wait --help`).
    """


program.command("run", cls=Command)(serving.run)
program.command("demo", cls=Command)(demo.demo)
program.command("simulate", cls=Command)(simulating.simulate)
program.command("receive", cls=Command, hidden=True)(simulating.receive)
program.command("check", cls=Command)(serving.check)
program.command("health", cls=Command)(health.health)
program.command("plan", cls=Command)(planning.plan)
program.command("add", cls=Command)(adding.add)
program.command("ls", cls=Command)(watching.ls)
program.command("show", cls=Command)(watching.show)
program.command("explain", cls=Command)(explaining.explain)
program.command("refresh", cls=Command)(labelling.refresh)
program.command("label", cls=Command)(labelling.label)
program.command("rm", cls=Command)(watching.rm)
program.command("events", cls=Command)(happening.events)
program.command("wait", cls=Command)(waiting.wait)

program.command("submit", cls=Command)(submitting.submit)
program.command("switch", cls=Command)(submitting.switch)
program.command("listen", cls=Command)(listening.listen)
program.command("completion", cls=Command)(completing.completion)


def _group(name: str, about: str, commands: Mapping[str, Callable[..., None]]) -> None:
    """Commands under a name of their own."""
    group = typer.Typer(cls=Commands, no_args_is_help=True, help=about, rich_markup_mode=None)
    for each, command in commands.items():
        group.command(each, cls=Command)(command)
    program.add_typer(group, name=name)


_group(
    "accounts",
    "The logins whose batches are followed.",
    {"ls": accounts.ls, "show": accounts.show, "resume": accounts.resume},
)
_group(
    "endpoints",
    "Who gets webhooks.",
    {
        "ls": endpoints.ls,
        "show": endpoints.show,
        "add": endpoints.add,
        "set": endpoints.change,
        "rm": endpoints.rm,
        "test": endpoints.try_out,
        "rotate": endpoints.rotate,
        "enable": endpoints.enable,
        "disable": endpoints.disable,
        "recover": recovering.recover,
        "secret": making.secret,
    },
)
_group(
    "deliveries",
    "What endpoints are owed, and were.",
    {"ls": deliveries.ls, "show": deliveries.show, "resend": deliveries.resend},
)
_group(
    "submissions",
    "What was sent to CallFire, and is to be.",
    {"ls": submitting.ls, "show": submitting.show, "withdraw": submitting.withdraw},
)
_group(
    "db",
    "The database.",
    {"migrate": serving.migrate, "copy": copying.copy, "backup": backing_up.backup, "key": making.key},
)
_group(
    "token",
    "Who may use the daemon's interface.",
    {"new": tokens.new, "ls": tokens.ls, "rm": tokens.rm, "random": making.token},
)
