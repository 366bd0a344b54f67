"""The page's files as they are served: those that are known and no other, and nothing that they load comes from elsewhere."""

from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.web.house import House, open_house
from watcher.web.page_files import PageFiles, page_in
from watcher.web.problems import Problem

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page of four files, among others that are not of it."""
    folder = tmp_path / "page"
    (folder / "plan").mkdir(parents=True)
    for name in ("index.html", "main.js", "page.css", "icon.svg", "plan/view.js", "notes.md", "plan/draft.js~", "js"):
        (folder / name).write_text(f"this is {name}: é", "utf-8")
    (tmp_path / "secret.js").write_text("of somebody else")
    return folder


async def asked(files: PageFiles, name: str) -> web.Response:
    request = make_mocked_request("GET", f"/page/{quote(name)}", match_info={"name": name})
    return await files.file(request)


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("main.js", "text/javascript"),
        ("page.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
        ("plan/view.js", "text/javascript"),
    ],
)
async def test_a_file_is_served_as_what_it_is(folder: Path, name: str, media: str) -> None:
    answer = await asked(PageFiles(page_in(folder)), name)
    assert (answer.status, answer.content_type, answer.charset) == (200, media, "utf-8")
    assert answer.body == f"this is {name}: é".encode()


@pytest.mark.parametrize(
    "name",
    [
        *("index.html", "notes.md", "plan/draft.js~", "js", "plan", "plan/", "main.js/", "/main.js", "./main.js"),
        *("../secret.js", "plan/../main.js", "..\\secret.js", "MAIN.JS", "main.js\0", "", "."),
    ],
)
async def test_nothing_but_the_files_of_the_page_can_be_had(folder: Path, name: str) -> None:
    with pytest.raises(Problem) as refused:
        await asked(PageFiles(page_in(folder)), name)
    assert (refused.value.status, refused.value.kind) == (404, "unknown-path")


@pytest.mark.parametrize(
    "path",
    [
        "/page/../page_files.py",
        "/page/..%2fpage_files.py",
        "/page/%2e%2e/page_files.py",
        "/page/..%5cpage_files.py",
        "/page//etc/passwd",
        "/page/%00",
        "/page/index.html",
        "/page/",
        "/page",
        "/index.html",
    ],
)
async def test_no_path_whatsoever_leads_out_of_the_page(house: House, path: str) -> None:
    answer = await house.ask("GET", path)
    assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-path")


async def test_the_files_stay_as_they_were_when_the_daemon_started(folder: Path) -> None:
    files = PageFiles(page_in(folder))
    (folder / "main.js").write_text("of the next version")
    assert (await asked(files, "main.js")).body == "this is main.js: é".encode()


async def test_the_page_may_run_our_modules_and_ask_this_daemon_and_nothing_else(house: House) -> None:
    answer = await house.ask("GET", "/")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Content-Security-Policy"] == CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_the_head_of_the_page_is_answered_without_the_page(house: House) -> None:
    answer, whole = await house.ask("HEAD", "/"), await house.ask("GET", "/")
    assert (answer.status, answer.body, answer.headers["ETag"]) == (200, b"", whole.headers["ETag"])
    assert answer.headers["Content-Security-Policy"] == CSP


@pytest.mark.parametrize("path", ["/", "/page/api.js"])
async def test_what_the_browser_has_is_asked_about_each_time_and_not_sent_again(house: House, path: str) -> None:
    first = await house.ask("GET", path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = await house.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert (
        again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    )  # or a reload forbids all of it
    other = await house.ask("GET", path, headers={"If-None-Match": 'W/"of-another-version"'})
    assert (other.status, other.body) == (200, first.body)


@pytest.mark.parametrize("path", ["/", "/page/api.js"])
async def test_whoever_has_to_sign_in_gets_the_page_to_do_it_with(path: str) -> None:
    async with open_house(token="correct-horse-battery") as house:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "watcher=over"}):
            assert (await house.ask("GET", path, headers=headers)).status == 200


async def test_a_link_in_a_message_leads_to_the_page(house: House) -> None:
    from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await house.ask("GET", "/", headers=from_elsewhere)).status == 200


async def test_the_page_is_only_to_be_read(house: House) -> None:
    answer = await house.ask("POST", "/")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
