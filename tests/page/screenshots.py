"""Pictures of every view, light, dark and as on a phone: `python -m tests.page.screenshots [FOLDER]`, which is build/pictures by
default. Two of them are kept in deploy/pictures, for the README.

What they show is of a simulated CallFire with three accounts, one of which is throttled; of receivers of webhooks, one of which
does not answer; and of batches as a campaign has them: most come to their end, some to a bad one, one is stuck.
"""

import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright, expect

from tests.cli.conftest import ROOT, process
from tests.page.town import TOKEN, Daemon, Town, asked
from tests.page.visiting import DESK, PHONE, SCHEMES, launched, visiting

KEPT: Final = {"overview-light.png": "overview.png", "batch-dark.png": "batch.png"}
"""The two for the README, and what they are called there."""
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CAMPAIGNS: Final = ("Autumn appeal", "Renewal reminder", "Appointment reminder", "Delivery notice", "Survey, wave 2")
REGIONS: Final = ("north", "south", "east", "west")
ODD: Final[Mapping[tuple[str, int], Mapping[str, object]]] = {
    ("north", 6): {"end": "ERRORS"},
    ("clinics", 3): {"end": "SOURCE_ERROR"},
    ("retail", 9): {"new_for": 4000.0},
}
"""The batches of the first wave that are not as most are."""
WAVES: Final = 4
WARM_UP: Final = 36.0
"""Seconds until there is something to see."""


@contextmanager
def staged(folder: Path) -> Iterator[tuple[Daemon, Daemon, str]]:
    """A daemon with all that is to be seen, one that wants a token, and the batch that is worth a picture."""
    draw = random.Random(7)
    with ExitStack() as stage:
        callfires = {
            name: stage.enter_context(process("simulate", "--at-start", 0, *more, folder=folder))
            for name, more in (("north", ()), ("retail", ("--budget", 2)), ("clinics", ()))
        }
        receivers = [stage.enter_context(receiving(**how)) for how in ({}, {"slow": 0.4, "fail_share": 0.2}, {})]
        accounts = {
            f"WATCHER_ACCOUNTS__{name.upper()}__{key}": value
            for name, addresses in callfires.items()
            for key, value in (
                ("LOGIN", "login"),
                ("PASSWORD", "password"),
                ("BASE_URL", addresses["api"]),
                ("RATE", "8"),
            )
        }
        town = Town(folder=folder, control="", environ=accounts, closing=stage)
        daemon = town.daemon("pictures", WATCHER_POLLING__STUCK_NEW="15s", WATCHER_POLLING__MIN_INTERVAL="1s")
        names = ("crm", "dialler", "reports")
        for name, url in zip(names, receivers, strict=True):
            about = {"id": name, "url": url, "description": f"Tells {name} of every batch", "secret": SECRET}
            daemon.ask("POST", "/v1/endpoints", about)
        daemon.ask(
            "POST", "/v1/endpoints", {"id": "billing", "url": "http://127.0.0.1:1999/", "types": ["batch.active"]}
        )
        daemon.ask("POST", "/v1/endpoints/reports/disable", {"reason": "moved to another machine on Friday"})
        first = 0
        for wave in range(WAVES):
            for name, addresses in callfires.items():
                ids = campaign(addresses["control"], daemon, name, draw, wave)
                first = first or ids[0]
            time.sleep(WARM_UP / WAVES)
            print(f"wave {wave + 1} of {WAVES}", flush=True)
        yield daemon, town.daemon("closed", TOKEN), f"north/{first}"


def campaign(control: str, daemon: Daemon, account: str, draw: random.Random, wave: int) -> Sequence[int]:
    """Batches of each campaign, followed. Those of the last wave are still on their way when the pictures are taken."""
    least, most = (60, 500) if wave == WAVES - 1 else (1, 20)
    found: list[int] = []
    for name in CAMPAIGNS:
        for region in REGIONS:
            plan = {
                "name": f"{name} {region}",
                "size": draw.choice([220, 1500, 6198, 12_400]),
                "new_for": draw.uniform(0.5, 3),
                "validating_for": draw.uniform(least, most),
                "end": "ACTIVE",
                **(ODD.get((account, len(found)), {}) if wave == 0 else {}),
            }
            (made,) = asked(f"{control}/batches", plan)["ids"]
            labels = {"campaign": name.lower().replace(" ", "-").replace(",", ""), "region": region}
            daemon.ask("POST", "/v1/watches", [{"account": account, "batch_id": made, "labels": labels}])
            found.append(made)
    return found


@contextmanager
def receiving(**how: object) -> Iterator[str]:
    """A receiver of webhooks as a process of its own; its address."""
    command = [sys.executable, "-m", "tests.chaos.peers", "receiver", json.dumps({"secret": SECRET, **how})]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as running:
        assert running.stdout is not None
        try:
            yield json.loads(running.stdout.readline())["url"]
        finally:
            running.terminate()


async def taken(browser: Browser, daemon: Daemon, closed: Daemon, batch: str, into: Path) -> None:
    """All pictures."""
    views = {
        "overview": "#/",
        "batches": "#/batches",
        "batch": f"#/batches/{batch}",
        "delivery": "#/delivery",
        "endpoint": "#/delivery/dialler",
        "submit": "#/submit",
        "plan": "#/plan",
    }
    looks = [*((scheme, DESK) for scheme in SCHEMES), ("phone", PHONE)]
    for look, size in looks:
        scheme = "light" if look == "phone" else look
        async with visiting(browser, daemon.url, viewport=size, color_scheme=scheme) as visit:
            visit.mean("status of 409 .*/plan$")  # one plan is played at a time
            for name, place in views.items():
                await visit.go(place)
                await expect(visit.page.get_by_role("main")).not_to_contain_text("Being played", timeout=120_000)
                await asyncio.sleep(1.5)  # what the view fetches for itself has come by then
                await visit.page.screenshot(path=into / f"{name}-{look}.png", full_page=look == "phone")
        async with visiting(browser, closed.url, viewport=size, color_scheme=scheme) as visit:
            visit.mean("status of 401")
            await visit.open()
            await visit.page.get_by_label("Token").wait_for()
            await visit.page.screenshot(path=into / f"sign-in-{look}.png")


async def looked_at(daemon: Daemon, closed: Daemon, batch: str, into: Path) -> None:
    """All pictures, by a browser of their own."""
    async with async_playwright() as playwright, launched(playwright) as browser:
        await taken(browser, daemon, closed, batch, into)


def main(into: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, staged(Path(folder)) as (daemon, closed, batch):
        asyncio.run(looked_at(daemon, closed, batch, into))
    kept = ROOT / "deploy" / "pictures"
    kept.mkdir(parents=True, exist_ok=True)
    for name, called in KEPT.items():
        shutil.copyfile(into / name, kept / called)
    print(f"written: {into}, and {len(KEPT)} to {kept.relative_to(ROOT)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "pictures")
