"""The page in a real browser, while 100,000 watches are followed of which 200 change every second: memory, processor and frames.

The daemon's parts are those of `pages`, where also stands what open pages cost the daemon. The renderer is the browser's process
that runs the page; its memory is the most that it had for itself, and its part of what it shares, a good deal of which is what
nobody needs any more, until the browser thinks fit to throw it away. A frame lasts from one drawing to the next, which without
anything to do is a sixtieth of a second. The first view is there when the page says that it is live, counted from the last byte
of the document, by a browser that has nothing of it yet. What moves on the page may move.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psutil
from playwright.async_api import Browser, async_playwright

from tests.bench.bench_pages import WATCHES, Served, served
from tests.page.visiting import Visit, launched, visiting
from watcher.app.process import tune_the_interpreter

SECONDS: Final = 30.0
WEIGHINGS: Final = 6
"""Times that the memory is looked at while the batches change."""
FIRST_VIEWS: Final = 7
ROOMS: Final = {"overview": "#/", "batches": "#/batches"}
WHEN_LIVE: Final = """
new MutationObserver((_, observer) => {
  if (document.querySelector(".pulse.live") === null || document.querySelector("#view h2, #view table") === null) return;
  window.shownAt = performance.now();
  observer.disconnect();
}).observe(document, {subtree: true, childList: true, attributes: true});
"""
UNTIL_SHOWN: Final = "window.shownAt - performance.getEntriesByType('navigation')[0].responseEnd"
FRAMES: Final = """() => {
  window.longest = 0;
  window.frames_ = 0;
  let last = performance.now();
  const draw = (now) => {
    window.longest = Math.max(window.longest, now - last);
    window.frames_ += 1;
    last = now;
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}"""


def renderers() -> dict[psutil.Process, float]:
    """The processes of our browser that run pages, spare ones too, with the seconds that each had of the processor."""
    there = [each for each in psutil.Process().children(recursive=True) if "--type=renderer" in _command(each)]
    return {each: sum(each.cpu_times()[:2]) for each in there}


def _command(process: psutil.Process) -> Sequence[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ()


async def heap(visit: Visit) -> float:
    """Bytes of JavaScript's heap that are in use, when what is not needed was thrown away."""
    session = await visit.page.context.new_cdp_session(visit.page)
    await session.send("HeapProfiler.collectGarbage")
    await session.send("Performance.enable")
    metrics: list[dict[str, Any]] = (await session.send("Performance.getMetrics"))["metrics"]
    await session.detach()
    return next(float(each["value"]) for each in metrics if each["name"] == "JSHeapUsedSize")


async def looked_at(browser: Browser, here: Served, room: str, seconds: float) -> dict[str, float]:
    """What a room costs while the batches change."""
    async with visiting(browser, here.url, reduced_motion="no-preference") as visit:
        visit.mean(".")
        await visit.go(ROOMS[room])
        await here.busy(3)
        before, begun, memory = renderers(), time.monotonic(), 0.0
        for _ in range(WEIGHINGS):
            await here.busy(seconds / WEIGHINGS)
            memory = max([memory, *(each.memory_full_info().pss for each in renderers())])
        used = {each: seconds - before.get(each, 0.0) for each, seconds in renderers().items()}
        share = max(used.values()) / (time.monotonic() - begun)
        await visit.page.evaluate(FRAMES)
        await here.busy(seconds)
        longest, frames = await visit.page.evaluate("[window.longest, window.frames_]")
        return {
            f"{room}: memory of the renderer, MB": memory / 1e6,
            f"{room}: JavaScript's heap, MB": await heap(visit) / 1e6,
            f"{room}: share of a core": share,
            f"{room}: longest frame, ms": longest,
            f"{room}: frames a second": frames / seconds,
        }


async def first_view(browser: Browser, here: Served) -> float:
    """Milliseconds from the document to what is live."""
    async with visiting(browser, here.url) as visit:
        visit.mean(".")
        await visit.page.add_init_script(WHEN_LIVE)
        await visit.go()
        await visit.page.wait_for_function("window.shownAt !== undefined")
        shown: float = await visit.page.evaluate(UNTIL_SHOWN)
        return shown


async def _run(watches: int, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        tune_the_interpreter()
        async with (
            served(Path(name) / "page.db", watches) as here,
            async_playwright() as playwright,
            launched(playwright) as browser,
        ):
            shown = [await first_view(browser, here) for _ in range(FIRST_VIEWS)]
            figures = {
                "first view: from the document to what is live, ms, median": statistics.median(shown),
                "first view: the slowest, ms": max(shown),
            }
            for room in ROOMS:
                figures |= await looked_at(browser, here, room, seconds)
            return figures


def run(watches: int = WATCHES, seconds: float = SECONDS) -> dict[str, float]:
    """About four minutes."""
    return asyncio.run(_run(watches, seconds))


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<80} {value:,.3f}")
