"""Endpoints and deliveries in memory, for the interface and the commands to ask: nothing is sent, answers are scripted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes import FakeClock, answered
from watcher.core.addresses import url_refusal
from watcher.core.endpoint import (
    Attempt,
    DeliveryState,
    Endpoint,
    EndpointState,
    Scheme,
    SigningKey,
)
from watcher.core.keys import TooManyOld, rotated
from watcher.core.last_hour import untold
from watcher.ports import (
    DeliveryDetails,
    DeliveryQuery,
    DeliveryView,
    EndpointView,
    LastHour,
    Recovered,
    Recovery,
    RefusalKind,
    Refused,
    Subscribing,
    Verification,
)


class FakeSubscribing:
    """As Subscribing promises. What `refusals` has for a method is its answer; `attempts` are the receivers' answers."""

    def __init__(self, clock: FakeClock) -> None:
        self.views: dict[str, EndpointView] = {}
        self.details: dict[int, DeliveryDetails] = {}
        self.attempts: dict[str, Attempt] = {}
        self.refusals: dict[str, list[Refused]] = {}
        self.hours: dict[str, LastHour] = {}
        self.recovered = Recovered(counts={}, after=None)
        self.asked: list[tuple[object, ...]] = []
        self._clock = clock
        self._made = 0

    def keep(self, endpoint: Endpoint, **standing: object) -> EndpointView:
        """The endpoint is there, and stands so."""
        usual = {"condition": "active", "reason": "", "until": None}
        view = EndpointView(endpoint=endpoint, **{**usual, **standing})  # type: ignore[arg-type]
        self.views[endpoint.id] = view
        return view

    def owe(self, *deliveries: DeliveryDetails) -> None:
        """These deliveries are there."""
        self.details |= {each.view.id: each for each in deliveries}

    async def endpoints(self) -> list[EndpointView]:
        return sorted(self.views.values(), key=lambda view: view.endpoint.id)

    async def endpoint(self, endpoint_id: str) -> EndpointView | None:
        return self.views.get(endpoint_id)

    def recent(self, endpoint_id: str) -> LastHour:
        return self.hours.get(endpoint_id, untold(self._clock.now().timestamp(), self._clock.now().timestamp()))

    async def make(
        self, endpoint: Endpoint, *, schemes: Sequence[Scheme], secret: SigningKey | None, verification: Verification
    ) -> Endpoint | Refused:
        self.asked.append(("make", endpoint.id, tuple(schemes), secret, verification))
        if refusal := self._refusal("make") or _bad_url(endpoint):
            return refusal
        if endpoint.id in self.views:
            return _refused("endpoint-exists", f"there is an endpoint {endpoint.id}: take another id", "/id")
        attempt = self.attempts.get(endpoint.id, answered(204))
        if verification != "none" and attempt.code != 204:
            return replace(_refused("not-verified", "have the receiver answer 2xx"), attempt=attempt)
        keys = tuple(secret if secret and secret.scheme == scheme else self._key(scheme) for scheme in schemes)
        made = replace(
            endpoint,
            id=endpoint.id or f"ep_{self._made:016}",
            created=self._clock.now(),
            secrets=replace(endpoint.secrets, keys=keys),
        )
        return self.keep(made).endpoint

    async def change(self, endpoint: Endpoint) -> EndpointView | Refused:
        self.asked.append(("change", endpoint.id, endpoint.version))
        view = self.views[endpoint.id]
        if refusal := self._refusal("change") or _kept(view) or _bad_url(endpoint):
            return refusal
        if view.endpoint.version != endpoint.version:
            return _refused("changed-meanwhile", "somebody changed it meanwhile: look at it, and try again")
        self.views[endpoint.id] = replace(view, endpoint=replace(endpoint, version=endpoint.version + 1))
        return self.views[endpoint.id]

    async def remove(self, endpoint_id: str) -> Refused | None:
        view = self.views.get(endpoint_id)
        if refusal := self._refusal("remove") or _unknown(view, endpoint_id) or _kept(view):
            return refusal
        del self.views[endpoint_id]
        return None

    async def disable(self, endpoint_id: str, reason: str) -> EndpointView | Refused:
        return self._stand(endpoint_id, "disable", EndpointState.DISABLED, reason)

    async def enable(self, endpoint_id: str, *, send_held: bool) -> EndpointView | Refused:
        self.asked.append(("enable", endpoint_id, send_held))
        return self._stand(endpoint_id, "enable", EndpointState.ACTIVE, "")

    async def rotate(self, endpoint_id: str, *, grace: timedelta, secret: SigningKey | None) -> Endpoint | Refused:
        self.asked.append(("rotate", endpoint_id, grace))
        view = self.views.get(endpoint_id)
        if refusal := self._refusal("rotate") or _unknown(view, endpoint_id) or _kept(view):
            return refusal
        assert view is not None
        secrets, now = view.endpoint.secrets, self._clock.now()
        schemes = dict.fromkeys(key.scheme for key in secrets.signing(now))
        made = [self._key(scheme) for scheme in schemes] if secret is None else [secret]
        try:
            endpoint = replace(view.endpoint, secrets=rotated(secrets, made, now, grace))
        except TooManyOld as error:
            return _refused("too-many-secrets", str(error))
        self.views[endpoint_id] = replace(view, endpoint=endpoint)
        return endpoint

    async def test(self, endpoint_id: str, event_type: str) -> Attempt | Refused:
        self.asked.append(("test", endpoint_id, event_type))
        return (
            self._refusal("test")
            or _unknown(self.views.get(endpoint_id), endpoint_id)
            or self.attempts.get(endpoint_id, answered(204, at=self._clock.now()))
        )

    async def deliveries(self, query: DeliveryQuery) -> list[DeliveryView] | Refused:
        if query.endpoint_id is not None and query.endpoint_id not in self.views:
            return _unknown(None, query.endpoint_id) or []
        found = [
            details.view
            for number, details in sorted(self.details.items(), reverse=True)
            if (query.before is None or number < query.before)
            and query.endpoint_id in (None, details.view.endpoint_id)
            and query.account in (None, details.view.account)
            and query.batch_id in (None, details.view.batch_id)
            and (not query.states or details.view.state in query.states)
        ]
        return found[: query.limit]

    async def delivery(self, delivery_id: int) -> DeliveryDetails | Refused:
        return self.details.get(delivery_id) or _refused("unknown-delivery", f"there is no delivery {delivery_id}")

    async def resend(self, delivery_id: int) -> DeliveryDetails | Refused:
        details = await self.delivery(delivery_id)
        if isinstance(details, Refused):
            return details
        if refusal := self._refusal("resend"):
            return refusal
        now = self._clock.now()
        view = replace(details.view, state=DeliveryState.PENDING, due=now, attempts=0, cause="person")
        self.details[delivery_id] = replace(details, view=view)
        return self.details[delivery_id]

    async def recover(self, recovery: Recovery, *, dry_run: bool) -> Recovered | Refused:
        self.asked.append(("recover", recovery, dry_run))
        unknown = _unknown(self.views.get(recovery.endpoint_id), recovery.endpoint_id)
        return self._refusal("recover") or unknown or self.recovered

    def _stand(self, endpoint_id: str, method: str, state: EndpointState, reason: str) -> EndpointView | Refused:
        view = self.views.get(endpoint_id)
        if refusal := self._refusal(method) or _unknown(view, endpoint_id):
            return refusal
        assert view is not None
        endpoint = replace(view.endpoint, state=state, disabled_reason=reason or None)
        self.views[endpoint_id] = replace(view, endpoint=endpoint, condition=state.value, reason=reason)
        return self.views[endpoint_id]

    def _refusal(self, method: str) -> Refused | None:
        scripted = self.refusals.get(method)
        return scripted.pop(0) if scripted else None

    def _key(self, scheme: Scheme) -> SigningKey:
        """Another one each time, and no secret at all."""
        self._made += 1
        return SigningKey(scheme=scheme, key=bytes([self._made]) * (32 if scheme == "v1" else 64))


def _port(fake: FakeSubscribing) -> Subscribing:
    """Kept to its promise by mypy."""
    return fake


def _refused(kind: RefusalKind, detail: str, pointer: str | None = None) -> Refused:
    return Refused(kind=kind, detail=detail, pointer=pointer)


def _unknown(view: EndpointView | None, endpoint_id: str) -> Refused | None:
    return None if view is not None else _refused("unknown-endpoint", f"there is no endpoint {endpoint_id!r}")


def _kept(view: EndpointView | None) -> Refused | None:
    if view is None or view.endpoint.kept_by == "api":
        return None
    return _refused("kept-by-settings", f"the settings keep {view.endpoint.id}: change it there, and restart")


def _bad_url(endpoint: Endpoint) -> Refused | None:
    fault = url_refusal(endpoint.url, ())
    return None if fault is None else _refused("bad-endpoint", f"the URL {fault}", "/url")


def a_delivery(number: int, endpoint_id: str = "crm", *, now: datetime, **fields: object) -> DeliveryDetails:
    """A delivery that waits for its first attempt."""
    view = DeliveryView(
        id=number,
        endpoint_id=endpoint_id,
        position=100 + number,
        event_id=f"evt_k3v9x2ab_default_13_{number}",
        event_type="batch.active",
        account="default",
        batch_id=13,
        created=now,
        due=now,
        attempts=0,
        state=DeliveryState.PENDING,
        cause="schedule",
        in_flight=False,
    )
    return DeliveryDetails(view=replace(view, **fields), attempts=())  # type: ignore[arg-type]
