"""`watcher db copy`: one database into another, with how far it is, and what came of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from watcher.cli.formats import PEOPLE, say_lines
from watcher.cli.options import As, Config, settings_in_force
from watcher.cli.printing import Output, say, say_table, stop
from watcher.cli.progress import counting
from watcher.cli.running import run_to_end

if TYPE_CHECKING:
    from watcher.settings import Database, Settings

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="URL of the database that is copied.")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="URL of an empty database, or of a copy broken off.")]


def copy(source: Source, target: Target, config: Config = None, output: As = Output.TABLE) -> None:
    """Copy all of a database into an empty one, and compare both, with the daemon stopped.

    \b
    watcher db copy sqlite:///var/watcher.db postgresql://watcher@db/watcher

    The source stays as it is. Whatever breaks it off, give the same command again, and it goes on where it was; until it is
    done the daemon refuses the target. Time-outs, the password of the database that the settings name, and the encryption key
    are those of the settings. Exit codes: 0 copied, and the same on both sides · 2 not, or not yet.
    """
    from watcher.app import CannotStart
    from watcher.app.copying import copy as copy_database

    settings = settings_in_force(config)
    one, other = _database(settings, source, "SOURCE"), _database(settings, target, "TARGET")
    try:
        copied = run_to_end(copy_database(one, other, counting))
    except CannotStart as error:
        stop(str(error))
    if output not in PEOPLE:
        for table in copied.tables:
            say_lines({"table": table.name, "rows": table.rows, "checksum": table.checksum}, output)
        return
    say_table(("TABLE", "ROWS", "CHECKSUM"), [(table.name, table.rows, table.checksum) for table in copied.tables])
    say(f"{other.place} has all of {one.place}: set database.url to it")
    if copied.sealed:
        say("secrets are encrypted in it as they were: keep database.encryption_key")


def _database(settings: "Settings", url: str, argument: str) -> "Database":
    """The database of that URL; ends the command where it is none."""
    from watcher.settings import BadSettings, database_at

    try:
        return database_at(settings.database, url, argument)
    except BadSettings as bad:
        stop(*map(str, bad.problems))
