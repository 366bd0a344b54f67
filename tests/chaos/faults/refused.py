"""All accounts refused at once: what is asked meanwhile, how much is logged, and how soon all are polled again."""

import json
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.chaos.campaign import http
from tests.chaos.faults.alone import PATIENCE, Alone, alone, until
from tests.chaos.outcome import Outcome

RATE: Final = 0.2
FOREVER: Final = 100_000.0
QUIET: Final = 10.0
SELDOM: Final = 1.0
"""Seconds between two questions about all accounts."""

Json = Any


def refuse_all(folder: Path, accounts: int) -> Outcome:
    """CallFire refuses every login, takes them again, and an operator has them all asked again."""
    names = [f"a{number:04}" for number in range(accounts)]
    wrong: list[str] = []
    with alone(folder, rates=dict.fromkeys(names, RATE), more={"WATCHER_POLLING__MIN_INTERVAL": "1s"}) as place:
        place.ours.start()
        for name in names:
            place.add(name, 1, new_for=0.0, validating_for=FOREVER, end="ACTIVE")
        until(place.follow, PATIENCE, "all is followed")
        until(lambda: len(_polled(place, 0)) == accounts, PATIENCE, "all accounts are polled", SELDOM)
        began, lines = time.monotonic(), len(place.ours.log().splitlines())
        http(f"{place.ours.control}/faults", {"kind": "code", "code": 401})
        until(lambda: _states(place)["refused"] == accounts, PATIENCE, "all are refused", SELDOM)
        refused = time.monotonic() - began
        before = _next(place)
        time.sleep(QUIET)
        asked = _next(place) - before
        told = len(place.ours.log().splitlines()) - lines
        gauge = _gauge(place, "refused")
        http(f"{place.ours.control}/faults", method="DELETE")
        since, began, lines = _next(place), time.monotonic(), len(place.ours.log().splitlines())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: http(f"{place.ours.url}/v1/accounts/{name}/resume", method="POST"), names))
        resumed = time.monotonic() - began
        until(lambda: len(_polled(place, since)) == accounts, PATIENCE, "all accounts are polled again", SELDOM)
        again = time.monotonic() - began
        until(lambda: _states(place)["ok"] >= accounts, PATIENCE, "all are in order", SELDOM)
        time.sleep(QUIET)
        told_again = len(place.ours.log().splitlines()) - lines
        for batch in sorted(place.followed):
            http(f"{place.ours.control}/batches/{batch[1]}/end", {})
        wrong += place.finish(4 * PATIENCE)
        if asked:
            wrong.append(f"{asked} requests while all were refused")
        if gauge != accounts:
            wrong.append(f"the metric says {gauge} refused")
    figures = [
        ("accounts, requests a second each", f"{accounts}, {RATE:g}"),
        ("all of them refused after, s", f"{refused:.0f}"),
        (f"requests to CallFire in {QUIET:g} s after that", f"{asked}"),
        ("lines logged meanwhile", f"{told}"),
        ("refused as the metric has it", f"{gauge:g}"),
        ("well again: all told to be asked again within, s", f"{resumed:.1f}"),
        ("well again: all polled again after, s", f"{again:.1f}"),
        ("well again: lines logged", f"{told_again}"),
        ("lines logged in all, by event", ", ".join(f"{name} {count}" for name, count in sorted(place.said().items()))),
    ]
    return Outcome(
        figures=figures, wrong=wrong, verdict="Nothing was asked while all were refused, and nothing was lost."
    )


def _next(place: Alone) -> int:
    return int(http(f"{place.ours.control}/state")["requests"])


def _polled(place: Alone, since: int) -> set[str]:
    """Accounts of which something was answered in order since then."""
    asked = http(f"{place.ours.control}/requests?since={since}")["requests"]
    return {each["account"] for each in asked if each["outcome"] == "200"}


def _states(place: Alone) -> Counter[str]:
    page: Json = http(f"{place.ours.url}/v1/accounts?limit=1000")
    found = Counter[str]()
    while True:
        found.update(each["condition"] for each in page["items"])
        if page.get("next") is None:
            return found
        page = http(f"{place.ours.url}/v1/accounts?limit=1000&cursor={page['next']}")


def _gauge(place: Alone, state: str) -> float:
    """The sum of `watcher_account_state` over all accounts."""
    with urllib.request.urlopen(f"{place.ours.url}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    said = json.dumps(state)
    return sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith("watcher_account_state{") and f"state={said}" in line
    )
