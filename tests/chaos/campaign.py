"""A campaign: simulator and receiver stay, and the daemon is killed again and again, each time a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos.evidence import ACCEPTED
from tests.chaos.peers import lines_of, peers

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Json = Any


def http(url: str, body: object = None, method: str | None = None) -> Json:
    """One request to one of our own servers on loopback; the JSON of the answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def pages(url: str, path: str, cursor: str, ask: Callable[[str], Json] = http) -> Iterator[Json]:
    """All items of a list."""
    page = ask(url + path)
    while page["items"]:
        yield from page["items"]
        if page["next"] is None:
            return
        page = ask(f"{url}{path}&{cursor}={page['next']}")


@dataclass(slots=True)
class Campaign:
    """Where everything is. `rate` is the daemon's budget in requests a second, `more` what else stands in its environment."""

    folder: Path
    api: str
    control: str
    receiver: str
    rate: int
    ids: list[int] = field(default_factory=list)
    daemon: "subprocess.Popen[str] | None" = None
    url: str = ""
    kills: int = 0
    more: dict[str, str] = field(default_factory=dict)

    def start(self, point: str = "after:nothing", nth: int = 1, within: Sequence[str] = ()) -> None:
        """Starts the daemon, which will die by itself at the nth call of the point; `within` a program that becomes it."""
        environment = {
            **os.environ,
            "CALLFIRE_LOGIN": "login",
            "CALLFIRE_PASSWORD": "password",
            "CALLFIRE_BASE_URL": self.api,
            "CALLFIRE_RATE": str(self.rate),
            "WATCHER_DATABASE_URL": f"sqlite:///{self.folder / 'watcher.db'}",
            "WATCHER_LISTEN": "127.0.0.1:0",
            "WATCHER_WEBHOOK_URL": self.receiver,
            "WATCHER_WEBHOOK_SECRET": SECRET,
            "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
            "WATCHER_POLLING__SAVE_INTERVAL": "0.1s",
            "WATCHER_POLLING__MIN_INTERVAL": "0.1s",  # most looks show nothing new, as in real life
            "WATCHER_POLLING__WORTH": "0.005s",
            "WATCHER_POLLING__LOOK_TIMEOUT": "3s",
            "WATCHER_POLLING__CONNECT_TIMEOUT": "1s",
            "WATCHER_LOG": "json",
            **self.more,
        }
        with (self.folder / "daemon.log").open("a") as log:
            self.daemon = subprocess.Popen(
                [*within, sys.executable, "-m", "tests.chaos.crashing", point, str(nth)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.url = lines_of(self.daemon)

    def add(self, count: int, **plan: object) -> list[int]:
        """More batches at CallFire, not followed yet."""
        ids: list[int] = http(f"{self.control}/batches", {"count": count, **plan})["ids"]
        self.ids += ids
        return ids

    def follow(self, ids: Sequence[int]) -> None:
        """Asks the daemon to follow them; OSError where it died meanwhile."""
        http(f"{self.url}/v1/watches", [{"batch_id": number} for number in ids])

    def kill(self) -> None:
        """SIGKILL, now."""
        assert self.daemon is not None
        self.daemon.kill()
        assert self.gone(60)

    def gone(self, seconds: float) -> bool:
        """Waits for the daemon to be gone by SIGKILL; whether it is."""
        assert self.daemon is not None
        try:
            code = self.daemon.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        assert code == -signal.SIGKILL, f"the daemon ended by itself with {code}: {self.log()[-3000:]}"
        self.kills += 1
        assert self.daemon.stdout is not None
        self.daemon.stdout.close()
        return True

    def log(self) -> str:
        return (self.folder / "daemon.log").read_text(encoding="utf-8")

    def finish(self, seconds: float, before: Callable[[], object] = lambda: None) -> None:
        """Waits until every batch's end is learnt and every event is delivered, then ends the daemon in good order; something may
        be done before that."""
        deadline = time.monotonic() + seconds
        while self.owed():
            assert time.monotonic() < deadline, f"still owed after {seconds} s: {self.owed()}\n{self.log()[-3000:]}"
            time.sleep(0.2)
        before()
        assert self.daemon is not None
        self.daemon.terminate()
        assert self.daemon.wait(60) == 0, self.log()[-3000:]
        assert self.daemon.stdout is not None
        self.daemon.stdout.close()

    def owed(self) -> str:
        """What is not learnt, delivered or followed yet, in words; nothing where all is."""
        unfinished = [watch for watch in self.watches() if not watch["final"]]
        accepted = {each["id"] for each in self.received() if each["answered"] < ACCEPTED}
        undelivered = {event["id"] for event in self.events()} - accepted
        missing = len(set(self.ids)) - len(self.watches())
        if unfinished or undelivered or missing:
            return f"{len(unfinished)} unfinished, {len(undelivered)} undelivered, {missing} not followed"
        return ""

    def watches(self) -> list[Json]:
        return list(pages(self.url, "/v1/watches?limit=1000", "cursor"))

    def events(self) -> list[Json]:
        return list(pages(self.url, "/v1/events?limit=1000", "after"))

    def received(self) -> list[Json]:
        received: list[Json] = http(f"{self.receiver}journal")["received"]
        return received


@contextmanager
def campaign(folder: Path, *, rate: int, latency: float = 0.005, fail_share: float = 0.0) -> Iterator[Campaign]:
    """Simulator and receiver, each a process of its own, for as long as the context lasts."""
    simulator = {"latency": latency}
    receiver = {"secret": SECRET, "fail_share": fail_share, "fail_code": 503, "retry_after": 1}
    with peers(("simulator", simulator), ("receiver", receiver)) as (upstream, takes):
        ours = Campaign(folder, upstream["api"], upstream["control"], takes["url"], rate)
        try:
            yield ours
        finally:
            if ours.daemon is not None and ours.daemon.poll() is None:
                ours.daemon.kill()
                ours.daemon.wait(60)
            if ours.daemon is not None and ours.daemon.stdout is not None:
                ours.daemon.stdout.close()
