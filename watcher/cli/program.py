"""The command line as a whole: which commands there are, and how an error of theirs ends.

Commands import what they need when they run, so that `watcher --help` is quick.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import watcher
from watcher.cli import demo, making, serving, simulating, waiting, watching
from watcher.cli.printing import Stop, complain, say


class Commands(TyperGroup):
    """Ends a command that cannot go on with its lines on standard error and its exit code, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Stop as end:
            for line in end.lines:
                complain(line)
            raise typer.Exit(end.code) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


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
    Run it (or put both into config/watcher.toml):
        CALLFIRE_LOGIN=… CALLFIRE_PASSWORD=… watcher run
    Follow a batch, and wait for its end in a script:
        watcher add 13
        watcher wait 13 --timeout 30m && echo "batch 13 is ACTIVE"

    \b
    Exit codes: 0 done · 1 done in part, or not found · 2 usage, settings, or no daemon
    (`wait` has more: see `watcher wait --help`).
    """


program.command("run")(serving.run)
program.command("demo")(demo.demo)
program.command("simulate")(simulating.simulate)
program.command("receive", hidden=True)(simulating.receive)
program.command("check")(serving.check)
program.command("add")(watching.add)
program.command("ls")(watching.ls)
program.command("show")(watching.show)
program.command("rm")(watching.rm)
program.command("events")(watching.events)
program.command("wait")(waiting.wait)

database = typer.Typer(no_args_is_help=True, help="The database.", rich_markup_mode=None)
database.command("migrate")(serving.migrate)
program.add_typer(database, name="db")

endpoints = typer.Typer(no_args_is_help=True, help="Webhook endpoints.", rich_markup_mode=None)
endpoints.command("secret")(making.secret)
program.add_typer(endpoints, name="endpoints")

token = typer.Typer(no_args_is_help=True, help="Tokens for the daemon's interface.", rich_markup_mode=None)
token.command("new")(making.token)
program.add_typer(token, name="token")
