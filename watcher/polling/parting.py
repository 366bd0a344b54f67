"""The parts of accounts: where each is polled, and what is kept of an account that several parts have together."""

from collections.abc import Mapping
from dataclasses import replace

from watcher.core.account import AccountRecord
from watcher.core.parts import Part, number_of, parts_of
from watcher.polling.poller import Poller
from watcher.ports import AccountChange, Accounts, Committed


class Places:
    """Finds the poller of a broadcast or a batch among the `pollers` that are here, by share. `divided` says into how many parts
    accounts are; those that it does not name are one."""

    def __init__(self, pollers: Mapping[str, Poller], divided: Mapping[str, int]) -> None:
        self._pollers = pollers
        self._divided: dict[str, int] = {}
        self.divide(divided)

    def divide(self, divided: Mapping[str, int]) -> None:
        """Accounts are divided so from now on. Those that are not named any more may still be given back."""
        for account, of in divided.items():
            if of > 1:
                self._divided[account] = of
            else:
                self._divided.pop(account, None)

    def is_divided(self, account: str) -> bool:
        """Whether it has parts."""
        return account in self._divided

    def shares(self, account: str) -> list[str]:
        """The names of its parts."""
        return [part.share for part in parts_of(account, self._divided.get(account, 1))]

    def share(self, account: str, broadcast_id: int | None, batch_id: int = 0) -> str:
        """The part that polls the broadcast, or the batch as long as its broadcast is not known."""
        of = self._divided.get(account, 1)
        return Part(account, number_of(of, broadcast_id, batch_id), of).share if of > 1 else account

    def here(self, account: str) -> list[Poller]:
        """The parts that are polled here."""
        if account not in self._divided:
            poller = self._pollers.get(account)
            return [] if poller is None else [poller]
        return [self._pollers[share] for share in self.shares(account) if share in self._pollers]

    def away(self, account: str) -> list[str]:
        """Those that are not."""
        return [share for share in self.shares(account) if share not in self._pollers]

    def owner(self, account: str, broadcast_id: int | None, batch_id: int = 0) -> Poller | None:
        """The poller of the broadcast, or the batch; None where it is not here."""
        return self._pollers.get(self.share(account, broadcast_id, batch_id))

    def having(self, account: str, batch_id: int) -> Poller | None:
        """The poller that has the batch open; of an account with one part that one in any case. None where it is not here."""
        if account not in self._divided:
            return self._pollers.get(account)
        return next((poller for poller in self.here(account) if batch_id in poller.roster), None)

    def first(self, account: str) -> Poller | None:
        """The poller that keeps what there is one of for the whole account; None where it is not here."""
        return self._pollers.get(self.shares(account)[0])


class OfPart:
    """What is kept of accounts, for a part of one: whether CallFire refuses the login is the same for all parts, and told once.
    What CallFire wants of this part alone, a pause or a lower rate, is kept for it alone."""

    def __init__(self, part: Part, accounts: Accounts) -> None:
        self._part = part
        self._accounts = accounts

    async def account(self, name: str) -> AccountRecord | None:
        """The record of the whole where it is refused; else that of the part."""
        whole, own = await self._accounts.account(name), await self._accounts.account(self._part.share)
        if own is None:
            return whole if whole is None else replace(whole, learnt_rate=None)
        if whole is not None and whole.refused:
            return replace(whole, learnt_rate=own.learnt_rate)
        return replace(own, name=name, number=0 if whole is None else whole.number)

    async def save_account(self, change: AccountChange) -> Committed | None:
        """None where another part was faster with what is told of the account: then that holds, and nothing is told again."""
        record = change.record
        own = replace(record, name=self._part.share, refused=False, refusals=0, number=0)
        if record.refused:  # its pause is the whole's
            own = replace(own, reason="", probe_at=None)
        await self._accounts.save_account(AccountChange(record=own))
        if not (change.events or record.refused):
            return Committed(events=[], deliveries=[])
        whole = replace(record, learnt_rate=None)
        return await self._accounts.save_account(AccountChange(record=whole, events=change.events, shared=True))
