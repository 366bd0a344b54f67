"""The composition root: opens, wires, runs and closes everything. Here and nowhere else are the parts put together."""

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
