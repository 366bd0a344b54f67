"""A disk that takes nothing more: what is said and answered meanwhile, that polling goes on, and that nothing is lost."""

import json
import resource
import time
import urllib.error
from functools import partial
from pathlib import Path
from typing import Final

from tests.chaos.campaign import http
from tests.chaos.faults.alone import PATIENCE, Alone, alone, until
from tests.chaos.outcome import Figure, Outcome

FULL: Final = 4096
"""Bytes that no file may grow beyond: less than the database has."""
LASTING: Final = 10.0
"""Seconds for which the disk is full."""
MANY: Final = 50
"""Batches that end meanwhile, and as many that come then."""


def run_out_of_disk(folder: Path, lasting: float = LASTING) -> Outcome:
    """Twice, so that it is seen to be well again; batches end, and others are asked for, while nothing can be written."""
    figures: list[Figure] = [("seconds for which nothing could be written", f"{lasting:g}")]
    wrong: list[str] = []
    with alone(folder, rates={"north": 20.0}) as place:
        place.ours.start()
        for time_ in ("first", "second"):
            place.add("north", MANY, new_for=0.0, validating_for=lasting / 2, end="ACTIVE")
            until(place.follow, PATIENCE, "all is followed")
            before, asked = place.said(), _asked(place)
            place.limit(resource.RLIMIT_FSIZE, FULL)
            told = until(partial(_failing, place), PATIENCE, "/readyz says so")
            full = place.said()
            place.add("north", MANY, new_for=0.0, validating_for=0.1, end="ERRORS")
            refused = _refusal(place)
            time.sleep(lasting)
            codes = [place.answers(path) for path in ("/livez", "/readyz", "/metrics", "/v1/watches")]
            meanwhile = _asked(place) - asked
            changed = place.said_since(full, "batch.changed")
            place.free(resource.RLIMIT_FSIZE)
            back = until(lambda: place.answers("/readyz") == 200, PATIENCE, "it is ready again")
            until(place.follow, PATIENCE, "what was refused is followed")
            until(partial(place.said_since, before, "store.recovered"), PATIENCE, "it says that it is over")
            lines = [place.said_since(before, name) for name in ("store.failed", "store.recovered")]
            figures += [
                (f"{time_} time: /readyz said so after, s", f"{told:.1f}"),
                (f"{time_} time: what was asked for was answered", refused),
                (f"{time_} time: answers to /livez, /readyz, /metrics, /v1/watches", ", ".join(map(str, codes))),
                (f"{time_} time: requests to CallFire meanwhile", f"{meanwhile}"),
                (f"{time_} time: changes told meanwhile", f"{changed}"),
                (f"{time_} time: ready again after, s", f"{back:.1f}"),
                (f"{time_} time: store.failed, store.recovered logged", ", ".join(map(str, lines))),
            ]
            if codes != [200, 503, 200, 200] or not refused.startswith("503") or not meanwhile or lines != [1, 1]:
                wrong.append(f"{time_} time: {codes}, {refused}, {meanwhile} requests, said {lines} times")
            if changed:
                wrong.append(f"{time_} time: {changed} changes were told that nobody had written down")
        wrong += place.finish()
    return Outcome(
        figures=figures, wrong=wrong, verdict="It was said once each, polling went on, and nothing was lost or doubled."
    )


def _failing(place: Alone) -> bool:
    return place.answers("/readyz") == 503


def _asked(place: Alone) -> int:
    return int(http(f"{place.ours.control}/state")["requests"])


def _refusal(place: Alone) -> str:
    """What it says to whoever wants batches followed."""
    try:
        http(f"{place.ours.url}/v1/watches", [{"account": who, "batch_id": number} for who, number in place.unsaid])
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code}, {json.loads(error.read())['type'].rpartition('/')[2]}"
    return "200"
