"""The room `batches`: the list of all that are followed."""

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.page.followed import AT_ONCE, LONG, made, place, searched
from tests.page.town import Daemon, Town
from tests.page.visiting import Visit, visiting


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """What the test's own batches are called, and a label of theirs."""
    return str(request.node.name)[5:69]


def rows(visit: Visit) -> Locator:
    return visit.page.get_by_role("region", name="Batches").locator("tbody tr")


async def test_a_search_is_in_the_address_and_can_be_typed(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    (here,) = made(town, daemon, name, **LONG)
    await visit.go("#/batches")
    await visit.page.get_by_role("searchbox").fill(name.upper())
    await expect(rows(visit)).to_have_count(1)
    await expect(visit.page).to_have_url(f"{visit.url}/#/batches?q={name.upper()}")
    await expect(rows(visit)).to_contain_text(str(here))
    await visit.page.reload()
    await expect(visit.page.get_by_role("searchbox")).to_have_value(name.upper())
    await expect(rows(visit)).to_have_count(1)
    await visit.page.get_by_role("searchbox").fill("nothing is called like that")
    await expect(visit.page.get_by_text("Nothing followed is like that.")).to_be_visible()


async def test_what_needs_a_person_comes_first_and_can_be_shown_alone(
    visit: Visit, town: Town, daemon: Daemon, name: str
) -> None:
    open_, ready, wrong = (
        made(town, daemon, name, **plan)[0] for plan in (LONG, AT_ONCE, {**AT_ONCE, "end": "ERRORS"})
    )
    await visit.go(searched(name))
    await expect(rows(visit)).to_contain_text([str(wrong), str(open_), str(ready)])
    await visit.page.get_by_role("link", name="Need a person").click()
    await expect(rows(visit)).to_have_count(1)
    await expect(rows(visit)).to_contain_text(str(wrong))
    await visit.page.get_by_role("link", name="ACTIVE").click()
    await expect(rows(visit)).to_contain_text([str(ready)])
    await visit.page.get_by_role("link", name="Open").click()
    await expect(rows(visit)).to_contain_text([str(open_)])
    await expect(rows(visit)).to_contain_text(["VALIDATING"])
    await visit.page.get_by_role("link", name="Missing").click()
    await expect(visit.page.get_by_text("Nothing followed is like that.")).to_be_visible()


async def test_a_label_leads_to_all_that_have_it(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    made(town, daemon, name, 2, **LONG)
    await visit.go(searched(name))
    await rows(visit).first.get_by_role("link", name=f"of: {name}").click()
    await expect(visit.page.get_by_text(f"Only with the label of:{name}")).to_be_visible()
    await expect(rows(visit)).to_have_count(2)
    await visit.page.get_by_role("link", name="Show all labels").click()
    await expect(visit.page).to_have_url(f"{visit.url}/{searched(name)}")


async def test_of_many_a_page_is_shown_at_once(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    made(town, daemon, name, 27, **LONG)
    await visit.go(searched(name))
    await expect(rows(visit)).to_have_count(25)
    pages = visit.page.get_by_role("navigation", name="Pages")
    await expect(pages).to_contain_text("1–25 of 27")
    await pages.get_by_role("link", name="Next").click()
    await expect(rows(visit)).to_have_count(2)
    await expect(pages).to_contain_text("26–27 of 27")
    await pages.get_by_role("link", name="Before").click()
    await expect(rows(visit)).to_have_count(25)


async def test_a_row_that_changes_does_so_live_and_is_marked(
    visit: Visit, town: Town, daemon: Daemon, name: str
) -> None:
    (here,) = made(town, daemon, name, **LONG)
    await visit.go(searched(name))
    await expect(rows(visit)).to_contain_text("VALIDATING")
    await expect(visit.page.locator("tr.changed")).to_have_count(0)
    town.end(here)
    await expect(visit.page.locator("tr.changed")).to_contain_text("ACTIVE")


async def test_while_a_row_is_pointed_at_the_order_stays(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    first, second = made(town, daemon, name, 2, **LONG)
    await visit.go(searched(name))
    await expect(rows(visit)).to_contain_text([str(first), str(second)])
    await rows(visit).first.hover()
    (wrong,) = made(town, daemon, name, **AT_ONCE, end="ERRORS")
    await expect(visit.page.get_by_text("Others come first now.")).to_be_visible()
    await expect(rows(visit)).to_contain_text([str(first), str(second)])
    await visit.page.mouse.move(1, 1)
    await expect(rows(visit)).to_contain_text([str(wrong), str(first), str(second)])


async def test_of_several_accounts_one_can_be_chosen(browser: Browser, town: Town, name: str) -> None:
    more = {
        f"WATCHER_ACCOUNTS__NORTH__{key}": value
        for key, value in (
            ("LOGIN", "login"),
            ("PASSWORD", "password"),
            ("BASE_URL", town.environ["CALLFIRE_BASE_URL"]),
        )
    }
    there = town.daemon("two", **more)
    south, north = town.add(2, **LONG)
    there.follow(south)
    there.follow(north, account="north")
    async with visiting(browser, there.url) as visit:
        await visit.go("#/batches")
        await expect(rows(visit)).to_have_count(2)
        await visit.page.get_by_label("Account").select_option("north")
        await expect(rows(visit)).to_have_count(1)
        await expect(rows(visit)).to_contain_text(str(north))
        await visit.page.get_by_label("Account").select_option("All")
        await expect(rows(visit)).to_have_count(2)


async def test_the_whole_room_can_be_used_by_keyboard(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    (here,) = made(town, daemon, name, **LONG)
    await visit.go("#/batches")
    await visit.page.get_by_role("searchbox").focus()
    await visit.page.keyboard.type(name)
    await visit.page.keyboard.press("Enter")
    await expect(rows(visit)).to_have_count(1)
    await visit.page.get_by_role("link", name=name, exact=True).focus()
    await visit.page.keyboard.press("Enter")
    await expect(visit.page).to_have_url(f"{visit.url}/{place(here)}")
    await visit.page.get_by_role("button", name="Stop following").press("Enter")
    group = visit.page.get_by_role("group", name="Stop following")
    await expect(group.get_by_role("button").first).to_be_focused()
    await visit.page.keyboard.press("Tab")
    await visit.page.keyboard.press("Enter")
    await expect(group).to_have_count(0)
    await expect(visit.page.get_by_role("button", name="Stop following")).to_be_focused()
