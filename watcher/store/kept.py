"""The port `Store`, whose docstrings say what each method promises, over lanes to a database, whichever it is."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from watcher.core.account import AccountRecord
from watcher.core.broadcasts import Broadcast
from watcher.core.endpoint import Delivery, DeliveryState, Endpoint, EndpointState
from watcher.core.model import BroadcastKind, Key, LastLook, Recorded, Watch
from watcher.core.news import SecretsExposed
from watcher.core.opened import Opened
from watcher.core.outbox import Settlement
from watcher.core.wishes import UNSET, BroadcastWish, FollowedBroadcast, Unset
from watcher.ports import (
    AccountChange,
    BandQuery,
    Change,
    Committed,
    Cutoffs,
    DeliveryDetails,
    DeliveryQuery,
    DeliveryView,
    EventQuery,
    Followed,
    Forgotten,
    Owed,
    Recovered,
    Recovery,
    Resent,
    Settled,
    WatchQuery,
    Wish,
)
from watcher.store import broadcasting, delivering, forgetting, lists, recording, resending, subscribing, watching
from watcher.store.lanes import PING
from watcher.store.logbook import KeptLog
from watcher.store.once import KeptOnce
from watcher.store.ranks import KeptRanks
from watcher.store.recording import told
from watcher.store.rows import (
    Row,
    Values,
    instant,
    millis,
    values_of_look,
    values_of_record,
    values_of_watch,
    view_of,
)
from watcher.store.submissions import KeptSubmissions
from watcher.store.tokens import KeptTokens
from watcher.store.work import Connection, Statements

PORTION: Final = 1000
"""Open watches read at once."""
MANY: Final = 5000
"""Those read at once as columns."""


class KeptStore(KeptLog, KeptOnce, KeptRanks, KeptSubmissions, KeptTokens):
    """The port `Store`; what is done in its lanes is the same for every database, but for what many replicas do at once, which
    PostgreSQL's own classes put in its place."""

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        return await self._write("follow", self._follow, wishes, instant(millis(now)))

    async def stop(self, key: Key) -> bool:
        return await self._write("stop", watching.stop, key)

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        return await self._write("relabel", watching.relabel, key, labels, correlation_id)

    async def watch(self, key: Key) -> Watch | None:
        return await self._read("watch", watching.watch, key)

    async def open_watches(self, account: str) -> AsyncIterator[Sequence[Watch]]:
        after = 0
        while portion := await self._read("open_watches", watching.open_watches, account, after, PORTION):
            yield portion
            after = portion[-1].batch_id

    async def opened(self, account: str) -> AsyncIterator[Opened]:
        after, more = 0, True
        while more:
            portion = await self._read("opened", watching.opened, account, after, MANY)
            more = len(portion) == MANY
            if len(portion):
                yield portion
                after = int(portion.column("batch_id")[-1])

    async def find(self, query: WatchQuery) -> list[Watch]:
        return await self._read("find", lists.find, query)

    async def in_band(self, query: BandQuery) -> list[Key]:
        return await self._read("in_band", lists.in_band, query)

    async def count_of_band(self, query: BandQuery) -> int:
        return await self._read("count_of_band", lists.count_of_band, query)

    async def watched_accounts(self) -> list[str]:
        return await self._read("watched_accounts", lists.watched_accounts)

    async def tally(self, account: str) -> dict[tuple[str, str | None], int]:
        return await self._read("tally", watching.tally, account)

    async def commit(self, change: Change) -> Committed | None:
        watch = values_of_watch(change.watch, change.version + 1)
        watch["old_version"] = change.version
        events = [told(event, self._remembered.origin) for event in change.events]
        return await self._write("commit", recording.commit, self._remembered, watch, events, self._now())

    async def save_looks(self, account: str, looks: Sequence[LastLook]) -> None:
        await self._write("save_looks", watching.save_looks, [values_of_look(account, look) for look in looks])

    async def follow_broadcast(self, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
        return await self._write("follow_broadcast", broadcasting.follow_broadcast, wish, millis(now))

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        return await self._write("stop_broadcast", broadcasting.stop_broadcast, account, broadcast_id)

    async def broadcasts(self, account: str, broadcast_ids: Sequence[int] | None = None) -> list[Broadcast]:
        return await self._read("broadcasts", broadcasting.broadcasts, account, broadcast_ids)

    async def note_kind(self, account: str, broadcast_id: int, kind: BroadcastKind | None) -> None:
        await self._write("note_kind", broadcasting.note_kind, account, broadcast_id, kind, self._now())

    async def save_learnt(self, account: str, record: bytes, now: datetime) -> None:
        await self._write("save_learnt", broadcasting.save_learnt, account, record, millis(now))

    async def learnt(self, account: str) -> bytes | None:
        return await self._read("learnt", broadcasting.learnt, account)

    async def account(self, name: str) -> AccountRecord | None:
        return await self._read("account", recording.account, name)

    async def save_account(self, change: AccountChange) -> Committed | None:
        record = values_of_record(change.record)
        events = [told(event, self._remembered.origin) for event in change.events]
        work, shared = recording.save_account, change.shared
        return await self._write("save_account", work, self._remembered, record, events, self._now(), shared=shared)

    async def events(self, query: EventQuery) -> list[Recorded]:
        types = json.dumps(list(query.types)) if query.types else None
        return await self._read("events", recording.events, query, types)

    async def settle_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        await self._write("settle_endpoints", subscribing.settle_endpoints, self._remembered, endpoints, self._now())

    async def endpoints(self) -> list[Endpoint]:
        found = await self._read("endpoints", subscribing.endpoints, self._remembered.seal)
        return [endpoint for endpoint in found if endpoint.state is not EndpointState.REMOVED]

    async def endpoint(self, endpoint_id: str) -> Endpoint | None:
        return await self._read("endpoint", subscribing.endpoint, self._remembered.seal, endpoint_id)

    async def make_endpoint(self, endpoint: Endpoint, now: datetime) -> Endpoint | None:
        at = instant(millis(now))
        made = await self._write("make_endpoint", subscribing.make_endpoint, self._remembered, endpoint, at)
        if made is not None:
            self.tell_of_secrets()
        return made

    async def change_endpoint(self, endpoint: Endpoint) -> Endpoint | None:
        return await self._write(
            "change_endpoint", subscribing.change_endpoint, self._remembered, endpoint, self._now()
        )

    async def disable_endpoint(self, endpoint_id: str, reason: str) -> Endpoint | None:
        return await self._write(
            "disable_endpoint", subscribing.disable_endpoint, self._remembered, endpoint_id, reason
        )

    async def enable_endpoint(self, endpoint_id: str, *, send_held: bool, now: datetime) -> Endpoint | None:
        enable = subscribing.enable_endpoint
        return await self._write(
            "enable_endpoint", enable, self._remembered, endpoint_id, millis(now), send_held=send_held
        )

    async def remove_endpoint(self, endpoint_id: str) -> bool:
        return await self._write("remove_endpoint", subscribing.remove_endpoint, self._remembered, endpoint_id)

    async def owed(self, endpoint_id: str | None = None) -> list[Owed]:
        return await self._read("owed", subscribing.owed, endpoint_id)

    async def tally_deliveries(self, endpoint_id: str) -> Mapping[DeliveryState, int]:
        return await self._read("tally_deliveries", subscribing.tally_deliveries, endpoint_id)

    async def claim(
        self,
        room: Mapping[str, int],
        *,
        token: str,
        now: datetime,
        until: datetime,
        retries_first: bool = False,
        per_endpoint: int | None = None,  # noqa: ARG002 -- where there is one process, it counts itself
    ) -> list[Delivery]:
        return await self._write(
            "claim",
            delivering.claim,
            self._remembered,
            room,
            token,
            millis(now),
            millis(until),
            retries_first=retries_first,
        )

    async def settle(self, settlements: Sequence[tuple[Settlement, str]]) -> list[Settled | None]:
        return await self._write("settle", delivering.settle, self._remembered, settlements, self._now())

    async def release(self, token: str) -> int:
        return await self._write("release", delivering.release, self._remembered, token)

    async def deliveries(self, query: DeliveryQuery) -> list[DeliveryView]:
        if query.account is None or query.batch_id is not None:
            return [self._view(row) for row in await self._read("deliveries", resending.deliveries, query)]
        found: list[DeliveryView] = []
        rest = resending.NEWEST if query.before is None else query.before
        while rest > 0 and len(found) < query.limit:
            asked = replace(query, before=rest, limit=query.limit - len(found))
            rows, rest = await self._read("deliveries", resending.deliveries_of_account, asked)
            found += map(self._view, rows)
        return found

    async def delivery(self, delivery_id: int) -> DeliveryDetails | None:
        found = await self._read("delivery", resending.delivery, delivery_id)
        return None if found is None else DeliveryDetails(view=self._view(found[0]), attempts=found[1])

    async def resend(self, delivery_id: int, now: datetime) -> Resent:
        return await self._write("resend", resending.resend, self._remembered, delivery_id, millis(now))

    async def recover(self, recovery: Recovery, now: datetime, *, dry_run: bool) -> Recovered | None:
        run = self._read if dry_run else self._write
        return await run("recover", resending.recover, self._remembered, recovery, millis(now), dry_run=dry_run)

    async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
        return await self._write("forget", forgetting.forget, self._remembered, cutoffs, since, most)

    def tell_of_secrets(self) -> None:
        """Tells where secrets are kept as they are, for want of a key."""
        exposed = self._remembered.exposed()
        if exposed:
            self._tell(SecretsExposed(endpoints=exposed))

    def _view(self, row: Row) -> DeliveryView:
        return view_of(row, in_flight=self._remembered.under_way(row["id"], row, self._now()))

    async def ping(self) -> None:
        values = {"name": "ping", "value": str(self._now())}
        await self._write(PING, _put_meta, values)
        await self._read(PING, _meta, values)


def _put_meta(connection: Connection, sql: Statements, values: Values) -> int:
    return connection.execute(sql["put_meta"], values).rowcount


def _meta(connection: Connection, sql: Statements, values: Values) -> str:
    value: str = connection.execute(sql["meta"], values).fetchone()[0]
    return value
