"""What stands around every room: live or lost, signed in or not, by keyboard, with whatever names."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.page.town import TOKEN, Daemon, Town
from tests.page.visiting import PHONE, ROOMS, SCHEMES, Visit, visiting

LOST = r"net::ERR_"
"""What the browser itself says of a daemon that is not there."""
OLD = "What you see is from"


async def test_the_page_is_live_and_asks_for_nothing_from_elsewhere(visit: Visit) -> None:
    await visit.go()
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert {request.url.partition("//")[2].partition("/")[0] for request in visit.asked} == {visit.url[7:]}


async def test_every_room_has_an_address_of_its_own(visit: Visit) -> None:
    for place in ROOMS:
        await visit.go(place)
        here = visit.page.get_by_role("navigation", name="Rooms").locator("[aria-current=page]")
        assert await here.get_attribute("href") == place
        await expect(visit.page).to_have_title(f"{await here.inner_text()} – watcher")


async def test_going_back_leads_to_the_room_before(visit: Visit) -> None:
    await visit.go()
    await visit.page.get_by_role("link", name="Delivery", exact=True).click()
    await expect(visit.page).to_have_title("Delivery – watcher")
    await visit.page.go_back()
    await expect(visit.page).to_have_title("Overview – watcher")
    await visit.live()


# The connection


@pytest.fixture
def mortal(town: Town, request: pytest.FixtureRequest) -> Daemon:
    """A daemon of the test's own, which it may end."""
    return town.daemon(request.node.name)


async def test_what_is_shown_stays_and_says_how_old_it_is_while_the_daemon_is_away(
    browser: Browser, town: Town, mortal: Daemon
) -> None:
    (before,) = town.add(1, validating_for=3600)
    mortal.follow(before)
    async with visiting(browser, mortal.url) as visit:
        await visit.go("#/batches")
        await expect(visit.page.get_by_role("main")).to_contain_text(str(before))
        await visit.page.evaluate("window.notReloaded = true")
        visit.mean(LOST)
        mortal.stop()
        await expect(visit.page.get_by_text("Connection lost.")).to_be_visible()
        await expect(visit.page.get_by_text(OLD)).to_be_visible()
        await expect(visit.page.get_by_role("main")).to_contain_text(str(before))
        assert await visit.faults() == []

        mortal.start()
        (after,) = town.add(1, validating_for=3600)
        mortal.follow(after)
        with suppress(PlaywrightTimeout):  # it may try by itself at that very moment
            await visit.page.get_by_role("button", name="Try now").click(timeout=5_000)
        await visit.live()
        await expect(visit.page.get_by_text(OLD)).to_be_hidden()
        await expect(visit.page.get_by_role("main")).to_contain_text(str(after))
        assert await visit.page.evaluate("window.notReloaded") is True


async def test_the_page_comes_back_by_itself(browser: Browser, mortal: Daemon) -> None:
    async with visiting(browser, mortal.url) as visit:
        await visit.go()
        visit.mean(LOST)
        mortal.stop()
        await expect(visit.page.get_by_text("Connection lost.")).to_be_visible()
        mortal.start()
        await visit.live()


async def test_a_page_without_a_network_says_so_until_it_is_back(visit: Visit) -> None:
    await visit.go()
    visit.mean(LOST)
    await visit.page.context.set_offline(True)
    await visit.page.get_by_role("link", name="Plan", exact=True).click()
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Plan")
    await visit.page.context.set_offline(False)
    await visit.live()


# Signing in


async def test_with_a_token_one_is_in_and_stays_in_until_one_signs_out(guest: Visit) -> None:
    await guest.open("#/batches")
    await guest.sign_in(TOKEN)
    await guest.live()
    await expect(guest.page).to_have_title("Batches – watcher")
    await guest.page.reload()
    await guest.live()
    await guest.page.get_by_role("button", name="Sign out").click()
    await expect(guest.page.get_by_label("Token")).to_be_visible()
    await guest.page.reload()
    await expect(guest.page.get_by_label("Token")).to_be_visible()


async def test_a_wrong_token_is_refused_where_it_was_given(guest: Visit) -> None:
    await guest.open()
    await guest.sign_in("wrong")
    await expect(guest.page.get_by_role("alert")).to_contain_text("This is no token of the daemon")
    await guest.sign_in(TOKEN)
    await guest.live()


async def test_a_session_that_is_over_leads_to_signing_in(guest: Visit, closed: Daemon) -> None:
    guest.mean(r"status of 401")
    made = closed.ask("POST", "/v1/tokens", {"name": "for a day", "scopes": ["read", "write"]})
    await guest.open("#/batches")
    await guest.sign_in(made["token"])
    await guest.live()
    closed.ask("DELETE", f"/v1/tokens/{made['id']}")
    await expect(guest.page.get_by_label("Token")).to_be_visible()
    await guest.sign_in(TOKEN)
    await guest.live()
    await expect(guest.page).to_have_title("Batches – watcher")


async def test_whoever_may_only_read_sees_no_buttons(guest: Visit, closed: Daemon) -> None:
    await guest.open()
    await guest.sign_in(closed.reader())
    await guest.live()
    await expect(guest.page.get_by_text("may only read")).to_be_visible()
    batch = closed.ask("GET", "/v1/watches")["items"][0]["batch_id"]
    for place in (*ROOMS, f"#/batches/default/{batch}"):
        await guest.go(place)
        buttons = guest.page.locator("#view .action button, #view button[type=submit], #view input[type=file]")
        assert await buttons.all_inner_texts() == [], place


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_signing_in_is_for_everybody(guest: Visit, scheme: str) -> None:
    await guest.scheme(scheme)
    await guest.open()
    await expect(guest.page.get_by_label("Token")).to_be_focused()
    assert await guest.faults() == []
    await guest.page.keyboard.type(TOKEN)
    await guest.page.keyboard.press("Enter")
    await guest.live()


# For everybody


async def test_no_view_keeps_anybody_out(visit: Visit) -> None:
    for place in ROOMS:
        for scheme in SCHEMES:
            await visit.scheme(scheme)
            await visit.go(place)
            assert await visit.faults() == [], (place, scheme)


async def test_everything_can_be_reached_by_keyboard(visit: Visit) -> None:
    for place in ROOMS:
        await visit.go(place)
        reached, there = await visit.reachable()
        assert reached == there, place


async def test_a_key_that_is_held_or_a_second_click_agrees_to_nothing(visit: Visit, town: Town, daemon: Daemon) -> None:
    (here,) = town.add(1, validating_for=3600, name="Held")
    daemon.follow(here)
    await visit.go(f"#/batches/default/{here}")
    page = visit.page
    await page.get_by_role("button", name="Stop following").focus()
    for _ in range(3):
        await page.keyboard.down("Enter")  # the second and third are repetitions
        await page.evaluate(DRAWN)
    await page.keyboard.up("Enter")
    asked = page.get_by_role("group", name="Stop following")
    await expect(asked.get_by_role("button", name="Stop following")).to_be_focused()
    await asked.get_by_role("button", name="Cancel").click()
    before = len(visit.asked)
    await page.get_by_role("button", name="Look now").dblclick()
    await expect(page.locator(".came")).to_have_text("Looked.")
    assert sum(request.method == "POST" for request in visit.asked[before:]) == 1
    assert daemon.ask("GET", f"/v1/accounts/default/batches/{here}")["state"] == "open"


DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn))))"
"""Until what was done is on the screen."""


async def test_the_keyboard_can_skip_what_stands_before_the_content(visit: Visit) -> None:
    await visit.go()
    await visit.page.keyboard.press("Tab")
    await expect(visit.page.get_by_role("link", name="Skip to content")).to_be_focused()
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.get_by_role("main")).to_be_focused()


async def test_whoever_goes_elsewhere_by_keyboard_is_there(visit: Visit) -> None:
    await visit.go()
    await visit.page.get_by_role("link", name="Delivery", exact=True).press("Enter")
    await expect(visit.page).to_have_title("Delivery – watcher")
    await expect(visit.page.get_by_role("main")).to_be_focused()
    await expect(visit.page.get_by_role("status").last).to_have_text("Delivery – watcher")


async def test_on_a_phone_nothing_stands_out_at_the_side(browser: Browser, daemon: Daemon) -> None:
    async with visiting(browser, daemon.url, viewport=PHONE, has_touch=True, is_mobile=True) as visit:
        for place in ROOMS:
            await visit.go(place)
            assert await visit.fits(), place
            assert await visit.faults() == [], place


# Whatever names

HOSTILE = (
    "<img src=x onerror=\"window.taken = 'by an image'\">",
    "<script>window.taken = 'by a script'</script>",
    "'\"--></title></textarea><svg onload=\"window.taken = 'by a picture'\">",
    "javascript:window.taken='by an address'",
    "{{constructor.constructor('window.taken=1')()}}",
    "\u202egpj.elpmas\u2069",
    "\u05e7\u05de\u05e4\u05d9\u05d9\u05df \u05d4\u05e1\u05ea\u05d9\u05d5 (2026)",
    "N" * 200,
)
"""Names that would do harm where they were taken for anything but text."""


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def hostile(town: Town) -> AsyncIterator[Daemon]:
    """A daemon all of whose batches, labels and endpoints bear such names."""
    there = town.daemon("hostile", CALLFIRE_RATE="50")
    for name in HOSTILE:
        ids = town.add(1, name=name, end=name, new_for=0, validating_for=0)
        there.ask("POST", "/v1/watches", [{"batch_id": ids[0], "labels": {"team": name}, "correlation_id": name[:100]}])
        there.ask("POST", "/v1/endpoints", {"url": "http://127.0.0.1:1999/", "description": name[:100]})
    yield there


async def test_a_name_is_text_whatever_it_is(browser: Browser, hostile: Daemon) -> None:
    batches = [f"#/batches/default/{item['batch_id']}" for item in hostile.ask("GET", "/v1/watches")["items"]]
    endpoints = [f"#/delivery/{item['id']}" for item in hostile.ask("GET", "/v1/endpoints")["items"]]
    assert len(batches) == len(endpoints) == len(HOSTILE)
    async with visiting(browser, hostile.url) as visit:
        visit.mean(r"status of 404 .*%3Cimg")
        taken = ("#/delivery/<img src=x onerror=alert(1)>", "#/batches/<img src=x onerror=alert(1)>/13", "#/<img>")
        for place in (*ROOMS, *batches, endpoints[0], *taken):
            await visit.go(place)
            assert await visit.page.evaluate("window.taken ?? null") is None, place
            assert await visit.page.locator("#page img, #page script, #page iframe").count() == 0, place
            assert await visit.page.evaluate(SPILLING) == [], place
            assert await visit.fits(), place


SPILLING = r"""() => {
  const found = [], walker = document.createTreeWalker(document.getElementById("page"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode())
    if (/[\u202a-\u202e\u2066-\u2069\u0590-\u06ff]/.test(node.nodeValue)
        && node.parentElement.closest("bdi, [dir=auto], option, textarea") === null)
      found.push(node.parentElement.outerHTML.slice(0, 200));
  return found;
}"""
"""Texts whose direction spills over into ours."""


async def test_names_are_shown_as_they_are(browser: Browser, hostile: Daemon) -> None:
    async with visiting(browser, hostile.url) as visit:
        await visit.go("#/batches")
        for name in HOSTILE:
            await expect(visit.page.get_by_role("main").get_by_text(name, exact=True).first).to_be_attached()


# What it weighs


async def test_the_first_view_weighs_less_than_150_kb(visit: Visit) -> None:
    await visit.go()
    weights = {
        request.url: len(await response.body())
        for request in visit.asked
        if (response := await request.response()) is not None and "/stream" not in request.url
    }
    assert f"{visit.url}/page/main.js" in weights
    assert sum(weights.values()) < 150_000, weights
