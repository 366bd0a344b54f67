"""Flame graphs of looks, deliveries, and a start: where the processor's time goes, as pictures in tests/bench/flames.

Processes of their own under py-spy (in an environment of its own below build/, installed by the first run), which looks 250 times
a second at what each thread that is not idle is doing: the loads of `looks` and `throughput` on SQLite, without imports; and the
start of `cold` with a million watches in a thousand accounts, from the interpreter on to a second after the first look.
Whoever calls stands below what it calls, and the wider, the more time; orange is ours, blue is aiohttp's, green is the loop's.
Functions written in C have no box: their time is that of who calls them. Threads that wait are left out.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvloop

from tests.bench import bench_looks, bench_throughput
from tests.bench.bench_cold import RATES, filled
from tests.bench.flame_graph import Stack, picture, share, stacks_of
from tests.bench.noting import Side, serve, settings
from tests.bench.opponent import apart, opponent
from tests.bench.peers.having import NotToBeHad, environment
from tests.cli.conftest import ROOT
from watcher.callfire.client import open_session

SPY: Final = "py-spy==0.4.3"
OFTEN: Final = 250
"""Samples a second."""
ACCOUNTS: Final = 1000
FLAMES: Final = ROOT / "tests" / "bench" / "flames"
PATIENCE: Final = 120.0
LOOKS: Final = 15.0
"""Seconds of looks."""
AFTERWARDS: Final = 1.0
"""Seconds that the start is followed after its first look."""
IMPORTS: Final = "_find_and_load ("
MACHINERY: Final = "(<frozen importlib."
WAITING: Final = ("Lane._take (", "_worker (concurrent/", "Connection._recv (")
"""What a thread that has nothing to do is in: py-spy does not see that all of them are idle."""
EXCHANGE: Final = "exchange (watcher/http/"
DATABASE: Final = "Lane."


async def looks(folder: Path) -> None:
    """One round, but for long."""
    with opponent() as other:
        async with open_session(user_agent="bench") as session:
            await bench_looks.polled(session, other.url, folder / "looks.db", seconds=LOOKS)


async def deliveries(folder: Path) -> None:
    """One round, the deliveries of which are in the database before."""
    with opponent() as other:
        await bench_throughput.outbox(folder / "outbox.db", bench_throughput.endpoints(other.url))


LOADS: Final = {"looks": looks, "deliveries": deliveries}


def _loaded(spy: str, folder: Path, name: str) -> str:
    """What py-spy saw of a load, which is in a process of its own."""
    raw = folder / f"{name}.txt"
    with _spied(spy, raw, "-m", "tests.bench.bench_flames", name) as process:
        assert process.wait(PATIENCE) == 0
    return raw.read_text(encoding="utf-8")


def _started(spy: str, folder: Path) -> str:
    """What it saw of a start."""
    raw, config = folder / "start.txt", folder / "watcher.toml"
    with apart(serve) as ours:
        side = Side(f"http://127.0.0.1:{ours.recv()}", ours)
        config.write_text(settings(side.url, ACCOUNTS, RATES[ACCOUNTS]), encoding="utf-8")
        config.chmod(0o600)
        url = filled(folder / "start.db", ACCOUNTS)
        side.anew()
        until = time.monotonic() + PATIENCE
        with _spied(spy, raw, "-m", "watcher", "run", "--config", str(config), WATCHER_DATABASE_URL=url) as process:
            while not side.noted()[0]:
                assert time.monotonic() < until, "nobody was asked about"
                time.sleep(0.02)
            time.sleep(AFTERWARDS)
            process.send_signal(signal.SIGINT)  # it writes what it saw, and ends what it looked at
            process.wait(PATIENCE)
    return raw.read_text(encoding="utf-8")


@contextmanager
def _spied(spy: str, raw: Path, *command: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Python's under py-spy."""
    with subprocess.Popen(
        [spy, "record", "-f", "raw", "--nolineno", "-r", str(OFTEN), "-o", str(raw), "--", sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_LISTEN": "127.0.0.1:0", **more},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _written(name: str, raw: str, *, imports: bool, of: Mapping[str, str]) -> Sequence[str]:
    """Draws it, with imports or without; what is said of it."""
    stacks = stacks_of(raw, lambda stack: _works(stack) and (imports or not _imports(stack)))
    text = picture(_without_machinery(stacks), name)
    FLAMES.mkdir(exist_ok=True)
    (FLAMES / f"{name}.svg").write_text(text, encoding="utf-8")
    shares = ", ".join(f"{what} {100 * share(stacks, function):.0f} %" for what, function in of.items())
    return [f"tests/bench/flames/{name}.svg", f"{stacks.total():,}", f"{len(text.encode()) / 1000:.0f}", shares]


def _imports(stack: Stack) -> bool:
    return any(each.startswith(IMPORTS) for each in stack)


def _works(stack: Stack) -> bool:
    return not stack[-1].startswith(WAITING)


def _without_machinery(stacks: Counter[Stack]) -> Counter[Stack]:
    """Modules that import others call them: what Python does for it, five functions each time, is theirs."""
    plain: Counter[Stack] = Counter()
    for stack, samples in stacks.items():
        plain[tuple(each for each in stack if MACHINERY not in each)] += samples
    return plain


def tables() -> Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """About two minutes, most of them for filling the database of the start."""
    try:
        spy = str(environment("flames", [SPY], below=ROOT / "build") / "py-spy")
    except NotToBeHad as wrong:
        sys.exit(f"no flame graphs: {wrong}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = {each: _loaded(spy, folder, each) for each in LOADS} | {"start": _started(spy, folder)}
    asking = {"asking over HTTP": EXCHANGE, "the database's thread": DATABASE}
    rows = [
        _written("looks", raw["looks"], imports=False, of=asking),
        _written("deliveries", raw["deliveries"], imports=False, of=asking),
        _written("start", raw["start"], imports=True, of={"imports": IMPORTS, "the database's thread": DATABASE}),
    ]
    return {"Pictures": (("picture", "samples", "kB", "of them"), rows)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        uvloop.run(LOADS[sys.argv[1]](Path(temporary)))
