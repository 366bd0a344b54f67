"""What a page shows, kept up to date once for all who look at it: rows as the bytes they were sent as, and what changes them.

A row is remade where something was told of its watch. Looks that show nothing new are told of nobody: which watches were looked
at is found out now and then, for so many watches at a time that they cannot flood whoever looks on.
"""

import asyncio
import json
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from watcher.core.model import Key, State, Watch
from watcher.core.viewing import Sight, belongs, counted
from watcher.ports import Following, Store, StoreError, WatchQuery
from watcher.web.patches import Change, differences, pointer
from watcher.web.shown import account_shown
from watcher.web.watch_shown import watch_shown

PORTION: Final = 1000
"""Watches read at once."""
TURN: Final = 25
"""Rows that are worked on before others get a turn."""
LOOKS_MOST: Final = 200
"""Watches of which it is told at once that they were looked at."""
CHUNK: Final = 64 * 1024
"""Bytes of a snapshot that are written at once."""


class Row(NamedTuple):
    """A watch as it was shown last, at which look that was, and whether there may be others."""

    text: bytes
    looks: int
    open: bool


class View:
    """The rows, the accounts, the counts, the endpoints that need a person, and the position in the log up to which all of it
    is certain. In the order of account and batch id; `ordered_view` has the other.

    `lock` is held by whoever changes it, or takes a snapshot. `dirty` are the watches of which something was told since, and
    `uncounted` the accounts.
    """

    def __init__(self, sight: Sight, accounts: Sequence[str], *, store: Store, following: Following) -> None:
        self.lock = asyncio.Lock()
        self.dirty: set[Key] = set()
        self.uncounted: set[str] = set(accounts)
        self.loaded = False
        self.position = 0
        self._sight = sight
        self._store = store
        self._following = following
        self._rows: dict[Key, Row] = {}
        self._keys: list[Key] = []
        self._more = False
        self._accounts: dict[str, dict[str, Any]] = {name: {} for name in accounts}
        self._counts: dict[str, dict[str, int]] = {}
        self._endpoints: dict[str, dict[str, Any]] = {}
        self._looked_up_to: Key | None = None

    def concerns(self, account: str) -> bool:
        """Whether something told of the account may change what is shown."""
        return self._sight.concerns(account)

    @property
    def behind(self) -> bool:
        """Whether an update may change something."""
        return bool(self.dirty)

    async def load(self, position: int) -> None:
        """Reads everything; whatever was committed up to the position is in it. StoreError where that cannot be."""
        self._rows, self._keys, self.uncounted = {}, [], set(self._accounts)  # another reading may have been broken off
        found, more = await self._behind(None, self._sight.limit)
        self._counts = await self._count()
        self.position = position
        for number, watch in enumerate(found):
            self._add(watch)
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)
        self._more = more
        for name in self._accounts:
            self._accounts[name] = await self._account(name)
        self.loaded = True

    def snapshot(self) -> Iterator[bytes]:
        """The document, in pieces. What it consists of is what is there now, however long the writing takes."""
        rows = [(key, self._rows[key].text) for key in self._keys]
        end = json.dumps(self._rest(), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
        return _pieces(rows, end)

    async def update(self, position: int) -> list[Change]:
        """What changes by what was told, up to that position of the log at least. StoreError where nothing was done."""
        keys, self.dirty = self.dirty, set()
        try:
            found = await self._read(keys)
        except StoreError:
            self.dirty |= keys
            raise
        operations: list[Change] = []
        for number, key in enumerate(sorted(keys)):
            operations += self._change(key, found.get(key))
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)
        if self._more and len(self._keys) < self._sight.limit:
            operations += await self._fill()
        if operations and position > self.position:
            self.position = position
            operations.append({"op": "replace", "path": "/position", "value": position})
        return operations

    async def refresh(self) -> list[Change]:
        """What changes without being told: accounts, counts, whether there are more watches; looks are marked to be shown by the
        next update. StoreError where nothing was done."""
        counts = await self._count()
        self.dirty |= await self._looked_at()
        operations = await self._surroundings(counts)
        return operations + (await self._fill() if self._more else [])

    def show_endpoints(self, shown: dict[str, dict[str, Any]]) -> list[Change]:
        """These are the endpoints that need a person now; what that changes."""
        before, self._endpoints = self._endpoints, shown
        return differences(before, shown, pointer("endpoints"))

    def _rest(self) -> dict[str, Any]:
        """What of the document is no watch."""
        return {
            "more": self._more,
            "accounts": self._accounts,
            "counts": self._counts,
            "endpoints": self._endpoints,
            "position": self.position,
        }

    # Rows

    async def _fill(self) -> list[Change]:
        """Adds those that come behind the last one, as far as there is room; what that changes. Where they cannot be read it is
        done the next time."""
        room = self._sight.limit - len(self._keys)
        try:
            found, more = await self._behind(self._keys[-1] if self._keys else None, room)
        except StoreError:
            return []
        return [*(operation for watch in found for operation in self._add(watch)), *self._say_more(more=more)]

    async def _behind(self, after: Key | None, room: int) -> tuple[list[Watch], bool]:
        """So many watches that belong here and come behind that one, and whether there are more."""
        found: list[Watch] = []
        while True:
            wanted = min(room + 1 - len(found), PORTION)
            some = await self._store.find(self._sight.query(found[-1].key if found else after, wanted))
            found += some
            if len(some) < wanted or len(found) > room:
                await self._following.acquaint(found[:room])
                return found[:room], len(found) > room

    async def _read(self, keys: Iterable[Key]) -> Mapping[Key, Watch]:
        """The watches as they are now, those that belong here."""
        found = await those(keys, self._sight, self._store)
        await self._following.acquaint(list(found.values()))
        return found

    def _change(self, key: Key, watch: Watch | None) -> list[Change]:
        if watch is None:
            return self._remove(key)
        if key not in self._rows:
            return self._insert(watch)
        before, after = self._rows[key], self._row(watch)
        self._rows[key] = after
        if before.text == after.text:
            return []
        return differences(json.loads(before.text), json.loads(after.text), _place(key))

    def _insert(self, watch: Watch) -> list[Change]:
        """Where there is no room, the last one makes it; one behind the last is only known to be there."""
        if len(self._keys) < self._sight.limit and not self._more:
            return self._add(watch)
        if not self._keys or watch.key > self._keys[-1]:
            return self._say_more(more=True)
        last = self._remove(self._keys[-1]) if len(self._keys) == self._sight.limit else []
        return [*last, *self._add(watch), *self._say_more(more=self._more or bool(last))]

    def _add(self, watch: Watch) -> list[Change]:
        row = self._rows[watch.key] = self._row(watch)
        insort(self._keys, watch.key)
        return [{"op": "add", "path": _place(watch.key), "value": json.loads(row.text)}]

    def _remove(self, key: Key) -> list[Change]:
        if self._rows.pop(key, None) is None:
            return []
        del self._keys[bisect_left(self._keys, key)]
        return [{"op": "remove", "path": _place(key)}]

    def _row(self, watch: Watch) -> Row:
        shown = watch_shown(watch, self._following)
        return Row(shown.model_dump_json().encode(), shown.looks, watch.state is State.OPEN)

    def _say_more(self, *, more: bool) -> list[Change]:
        before, self._more = self._more, more
        return [] if before is more else [{"op": "replace", "path": "/more", "value": more}]

    # What nobody tells of

    async def _surroundings(self, counts: Mapping[str, dict[str, int]]) -> list[Change]:
        """What these counts change, and the accounts as they are now."""
        operations: list[Change] = []
        for name, count in counts.items():
            operations += differences(self._counts[name], count, pointer("counts", name))
            self._counts[name] = count
        for name, before in self._accounts.items():
            self._accounts[name] = after = await self._account(name)
            operations += differences(before, after, pointer("accounts", name))
        return operations

    async def _count(self) -> dict[str, dict[str, int]]:
        """Those of which something was told; what is told meanwhile is counted the next time."""
        names, self.uncounted = self.uncounted & self._accounts.keys(), set()
        try:
            return {name: counted(await self._store.tally(name)) for name in sorted(names)}
        except StoreError:
            self.uncounted |= names
            raise

    async def _looked_at(self) -> set[Key]:
        """Some watches that were looked at since they were shown: those in turn."""
        looked: set[Key] = set()
        begin = 0 if self._looked_up_to is None else bisect_left(self._keys, self._looked_up_to)
        keys = self._keys[begin:] + self._keys[:begin]
        self._looked_up_to = None
        for number, key in enumerate(keys):
            if len(looked) == LOOKS_MOST:
                self._looked_up_to = key
                break
            look, row = self._following.last_look(key), self._rows.get(key)
            # Looks of another replica are in the store some seconds later: it is read again, in turn like all others.
            if row is not None and (look.looks > row.looks if look is not None else self._may_be_looked_at(key, row)):
                looked.add(key)
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)
        return looked

    def _may_be_looked_at(self, key: Key, row: Row) -> bool:
        return row.open and key.account in self._accounts and not self._following.is_here(key.account)

    async def _account(self, name: str) -> dict[str, Any]:
        """As it is now. There may be a thousand of them: others get a turn after each."""
        await asyncio.sleep(0)
        return account_shown(await self._following.view(name)).model_dump(mode="json")


async def those(keys: Iterable[Key], sight: Sight, store: Store) -> dict[Key, Watch]:
    """The watches as they are now, those that belong to the sight."""
    found: dict[Key, Watch] = {}
    by_account: dict[str, list[int]] = {}
    for account, batch_id in sorted(keys):
        by_account.setdefault(account, []).append(batch_id)
    for account, batch_ids in by_account.items():
        for start in range(0, len(batch_ids), PORTION):
            named = batch_ids[start : start + PORTION]
            query = WatchQuery(accounts=[account], among={account: named}, limit=len(named))
            found |= {each.key: each for each in await store.find(query) if belongs(each, sight)}
    return found


def name_of(key: Key) -> str:
    """What the watch is called in the document."""
    return f"{key.account}/{key.batch_id}"


def _place(key: Key) -> str:
    return pointer("watches", name_of(key))


def _pieces(rows: Sequence[tuple[Key, bytes]], end: bytes) -> Iterator[bytes]:
    piece, size = [b'{"watches":{'], 0
    for number, (key, text) in enumerate(rows):
        piece.append(b"%b%b:%b" % (b"," if number else b"", json.dumps(name_of(key)).encode(), text))
        size += len(text)
        if size > CHUNK:
            yield b"".join(piece)
            piece, size = [], 0
    yield b"".join([*piece, b"},", end[1:]])
