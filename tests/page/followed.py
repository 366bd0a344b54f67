"""Batches of a test's own, followed, and where the page shows them."""

from typing import Final

from tests.page.town import Daemon, Town

LONG: Final = {"validating_for": 3600, "new_for": 0}
AT_ONCE: Final = {"validating_for": 0, "new_for": 0}


def made(town: Town, daemon: Daemon, name: str, count: int = 1, **plan: object) -> list[int]:
    """Batches of this name, which is also their label `of`."""
    ids = town.add(count, **{"name": name, **plan})
    daemon.follow(*ids, of=name)
    return ids


def searched(name: str) -> str:
    """The list of those with that name."""
    return f"#/batches?q={name}"


def place(batch_id: int) -> str:
    """The view of one."""
    return f"#/batches/default/{batch_id}"
