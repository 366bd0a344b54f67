"""What is asked of a replica that does not poll the account: to wait, to look now, both streams, and the command `wait`."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import jsonpatch

from tests.chaos.campaign import http as asked
from tests.chaos.evidence import findings
from tests.chaos.fleet import Fleet, wait_for
from tests.chaos.followers import Follower, attending
from tests.chaos.outcome import Figure, Outcome
from tests.chaos.replica import Replica

SOON: Final = 15.0
"""Seconds within which whoever asks elsewhere hears of a change."""
ROUNDS: Final = 5

Json = Any


@dataclass(slots=True)
class Onlooker:
    """A page that shows all watches, as the stream at one replica tells them."""

    at: Replica
    document: Json = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        address = urlsplit(self.at.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=20)
        try:
            connection.request("GET", "/v1/stream?limit=1000")
            answer = connection.getresponse()
            fields: dict[str, str] = {}
            while not self.over.is_set():
                name, _, value = answer.readline().decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                    continue
                self._take(fields)
                fields = {}
        finally:
            connection.close()

    def _take(self, fields: dict[str, str]) -> None:
        if fields.get("event") == "data":
            self.document = json.loads(fields["data"])
        elif fields.get("event") == "patch":
            self.document = jsonpatch.apply_patch(self.document, json.loads(fields["data"]))

    def statuses(self) -> dict[str, str]:
        return {name: watch["status"] for name, watch in self.document.get("watches", {}).items()}


def tell(ours: Fleet) -> Outcome:
    """Two replicas; each is asked about accounts that the other one polls."""
    ours.hire(1)
    ours.audit()
    ours.hire(1)
    ours.anchor()
    wait_for(lambda: len(set(ours.owners().values())) == 2, 60, "both replicas have accounts")
    followers = [Follower(replica, patience=10_000) for replica in ours.replicas]
    onlookers = [Onlooker(replica) for replica in ours.replicas]
    figures: list[Figure] = []
    wrong: list[str] = []
    with attending(*followers, *onlookers):
        for elsewhere in ours.replicas:
            figures += _asked_elsewhere(ours, elsewhere, wrong)
        ours.settle()
        evidence = ours.gather()
        log = [(event["position"], event["id"]) for event in evidence.events]
        truth = {f"{watch['account']}/{watch['batch_id']}": watch["status"] for watch in evidence.watches}
        try:
            wait_for(
                lambda: all(each.got == log for each in followers), SOON, "every stream of events has the whole log"
            )
            wait_for(lambda: all(each.statuses() == truth for each in onlookers), SOON, "every page shows how it is")
        except AssertionError as late:
            wrong.append(str(late))
    ours.dismiss()
    return Outcome(figures=figures, wrong=[*wrong, *findings(evidence)])


def _asked_elsewhere(ours: Fleet, elsewhere: Replica, wrong: list[str]) -> list[Figure]:
    account = next(name for name, pid in ours.owners().items() if pid != elsewhere.pid)
    waited, refreshed = [], []
    for _ in range(ROUNDS):
        batch = _one_more(ours, account, elsewhere)
        place = f"{elsewhere.url}/v1/accounts/{account}/batches/{batch}"
        _until_seen(place, "VALIDATING")
        since = ours.requests()["next"]
        began = time.monotonic()
        code, _ = ask(f"{place}/refresh", "POST")
        refreshed.append(time.monotonic() - began)
        looked = any(each["account"] == account for each in ours.requests(since)["requests"])
        if code != 200 or not looked:
            wrong.append(f"{account}/{batch}: asked to be looked at elsewhere: {code}, looked: {looked}")
        waited.append(_waited(ours, place, batch, wrong))
    command = _wait_by_command(ours, account, elsewhere, wrong)
    name = f"replica {elsewhere.number}"
    return [
        (f"{name}: looking now, longest, s", f"{max(refreshed):.2f}"),
        (f"{name}: `Prefer: wait` from the end to the answer, longest, s", f"{max(waited):.2f}"),
        (f"{name}: `watcher wait` from the end to its exit, s", f"{command:.2f}"),
    ]


def _one_more(ours: Fleet, account: str, elsewhere: Replica) -> int:
    """A batch of the account that validates until it is told to end, followed by way of that replica."""
    ours.add(account, 1, new_for=0.0, validating_for=1000.0, end="ACTIVE")
    batch = ours.unfollowed[-1][1]
    assert ours.follow(elsewhere)
    return batch


def _until_seen(place: str, status: str) -> None:
    wait_for(lambda: asked(place)["status"] == status, SOON, f"{place} is seen as {status}")


def _waited(ours: Fleet, place: str, batch: int, wrong: list[str]) -> float:
    """How long after a batch ended whoever waited for it elsewhere was told."""
    ended: list[float] = []

    def end() -> None:
        ended.append(time.monotonic())
        asked(f"{ours.control}/batches/{batch}/end", {})

    timer = threading.Timer(0.5, end)
    timer.start()
    _, watch = ask(place, "GET", Prefer="wait=20")
    told = time.monotonic()
    timer.join()
    if watch["status"] != "ACTIVE":
        wrong.append(f"{place}: waited for, and told {watch['status']}")
    return told - ended[0]


def _wait_by_command(ours: Fleet, account: str, elsewhere: Replica, wrong: list[str]) -> float:
    batch = _one_more(ours, account, elsewhere)
    command = [sys.executable, "-m", "watcher", "wait", str(batch), "--account", account, "--timeout", "30s"]
    with subprocess.Popen(
        command,
        env={**os.environ, "WATCHER_URL": elsewhere.url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        time.sleep(2.0)  # until it waits
        ended = time.monotonic()
        asked(f"{ours.control}/batches/{batch}/end", {})
        _, said = waiting.communicate(timeout=60)
    if waiting.returncode != 0:
        wrong.append(f"`watcher wait` at a replica that does not poll {account}: {waiting.returncode} {said[-300:]}")
    return time.monotonic() - ended


def ask(url: str, method: str, **headers: str) -> tuple[int, Json]:
    """The code and the JSON of an answer."""
    with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=40) as answer:
        return answer.status, json.loads(answer.read())
