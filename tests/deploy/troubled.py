"""A daemon to which everything happens that a dashboard shows: batches that end well and badly, a CallFire that throttles and
fails, an account that is refused and one that is down, and receivers that fail and are gone. All of it in processes of their own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos.campaign import SECRET, http
from tests.chaos.peers import lines_of
from tests.chaos.replica import Replica

PASSWORD: Final = "password"
LONG: Final = 1_000
"""Seconds that a batch validates which gets stuck."""
FAULTS: Final = (
    {"account": "down", "kind": "code", "code": 503},
    {"account": "busy", "kind": "code", "code": 429, "retry_after": 0.1, "share": 0.05},
    {"account": "busy", "kind": "code", "code": 502, "share": 0.05},
    {"account": "busy", "kind": "reset", "share": 0.05},
)


@dataclass(slots=True, kw_only=True)
class Troubled:
    """`url` is the daemon, `control` the simulator's control address."""

    url: str
    control: str
    broadcast: int = field(default=0, init=False)

    def begin(self) -> None:
        """The troubles begin. Each account has a batch that does not end, so that there is always something to be asked about."""
        self.follow("busy", self._add("busy", validating_for=LONG))
        submission = {"name": "wave", "recipients": [{"phone_number": "12135551122"}]}
        http(f"{self.url}/v1/accounts/busy/broadcasts/{self.broadcast}/batches", submission)
        for fault in FAULTS:
            http(f"{self.control}/faults", fault)
        self.follow("down", self._add("down", validating_for=LONG))
        self.follow("refused", self._add("down", validating_for=LONG))

    def go_on(self) -> None:
        """Some more batches come, and are followed."""
        for end in ("ACTIVE", "ERRORS", "SOURCE_ERROR"):
            self.follow("busy", self._add("busy", count=2, new_for=0.3, validating_for=0.5, end=end))

    def follow(self, account: str, ids: list[int]) -> None:
        rows = [{"account": account, "batch_id": number, "broadcast_id": self.broadcast} for number in ids]
        http(f"{self.url}/v1/watches", rows)

    def _add(self, account: str, **plan: object) -> list[int]:
        added = http(f"{self.control}/batches", {"account": account, **plan})
        self.broadcast = added["broadcast_id"]
        ids: list[int] = added["ids"]
        return ids


@contextmanager
def troubled(folder: Path) -> Iterator[Troubled]:
    """All of it, until the end of the context."""
    with ExitStack() as closing:
        accounts = {name: (name, PASSWORD) for name in ("busy", "down")}
        peers = [
            closing.enter_context(_peer("simulator", {"latency": 0.01, "accounts": accounts})),
            closing.enter_context(_peer("receiver", {"secret": SECRET, "slow": 0.01})),
            closing.enter_context(_peer("receiver", {"secret": SECRET, "fail_share": 1.0, "fail_code": 500})),
            closing.enter_context(_peer("receiver", {"secret": SECRET, "fail_share": 1.0, "fail_code": 410})),
        ]
        simulator, *receivers = [json.loads(lines_of(peer)) for peer in peers]
        config = folder / "watcher.toml"
        endpoints = {name: each["url"] for name, each in zip(("well", "failing", "gone"), receivers, strict=True)}
        config.write_text(_settings(simulator["api"], endpoints), encoding="utf-8")
        config.chmod(0o600)  # there are passwords in it
        daemon = Replica(1, config, lambda _: f"sqlite:///{folder / 'watcher.db'}")
        closing.callback(daemon.drop)
        daemon.start()
        yield Troubled(url=daemon.url, control=simulator["control"])


def _settings(api: str, endpoints: dict[str, str]) -> str:
    return "\n".join(
        [
            *(
                f'[accounts.{name}]\nlogin = "{name}"\npassword = "{PASSWORD}"\nrate = 40\nbase_url = "{api}"'
                for name in ("busy", "down", "refused")
            ),
            '[polling]\nmin_interval = "0.1s"\nworth = "0.001s"\nsave_interval = "0.5s"\nstuck_validating = "2s"',
            '[webhooks]\nallow_networks = ["127.0.0.0/8"]',
            *(f'[endpoints.{name}]\nurl = "{url}"\nsecret = "{SECRET}"' for name, url in endpoints.items()),
        ]
    )


@contextmanager
def _peer(kind: str, config: dict[str, Any]) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "tests.chaos.peers", kind, json.dumps(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.terminate()
