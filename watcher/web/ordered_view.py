"""A view in the order of `core.attention`: a window of watches, and the order in which they are shown."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from watcher.core.model import Key, Watch
from watcher.core.viewing import Sight
from watcher.ports import Following, Store, StoreError
from watcher.web.orders import Window, order_of
from watcher.web.patches import Change
from watcher.web.views import TURN, View, name_of


def view_of(sight: Sight, accounts: Sequence[str], *, store: Store, following: Following) -> View:
    """The view that shows what is wanted."""
    made = OrderedView if sight.order == "attention" else View
    return made(sight, accounts, store=store, following=following)


class OrderedView(View):
    """As a View, with the order of its rows, how many watches match in all, and how many of those need a person. What changes
    the order is told as the whole of it: it is short."""

    def __init__(self, sight: Sight, accounts: Sequence[str], *, store: Store, following: Following) -> None:
        super().__init__(sight, accounts, store=store, following=following)
        self._order = order_of(sight, store=store, following=following)
        self._shown: dict[str, Any] = {"order": [], "total": 0, "attention": 0}
        self._stale = False

    @property
    def behind(self) -> bool:
        return bool(self.dirty) or self._stale

    async def load(self, position: int) -> None:
        self._rows, self._keys, self.uncounted = {}, [], set(self._accounts)
        self._counts = await self._count()
        self.position = position
        await self._order.load()
        await self._arrange(())
        for name in self._accounts:
            self._accounts[name] = await self._account(name)
        self.loaded = True

    async def update(self, position: int) -> list[Change]:
        keys, self.dirty = self.dirty, set()
        try:
            await self._order.take(keys)
            operations = await self._arrange(keys)
        except StoreError:
            self.dirty |= keys
            raise
        self._stale = False
        if operations and position > self.position:
            self.position = position
            operations.append({"op": "replace", "path": "/position", "value": position})
        return operations

    async def refresh(self) -> list[Change]:
        await self._order.renew()
        self._stale = True
        operations = await self._surroundings(await self._count())
        self.dirty |= await self._looked_at()
        return operations

    def _rest(self) -> dict[str, Any]:
        return super()._rest() | self._shown

    async def _arrange(self, changed: Collection[Key]) -> list[Change]:
        """Brings rows and order to what the window is now; of the rows that are in it already only those are read that changed.
        StoreError where nothing was done."""
        window = await self._order.window()
        read = {key for key in window.keys if key in changed or key not in self._rows}
        found = await self._read(read)
        keys = [key for key in window.keys if key in found or key not in read]
        operations: list[Change] = []
        for key in sorted(self._rows.keys() - set(keys)):
            operations += self._remove(key)
        for number, key in enumerate(sorted(found)):
            operations += self._change(key, found[key])
            if number % TURN == TURN - 1:
                await asyncio.sleep(0)
        return [*operations, *self._say(keys, window)]

    def _insert(self, watch: Watch) -> list[Change]:
        return self._add(watch)

    def _say(self, keys: Sequence[Key], window: Window) -> list[Change]:
        shown = {"order": [name_of(key) for key in keys], "total": window.total, "attention": window.attention}
        before, self._shown = self._shown, shown
        changed = [name for name, value in shown.items() if before[name] != value]
        operations = [{"op": "replace", "path": f"/{name}", "value": shown[name]} for name in changed]
        return [*operations, *self._say_more(more=window.more)]
