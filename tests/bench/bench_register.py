"""What a registration of 10,000 rows at once costs: how long it takes, and how late it makes the looks that go on meanwhile.

A daemon of its own with 2,000 watches that is asked over HTTP while it polls 20 times a second; late is by how much more than a
period two requests are apart, as the other side sees them arrive. Three registrations of new rows, one of known ones.
"""

import asyncio
import json
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.bench.daemons import daemon
from tests.bench.opponent import opponent

ROWS: Final = 10_000
WATCHES: Final = 2_000
RATE: Final = 20.0


def http(url: str, body: object) -> Any:
    """One POST to our own server on loopback."""
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def _rows(begin: int, count: int) -> list[dict[str, object]]:
    return [{"batch_id": number, "labels": {"campaign": "autumn"}} for number in range(begin, begin + count)]


def _late(moments: list[float], begin: float, end: float) -> float:
    """Seconds by which the latest request between two moments was late."""
    within = [at for at in moments if begin - 1 <= at <= end + 1]
    return float(np.diff(within).max()) - 1 / RATE


async def _measured(url: str, asked: Any) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, http, url, _rows(1, WATCHES))
    await asyncio.sleep(3)
    took, spans = [], []
    for begin in (100_000, 200_000, 300_000, 300_000):
        body = _rows(begin, ROWS)
        began = time.monotonic()
        answer = await loop.run_in_executor(None, http, url, body)
        ended = time.monotonic()
        assert answer["refused"] == 0
        assert answer["created"] + answer["known"] == ROWS
        took.append(ended - began)
        spans.append((began, ended))
        await asyncio.sleep(4)
    moments = asked()
    late = [_late(moments, begin, end) for begin, end in spans]
    quiet = _late(moments, spans[-1][1] + 2, spans[-1][1] + 3)
    return {
        "seconds to register 10,000 new rows (slowest of 3)": max(took[:3]),
        "seconds to register 10,000 known rows": took[3],
        "latest look while new rows are registered, ms late": 1000 * max(late[:3]),
        "latest look while known rows are registered, ms late": 1000 * late[3],
        "latest look in between, ms late": 1000 * quiet,
    }


def run() -> dict[str, float]:
    """About 30 seconds."""
    with (
        opponent() as other,
        tempfile.TemporaryDirectory() as folder,
        daemon(other.url, Path(folder) / "watcher.db", rate=RATE) as there,
    ):
        return asyncio.run(_measured(f"{there.url}/v1/watches", other.asked))


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
