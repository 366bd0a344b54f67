"""Going through the listing of a broadcast from end to end, page by page, so that what it does not show is certainly not there.

Nothing is assumed of the order of a listing, and rows may be added meanwhile: a sweep in which anything is odd proves nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from watcher.core.model import BroadcastKind, Page, PageRef

LIMIT: Final = 100
"""Rows of a page: what CallFire gives unasked."""
PAGES: Final = 2_000
"""Pages after which a listing is given up: it has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A sweep that began at that moment, and where it is: `offset` of the next page, the ids seen, pages asked for, and how many
    batches there were last (None: never said). `odd` says in words what keeps it from proving anything, "" where nothing does.
    `over` at its end."""

    broadcast_id: int
    kind: BroadcastKind
    began: datetime
    offset: int = 0
    pages: int = 0
    seen: frozenset[int] = frozenset()
    total: int | None = None
    odd: str = ""
    over: bool = False

    @property
    def ref(self) -> PageRef:
        """The next page."""
        return PageRef(broadcast_id=self.broadcast_id, kind=self.kind, offset=self.offset, limit=LIMIT)

    @property
    def proves(self) -> bool:
        """Whether what it did not show is not there."""
        return self.over and not self.odd


def taken_in(search: Search, page: Page) -> Search:
    """The search after its next page."""
    ids = frozenset(batch.id for batch in page.items)
    rows = len(page.items) + page.spoilt
    seen = search.seen | ids
    odd = search.odd or _oddity(search, page, ids)
    offset, pages = search.offset + rows, search.pages + 1
    counted = page.total is not None and offset >= page.total
    if rows == 0 and page.total is not None and len(seen) < page.total:
        odd = odd or "the listing ends before all of its batches were shown"
    if counted and page.total is not None and len(seen) < page.total:
        odd = odd or "the listing does not show each of its batches"
    if pages >= PAGES:
        odd = odd or "the listing has no end"
    # Without a total only an empty page is the end: one that is not full may be CallFire giving fewer rows than it was asked for.
    over = rows == 0 or counted or pages >= PAGES or not (ids - search.seen)
    total = search.total if page.total is None else page.total
    return replace(search, offset=offset, pages=pages, seen=seen, total=total, odd=odd, over=over)


def _oddity(search: Search, page: Page, ids: frozenset[int]) -> str:
    if page.offset != search.offset:
        return "the listing answers with another page than was asked for"
    if page.spoilt:
        return "the listing has rows that make no sense"
    if ids & search.seen:
        return "the listing shows a batch twice"
    if search.total is not None and page.total is not None and page.total < search.total:
        return "the listing became shorter meanwhile"
    return ""
