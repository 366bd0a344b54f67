"""What the lane that writes remembers from one transaction to the next: endpoints, their last minute, and claims.

SQLite is for one process, which writes in one thread: so endpoints need not be read again for every event, and claims, which
mean nothing to the next process, cost no write at all. Whatever a transaction changed here is undone when it is rolled back.
Where other processes have the database too, what they change is read again first: `postgres_remembered`.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.health import Recent
from watcher.store.endpoint_rows import FRESH, NO_SECRETS
from watcher.store.rows import Row
from watcher.store.sealing import Seal
from watcher.store.work import Connection, Statements

NEVER: Final = Recent()
NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})


class Claim(NamedTuple):
    """Who claimed a delivery, and until when (Unix time in milliseconds); of which endpoint it is, in which lane, of which
    account its event is, and how its endpoint was then."""

    token: str
    until: int
    endpoint_id: str
    lane: str | None
    account: str
    endpoint: Endpoint


class Remembered:
    """For the lane that writes, which alone changes it; others may ask."""

    def __init__(self, endpoints: Iterable[Endpoint], *, origin: str, seal: Seal) -> None:
        self.origin = origin
        self.seal = seal
        self._endpoints: dict[str, Endpoint] = {}
        self._removed: dict[str, Endpoint] = {}  # apart, so that no event is held against all that there ever were
        for endpoint in endpoints:
            self._kept_with(endpoint)[endpoint.id] = _as_kept(endpoint)
        self._recents: dict[str, Recent] = {}
        self._claims: dict[int, Claim] = {}
        self._claimed: dict[str, dict[int, Claim]] = {}  # the same by endpoint
        self._before: list[tuple[dict[Any, Any], object, object]] = []  # what this transaction changed

    def renew(self, connection: Connection, sql: Statements) -> None:
        """To be called before it is asked who is owed an event, inside the transaction that records it: where other processes
        change endpoints too, they are read again, and nobody changes them before the commit."""

    def change(self, connection: Connection, sql: Statements) -> None:
        """To be called before an endpoint is made, set up otherwise or removed, as `renew`; the others will read it again."""

    def lock(self, connection: Connection, sql: Statements, endpoint_ids: Collection[str] | None = None) -> None:
        """To be called before endpoints (None: all) are asked for to be changed, ahead of `change`: where other processes change
        them too, they are read again, and nobody changes them before the commit."""

    def hold(self, connection: Connection, sql: Statements) -> None:
        """To be called before deliveries are touched by what puts them in line, or appends to the log later: where other
        processes do, they wait."""

    def fresh(self, connection: Connection, sql: Statements, endpoint_id: str) -> Endpoint | None:  # noqa: ARG002
        """The one of that name, also where it was removed, for what changes nothing."""
        return self.endpoint(endpoint_id)

    def spread(self, connection: Connection, endpoint_id: str) -> None:
        """The endpoint is otherwise: where there are other processes, they are told."""

    def under_way(self, delivery_id: int, row: Row, now: int) -> bool:  # noqa: ARG002
        """Whether the delivery is claimed still; the row is of `delivery`, `events_to_recover` or `shown_deliveries`."""
        return self.in_flight(delivery_id, now)

    @property
    def endpoints(self) -> Collection[Endpoint]:
        """Those that were not removed."""
        return self._endpoints.values()

    def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """The one of that name, also where it was removed: then only what follows from it still."""
        return self._endpoints.get(endpoint_id) or self._removed.get(endpoint_id)

    def put(self, endpoint: Endpoint) -> None:
        """It is so from now on."""
        if endpoint.state is EndpointState.REMOVED:
            for place in (self._endpoints, self._recents):
                self._set(place, endpoint.id, None)
        elif endpoint.id in self._removed:
            self._set(self._removed, endpoint.id, None)
        self._set(self._kept_with(endpoint), endpoint.id, _as_kept(endpoint))

    def forget(self, endpoint_id: str) -> None:
        """There is no row of it any more: the next of its name begins anew."""
        for place in (self._endpoints, self._removed, self._recents):
            self._set(place, endpoint_id, None)

    def exposed(self) -> int:
        """Of how many endpoints secrets are kept as they are, for want of a key."""
        if self.seal.encrypts:
            return 0
        return sum(endpoint.secrets != NO_SECRETS for endpoint in list(self._endpoints.values()))

    def recent(self, endpoint_id: str) -> Recent:
        """The endpoint's last minute."""
        return self._recents.get(endpoint_id, NEVER)

    def put_recent(self, endpoint_id: str, recent: Recent) -> None:
        """An attempt was added to it. Of one that was removed nothing more is counted: the next of its name begins anew."""
        if endpoint_id not in self._removed:
            self._set(self._recents, endpoint_id, recent)

    def claim(self, delivery_id: int) -> Claim | None:
        """The last claim of the delivery that was neither settled nor given back, also where its lease has ended."""
        return self._claims.get(delivery_id)

    def in_flight(self, delivery_id: int, now: int) -> bool:
        """Whether it is claimed still."""
        claim = self._claims.get(delivery_id)
        return claim is not None and claim.until > now

    def claims_of(self, endpoint_id: str, now: int) -> Mapping[int, Claim]:
        """The endpoint's deliveries that are claimed still."""
        claimed = self._claimed.get(endpoint_id)
        if not claimed:
            return {}
        return {delivery_id: claim for delivery_id, claim in claimed.items() if claim.until > now}

    def put_claim(self, delivery_id: int, claim: Claim) -> None:
        """It is claimed, whoever had it before."""
        self._set(self._claims, delivery_id, claim)
        self._set(self._claimed.setdefault(claim.endpoint_id, {}), delivery_id, claim)

    def drop_claim(self, delivery_id: int) -> None:
        """Nobody has it any more."""
        claim = self._claims.get(delivery_id)
        if claim is not None:
            self._set(self._claims, delivery_id, None)
            claimed = self._claimed[claim.endpoint_id]
            self._set(claimed, delivery_id, None)
            if not claimed:
                self._set(self._claimed, claim.endpoint_id, None)

    def release(self, token: str) -> int:
        """Gives back what is claimed under the token; how many there were."""
        under = [delivery_id for delivery_id, claim in self._claims.items() if claim.token == token]
        for delivery_id in under:
            self.drop_claim(delivery_id)
        return len(under)

    def committed(self) -> None:
        """The transaction is over, and all of it holds."""
        self._before.clear()

    def rolled_back(self) -> None:
        """The transaction is over, and nothing of it holds."""
        while self._before:
            place, key, value = self._before.pop()
            _put(place, key, value)

    def _kept_with(self, endpoint: Endpoint) -> dict[str, Endpoint]:
        return self._removed if endpoint.state is EndpointState.REMOVED else self._endpoints

    def _set(self, place: dict[Any, Any], key: object, value: object) -> None:
        self._before.append((place, key, place.get(key)))
        _put(place, key, value)


def _as_kept(endpoint: Endpoint) -> Endpoint:
    """Of one that was removed what the next of its name goes on with, and what tells the two apart: there may be very many of
    them until retention forgets them."""
    if endpoint.state is not EndpointState.REMOVED:
        return endpoint
    return Endpoint(
        id=endpoint.id,
        url=endpoint.url,
        labels=NO_LABELS,
        ordering=endpoint.ordering,
        secrets=NO_SECRETS,
        created=endpoint.created,
        version=endpoint.version,
        state=endpoint.state,
        health=FRESH,
        number=endpoint.number,
    )


def _put(place: dict[Any, Any], key: object, value: object) -> None:
    if value is None:
        place.pop(key, None)
    else:
        place[key] = value
