"""One daemon as a process of its own, whose machine or whose CallFire is in trouble: what it is asked, and what was promised."""

import json
import resource
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos.campaign import SECRET, Campaign, http
from tests.chaos.evidence import Batch, Evidence, findings
from tests.chaos.peers import peers

PATIENCE: Final = 90.0
UNHEARD: Final = (OSError, urllib.error.HTTPError, ValueError)
"""What comes of asking a daemon that cannot answer now."""

Json = Any


@dataclass(slots=True)
class Alone:
    """The daemon, and what somebody was told that it follows. `unsaid` are batches that nobody said yes to yet."""

    ours: Campaign
    rates: Mapping[str, float]
    followed: set[Batch] = field(default_factory=set)
    unsaid: list[Batch] = field(default_factory=list)

    @property
    def pid(self) -> int:
        assert self.ours.daemon is not None
        return self.ours.daemon.pid

    def add(self, account: str, count: int, **plan: object) -> None:
        """More batches at CallFire, to be followed."""
        ids = http(f"{self.ours.control}/batches", {"account": account, "count": count, **plan})["ids"]
        self.unsaid += [(account, number) for number in ids]

    def follow(self) -> bool:
        """Asks it to follow what nobody said yes to yet; whether it did. Asked again, it is harmless."""
        asked = list(self.unsaid)
        try:
            http(f"{self.ours.url}/v1/watches", [{"account": who, "batch_id": number} for who, number in asked])
        except UNHEARD:
            return False
        self.followed |= set(asked)
        self.unsaid.clear()
        return True

    def limit(self, what: int, most: int) -> None:
        """From now on the daemon may have that much."""
        _, hard = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (most, hard))

    def free(self, what: int) -> None:
        """It may have as much as ever."""
        _, hard = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (hard, hard))

    def answers(self, path: str) -> int:
        """The code of its answer; 0 where there is none."""
        return code_of(f"{self.ours.url}{path}")

    def said(self) -> Counter[str]:
        """How often each event was logged. What is no line of ours is what the interpreter says at its end."""
        return Counter(json.loads(line)["event"] for line in self.ours.log().splitlines() if line.startswith("{"))

    def said_since(self, before: Mapping[str, int], event: str) -> int:
        """How often the event was logged since it had been logged so often."""
        return self.said()[event] - before.get(event, 0)

    def drop(self) -> int:
        """Ends it by SIGKILL where it still runs; with what it ended."""
        assert self.ours.daemon is not None
        self.ours.daemon.kill()
        code = self.ours.daemon.wait(10)
        assert self.ours.daemon.stdout is not None
        self.ours.daemon.stdout.close()
        return code

    def finish(self, seconds: float = PATIENCE) -> list[str]:
        """Waits until nothing is owed, ends the daemon in good order, and holds everything against what is true."""
        until(self.follow, seconds, "what was asked for is followed")
        evidence: list[Evidence] = []
        self.ours.ids = [number for _, number in self.followed]
        self.ours.finish(seconds, before=lambda: evidence.append(self._gather()))
        return findings(evidence[0])

    def _gather(self) -> Evidence:
        return Evidence(
            rates=self.rates,
            followed=frozenset(self.followed),
            truth=http(f"{self.ours.control}/truth")["batches"],
            requests=http(f"{self.ours.control}/requests")["requests"],
            watches=self.ours.watches(),
            events=self.ours.events(),
            received=self.ours.received(),
        )


def until(so: Callable[[], object], seconds: float, what: str, every: float = 0.1) -> float:
    """Waits until it is so; how long that took, in seconds. What it costs to ask says how often."""
    began = time.monotonic()
    while not so():
        assert time.monotonic() < began + seconds, f"not within {seconds:g} s: {what}"
        time.sleep(every)
    return time.monotonic() - began


@contextmanager
def alone(folder: Path, *, rates: Mapping[str, float], more: Mapping[str, str] | None = None) -> Iterator[Alone]:
    """Simulator and receiver with these accounts, and a daemon that is not started yet, as long as the context lasts."""
    logins = {name: (name, "password") for name in rates}
    with peers(("simulator", {"latency": 0.005, "accounts": logins}), ("receiver", {"secret": SECRET})) as told:
        simulator, receiver = told
        ours = Campaign(folder, simulator["api"], simulator["control"], receiver["url"], 1)
        for name, rate in rates.items():
            prefix = f"WATCHER_ACCOUNTS__{name.upper()}__"
            ours.more |= {f"{prefix}LOGIN": name, f"{prefix}PASSWORD": "password", f"{prefix}RATE": f"{rate:g}"}
            ours.more[f"{prefix}BASE_URL"] = ours.api
        ours.more |= {"WATCHER_ENDPOINTS__DEFAULT__ORDERING": "batch", **(more or {})}
        place = Alone(ours, dict(rates))
        try:
            yield place
        finally:
            if ours.daemon is not None and ours.daemon.poll() is None:
                place.drop()


def code_of(url: str) -> int:
    """The code of its answer; 0 where there is none."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0
