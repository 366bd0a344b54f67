"""`watcher db backup`: the database in a file, and what came of it."""

from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.formats import PEOPLE, say_lines
from watcher.cli.options import As, Config, environment
from watcher.cli.printing import Output, say, stop
from watcher.cli.progress import sharing

File = Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup is put; nothing may be there yet.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there, when the new backup is whole.")]


def backup(file: File, force: Force = False, config: Config = None, output: As = Output.TABLE) -> None:
    """Back up a SQLite database into a file, also while the daemon runs.

    \b
    watcher db backup /var/backups/watcher.db

    The file is all of it, as it stood when the command was given; it is looked through before it gets its name. Only its owner
    can read it. Of the settings [database] alone is read. How it is restored: deploy/lifecycle.md.

    Exit codes: 0 backed up · 2 not, and nothing was written.
    """
    from watcher.app import CannotStart
    from watcher.app.backing_up import back_up
    from watcher.settings import BadSettings, load_database

    try:
        database = load_database(config, environment())
        with sharing("backing up") as advance:
            done = back_up(database, file, force=force, advance=advance)
    except BadSettings as bad:
        stop(*map(str, bad.problems))
    except CannotStart as error:
        stop(str(error))
    rows = sum(done.rows.values())
    if output not in PEOPLE:
        document = {"database": database.url, "file": str(file), "version": done.version, "bytes": done.size}
        say_lines({**document, "rows": rows, "tables": dict(done.rows)}, output)
        return
    say(f"{file} has all of {database.place}: {rows} rows, {done.size} bytes, tables of version {done.version}")
    if database.encryption_key is not None:
        say("secrets are encrypted in it: keep database.encryption_key, in another place")
