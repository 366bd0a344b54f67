"""The composition root: opens, wires, runs and closes everything. Here and nowhere else are the parts put together.

What is named here is loaded when it is asked for: a daemon has no use for what checks, or waits without one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from watcher.app.assembly import CannotStart as CannotStart
    from watcher.app.assembly import Parts as Parts
    from watcher.app.checks import Finding as Finding
    from watcher.app.checks import check as check
    from watcher.app.checks import migrate as migrate
    from watcher.app.daemon import main as main
    from watcher.app.daemon import run as run
    from watcher.app.waiting import Ended as Ended
    from watcher.app.waiting import Waited as Waited
    from watcher.app.waiting import wait_alone as wait_alone
    from watcher.store.opening import Migrated as Migrated

PLACES: Final = {
    "watcher.app.assembly": ("CannotStart", "Parts"),
    "watcher.app.checks": ("Finding", "check", "migrate"),
    "watcher.app.daemon": ("main", "run"),
    "watcher.app.waiting": ("Ended", "Waited", "wait_alone"),
    "watcher.store.opening": ("Migrated",),
}


def __getattr__(name: str) -> Any:
    """As PEP 562 has it."""
    for place, names in PLACES.items():
        if name in names:
            return getattr(import_module(place), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
