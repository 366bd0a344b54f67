"""This service, as users start it: SQLite, one webhook, and all other settings as they come."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.peers.peer import LOGIN, OWN, Place, port, program
from tests.chaos.campaign import SECRET, http
from tests.stack.processes import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """It is told of each batch by its interface."""

    daemon: Program

    @property
    def programs(self) -> Sequence[Program]:
        return [self.daemon]

    def follow(self, number: int) -> None:
        http(f"{self.daemon.url}/v1/watches", [{"batch_id": number}])

    def drop(self, number: int) -> None:
        """It does so by itself."""

    def settled(self, body: Any) -> Sequence[int]:
        return [body["data"]["batch_id"]] if body["data"].get("final") else []


def ours(place: Place) -> Ours:
    """Not started yet."""
    at = port()
    environ = OWN | {
        "CALLFIRE_LOGIN": LOGIN[0],
        "CALLFIRE_PASSWORD": LOGIN[1],
        "CALLFIRE_BASE_URL": place.api,
        "CALLFIRE_RATE": f"{place.rate:g}",
        "WATCHER_DATABASE_URL": f"sqlite:///{place.folder / 'watcher.db'}",
        "WATCHER_LISTEN": f"127.0.0.1:{at}",
        "WATCHER_WEBHOOK_URL": place.receiver,
        "WATCHER_WEBHOOK_SECRET": SECRET,
        "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
        "WATCHER_LOG": "json",
    }
    command = (sys.executable, "-m", "watcher", "run")
    return Ours(daemon=program(place, "watcher", command, port=at, up="/readyz", environ=environ))
