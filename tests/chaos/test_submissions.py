"""Whatever becomes of answers, and whenever the daemon is killed: CallFire gets each batch exactly once, and each is followed.

The gate runs a short slice of each campaign; `make chaos` runs them whole.
"""

import json
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import client as http_client
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.campaign import Campaign, campaign, http

CLIENTS: Final = 6
PATIENCE: Final = 300.0
"""Seconds after which a batch that CallFire does not have is given up."""
FAULTS: Final[Sequence[dict[str, Any]]] = (
    {"kind": "lost", "code": 0, "share": 0.08},
    {"kind": "lost", "code": 503, "share": 0.05},
    {"kind": "lost", "code": 502, "body": "html", "share": 0.04},
    {"kind": "slow", "seconds": 2.0, "share": 0.03},  # longer than anybody waits for it
    {"kind": "cut", "share": 0.03},
    {"kind": "not_json", "share": 0.02},
    {"kind": "code", "code": 503, "share": 0.04},  # not done
    {"kind": "reset", "share": 0.03},
    {"kind": "hang", "share": 0.02},
    {"kind": "code", "code": 429, "retry_after": 1, "share": 0.01},
)
"""What befalls batches that are added: over three in ten, and seven in ten of those after they were."""
CAREFUL: Final = {
    "WATCHER_POLLING__LOOK_TIMEOUT": "0.6s",
    "WATCHER_POLLING__CONNECT_TIMEOUT": "0.5s",
    "WATCHER_SUBMIT__SETTLE": "1s",
}


class Clients:
    """Each has its batches added, and asks with the same key again until it knows that they were."""

    def __init__(self, ours: Campaign, broadcast: int) -> None:
        self._ours = ours
        self._broadcast = broadcast
        self.added: dict[str, Any] = {}
        self.over = False

    def add(self, key: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.over and time.monotonic() < deadline:
            try:
                status, document = self._ask(key)
            except (OSError, http_client.HTTPException):  # it was killed while we asked
                time.sleep(0.05)
                continue
            assert status in (201, 202, 503), document
            if status == 201:
                self.added[key] = document
                return

    def _ask(self, key: str) -> tuple[int, Any]:
        body = {
            "name": f"batch {key}",
            "kind": "call",
            "labels": {"key": key},
            "recipients": [{"phone_number": f"1213555{int(key):04}"}],
        }
        url = self._ours.url
        if not url:  # it died before it listened: there was work left from before
            raise ConnectionRefusedError
        request = urllib.request.Request(
            f"{url}/v1/accounts/default/broadcasts/{self._broadcast}/batches",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": key, "Prefer": "wait=1"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@contextmanager
def submitting(folder: Path, faults: Sequence[dict[str, Any]]) -> Iterator[tuple[Campaign, Clients]]:
    with campaign(folder, rate=60) as ours:
        ours.more.update(CAREFUL)
        broadcast = http(f"{ours.control}/batches", {"count": 1, "kind": "calls", "validating_for": 0.1})[
            "broadcast_id"
        ]
        for fault in faults:
            http(f"{ours.control}/faults", {"operation": "submit", **fault})
        http(f"{ours.control}/faults", {"operation": "page", "kind": "code", "code": 503, "share": 0.1})
        yield ours, Clients(ours, broadcast)


def verify(ours: Campaign, clients: Clients, keys: Sequence[str]) -> None:
    """CallFire has each batch once, under the name that was told, and each is followed with its labels."""
    assert sorted(clients.added) == sorted(keys), ours.log()[-3000:]
    truth = http(f"{ours.control}/truth")["batches"]
    there = Counter(batch["name"].partition(" [")[0] for batch in truth if batch["name"].startswith("batch "))
    assert there == Counter(f"batch {key}" for key in keys)
    by_id = {batch["id"]: batch for batch in truth}
    for document in clients.added.values():
        assert by_id[document["batch_id"]]["name"] == document["name"]
    followed = {watch["batch_id"]: watch["labels"]["key"] for watch in ours.watches()}
    assert followed == {document["batch_id"]: key for key, document in clients.added.items()}
    spent = http(f"{ours.control}/budget")["default"]
    assert spent["most_in_a_second"] <= ours.rate + 1, spent


def random_kills(folder: Path, batches: int, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    keys = [str(number) for number in range(batches)]
    with submitting(folder, FAULTS) as (ours, clients):
        ours.start()
        with ThreadPoolExecutor(CLIENTS) as pool:
            asked = [pool.submit(clients.add, key) for key in keys]
            try:
                for _ in range(kills):
                    time.sleep(draw.uniform(0.2, 2.5))
                    ours.kill()
                    ours.start()
                for each in asked:
                    each.result()
            finally:
                clients.over = True
        verify(ours, clients, keys)
        assert ours.kills == kills
        ours.kill()


def test_lost_answers_and_kills_have_no_batch_sent_twice_nor_lost(tmp_path: Path) -> None:
    """20 batches, 2 kills; 300 and 20 in the long campaign."""
    random_kills(tmp_path, batches=20, kills=2, seed=1)


@pytest.mark.campaign
def test_300_batches_3_in_10_answers_lost_20_kills(tmp_path: Path) -> None:
    """The long campaign."""
    random_kills(tmp_path, batches=300, kills=20, seed=2)
