"""The part of the fake store that claims, settles, sends again and forgets, in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fake_endpoints import FakeEndpoints
from tests.fakes import FakeClock
from watcher.core.endpoint import (
    AttemptRecord,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    wants,
)
from watcher.core.health import Recent
from watcher.core.model import Recorded
from watcher.core.outbox import Settlement, lane_of
from watcher.core.recovering import (
    Cutoffs,
    DeliveryDetails,
    DeliveryQuery,
    DeliveryView,
    Forgotten,
    Recovered,
    Recovery,
    RecoveryState,
    Resent,
    of_accounts,
)
from watcher.ports import Committed, Settled
from watcher.store import standing

STATES = {"done": DeliveryState.DONE, "dead": DeliveryState.DEAD, "held": DeliveryState.HELD}


class FakeDeliveries(FakeEndpoints):
    """The port Deliveries in memory, but for broadcasts, which it has not. `claims` are by delivery: the token, until when."""

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        super().__init__(clock, endpoints)
        self.claims: dict[int, tuple[str, datetime]] = {}
        self._then: dict[int, Endpoint] = {}  # by delivery: its endpoint when it was claimed
        self.settlements: list[Settlement] = []
        self.per_endpoint: int | None = None  # as was said at the last claim: there is nobody else to be counted
        self._recents: dict[str, Recent] = {}

    def _claimed(self, delivery_id: int, now: datetime) -> bool:
        return delivery_id in self.claims and self.claims[delivery_id][1] > now

    def _event(self, position: int) -> Recorded:
        return next(each for each in self.log if each.position == position)

    # Claims

    async def claim(
        self,
        room: Mapping[str, int],
        *,
        token: str,
        now: datetime,
        until: datetime,
        retries_first: bool = False,
        per_endpoint: int | None = None,
    ) -> list[Delivery]:
        await self._do("claim")
        self.per_endpoint = per_endpoint
        claimed: list[Delivery] = []
        for endpoint_id, most in room.items():
            endpoint = self._known(endpoint_id)
            if endpoint is not None:
                free = self._room(endpoint, most, now)
                claimed += _shared(self._due(endpoint, now), free, retries_first)
        self.claims |= {delivery.id: (token, until) for delivery in claimed}
        self._then |= {delivery.id: self.kept_endpoints[delivery.endpoint_id] for delivery in claimed}
        await self._answer("claim")
        return claimed

    def _room(self, endpoint: Endpoint, most: int, now: datetime) -> int:
        paused = endpoint.paused_until is not None and endpoint.paused_until > now
        if endpoint.state is not EndpointState.ACTIVE or paused:
            return 0
        if not endpoint.health.opened:
            return max(most, 0)
        opens = endpoint.health.open_until
        if (opens is not None and opens > now) or self._lanes_in_flight(endpoint, now):
            return 0
        return min(max(most, 0), 1)  # the probe

    def _lanes_in_flight(self, endpoint: Endpoint, now: datetime) -> list[str | None]:
        of_it = [each for each in self.kept_deliveries.values() if each.endpoint_id == endpoint.id]
        return [self._lane(endpoint, each) for each in of_it if self._claimed(each.id, now)]

    def _lane(self, endpoint: Endpoint, delivery: Delivery) -> str | None:
        event = self._event(delivery.position)
        return lane_of(endpoint, {"account": event.account, "batch_id": event.batch_id, "endpoint": event.endpoint})

    def _due(self, endpoint: Endpoint, now: datetime) -> list[Delivery]:
        pending = self._owed(endpoint.id, DeliveryState.PENDING)
        busy = set(self._lanes_in_flight(endpoint, now)) - {None}
        if endpoint.ordering == "batch":
            heads: dict[str | None, Delivery] = {}
            for each in sorted(pending, key=lambda each: each.position):
                heads.setdefault(self._lane(endpoint, each), each)
            pending = [head for lane, head in heads.items() if lane not in busy]
        due = [each for each in pending if each.due <= now and not self._claimed(each.id, now)]
        return sorted(due, key=lambda each: (each.due, each.id))

    async def release(self, token: str) -> int:
        await self._do("release")
        mine = [delivery_id for delivery_id, (holder, _) in self.claims.items() if holder == token]
        for delivery_id in mine:
            del self.claims[delivery_id]
        return len(mine)

    # Settling

    async def settle(self, settlements: Sequence[tuple[Settlement, str]]) -> list[Settled | None]:
        await self._do("settle")
        return [self._settle(settlement, token) for settlement, token in settlements]

    def _settle(self, settlement: Settlement, token: str) -> Settled | None:
        before = self.kept_deliveries.get(settlement.delivery_id)
        if before is None or self.claims.get(before.id, ("",))[0] != token:
            return None
        del self.claims[before.id]
        self.settlements.append(settlement)
        endpoint = self.kept_endpoints[before.endpoint_id]
        then, recent = self._then.get(before.id, endpoint), self._recents.get(endpoint.id, Recent())
        if standing.has_moved(then, endpoint):
            settlement, after = standing.given_back(settlement), standing.Aftermath(endpoint=endpoint, recent=recent)
        else:
            after = standing.attempted(endpoint, recent, settlement)
        self._recents[endpoint.id] = after.recent
        self.kept_endpoints[endpoint.id] = after.endpoint
        state = STATES.get(settlement.outcome, DeliveryState.PENDING)
        former = then.created != endpoint.created
        if state is DeliveryState.PENDING and (former or after.endpoint.state is not EndpointState.ACTIVE):
            state = DeliveryState.HELD
        self._note(replace(before, state=state), settlement)
        if after.endpoint.state is not EndpointState.ACTIVE:
            self._hold(endpoint.id)
        return Settled(
            outcome="held" if state is DeliveryState.HELD else settlement.outcome,
            endpoint=after.endpoint if standing.stands_otherwise(endpoint, after.endpoint) else None,
            told=self._record(after.tell) if after.tell else Committed(),
        )

    def _note(self, delivery: Delivery, settlement: Settlement) -> None:
        """What pauses its endpoint waits for that, and keeps its own place."""
        again = settlement.due if settlement.outcome == "retried" else None
        self.kept_deliveries[delivery.id] = replace(
            delivery,
            attempts=settlement.attempts,
            due=again or delivery.due,
            cause="schedule" if settlement.outcome == "retried" else delivery.cause,
        )
        held = delivery.state is DeliveryState.HELD
        record = AttemptRecord(
            attempt=replace(settlement.attempt, retry_after=None),
            cause=settlement.cause,
            outcome="held" if held else settlement.outcome,
            next_due=None if held else settlement.due,
        )
        self.attempts.setdefault(delivery.id, []).append(record)

    # What a person does

    def _view(self, delivery: Delivery) -> DeliveryView:
        event = self._event(delivery.position)
        last = self.attempts[delivery.id][-1].attempt if delivery.id in self.attempts else None
        return DeliveryView(
            id=delivery.id,
            endpoint_id=delivery.endpoint_id,
            position=delivery.position,
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            account=event.account,
            batch_id=event.batch_id,
            created=delivery.created,
            due=delivery.due if delivery.state is DeliveryState.PENDING else None,
            attempts=delivery.attempts,
            state=delivery.state,
            cause=delivery.cause,
            in_flight=self._claimed(delivery.id, self._clock.now()),
            code=None if last is None else last.code,
            error=None if last is None else last.error,
            ended=None if last is None else last.at + last.took,
        )

    async def deliveries(self, query: DeliveryQuery) -> list[DeliveryView]:
        await self._do("deliveries")
        found = [
            self._view(each)
            for _, each in sorted(self.kept_deliveries.items(), reverse=True)
            if query.endpoint_id in (None, each.endpoint_id)
            and query.account in (None, self._event(each.position).account)
            and query.batch_id in (None, self._event(each.position).batch_id)
            and (not query.states or each.state in query.states)
            and (query.before is None or each.id < query.before)
        ]
        return found[: query.limit]

    async def delivery(self, delivery_id: int) -> DeliveryDetails | None:
        await self._do("delivery")
        delivery = self.kept_deliveries.get(delivery_id)
        if delivery is None:
            return None
        return DeliveryDetails(view=self._view(delivery), attempts=list(self.attempts.get(delivery_id, [])))

    async def resend(self, delivery_id: int, now: datetime) -> Resent:
        await self._do("resend")
        delivery = self.kept_deliveries.get(delivery_id)
        resent: Resent = "resent"
        if delivery is None:
            resent = "unknown"
        elif self._claimed(delivery_id, now):
            resent = "in_flight"
        elif self.kept_endpoints[delivery.endpoint_id].state is not EndpointState.ACTIVE:
            resent = "not_active"
        else:
            self._again(replace(delivery, cause="person"), now)
        await self._answer("resend")
        return resent

    def _again(self, delivery: Delivery, now: datetime) -> None:
        self.claims.pop(delivery.id, None)  # a claim whose lease has ended
        self.kept_deliveries[delivery.id] = replace(delivery, state=DeliveryState.PENDING, due=now, attempts=0)

    async def recover(self, recovery: Recovery, now: datetime, *, dry_run: bool) -> Recovered | None:
        await self._do("recover")
        endpoint = self._known(recovery.endpoint_id)
        if endpoint is None or (endpoint.state is not EndpointState.ACTIVE and not dry_run):
            return None
        begun = [each for each in self.log if each.position > recovery.after and each.at >= recovery.since]
        counts: Counter[RecoveryState] = Counter()
        for event in begun[: recovery.most]:
            if not of_accounts(recovery, None if event.endpoint is not None else event.account):
                continue
            delivery = self._delivery_of(endpoint, event)
            state = self._recoverable(endpoint, event, delivery, now)
            if state in recovery.states and event.at < recovery.until:
                counts[state] += 1
                if not dry_run and delivery is None:
                    self._make(endpoint, event, now, "recovery")
                elif not dry_run and delivery is not None:
                    self._again(replace(delivery, cause="recovery"), now)
        await self._answer("recover")
        more = any(event.at < recovery.until for event in begun[recovery.most :])
        return Recovered(counts=dict(counts), after=begun[recovery.most - 1].position if more else None)

    def _delivery_of(self, endpoint: Endpoint, event: Recorded) -> Delivery | None:
        of_it = (each for each in self.kept_deliveries.values() if each.endpoint_id == endpoint.id)
        return next((each for each in of_it if each.position == event.position), None)

    def _recoverable(
        self, endpoint: Endpoint, event: Recorded, delivery: Delivery | None, now: datetime
    ) -> RecoveryState | None:
        if delivery is None:
            return "missing" if wants(endpoint, self._subjects[event.position]) else None
        return None if self._claimed(delivery.id, now) else delivery.state.value

    # Forgetting

    async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
        await self._do("forget")
        begin = Forgotten() if since.ended else since
        numbers = [number for number in sorted(self.kept_deliveries) if number > begin.delivery][:most]
        old = [self.kept_deliveries[number] for number in numbers]
        gone = {
            each.id for each in old if each.state is not DeliveryState.PENDING and each.created < cutoffs.deliveries
        }
        events = [event for event in self.log if event.position > begin.position][:most]
        self._delete(gone)
        unwanted = [event for event in events if event.at < cutoffs.events and not self._is_owed(event, cutoffs)]
        for event in unwanted:
            self.log.remove(event)
        left = {
            each.id for each in self.kept_deliveries.values() if each.position in {event.position for event in unwanted}
        }
        self._delete(left)
        ended = (len(numbers) < most or old[-1].created >= cutoffs.deliveries) and (
            len(events) < most or events[-1].at >= cutoffs.events
        )
        removed = self._removed(begin.endpoint, cutoffs.deliveries)[:most] if ended else []
        for endpoint_id in removed:
            if endpoint_id not in {each.endpoint_id for each in self.kept_deliveries.values()}:
                del self.kept_endpoints[endpoint_id]
        await self._answer("forget")
        return Forgotten(
            events=len(unwanted),
            deliveries=len(gone) + len(left),
            delivery=begin.delivery if len(numbers) < most else numbers[-1],
            position=begin.position if len(events) < most else events[-1].position,
            endpoint=begin.endpoint if len(removed) < most else removed[-1],
            ended=ended and len(removed) < most,
        )

    def _removed(self, after: str, cutoff: datetime) -> list[str]:
        """Those that were made before, and of which nothing was told."""
        return [
            endpoint_id
            for endpoint_id, each in sorted(self.kept_endpoints.items())
            if each.state is EndpointState.REMOVED
            and each.number == 0
            and each.created is not None
            and each.created < cutoff
            and endpoint_id > after
        ]

    def _is_owed(self, event: Recorded, cutoffs: Cutoffs) -> bool:
        """Whether somebody is still to get it."""
        return any(
            each.position == event.position
            and (
                each.state is DeliveryState.PENDING
                or (each.state is DeliveryState.HELD and each.created >= cutoffs.deliveries)
            )
            for each in self.kept_deliveries.values()
        )

    def _delete(self, numbers: set[int]) -> None:
        for number in numbers:
            del self.kept_deliveries[number]
            self.attempts.pop(number, None)
            self.claims.pop(number, None)


def _shared(due: Sequence[Delivery], room: int, retries_first: bool) -> list[Delivery]:
    """So many of them: first attempts and retries half each, where there are enough of both."""
    retries = [each for each in due if each.attempts]
    firsts = [each for each in due if not each.attempts]
    share = max((room + retries_first) // 2, room - len(firsts))
    retries = retries[:share]
    return sorted([*retries, *firsts[: room - len(retries)]], key=lambda each: (each.due, each.id))
