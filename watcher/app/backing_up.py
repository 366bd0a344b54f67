"""`watcher db backup`: a SQLite database in a file, beside the daemon that has it."""

from collections.abc import Callable
from pathlib import Path

from watcher.app.assembly import CannotStart
from watcher.clock import SystemClock
from watcher.ports import UnusableStore
from watcher.settings.database import Database
from watcher.store import backing_up
from watcher.store.backing_up import BackedUp


def back_up(database: Database, target: Path, *, force: bool, advance: Callable[[float], None]) -> BackedUp:
    """Copies all that is there at this moment into the file; `advance` is told which share is done. CannotStart where that cannot
    be done, with nothing left behind."""
    if database.postgres:
        raise CannotStart(
            f"{database.place} is backed up with PostgreSQL's own tools: "
            f"pg_dump --format=custom --file={target} {database.place}"
        )
    try:
        return backing_up.back_up(database.path, target, force=force, now=SystemClock().now(), advance=advance)
    except UnusableStore as error:
        raise CannotStart(str(error)) from error
