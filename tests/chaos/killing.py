"""One daemon under load, killed at named points and at random moments, and everything gathered in the end.

Batches come, are followed, and are submitted; one endpoint takes what comes, another one never answers.
"""

import json
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import client as http_client
from pathlib import Path
from typing import Any, Final

from tests.chaos.campaign import http, pages
from tests.chaos.environment import ACCOUNT, PASSWORD, SECRET, SECRETS, TIMEOUT, TOKEN, environment
from tests.chaos.evidence import ACCEPTED, Batch, Beside, Evidence, unexpected
from tests.chaos.fleet import ENDS, FOREVER
from tests.chaos.followers import Follower
from tests.chaos.kept import Place, kept
from tests.chaos.loads import LIGHT, Load
from tests.chaos.nursery import Nursery
from tests.chaos.peers import Peer, peers

LONGEST: Final = 1.2
"""Seconds after its start when the daemon is killed at the latest, where the moment is drawn."""
MOMENT: Final = "random moment"
CALM: Final = "in calm"
UNREACHED: Final = 30.0
"""Seconds within which a point must be reached."""
AGREED: Final = 20
"""How often the log and what came are asked for until they agree."""
UNAVAILABLE: Final = (OSError, http_client.HTTPException)
"""It died while we asked. urllib's errors are among them."""

Json = Any


@dataclass(slots=True)
class Killing:
    """Where everything is. `followed` is what somebody was told is followed, `submitted` the id of each batch that somebody was
    told was added, by name; `unfollowed` and `unsent` are asked for again until then, as a client would. `others` are receivers
    of endpoints that want no order."""

    folder: Path
    nursery: Nursery
    place: Place
    api: str
    control: str
    receiver: str
    silent: str
    draw: random.Random
    rate: float
    load: Load
    others: Sequence[str]
    broadcast: int = 0
    followed: set[Batch] = field(default_factory=set)
    submitted: dict[str, int] = field(default_factory=dict)
    unfollowed: list[int] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)
    anchors: list[int] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    beside: Beside | None = None
    names: int = 0
    journals: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / "daemon.log"

    def start(self, point: str = "after:nothing", nth: int = 1) -> int:
        """Starts the daemon; does not wait until it listens."""
        self.place.bury()
        settings = environment(
            api=self.api,
            rate=self.rate,
            database=self.place.url,
            receivers=(self.receiver, self.silent, *self.others),
            load=self.load,
        )
        return self.nursery.bear(settings, self.log, point, nth)

    def gone(self, seconds: float, how: str) -> bool:
        """Waits for the daemon to be gone by SIGKILL, and counts how; whether it is."""
        if not self.nursery.gone(seconds):
            return False
        assert self.nursery.ended == -signal.SIGKILL, f"it ended with {self.nursery.ended}: {self.tail()}"
        self.kills[how] += 1
        return True

    def die_at(self, point: str, nth: int) -> None:
        """One run: until it dies at the nth call of the point, more and more is asked of it."""
        self.start(point, nth)
        self.more(self.load.at_first(self.kills.total()), self.load.submissions)
        deadline = time.monotonic() + UNREACHED
        while self.nursery.up():  # else it died before it listened: there was work left from before
            assert time.monotonic() < deadline, f"{point} was not reached {nth} times: {self.tail()}"
            self.work()
            if self.nursery.gone(0.25):
                break
            self.more(self.load.then, 1)
        assert self.gone(5, point)

    def die_by_chance(self, how: str) -> None:
        """One run: it dies at some moment, which may be before it listens."""
        pid = self.start()
        timer = threading.Timer(self.draw.uniform(0.0, LONGEST), os.kill, (pid, signal.SIGKILL))
        timer.start()
        self.more(self.load.at_first(self.kills.total()), self.load.submissions)
        while self.nursery.up():
            self.work()
            if self.nursery.gone(0.1):
                break
            self.more(self.load.then, 1)
        assert self.gone(5, how)
        timer.join()

    def kill(self) -> None:
        """Now, while nothing is disturbed."""
        os.kill(self.nursery.pid, signal.SIGKILL)
        assert self.gone(5, CALM)

    def more(self, batches: int, submissions: int) -> None:
        """More batches at CallFire, to be followed, and others to be submitted."""
        plan = {
            "new_for": self.draw.uniform(0.0, 0.4),
            "validating_for": self.draw.uniform(0.1, 1.0),
            "end": self.draw.choice(ENDS),
        }
        self.unfollowed += http(f"{self.control}/batches", {"count": batches, **plan})["ids"]
        self.unsent += [f"batch-{self.names + number}" for number in range(submissions)]
        self.names += submissions

    def anchor(self, count: int) -> None:
        """Batches that do not end before all else has."""
        plan = {"count": count, "new_for": 0.1, "validating_for": FOREVER, "end": "ACTIVE"}
        self.anchors = http(f"{self.control}/batches", plan)["ids"]
        self.unfollowed += self.anchors

    def work(self) -> None:
        """Asks for all that nobody said is done, once."""
        try:
            if self.unfollowed:
                asked = [{"account": ACCOUNT, "batch_id": number} for number in self.unfollowed]
                self.ask("/v1/watches", asked)
                self.followed |= {(ACCOUNT, number) for number in self.unfollowed}
                self.unfollowed = []
            for name in list(self.unsent):
                self._submit(name)
        except urllib.error.HTTPError as refused:
            with refused:
                said = refused.read().decode()
            if refused.code < http_client.INTERNAL_SERVER_ERROR:
                raise AssertionError(f"{refused}: {said}") from refused
        except UNAVAILABLE:
            return

    def _submit(self, name: str) -> None:
        body = {"name": name, "kind": "call", "recipients": [{"phone_number": "12135550100"}]}
        added = self.ask(f"/v1/accounts/{ACCOUNT}/broadcasts/{self.broadcast}/batches", body, {"Idempotency-Key": name})
        if added.get("batch_id") is not None:
            self.unsent.remove(name)
            self.submitted[name] = added["batch_id"]
            self.followed.add((ACCOUNT, added["batch_id"]))

    def ask(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Json:
        """What the daemon answers."""
        return json.loads(self._answer(path, body, headers))

    def _answer(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> bytes:
        request = urllib.request.Request(
            self.nursery.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {TOKEN}",
                "Prefer": "wait=0",
                **(headers or {}),
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said: bytes = answer.read()
        return said

    def calm(self, batches: int, seconds: float) -> None:
        """For so long batches come and are not disturbed, one at a time."""
        assert self.nursery.up(), self.tail()
        began = time.time()
        for _ in range(batches):
            self.more(1, 0)
            self.work()
            time.sleep(seconds / batches)
        self.beside = self.beside or Beside(began=began * 1000, ended=time.time() * 1000, timeout=TIMEOUT * 1000)

    def hear_out(self, followers: Sequence[Follower], seconds: float) -> None:
        """Waits so long for each of them to have as many events as there are."""
        deadline, count = time.monotonic() + seconds, len(list(self.pages("/v1/events?limit=1000", "after")))
        while any(len(each.got) < count for each in followers) and time.monotonic() < deadline:
            time.sleep(self.load.patience)

    def fault(self, **fault: object) -> None:
        """Something befalls requests to CallFire from now on: see the simulator's Fault."""
        http(f"{self.control}/faults", fault)

    def settle(self, still: float) -> None:
        """Until all that ends has been learnt and every event was accepted, or nothing has moved for so many seconds."""
        assert self.nursery.up(), self.tail()
        owed, since = (-1, -1, -1), time.monotonic()
        weighed = False
        while time.monotonic() - since < still:
            self.work()
            now = self._owed()
            if not weighed and not self.unfollowed and not self.unsent:
                self._weigh()
                weighed = True
            elif now == (0, 0, 0):
                return
            if now != owed:
                owed, since = now, time.monotonic()
            time.sleep(self.load.patience)

    def _weigh(self) -> None:
        """What would not end by itself ends now."""
        for number in [*self.anchors, *self.submitted.values()]:
            http(f"{self.control}/batches/{number}/end", {})

    def _owed(self) -> tuple[int, int, int]:
        """How much nobody said is done, how many watches have not ended, and how many events were not accepted."""
        accepted = [_accepted(self.received(each)) for each in (self.receiver, *self.others)]
        unfinished = sum(not watch["final"] for watch in self.pages("/v1/watches?limit=1000", "cursor"))
        events = {event["id"] for event in self.pages("/v1/events?limit=1000", "after")}
        return len(self.unfollowed) + len(self.unsent), unfinished, sum(len(events - each) for each in accepted)

    def pages(self, path: str, cursor: str) -> Iterator[Json]:
        return pages("", path, cursor, self.ask)

    def received(self, receiver: str) -> list[Json]:
        came = self.journals.setdefault(receiver, [])
        came += http(f"{receiver}journal?since={len(came)}")["received"]
        return came

    def followers(self) -> list[Follower]:
        """Clients of the stream of events, some of whom come again after a few."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return [Follower(self.nursery, 1 + 500 * number, headers) for number in range(self.load.followers)]

    def _agreed(self) -> tuple[list[Json], list[list[Json]]]:
        """The log, and what came to each receiver. What is told meanwhile, as of an endpoint that fails, is waited for."""
        tries = AGREED
        while True:
            log = list(self.pages("/v1/events?limit=1000", "after"))
            came = [list(self.received(each)) for each in (self.receiver, *self.others)]
            known, tries = {event["id"] for event in log}, tries - 1
            if not tries or all(known == _accepted(journal) for journal in came):
                return log, came
            time.sleep(self.load.patience)

    def gather(self) -> Evidence:
        """Everything; afterwards the daemon has ended in good order."""
        watches = list(self.pages("/v1/watches?limit=1000", "cursor"))
        events, (received, *others) = self._agreed()
        said = {
            path: self._answer(path).decode()
            for path in ("/metrics", "/v1/accounts", "/v1/endpoints", "/readyz", "/openapi.json")
        }
        os.kill(self.nursery.pid, signal.SIGTERM)
        assert self.nursery.gone(25), self.tail()
        assert self.nursery.ended == 0, self.tail()
        log = self.log.read_text(encoding="utf-8")
        return Evidence(
            rates={ACCOUNT: self.rate * (1 + self.load.late)},
            followed=frozenset(self.followed),
            truth=http(f"{self.control}/truth")["batches"],
            requests=http(f"{self.control}/requests?since=0")["requests"],
            watches=watches,
            events=events,
            received=received,
            errors=list(unexpected(log)),
            others=others,
            ordered=self.load.ordering == "batch",
            kept=kept(self.place, endpoints=2 + len(self.others)),
            beside=self.beside,
            said={**said, "log": log, "events": json.dumps(events), "webhooks": json.dumps(received)},
            secrets=SECRETS,
            submitted=self.submitted,
        )

    def tail(self) -> str:
        """The end of the log."""
        return self.log.read_text(encoding="utf-8")[-3000:] if self.log.exists() else ""


def _accepted(journal: Sequence[Json]) -> set[str]:
    """The events that a receiver accepted."""
    return {each["id"] for each in journal if each["answered"] < ACCEPTED}


@contextmanager
def killing(
    folder: Path,
    nursery: Nursery,
    place: Place,
    *,
    rate: float,
    seed: int,
    fails: Mapping[str, float],
    mixed: float,
    load: Load = LIGHT,
) -> Iterator[Killing]:
    """CallFire and the receivers, each a process of its own, as long as the context lasts; no daemon yet. `fails` is how the
    endpoint that wants webhooks in order fails (see ReceiverConfig), `mixed` the share of requests to CallFire that do."""
    simulator = {
        "latency": load.latency,
        "accounts": {ACCOUNT: ("login", PASSWORD)},
        "workload": {"batches_a_broadcast": load.a_broadcast},
    }
    receiver = {"secret": SECRET, "fail_code": 503, "retry_after": 1, "seed": seed, **fails}
    quiet = {"secret": SECRET, "slow": FOREVER}
    wanted: list[Peer] = [("simulator", simulator), ("receiver", receiver), ("receiver", quiet)]
    more: list[Peer] = [("receiver", {"secret": SECRET, "slow": load.slow})] * load.others
    with peers(*wanted, *more) as (upstream, takes, silent, *others):
        ours = Killing(
            folder,
            nursery,
            place,
            upstream["api"],
            upstream["control"],
            takes["url"],
            silent["url"],
            random.Random(seed),
            rate,
            load,
            [each["url"] for each in others],
        )
        ours.broadcast = http(f"{ours.control}/batches", {"count": 1, "kind": "calls"})["broadcast_id"]
        http(f"{ours.control}/faults", {"mixed": mixed})
        try:
            yield ours
        finally:
            if nursery.pid and not nursery.gone(0.0):
                os.kill(nursery.pid, signal.SIGKILL)
                nursery.gone(5)
