"""The page's files as they lie in the package: what they load, what they may not do, and that the package has them."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "watcher" / "web" / "page"
FILES: Final = sorted(path for path in PAGE.rglob("*") if path.is_file())
MODULES: Final = [path for path in FILES if path.suffix == ".js"]
LOADED: Final = re.compile(r'^(?:import|export)\b(?:[\s\w{},*]*\bfrom)?\s*"(\.{1,2}/[^"]+)"', re.MULTILINE)
LOADED_AT_ALL: Final = re.compile(r'"(\.{1,2}/[^"]+\.js)"')
ELSEWHERE: Final = re.compile(r"""(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}""", re.IGNORECASE)
NAMES_OF_XML: Final = "http://www.w3.org/"
MARKUP: Final = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment|srcdoc"
    r"|\beval\(|new Function|\bjavascript:"
)
"""Ways in which text could become markup or code."""


def name(path: Path) -> str:
    return str(path.relative_to(PAGE))


def first_view() -> set[Path]:
    """All that is loaded before anything is shown."""
    text = (PAGE / "index.html").read_text("utf-8")
    found = [PAGE / "index.html", *(PAGE / each for each in re.findall(r'(?:src|href)="/page/([^"]+)"', text))]
    for path in found:
        if path.suffix == ".js":
            found += sorted({(path.parent / each).resolve() for each in LOADED.findall(path.read_text())} - {*found})
    return set(found)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text("utf-8").replace(NAMES_OF_XML, "")
    assert ELSEWHERE.findall(text) == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_makes_no_markup_and_stays_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert MARKUP.findall(text) == []
    assert len(text.splitlines()) <= 350


def test_every_style_is_for_something() -> None:
    style = re.sub(r"/\*.*?\*/", "", (PAGE / "page.css").read_text("utf-8"), flags=re.DOTALL)
    classes = {
        name for selector in re.findall(r"([^{};]+)\{", style) for name in re.findall(r"\.([a-z][\w-]*)", selector)
    }
    words = {word for path in MODULES for word in re.findall(r"[a-z][\w-]*", path.read_text("utf-8"))}
    assert classes - words == set()


def test_every_module_is_loaded_by_another() -> None:
    loaded = {
        (path.parent / each).resolve() for path in MODULES for each in LOADED_AT_ALL.findall(path.read_text("utf-8"))
    }
    assert {name(path) for path in MODULES if path not in loaded} == {"begin.js"}


def test_the_document_has_no_script_and_no_style_of_its_own() -> None:
    text = (PAGE / "index.html").read_text("utf-8")
    assert re.findall(r"<style|style=|\son\w+=|<script(?![^>]*\bsrc=)", text) == []


def test_the_browser_is_told_of_all_modules_of_the_first_view_at_once() -> None:
    """Else it would hear of each only when it has read the one that loads it, one way to the daemon after the other."""
    text = (PAGE / "index.html").read_text("utf-8")
    told = re.findall(r'<link rel="modulepreload" href="/page/([^"]+)">', text)
    wanted = {name(path) for path in first_view() if path.suffix == ".js"} - {"begin.js"}
    assert told == sorted(wanted)


def test_the_first_view_is_small_and_all_there() -> None:
    weights = {name(path): path.stat().st_size for path in first_view()}
    assert {"index.html", "page.css", "main.js", "overview/room.js"} <= weights.keys()
    assert sum(weights.values()) < 150_000, dict(sorted(weights.items(), key=lambda each: -each[1]))


def test_whoever_installs_the_package_has_the_page(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        there = {each.removeprefix("watcher/web/page/") for each in packed.namelist() if "/web/page/" in each}
    assert there == {name(path) for path in FILES}
