"""`/` and what it loads: the page for people, as text that is served as it is. Open to all: the files tell nothing of the data,
which the page asks for as any client does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from watcher.web.conditional import HEEDED, tag_of
from watcher.web.operations import Gives, Operation
from watcher.web.paths import nothing_at

FIRST: Final = "index.html"
"""What is served at `/`, and nowhere else."""
HTML: Final = "text/html"
MEDIA: Final[Mapping[str, str]] = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""What the page may load, by how its name ends. Whatever else lies in the folder is not served."""
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
}
"""The page runs our modules, asks this daemon, and nothing else, whatever got into it; and makes no HTML of any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the page as it is served."""

    body: bytes
    media: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is served at `/`, and all that it may load, by name."""

    first: File
    files: Mapping[str, File]


class PageFiles:
    """The handlers that serve the page. All its files are read at the start: those of a daemon belong together, also where
    another version is installed under it."""

    def __init__(self, page: Page | None = None) -> None:
        self._page = page or of_package()

    def operations(self) -> list[Operation]:
        def open_to_all(path: str, handler: Handler, gives: Gives, *kinds: str) -> Operation:
            return Operation(
                method="GET",
                path=path,
                handler=handler,
                scope=None,
                tag="page",
                headers=(HEEDED,),
                gives={200: gives},
                problems=kinds,
            )

        script, *others = MEDIA.values()
        return [
            open_to_all("/", self.page, Gives(media=HTML)),
            open_to_all("/page/{name:.+}", self.file, Gives(media=script, or_else=others), "unknown-path"),
        ]

    async def page(self, _: web.Request) -> web.Response:
        """The page for people: what is going on, at a glance. It signs in with a token where one is wanted."""
        return _served(self._page.first, PAGE_HEADERS)

    async def file(self, request: web.Request) -> web.Response:
        """A file that the page loads: a module, a style, or a picture."""
        found = self._page.files.get(request.match_info["name"])
        if found is None:
            raise nothing_at(request)
        return _served(found, {})


@cache
def of_package() -> Page:
    """The page that comes with this version."""
    return page_in(files("watcher.web") / "page")


def page_in(folder: Traversable) -> Page:
    """The page whose files lie there."""
    return Page(first=_read(folder / FIRST, HTML), files=dict(_below(folder)))


def _served(file: File, headers: Mapping[str, str]) -> web.Response:
    return web.Response(body=file.body, content_type=file.media, charset="utf-8", headers={**headers, "ETag": file.tag})


def _below(folder: Traversable, under: str = "") -> Iterator[tuple[str, File]]:
    """All files that the page may load, by their paths in the folder."""
    for each in folder.iterdir():
        if each.is_dir():
            yield from _below(each, f"{under}{each.name}/")
        elif (media := MEDIA.get(each.name[each.name.rfind(".") :])) is not None:
            yield f"{under}{each.name}", _read(each, media)


def _read(file: Traversable, media: str) -> File:
    body = file.read_bytes()
    return File(body=body, media=media, tag=tag_of(body))
