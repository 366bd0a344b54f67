"""Pictures of what an operator sees while something rings: the daemon's page, and Prometheus's list of alerts."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright

from tests.page.visiting import launched, visiting

SIZE: Final = {"width": 1100, "height": 760}
LIVE: Final = 1.5
"""Seconds in which what a view fetches for itself has come."""


def take(into: Path, page: str, places: Mapping[str, str]) -> None:
    """Of places of the daemon's page, by the picture's name."""
    asyncio.run(_taken(into, page, places))


def take_alerts(picture: Path, prometheus: str) -> None:
    """Of Prometheus's list of alerts, without those that are not on."""
    asyncio.run(_alerts_taken(picture, prometheus))


async def _taken(into: Path, page: str, places: Mapping[str, str]) -> None:
    async with (
        async_playwright() as playwright,
        launched(playwright) as browser,
        visiting(browser, page, viewport=SIZE, color_scheme="light") as visit,
    ):
        visit.mean("status of 409 .*/plan$")  # one plan is played at a time
        for name, place in places.items():
            await visit.go(place)
            await asyncio.sleep(LIVE)
            await visit.page.screenshot(path=into / f"{name}.png")


async def _alerts_taken(picture: Path, prometheus: str) -> None:
    async with (
        async_playwright() as playwright,
        launched(playwright) as browser,
        visiting(browser, prometheus, viewport=SIZE) as visit,
    ):
        visit.mean(".*")  # it is not ours
        answered = await visit.page.goto(f"{prometheus}/alerts")
        if answered is None or answered.status == 404:  # Debian's has its older page
            await visit.page.goto(f"{prometheus}/classic/alerts")
            await visit.page.locator("label:has(#inactiveAlerts)").click()
        await visit.page.screenshot(path=picture)
