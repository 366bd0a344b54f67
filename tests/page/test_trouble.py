"""What goes wrong around every room: sessions that end, too many attempts, many windows, a machine that slept, a slow daemon, a
room that fails."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError

import pytest
from playwright.async_api import Browser, Route, expect

from tests.page.town import TOKEN, Daemon, Town, asked
from tests.page.visiting import Visit, visiting

LOST = r"net::ERR_"
HIDE = """(state) => {
  Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Nobody looks at the page any more, or somebody does again."""


@pytest.fixture(scope="session")
def guarded(town: Town) -> Daemon:
    """A daemon that wants a token, and refuses whoever tried too often."""
    return town.daemon("guarded", TOKEN)


# Sessions


async def test_an_action_after_the_end_of_the_session_leads_to_signing_in_and_back(
    guest: Visit, closed: Daemon
) -> None:
    guest.mean("status of 401")
    await guest.open("#/batches")
    await guest.sign_in(TOKEN)
    await guest.live()
    await guest.page.context.clear_cookies()
    await guest.page.evaluate("import('/page/api.js').then(({ask}) => ask('GET', '/v1/accounts')).catch(() => null)")
    await expect(guest.page.get_by_label("Token")).to_be_focused()
    await guest.sign_in(TOKEN)
    await guest.live()
    await expect(guest.page).to_have_title("Batches – watcher")


async def test_the_end_of_a_token_s_time_leads_to_signing_in(guest: Visit, closed: Daemon) -> None:
    guest.mean("status of 401")
    await guest.open("#/plan")
    await expect(guest.page.get_by_label("Token")).to_be_visible()
    soon = datetime.now(UTC) + timedelta(seconds=15)  # until then it has signed in, also on a busy machine
    made = closed.ask("POST", "/v1/tokens", {"name": "short", "scopes": ["read"], "expires": soon.isoformat()})
    await guest.sign_in(made["token"])
    await guest.live()
    await expect(guest.page.get_by_label("Token")).to_be_visible()
    await expect(guest.page).to_have_title("Sign in – watcher")
    await guest.sign_in(TOKEN)
    await guest.live()
    await expect(guest.page).to_have_title("Plan – watcher")


async def test_who_signs_in_after_somebody_else_sees_nothing_of_theirs(guest: Visit, closed: Daemon) -> None:
    guest.mean("status of 40[13]")
    await guest.open()
    await guest.sign_in(TOKEN)
    await guest.live()
    await guest.page.evaluate("window.notReloaded = true")
    await guest.page.get_by_role("button", name="default", exact=True).click()
    await expect(guest.page.locator("tr.below")).to_be_visible()
    made = closed.ask("POST", "/v1/tokens", {"name": "writes only", "scopes": ["write"]})
    await guest.page.context.clear_cookies()
    await guest.page.evaluate("import('/page/api.js').then(({ask}) => ask('GET', '/v1/accounts')).catch(() => null)")
    await guest.sign_in(made["token"])
    await expect(guest.page.locator(".banner")).to_contain_text("The daemon refuses to show this.")
    await expect(guest.page.get_by_role("main")).to_contain_text("Nothing was loaded yet.")
    await expect(guest.page.get_by_role("main")).not_to_contain_text("default")
    assert await guest.page.evaluate("window.notReloaded") is True


async def test_signing_in_in_one_window_is_enough(guest: Visit) -> None:
    await guest.open()
    other = await guest.page.context.new_page()
    await other.goto(f"{guest.url}/#/plan")
    await expect(other.get_by_label("Token")).to_be_visible()
    await guest.sign_in(TOKEN)
    await guest.live()
    await other.evaluate(HIDE, "visible")
    await expect(other.locator(".pulse.live")).to_be_visible()
    await guest.page.get_by_role("button", name="Sign out").click()
    await expect(guest.page.get_by_label("Token")).to_be_visible()


async def test_who_tried_too_often_is_told_so_and_let_in_with_a_right_token(browser: Browser, guarded: Daemon) -> None:
    def attempt(_: int) -> None:
        with suppress(HTTPError):
            asked(f"{guarded.url}/v1/session", {"token": "wrong"}, method="POST")

    with ThreadPoolExecutor(12) as attempts:
        await asyncio.to_thread(lambda: list(attempts.map(attempt, range(12))))
    async with visiting(browser, guarded.url) as visit:
        visit.mean("status of 4(01|29)")
        await visit.open()
        await visit.sign_in("wrong-as-well")
        await expect(visit.page.get_by_role("alert")).to_contain_text("too many attempts")
        await expect(visit.page.get_by_label("Token")).to_be_focused()
        await expect(visit.page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")
        await visit.page.keyboard.type(TOKEN)
        await visit.page.keyboard.press("Enter")
        await visit.live()


# The connection


async def test_of_many_windows_the_last_are_live_and_all_can_act(browser: Browser, daemon: Daemon) -> None:
    async with visiting(browser, daemon.url) as visit:
        await visit.go()
        others = [await visit.page.context.new_page() for _ in range(6)]
        for other in others:
            await other.goto(f"{visit.url}/#/")
            await expect(other.locator(".pulse.live")).to_be_visible()
        await expect(visit.page.locator(".pulse.resting")).to_be_visible()
        await expect(visit.page.locator(".banner")).to_contain_text("Other windows of this page are live")
        assert await visit.page.evaluate("fetch('/v1/accounts').then(({status}) => status)") == 200
        await visit.page.get_by_role("button", name="Try now").click()
        await visit.live()
        await expect(visit.page.locator(".banner")).to_be_hidden()
        for other, resting in zip(others, (1, 1, 1, 0, 0, 0), strict=True):
            await expect(other.locator(".pulse.resting")).to_have_count(resting)


async def test_a_page_that_nobody_sees_rests_and_is_live_when_somebody_looks(browser: Browser, daemon: Daemon) -> None:
    async with visiting(browser, daemon.url) as visit:
        await visit.page.clock.install()
        await visit.go()
        await visit.page.evaluate(HIDE, "hidden")
        await visit.page.clock.run_for(6000)
        await expect(visit.page.locator(".pulse.resting")).to_be_attached()
        await visit.page.evaluate(HIDE, "visible")
        await visit.live()
        await visit.page.clock.run_for(6000)
        await expect(visit.page.locator(".pulse.live")).to_be_visible()


async def test_a_machine_that_slept_does_not_take_what_it_shows_for_live(browser: Browser, daemon: Daemon) -> None:
    async with visiting(browser, daemon.url) as visit:
        await visit.page.clock.install()
        await visit.go()
        visit.mean(LOST)
        await visit.page.context.set_offline(True)  # so that it cannot come back at once
        await visit.page.clock.fast_forward(3_600_000)
        await expect(visit.page.get_by_text("Connection lost.")).to_be_visible()
        await expect(visit.page.locator(".banner")).to_contain_text("1 hr ago")
        await visit.page.context.set_offline(False)
        await visit.live()


async def test_only_that_the_connection_is_lost_is_said_aloud_not_every_second(
    browser: Browser, daemon: Daemon
) -> None:
    async with visiting(browser, daemon.url) as visit:
        await visit.go()
        visit.mean(LOST, "status of 503")
        await visit.page.route("**/v1/stream*", lambda route: route.abort())
        await visit.open("#/batches?show=open")
        said = visit.page.locator(".banner [role=status]")
        await expect(said).to_have_text("Connection lost.")
        await expect(visit.page.locator(".banner [role=status] ~ span")).to_contain_text("What you see is from")


async def test_a_patch_that_does_not_fit_is_no_reason_to_show_what_is_wrong(browser: Browser, daemon: Daemon) -> None:
    broken = 'event: data\ndata: {}\n\nevent: patch\ndata: [{"op": "replace", "path": "/nothing", "value": 1}]\n\n'

    async def once(route: Route) -> None:
        document = {
            "watches": {},
            "order": [],
            "accounts": {},
            "counts": {},
            "endpoints": {},
            "more": False,
            "position": 0,
        }
        body = broken.replace("{}", json.dumps(document), 1)
        await route.fulfill(status=200, content_type="text/event-stream", body=body)

    async with visiting(browser, daemon.url) as visit:
        await visit.page.route("**/v1/stream*", once, times=1)
        await visit.open()
        await expect(visit.page.locator(".banner")).to_contain_text("all of it is asked for again")
        await visit.live()
        await expect(visit.page.locator(".statuses li").first).to_be_visible()


async def test_while_the_daemon_is_slow_the_page_says_what_it_waits_for(browser: Browser, daemon: Daemon) -> None:
    go_on = asyncio.Event()

    async def slowly(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    async with visiting(browser, daemon.url) as visit:
        await visit.page.route("**/v1/session", slowly)
        await visit.open()
        await expect(visit.page.get_by_text("Waiting for the daemon…")).to_be_visible()
        go_on.set()
        await visit.live()


# A mistake of ours


async def test_a_room_that_fails_says_so_and_keeps_the_others(browser: Browser, daemon: Daemon) -> None:
    async def broken(route: Route) -> None:
        body = "export const needsList = () => { throw new Error('out of order'); }; export const ENDS = {};"
        await route.fulfill(status=200, content_type="text/javascript", body=body)

    async with visiting(browser, daemon.url) as visit:
        visit.mean("out of order")
        await visit.page.route("**/page/overview/needs_list.js", broken)
        await visit.go()
        await expect(visit.page.get_by_role("alert")).to_contain_text("The page failed to show this. out of order")
        await visit.page.get_by_role("link", name="Plan", exact=True).click()
        await expect(visit.page).to_have_title(re.compile("Plan"))
        await expect(visit.page.get_by_text("The page failed to show this.")).to_have_count(0)


async def test_a_room_that_cannot_be_loaded_comes_when_it_can(browser: Browser, daemon: Daemon) -> None:
    async with visiting(browser, daemon.url) as visit:
        visit.mean("ERR_FAILED")
        await visit.go()
        await visit.page.route("**/page/batches/room.js", lambda route: route.abort())
        await visit.open("#/batches")
        view = visit.page.locator("#view")
        await expect(view).to_contain_text("This part of the page could not be loaded. Trying again…")
        await visit.page.unroute("**/page/batches/room.js")
        await expect(view.get_by_label("Search")).to_be_visible()
        await visit.live()


async def test_a_clock_that_is_wrong_makes_nothing_look_old_or_yet_to_come(browser: Browser, daemon: Daemon) -> None:
    async with visiting(browser, daemon.url) as visit:
        await visit.page.clock.install(time=datetime.now(UTC) - timedelta(hours=5))
        await visit.go()
        latest = visit.page.get_by_role("region", name="Last changes").get_by_role("listitem").first
        await expect(latest).to_have_text(re.compile(r"^(now|\d+ (sec|min) ago)"))
