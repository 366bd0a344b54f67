"""The overview against a daemon that has every kind of trouble: what needs a person, how accounts stand, what is counted."""

import re
import socket
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.page.town import Daemon, Town
from tests.page.visiting import PHONE, SCHEMES, Visit, visiting


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which no receiver listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/"


@pytest.fixture(scope="session")
def troubled(town: Town) -> Daemon:
    """A daemon with an account whose login is refused, and hasty about what is stuck."""
    refused = {
        "LOGIN": "login",
        "PASSWORD": "not this one",
        "BASE_URL": town.environ["CALLFIRE_BASE_URL"],
        "RATE": "20",
    }
    there = town.daemon(
        "troubled",
        WATCHER_POLLING__STUCK_VALIDATING="1s",
        **{f"WATCHER_ACCOUNTS__SOUTH__{name}": value for name, value in refused.items()},
    )
    there.follow(*town.add(1), account="south")
    there.follow(*town.add(3, new_for=0, validating_for=0, name="Went well"))
    return there


async def needs(visit: Visit, word: str) -> Locator:
    """The group of those with which that is the matter."""
    group = visit.page.locator(".need").filter(has=visit.page.locator(".said .badge", has_text=word))
    await expect(group).to_be_visible()
    return group


async def row(visit: Visit, word: str, name: str) -> Locator:
    return (await needs(visit, word)).locator("li").filter(has_text=name)


async def test_an_account_that_is_refused_says_why_and_until_when_and_can_be_asked_again(
    browser: Browser, troubled: Daemon
) -> None:
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        south = await row(visit, "refused", "south")
        await expect(south.locator(".why")).to_contain_text("401")
        await expect(south.locator(".when")).to_have_text(re.compile(r"tried again in \d+ min"))
        await expect(south.locator(".when time")).to_have_attribute("title", re.compile(r"\d{4}"))
        tried = await south.locator(".when time").get_attribute("datetime")
        await south.get_by_role("button", name="Resume").click()
        await expect(south.locator(".came")).to_have_text("Asked again.")
        await expect(south.locator(".when time")).not_to_have_attribute("datetime", str(tried))


async def test_a_batch_of_an_account_that_is_refused_says_how_old_what_it_shows_is(
    browser: Browser, troubled: Daemon
) -> None:
    (watch,) = troubled.ask("GET", "/v1/watches?account=south")["items"]
    async with visiting(browser, troubled.url) as visit:
        await visit.go(f"#/batches/south/{watch['batch_id']}")
        old = visit.page.locator(".old")
        await expect(old).to_have_text(
            "✕refused CallFire refuses this login: none of its batches is looked at. It was never seen."
        )
        assert await visit.faults() == []


async def test_a_batch_that_ended_badly_is_named_with_what_to_do_until_it_is_followed_no_more(
    browser: Browser, town: Town, troubled: Daemon
) -> None:
    troubled.follow(*town.add(1, new_for=0, validating_for=0, end="ERRORS", name="Went badly"))
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        group = await needs(visit, "errors")
        await expect(group.locator(".said")).to_contain_text("Correct the contacts and submit them again")
        bad = group.locator("li").filter(has_text="Went badly")
        await bad.get_by_role("button", name="Stop following").click()
        await expect(bad.get_by_role("button", name="Stop following")).to_be_focused()
        await bad.get_by_role("button", name="Cancel").click()
        await expect(bad.get_by_role("button", name="Stop following")).to_be_focused()
        await expect(bad.get_by_role("button", name="Cancel")).to_have_count(0)
        await visit.page.keyboard.press("Enter")
        await expect(bad.get_by_role("button", name="Cancel")).to_be_visible()
        await visit.page.keyboard.press("Enter")
        await expect(bad).to_have_count(0)
        await expect(visit.page.get_by_role("main")).to_be_focused()
        await expect(visit.page.locator("#said")).to_have_text(re.compile(r"Batch \d+ is followed no more\."))


async def test_a_batch_that_is_stuck_leads_to_itself_and_can_be_looked_at_now(
    browser: Browser, town: Town, troubled: Daemon
) -> None:
    (batch_id,) = town.add(1, new_for=0, validating_for=3600, name="Stays there")
    troubled.follow(batch_id)
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        stuck = await row(visit, "stuck", "Stays there")
        await stuck.get_by_role("button", name="Look now").click()
        await expect(stuck.locator(".came")).to_have_text("Looked at.")
        await stuck.get_by_role("link", name="Stays there").click()
        await expect(visit.page).to_have_url(f"{visit.url}/#/batches/default/{batch_id}")


async def test_a_status_that_nobody_knows_needs_a_person(browser: Browser, town: Town, troubled: Daemon) -> None:
    troubled.follow(*town.add(1, new_for=0, validating_for=0, end="PONDERING", name="Who knows"))
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        await expect(await row(visit, "unknown status", "Who knows")).to_be_visible()
        await expect(visit.page.locator(".statuses li").filter(has_text="pondering")).to_contain_text("1")


async def test_an_endpoint_that_gets_nothing_is_tested_and_enabled_where_it_is_named(
    browser: Browser, town: Town, troubled: Daemon, nowhere: str
) -> None:
    made = troubled.ask("POST", "/v1/endpoints", {"url": nowhere})
    troubled.ask("POST", f"/v1/endpoints/{made['id']}/disable", {"reason": "its receiver moves"})
    troubled.follow(*town.add(1, new_for=0, validating_for=0))
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        disabled = await row(visit, "disabled", made["id"])
        await expect(disabled.locator(".why")).to_contain_text("its receiver moves")
        await disabled.get_by_role("button", name="Test").click()
        await expect(disabled.get_by_role("alert")).to_contain_text("Not accepted.")
        await expect(disabled.locator(".why")).to_have_text(re.compile(r"events? waits?$"))
        await disabled.get_by_role("button", name="Enable").click()
        await expect(disabled.locator(".sure")).to_have_text(re.compile(r"held events? (is|are) sent to it then"))
        await disabled.get_by_role("button", name="Enable").click()
        await expect(disabled).to_have_count(0)
    troubled.ask("DELETE", f"/v1/endpoints/{made['id']}")


async def test_what_was_not_done_is_said_where_the_button_is(browser: Browser, town: Town, troubled: Daemon) -> None:
    troubled.follow(*town.add(1, new_for=0, validating_for=3600, name="Out of reach"))
    async with visiting(browser, troubled.url) as visit:
        visit.mean("net::ERR_")
        await visit.go()
        stuck = await row(visit, "stuck", "Out of reach")
        await visit.page.context.set_offline(True)
        await stuck.get_by_role("button", name="Look now").click()
        await expect(stuck.get_by_role("alert")).to_contain_text("The daemon cannot be reached")
        await visit.page.context.set_offline(False)
        await stuck.get_by_role("button", name="Look now").click()
        await expect(stuck.locator(".came")).to_have_text("Looked at.")


async def test_every_account_has_its_state_its_budget_and_its_streamrank(browser: Browser, troubled: Daemon) -> None:
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        accounts = visit.page.get_by_role("region", name="Accounts, those in trouble first")
        await expect(accounts.locator("tbody tr").first).to_contain_text("south")
        default = accounts.locator("tbody tr").filter(has_text="default")
        await expect(default.locator(".figures")).to_have_text(re.compile(r"^\d+\.\d\d of 20/s$"))
        await default.get_by_role("button", name="default", exact=True).press("Enter")
        await expect(accounts.locator(".rank")).to_contain_text("Who is told saves")
        await default.get_by_role("button", name="default", exact=True).click()
        await expect(accounts.locator(".rank")).to_have_count(0)


async def test_counts_move_and_lead_to_the_batches_they_count(browser: Browser, town: Town, troubled: Daemon) -> None:
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        active = visit.page.locator(".statuses li").filter(has_text="active")
        before = int(await active.locator(".number").first.inner_text())
        troubled.follow(*town.add(2, new_for=0, validating_for=0))
        await expect(active.locator(".number").first).to_have_text(str(before + 2))
        await active.get_by_role("link").click()
        await expect(visit.page).to_have_url(f"{visit.url}/#/batches?status=active")


async def test_what_happens_is_told_at_the_top_of_the_last_changes(
    browser: Browser, town: Town, troubled: Daemon
) -> None:
    async with visiting(browser, troubled.url) as visit:
        await visit.go()
        await expect(visit.page.locator(".changes li").first).to_be_visible()
        troubled.follow(*town.add(1, new_for=0, validating_for=0, name="Newest of all"))
        newest = visit.page.locator(".changes li").filter(has_text="Newest of all")
        await expect(newest).to_contain_text("active")
        assert await visit.page.locator(".changes li").count() <= 12


@pytest.fixture(scope="session")
def calm(town: Town) -> Daemon:
    """A daemon that follows nothing."""
    return town.daemon("calm")


async def test_where_nothing_is_followed_it_says_what_to_do_and_then_that_all_is_well(
    browser: Browser, town: Town, calm: Daemon
) -> None:
    async with visiting(browser, calm.url) as visit:
        await visit.go()
        section = visit.page.locator("section.needs")
        await expect(section).to_contain_text("No batch is followed yet")
        await expect(section.get_by_role("link")).to_have_attribute("href", "#/submit")
        calm.follow(*town.add(1, validating_for=3600))
        await expect(section).to_contain_text("All is well. 1 open batch of 1 account are watched")


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_trouble_keeps_nobody_out(browser: Browser, troubled: Daemon, scheme: str) -> None:
    async with visiting(browser, troubled.url, viewport=PHONE) as visit:
        await visit.scheme(scheme)
        await visit.go()
        await needs(visit, "refused")
        reached, there = await visit.reachable()
        assert reached == there
        await visit.page.get_by_role("button", name="south", exact=True).click()
        await expect(visit.page.locator(".rank, .below p")).to_be_visible()
        assert await visit.faults() == []
        assert await visit.fits()


@pytest.fixture(scope="session")
def crowd(town: Town) -> Daemon:
    """A daemon with a hundred accounts, none of which is polled."""
    settings = {"LOGIN": "login", "PASSWORD": "password", "BASE_URL": town.environ["CALLFIRE_BASE_URL"], "RATE": "1"}
    return town.daemon(
        "crowd",
        **{
            f"WATCHER_ACCOUNTS__C{number:03}__{name}": value
            for number in range(100)
            for name, value in settings.items()
        },
    )


async def test_many_accounts_are_paged_and_found_by_name(browser: Browser, crowd: Daemon) -> None:
    async with visiting(browser, crowd.url) as visit:
        await visit.go()
        rows = visit.page.locator(".table tbody tr")
        await expect(rows).to_have_count(10)
        await visit.page.get_by_role("link", name="Next").click()
        await expect(visit.page.locator(".pager")).to_contain_text("11–20 of 101")
        await visit.page.get_by_label("Find an account").fill("C04")
        await expect(rows).to_have_count(10)
        await expect(rows.first).to_contain_text("c040")
        await visit.page.get_by_label("Find an account").fill("nobody")
        await expect(visit.page.get_by_text("No account has that in its name.")).to_be_visible()


async def test_whoever_comes_from_a_list_of_few_is_not_told_that_all_is_well(
    browser: Browser, troubled: Daemon
) -> None:
    async with visiting(browser, troubled.url) as visit:
        await visit.go("#/batches?status=active")
        visit.mean("net::ERR_")
        await visit.page.route("**/v1/stream*", lambda route: route.abort())
        await visit.open("#/")
        await expect(visit.page.get_by_role("main")).to_contain_text("Nothing was loaded yet.")
        await visit.page.unroute("**/v1/stream*")
        await visit.live()
        await needs(visit, "refused")
