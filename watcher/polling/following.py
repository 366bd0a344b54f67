"""All accounts together: following and stopping, what is known of a watch this moment, and the regular saving of looks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from watcher.core.model import Key, LastLook
from watcher.core.news import Following as FollowingNews
from watcher.core.news import Tell
from watcher.polling.poller import Poller
from watcher.ports import AccountView, Clock, Followed, Store, Wish

Report = Callable[[], Awaitable[None]]


class Polling:
    """The pollers by account, in the settings' order. Implements the port `Following`."""

    def __init__(self, pollers: Mapping[str, Poller], *, store: Store, clock: Clock, tell: Tell) -> None:
        self.pollers = pollers
        self._store = store
        self._clock = clock
        self._tell = tell

    @property
    def accounts(self) -> Sequence[str]:
        return tuple(self.pollers)

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        followed = await self._store.follow(wishes, self._clock.now())
        for each in followed:
            if each.what != "known":
                self.pollers[each.watch.account].admit(each.watch)
                self._tell(FollowingNews(account=each.watch.account, batch_id=each.watch.batch_id, what=each.what))
        return followed

    async def stop(self, key: Key) -> bool:
        stopped = await self._store.stop(key)
        poller = self.pollers.get(key.account)
        if poller is not None:
            poller.drop(key.batch_id)
        if stopped:
            self._tell(FollowingNews(account=key.account, batch_id=key.batch_id, what="stopped"))
        return stopped

    def next_look(self, key: Key) -> datetime | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.next_look(key.batch_id)

    def last_look(self, key: Key) -> LastLook | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.roster.last_look(key.batch_id)

    def view(self, account: str) -> AccountView:
        return self.pollers[account].view()


class Keeper:
    """Every few seconds: saves the last looks of all accounts, and tells how things stand."""

    name: Final = "keeper"

    def __init__(self, polling: Polling, *, reports: Sequence[Report], clock: Clock, every: float) -> None:
        self._polling = polling
        self._reports = reports
        self._clock = clock
        self._every = every

    async def step(self) -> None:
        await self._clock.sleep(self._every)
        await self.save()
        for report in self._reports:
            await report()

    async def save(self) -> None:
        """Saves what is not saved yet, of all accounts."""
        for poller in self._polling.pollers.values():
            await poller.save_account()
            await poller.learner.save_looks()
