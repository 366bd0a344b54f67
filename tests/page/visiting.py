"""Somebody who looks at the page in a real browser. Whatever the browser complains of (an error of a script, what a policy
forbids, an answer that is an error) fails the test that does not say beforehand that it is meant to be."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, Request, expect

CHROMIUM: Final = "/usr/bin/chromium-headless-shell"
"""Debian's Chromium without the parts that draw windows: a visit takes a third of the time."""
ARGUMENTS: Final = (
    "--no-sandbox",  # it may be root who runs the tests
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # no name leads anywhere
    "--disable-gpu",
)
AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: Final = ("light", "dark")
ROOMS: Final = ("#/", "#/batches", "#/delivery", "#/submit", "#/plan")
"""The views that need nothing but the daemon."""
PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1280, "height": 800}
LISTENING: Final = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`forbidden by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
addEventListener("unhandledrejection", (event) => console.error(`unhandled: ${event.reason}`));
"""


@dataclass(kw_only=True)
class Visit:
    """A visit of one browser, with cookies of its own."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    meant: list[str] = field(default_factory=list)

    def mean(self, *patterns: str) -> None:
        """From now on complaints that match are meant to be."""
        self.meant += patterns

    def unmeant(self) -> list[str]:
        """What nobody meant to be."""
        return [each for each in self.complaints if not any(re.search(pattern, each) for pattern in self.meant)]

    async def go(self, place: str = "#/") -> None:
        """Goes there, and returns when what stands there is live."""
        await self.open(place)
        await self.live()

    async def open(self, place: str = "#/") -> None:
        """Goes there."""
        if self.page.url.startswith(f"{self.url}/"):
            await self.page.evaluate(GOING, place)
        else:
            await self.page.goto(f"{self.url}/{place}")

    async def live(self) -> None:
        """Returns when the page says that what it shows is live, and is that of the room."""
        await expect(self.page.locator(".pulse.live")).to_be_visible()
        await expect(self.page.locator("#view")).not_to_have_attribute("aria-busy", "true")
        await expect(self.page.locator("#view")).not_to_contain_text("Loading…")

    async def sign_in(self, token: str) -> None:
        """Gives the token where the page asks for it."""
        await self.page.get_by_label("Token").fill(token)
        await self.page.get_by_role("button", name="Sign in").click()

    async def scheme(self, name: str) -> None:
        """Prefers light or dark from now on."""
        assert name in ("light", "dark")
        await self.page.emulate_media(color_scheme="light" if name == "light" else "dark", reduced_motion="reduce")

    async def faults(self) -> list[str]:
        """What axe finds of the page as it is now: the rule and where, one line each."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text("utf-8"))
        found: dict[str, Any] = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{rule['id']} ({rule['help']}): {node['target']} {node['failureSummary']} {node['html']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    async def reachable(self) -> tuple[list[str], list[str]]:
        """What the Tab key comes to, one after the other from the beginning, and what can be used. By their names: what is live
        is drawn anew meanwhile."""
        await self._tabbed()  # to the end: the key goes on from where somebody clicked
        come = await self._tabbed()
        there: list[str] = await self.page.evaluate(f"({USABLE})().map({NAMING})")
        return come, there

    async def _tabbed(self) -> list[str]:
        """What the Tab key comes to until it leaves the page."""
        come: list[str] = []
        while len(come) < USABLE_MOST:
            await self.page.keyboard.press("Tab")
            here: str | None = await self.page.evaluate(f"({NAMING})(document.activeElement)")
            if here is None:
                break
            come.append(here)
        return come

    async def fits(self) -> bool:
        """Whether nothing stands out of the window at its side."""
        wide: bool = await self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        return wide


TO_THE_BEGINNING: Final = """() => {
  document.body.tabIndex = -1;  // what was clicked last is where Tab would go on
  document.body.focus();
  document.body.removeAttribute("tabindex");
  scrollTo(0, 0);
}"""
GOING: Final = """(place) => new Promise((drawn) => {
  location.hash = place;
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn)));
})"""
USABLE_MOST: Final = 500
"""More than this is on no view: the Tab key goes round and round."""
USABLE: Final = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((each) => !each.disabled && each.checkVisibility({visibilityProperty: true}))"""
NAMING: Final = """(each) => {
  if (each === null || each === document.body) return null;
  const name = each.getAttribute("aria-label") ?? (each.id || each.textContent);
  return `${each.tagName.toLowerCase()} ${name.trim().slice(0, 60).replace(/\\d+/g, "0")}`;
}"""
"""What it is called: but for figures, which go on meanwhile."""


@asynccontextmanager
async def launched(playwright: Playwright, arguments: Sequence[str] = ARGUMENTS) -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window."""
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(arguments))
    try:
        yield browser
    finally:
        await browser.close()


@asynccontextmanager
async def visiting(browser: Browser, url: str, **how: Any) -> AsyncIterator[Visit]:
    """A visit at this address, with cookies of its own. At its end nothing may have happened that was not meant."""
    given = {"viewport": DESK, "locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce", **how}
    context = await browser.new_context(**given)
    try:
        await context.add_init_script(LISTENING)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        visit = Visit(page=page, url=url)

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                visit.complaints.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

        def asked(request: Request) -> None:
            visit.asked.append(request)
            if not request.url.startswith((f"{url}/", "data:")):
                visit.complaints.append(f"asked elsewhere: {request.url}")

        page.on("console", said)
        page.on("pageerror", lambda error: visit.complaints.append(f"failed: {error.message} {error.stack}"))
        page.on("request", asked)
        yield visit
        unmeant = visit.unmeant()
        assert not unmeant, unmeant
    finally:
        await context.close()
