"""So many clients that no file is left: who is still answered, what is said, and that nothing is lost."""

import resource
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.chaos.faults.alone import PATIENCE, Alone, alone, until
from tests.chaos.outcome import Figure, Outcome

LIMIT: Final = 96
"""Files that the daemon may have open; it needs some thirty for itself."""
CLIENTS: Final = 120
SETTLED: Final = 1.2
"""Seconds after which a connection without a request counts as not used."""
PATHS: Final = ("/livez", "/readyz", "/metrics", "/v1/accounts")


def run_out_of_files(folder: Path) -> Outcome:
    """First clients that say nothing, then as many that listen to streams; batches come and end meanwhile."""
    figures: list[Figure] = [("files that may be open, clients that come", f"{LIMIT}, {CLIENTS}")]
    wrong: list[str] = []
    with alone(folder, rates={"north": 20.0}) as place:
        place.ours.start()
        for name, request, answered in (
            ("clients that say nothing", b"", (200, 200, 200, 200)),
            ("clients of streams", _listening(place), (200, 200, 200, 503)),
        ):
            before = place.said()
            place.add("north", 20, new_for=0.5, validating_for=2.0, end="ACTIVE")
            place.follow()
            place.limit(resource.RLIMIT_NOFILE, LIMIT)
            with _clients(place, request) as count:
                told = until(partial(place.said_since, before, "files.few"), PATIENCE, "it says so")
                noticed = place.said()
                time.sleep(SETTLED)
                codes = tuple(map(place.answers, PATHS))
                figures += [
                    (f"{name}: said so after, s", f"{told:.1f}"),
                    (f"{name}: connections that stood", f"{count}"),
                    (f"{name}: answers to {', '.join(PATHS)}", ", ".join(map(str, codes))),
                ]
                if codes != answered:
                    wrong.append(f"{name}: answered {codes}, not {answered}")
                until(partial(place.said_since, noticed, "batch.changed"), PATIENCE, "batches are looked at meanwhile")
            over = until(partial(place.said_since, before, "files.recovered"), PATIENCE, "it is over")
            lines = [place.said_since(before, name) for name in ("files.few", "files.recovered")]
            figures += [(f"{name}: said that it is over after, s", f"{over:.1f}")]
            if lines != [1, 1]:
                wrong.append(f"{name}: said {lines} times, not once each")
            place.free(resource.RLIMIT_NOFILE)
        wrong += place.finish()
        figures.append(("events", str(place.said()["batch.changed"])))
    return Outcome(
        figures=figures, wrong=wrong, verdict="It was said once each, probes were answered, and nothing was lost."
    )


def _listening(place: Alone) -> bytes:
    return f"GET /v1/events/stream HTTP/1.1\r\nHost: {urlsplit(place.ours.url).netloc}\r\n\r\n".encode()


@contextmanager
def _clients(place: Alone, request: bytes) -> Iterator[int]:
    """Those that come, and how many of them were let in."""
    to = urlsplit(place.ours.url)
    with ExitStack() as stack:
        came: Sequence[socket.socket] = [
            stack.enter_context(socket.create_connection((to.hostname, to.port), timeout=5)) for _ in range(CLIENTS)
        ]
        for each in came:
            each.settimeout(0)
            try:
                each.sendall(request)
            except OSError:
                continue
        time.sleep(SETTLED)
        yield sum(map(_stands, came))


def _stands(client: socket.socket) -> bool:
    """Whether it was neither ended nor refused."""
    try:
        return client.recv(65536).startswith(b"HTTP/1.1 200")
    except BlockingIOError:
        return True
    except OSError:
        return False
