"""`/v1/watches`: many watches at once, listed or followed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from watcher.core.model import MAX_BATCH_ID, Key, State, Watch
from watcher.ports import Following, Store, WatchQuery, Wish
from watcher.web.asked_accounts import asked_accounts
from watcher.web.bodies import NDJSON, ROWS, BadJson, read_query, read_rows
from watcher.web.cursors import next_link, portion, read_cursor
from watcher.web.known_accounts import require_account
from watcher.web.models import RowBody, RowResult, RowResults, WatchPage
from watcher.web.operations import Gives, Operation, gives
from watcher.web.problems import Problem, listed, places, summary
from watcher.web.shown import answer
from watcher.web.visible import accounts_of
from watcher.web.watch_models import WatchesParams, status_of
from watcher.web.watch_shown import watch_shown
from watcher.web.watches import wish_of

ROWS_AT_ONCE: Final = 500
"""Rows that are worked on before others get a turn."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_MILLIS: Final = 253_402_300_799_999
"""The last one of the year 9999."""


class WatchLists:
    """The handlers that have to do with many watches."""

    def __init__(self, *, store: Store, following: Following) -> None:
        self._store = store
        self._following = following

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="POST",
                path="/v1/watches",
                handler=self.follow,
                scope="write",
                tag="watches",
                body=RowBody,
                media=ROWS,
                gives={200: Gives(model=RowResults, lines=RowResult)},
                problems=("too-many-rows", "no-good-row"),
            ),
            Operation(
                method="GET",
                path="/v1/watches",
                handler=self.list,
                scope="read",
                tag="watches",
                query=WatchesParams,
                gives=gives(WatchPage),
                problems=("unknown-account", "bad-cursor", "poller-silent"),
            ),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Watches to which all that is asked applies, in the order of account and batch id. A watch that is made while you page
        comes where its id belongs; none is left out or shown twice. With `since` they come in the order in which they came into
        their status: one that changes while you page comes once more, at the end of its account's. The header Link has the
        next page's address."""
        params = read_query(request, WatchesParams, repeatable=("account", "label"))
        query = await self._query(request, params)
        found = await self._store.find(query)
        page, cursor = portion(found, params.limit, lambda watch: _place(watch, query), params.filters)
        await self._following.acquaint(page)
        items = [watch_shown(watch, self._following) for watch in page]
        return answer(WatchPage(items=items, next=cursor), headers=next_link(request, cursor))

    async def follow(self, request: web.Request) -> web.Response:
        """Follows all rows that are right, at once; says of each row what became of it. A bad row spoils no other. Who accepts
        application/x-ndjson gets a row a line."""
        rows = await read_rows(request)
        accounts = accounts_of(request, self._following)
        keys: list[Key | None] = []
        refused: dict[int, RowResult] = {}
        wishes: dict[Key, Wish] = {}
        for number, (place, row) in enumerate(rows):
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                wish = _wish(row, accounts)
            except Problem as problem:
                refused[number] = RowResult(row=number, error=problem.document() | {"place": place})
                keys.append(None)
            else:
                keys.append(wish.key)
                wishes[wish.key] = _merged(wishes.get(wish.key), wish)
        results = await self._follow(keys, list(wishes.values()), refused)
        if rows and not wishes:
            items = [item.model_dump(mode="json", exclude_none=True) for item in results.items]
            detail = f"Nothing was done. The first: {items[0]['error']['detail']}"
            raise Problem(422, "no-good-row", detail, items=items)
        if NDJSON in ",".join(request.headers.getall("Accept", [])):
            lines = [item.model_dump_json(exclude_none=True) + "\n" for item in results.items]
            return web.Response(body="".join(lines).encode(), content_type=NDJSON)
        return answer(results, exclude_none=True)

    async def _follow(
        self, keys: Sequence[Key | None], wishes: Sequence[Wish], refused: dict[int, RowResult]
    ) -> RowResults:
        followed = await self._following.follow(wishes) if wishes else []
        became = {each.watch.key: each.what for each in followed}
        counts = {"created": 0, "known": 0, "reopened": 0}
        items: list[RowResult] = []
        for number, key in enumerate(keys):
            if key is None:
                items.append(refused[number])
                continue
            what, became[key] = became[key], "known"  # named twice: the second finds it known
            counts[what] += 1
            items.append(RowResult(row=number, result=what, account=key.account, batch_id=key.batch_id))
        return RowResults(**counts, refused=len(refused), items=items)

    async def _query(self, request: web.Request, params: WatchesParams) -> WatchQuery:
        """The query that the parameters are, of one watch more than is shown."""
        accounts = await asked_accounts(request, params.account, self._following, self._store)
        query = WatchQuery(
            accounts=accounts,
            status=status_of(params.status),
            final=params.final,
            state=None if params.state is None else State(params.state),
            stuck=params.stuck,
            labels=params.labels,
            broadcast_id=params.broadcast,
            since=params.since,
            q=params.q,
            among=await self._overdue(accounts) if params.overdue else None,
            limit=params.limit + 1,
        )
        if params.cursor is None:
            return query
        as_place: Callable[[Any], tuple[Key, datetime | None]] = _since_place if query.by_since else _key_place
        after, after_since = read_cursor(params.cursor, as_place, params.filters)
        return replace(query, after=after, after_since=after_since)

    async def _overdue(self, accounts: Sequence[str] | None) -> dict[str, Sequence[int]]:
        asked = self._following.accounts if accounts is None else accounts
        return {account: await self._following.overdue(account) for account in asked}


def _wish(row: object, accounts: Sequence[str]) -> Wish:
    if isinstance(row, BadJson):
        raise Problem(400, "bad-json", str(row))
    if not isinstance(row, dict):
        raise Problem(422, "bad-body", 'A row is an object such as {"batch_id": 13}.')
    try:
        body = RowBody.model_validate(row)
    except ValidationError as error:
        errors = places(error)
        raise Problem(422, "bad-body", summary(errors), errors=errors) from None
    account = body.account
    if account is None:
        if len(accounts) != 1:
            raise Problem(422, "bad-body", f"Name the account, one of: {listed(accounts)}.")
        account = accounts[0]
    require_account(account, accounts)
    return wish_of(Key(account, body.batch_id), body)


def _merged(earlier: Wish | None, later: Wish) -> Wish:
    """Two rows of one batch: what the later says counts, what it leaves out does not."""
    if earlier is None:
        return later
    return Wish(
        key=later.key,
        labels=earlier.labels if later.labels is None else later.labels,
        correlation_id=earlier.correlation_id if later.correlation_id is None else later.correlation_id,
        broadcast_id=earlier.broadcast_id if later.broadcast_id is None else later.broadcast_id,
        expires_in=earlier.expires_in if later.expires_in is None else later.expires_in,
    )


def _place(watch: Watch, query: WatchQuery) -> list[object]:
    """Where the list goes on after that watch."""
    if not query.by_since or watch.since is None:
        return [*watch.key]
    return [*watch.key, (watch.since - EPOCH) // timedelta(milliseconds=1)]


def _key_place(place: Any) -> tuple[Key, None]:
    """The watch that a cursor names; ValueError or TypeError where it names none."""
    account, batch_id = place
    return _key(account, batch_id), None


def _since_place(place: Any) -> tuple[Key, datetime]:
    account, batch_id, since = place
    if type(since) is not int or not 0 <= since <= MOST_MILLIS:
        raise ValueError
    return _key(account, batch_id), EPOCH + timedelta(milliseconds=since)


def _key(account: object, batch_id: object) -> Key:
    if not (isinstance(account, str) and isinstance(batch_id, int) and type(batch_id) is not bool):
        raise TypeError
    if not 0 <= batch_id <= MAX_BATCH_ID:
        raise ValueError
    account.encode()  # half a surrogate pair is no name
    return Key(account, batch_id)
