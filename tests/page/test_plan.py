"""The room `plan`: what the budget buys, drawn, in words and as a table."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.page.town import Daemon, Town
from tests.page.visiting import PHONE, SCHEMES, visiting


@pytest.fixture(scope="module")
def busy(town: Town) -> Daemon:
    """A daemon with a load that is played within a few seconds."""
    there = town.daemon("busy", CALLFIRE_RATE="0.5")
    there.follow(*town.add(250, validating_for=3600))
    return there


@pytest.fixture(scope="module")
def idle(town: Town) -> Daemon:
    """A daemon without anything to do."""
    return town.daemon("idle")


async def test_the_curve_stands_beside_words_and_a_table_that_say_the_same(browser: Browser, busy: Daemon) -> None:
    async with visiting(browser, busy.url) as visit:
        await visit.go("#/plan")
        page = visit.page
        await expect(page.get_by_role("heading", name="What the rate buys")).to_be_visible(timeout=120_000)
        plan = busy.ask("GET", "/v1/accounts/default/plan")
        await expect(page.get_by_text(re.compile("^250 batches on the way"))).to_be_visible()
        rows = page.get_by_role("region", name="Delay by requests a second").locator("tbody tr")
        assert [point["rate"] for point in plan["points"]] == [0.125, 0.25, 0.5, 1.0, 2.0]
        await expect(rows).to_have_count(5)
        await expect(rows.nth(2)).to_contain_text("0.5/snow")
        words = await page.locator(".lead").inner_text()
        assert words.startswith(("With 0.5 requests a second", "0.5 requests a second do not keep up"))
        for scheme in SCHEMES:
            await visit.scheme(scheme)
            assert await visit.faults() == []
        come, there = await visit.reachable()
        assert sorted(come) == sorted(there)


async def test_on_a_phone_nothing_stands_out_at_the_side(browser: Browser, busy: Daemon) -> None:
    async with visiting(browser, busy.url, viewport=PHONE) as visit:
        await visit.go("#/plan")
        await expect(visit.page.get_by_role("heading", name="What the rate buys")).to_be_visible(timeout=120_000)
        assert await visit.fits()
        assert await visit.faults() == []


async def test_without_a_load_nothing_is_asked_for(browser: Browser, idle: Daemon) -> None:
    async with visiting(browser, idle.url) as visit:
        await visit.go("#/plan")
        await expect(visit.page.get_by_text("there is no load to plan for")).to_be_visible()
        assert not [request for request in visit.asked if request.url.endswith("/plan")]
        assert await visit.faults() == []


async def test_an_account_with_a_load_comes_before_one_without(browser: Browser, town: Town) -> None:
    names = {"LOGIN": "login", "PASSWORD": "password", "BASE_URL": town.environ["CALLFIRE_BASE_URL"], "RATE": "20"}
    there = town.daemon("planned", **{f"WATCHER_ACCOUNTS__EAST__{name}": value for name, value in names.items()})
    there.follow(*town.add(1, validating_for=3600), account="east")
    async with visiting(browser, there.url) as visit:
        visit.mean("status of 409 .*/plan$")  # there may not be enough to plan for yet
        await visit.go("#/plan")
        await expect(visit.page.get_by_label("Account")).to_have_value("east")
