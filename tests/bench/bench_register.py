"""What a registration of 10,000 rows at once costs: how long it takes, and how late it makes the looks that go on meanwhile.

A daemon of its own with 2,000 watches that is asked over HTTP while it polls 20 times a second; late is by how much more than a
period two requests are apart, as the other side sees them arrive. Registrations of new rows and of the same rows once more, in
turns: the median, and in brackets the least and the greatest; and as many moments in between, when nothing is registered.
"""

import asyncio
import json
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.bench.daemons import daemon
from tests.bench.opponent import opponent
from tests.bench.results import spread

ROWS: Final = 10_000
WATCHES: Final = 2_000
RATE: Final = 20.0
TURNS: Final = 5


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


async def _measured(url: str, asked: Callable[[], list[float]]) -> dict[str, str]:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, http, url, _rows(1, WATCHES))
    await asyncio.sleep(3)
    spans: dict[str, list[tuple[float, float]]] = {"new": [], "known": []}
    for turn in range(1, TURNS + 1):
        body = _rows(turn * 100_000, ROWS)
        for kind, expected in (("new", "created"), ("known", "known")):
            began = time.monotonic()
            answer = await loop.run_in_executor(None, http, url, body)
            ended = time.monotonic()
            assert (answer["refused"], answer[expected]) == (0, ROWS)
            spans[kind].append((began, ended))
            await asyncio.sleep(4)
    moments = asked()
    quiet = [_late(moments, ended + 2, ended + 3) for _, ended in spans["known"]]
    return {
        **{
            f"seconds to register 10,000 {kind} rows": spread([ended - began for began, ended in some])
            for kind, some in spans.items()
        },
        **{
            f"latest look while {kind} rows are registered, ms late": spread(
                [1000 * _late(moments, *span) for span in some]
            )
            for kind, some in spans.items()
        },
        "latest look in between, ms late": spread([1000 * each for each in quiet]),
    }


def tables() -> dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """About a minute."""
    with (
        opponent() as other,
        tempfile.TemporaryDirectory() as folder,
        daemon(other.url, Path(folder) / "watcher.db", rate=RATE) as there,
    ):
        told = asyncio.run(_measured(f"{there.url}/v1/watches", other.asked))
    return {"Registrations": (("figure", "value"), list(told.items()))}


if __name__ == "__main__":
    print(tables())
