"""Whoever follows the stream of events with Last-Event-ID gets each event once and in order, however often the daemon is killed,
restarted, or the connection breaks."""

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.chaos.campaign import Campaign, campaign

FOLLOWERS = 5


@dataclass(slots=True)
class Follower:
    """A client in a thread of its own: it comes again whenever its connection ends, at once, where the daemon is then.
    `patience` is how many events it takes at most before it ends the connection by itself."""

    ours: Campaign
    patience: int
    got: list[tuple[int, str]] = field(default_factory=list)
    last: str = "0"
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._listen()
            except (OSError, http.client.HTTPException, ValueError):  # it died, or is not there yet
                time.sleep(0.02)

    def _listen(self) -> None:
        address = urlsplit(self.ours.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=1.0)
        try:
            connection.request("GET", "/v1/events/stream", headers={"Last-Event-ID": self.last})
            answer = connection.getresponse()
            if answer.status != 200:
                return
            self.connections += 1
            fields: dict[str, str] = {}
            taken = 0
            while taken < self.patience:
                line = answer.readline().decode()
                if not line:
                    return
                name, _, value = line.rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                    continue
                if "data" in fields:
                    assert fields["event"] != "gap", fields
                    event = json.loads(fields["data"])
                    if fields["event"] != "error":
                        self.got.append((event["position"], event["id"]))
                        taken += 1
                self.last = fields.get("id", self.last)  # only where the event came as a whole
                fields = {}
        finally:
            connection.close()


def follow_through(folder: Path, kills: int, per_kill: int, seed: int) -> None:
    draw = random.Random(seed)
    with campaign(folder, rate=40) as ours:
        ours.start()
        followers = [Follower(ours, patience=1 + 7 * number) for number in range(FOLLOWERS)]
        threads = [
            threading.Thread(target=each.run, name=f"follower {number}") for number, each in enumerate(followers)
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(kills):
                ids = ours.add(
                    per_kill, new_for=draw.uniform(0, 0.5), validating_for=draw.uniform(0.1, 1.0), end="ACTIVE"
                )
                ours.follow(ids)
                time.sleep(draw.uniform(0.2, 1.2))
                ours.kill()
                ours.start()
            ours.follow(ours.ids)
            deadline = time.monotonic() + 60
            while ours._owed():
                assert time.monotonic() < deadline, ours._owed()
                time.sleep(0.1)
            expected = [(event["position"], event["id"]) for event in ours.events()]
            while any(len(each.got) < len(expected) for each in followers):
                assert time.monotonic() < deadline, [len(each.got) for each in followers]
                time.sleep(0.05)
        finally:
            for each in followers:
                each.over.set()
            for thread in threads:
                thread.join(10)
        assert ours.kills == kills
        for each in followers:
            assert each.got == expected
            assert each.connections > kills
        ours.finish(10)


def test_followers_of_the_stream_miss_nothing_and_get_nothing_twice_over_kills(tmp_path: Path) -> None:
    """3 kills; 20 in the long campaign."""
    follow_through(tmp_path, kills=3, per_kill=8, seed=1)


@pytest.mark.campaign
def test_followers_over_20_kills(tmp_path: Path) -> None:
    """The long campaign."""
    follow_through(tmp_path, kills=20, per_kill=30, seed=2)
