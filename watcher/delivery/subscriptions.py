"""What a person does with endpoints and deliveries: the store first, then the book, then the deliverer is woken.

Whatever is in the way is a Refused that says what to do; only the store's own trouble is raised.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from watcher.core.addresses import Network
from watcher.core.endpoint import Attempt, Delivery, DeliveryState, Endpoint, Scheme, Secrets, SigningKey
from watcher.core.keys import GRACE_MOST, TooManyOld, rotated
from watcher.core.last_hour import LastHour
from watcher.core.message import body_of
from watcher.core.news import Tell
from watcher.core.recovering import DeliveryDetails, DeliveryQuery, DeliveryView, Recovered, Recovery
from watcher.core.samples import PING, SAMPLE_TYPES, sample
from watcher.delivery.book import Book, condition_of
from watcher.delivery.checking import key_refusal, setup_refusal
from watcher.delivery.lately import Lately
from watcher.ports import Clock, EndpointView, Owed, Refused, Sender, Store, Verification

NO_ENDPOINT: Final = Refused(
    kind="unknown-endpoint",
    detail="there is no such endpoint: `watcher endpoints ls`, or GET /v1/endpoints, lists those there are",
)
NO_DELIVERY: Final = Refused(
    kind="unknown-delivery",
    detail="there is no such delivery, or it was forgotten: list the endpoint's deliveries, or recover what it missed",
)
CHANGED: Final = Refused(
    kind="changed-meanwhile", detail="somebody else changed the endpoint meanwhile: read it, and try again"
)
KEPT: Final = Refused(
    kind="kept-by-settings",
    detail="the settings say how this endpoint is set up: change it there, and have the daemon read them again (SIGHUP)",
)


class Subscriptions:
    """Implements the port `Subscribing`. `make_key` makes a new signing key, `fits` says whether the public half of a key pair
    belongs to its seed; `allowed` are networks that endpoints may be in although they are not public."""

    def __init__(
        self,
        *,
        book: Book,
        store: Store,
        sender: Sender,
        clock: Clock,
        make_key: Callable[[Scheme], SigningKey],
        fits: Callable[[SigningKey], bool],
        tell: Tell,
        wake: Callable[[], None],
        lately: Lately,
        allowed: Sequence[Network] = (),
    ) -> None:
        self._book = book
        self._store = store
        self._sender = sender
        self._clock = clock
        self._make_key = make_key
        self._fits = fits
        self._tell = tell
        self._wake = wake
        self._lately = lately
        self._allowed = allowed

    def allow(self, allowed: Sequence[Network]) -> None:
        """Endpoints may be in these networks from now on."""
        self._allowed = allowed

    # Endpoints

    async def endpoints(self) -> list[EndpointView]:
        owed = {each.endpoint_id: each for each in await self._store.owed()}
        return [await self._view(each, owed.get(each.id)) for each in await self._store.endpoints()]

    async def endpoint(self, endpoint_id: str) -> EndpointView | None:
        endpoint = await self._store.endpoint(endpoint_id)
        return None if endpoint is None else await self._viewed(endpoint)

    def recent(self, endpoint_id: str) -> LastHour:
        return self._lately.of(endpoint_id)

    async def make(
        self, endpoint: Endpoint, *, schemes: Sequence[Scheme], secret: SigningKey | None, verification: Verification
    ) -> Endpoint | Refused:
        endpoint = replace(endpoint, id=endpoint.id or f"ep_{secrets.token_hex(8)}", kept_by="api")
        if endpoint.id in self._book:
            return _taken(endpoint.id)
        refused = setup_refusal(endpoint, self._allowed) or key_refusal(secret, schemes, self._fits)
        if refused is not None:
            return refused
        keys = tuple(
            secret if secret is not None and secret.scheme == scheme else self._make_key(scheme)
            for scheme in dict.fromkeys(schemes)
        )
        endpoint = replace(endpoint, secrets=replace(endpoint.secrets, keys=keys))
        verified = await self._verified(endpoint, verification)
        if isinstance(verified, Refused):
            return verified
        made = await self._store.make_endpoint(verified, self._clock.now())
        if made is None:
            return _taken(endpoint.id)
        made = replace(made, secrets=endpoint.secrets)
        self._put(made)
        return made

    async def change(self, endpoint: Endpoint) -> EndpointView | Refused:
        known = self._book.get(endpoint.id)
        if known is None:
            return NO_ENDPOINT
        if known.kept_by == "settings":
            return KEPT
        refused = setup_refusal(endpoint, self._allowed)
        if refused is not None:
            return refused
        changed = await self._changed(endpoint)
        return changed if isinstance(changed, Refused) else await self._viewed(changed)

    async def remove(self, endpoint_id: str) -> Refused | None:
        if self._book.is_named(endpoint_id):
            detail = "the settings name this endpoint: take it out there and send SIGHUP, or disable it"
            return Refused(kind="kept-by-settings", detail=detail)
        removed = await self._store.remove_endpoint(endpoint_id)
        self._book.remove(endpoint_id)
        self._lately.forget(endpoint_id)
        self._wake()
        return None if removed else NO_ENDPOINT

    async def disable(self, endpoint_id: str, reason: str) -> EndpointView | Refused:
        disabled = await self._store.disable_endpoint(endpoint_id, reason)
        if disabled is None:
            return NO_ENDPOINT
        self._put(disabled)
        return await self._viewed(disabled)

    async def enable(self, endpoint_id: str, *, send_held: bool) -> EndpointView | Refused:
        known = self._book.get(endpoint_id)
        if known is not None and known.kept_by == "settings" and not self._book.is_named(endpoint_id):
            detail = (
                "the settings no longer name this endpoint, and its secret was there: name it again, and send SIGHUP"
            )
            return Refused(kind="kept-by-settings", detail=detail)
        enabled = await self._store.enable_endpoint(endpoint_id, send_held=send_held, now=self._clock.now())
        if enabled is None:
            return NO_ENDPOINT
        self._put(enabled)
        return await self._viewed(enabled)

    async def rotate(self, endpoint_id: str, *, grace: timedelta, secret: SigningKey | None) -> Endpoint | Refused:
        known = self._book.get(endpoint_id)
        if known is None:
            return NO_ENDPOINT
        if known.kept_by == "settings":
            detail = "put a new one there, the present one into old_secrets, and send SIGHUP"
            if known.kind == "apprise":
                detail = "people get no signature; put another apprise_url there, and send SIGHUP"
            return Refused(kind="kept-by-settings", detail=f"the settings keep its secrets: {detail}")
        if not timedelta(0) <= grace <= GRACE_MOST:
            detail = f"old secrets sign along for 0 to {GRACE_MOST.days} days: give a grace within that"
            return Refused(kind="bad-endpoint", detail=detail, pointer="/grace")
        now = self._clock.now()
        schemes = tuple(dict.fromkeys(key.scheme for key in known.secrets.signing(now)))
        refused = key_refusal(secret, (secret.scheme,), self._fits, known.secrets) if secret is not None else None
        if refused is not None:
            return refused
        made = [secret] if secret is not None else [self._make_key(scheme) for scheme in schemes]
        try:
            changed = await self._changed(
                replace(known, secrets=rotated(_without(known.secrets, made), made, now, grace))
            )
        except TooManyOld as many:
            detail = (
                f"{many}: wait until then; or, where the old ones leaked, rotate with a grace of 0, which ends them"
            )
            return Refused(kind="too-many-secrets", detail=detail)
        if isinstance(changed, Refused):
            return changed
        shown = tuple(key for key in changed.secrets.keys if key in made or key.until is not None)
        return replace(changed, secrets=replace(changed.secrets, keys=shown))

    async def test(self, endpoint_id: str, event_type: str) -> Attempt | Refused:
        endpoint = self._book.get(endpoint_id)
        if endpoint is None:
            return NO_ENDPOINT
        if event_type not in SAMPLE_TYPES:
            detail = f"there is no event type {event_type}: take one of {', '.join(SAMPLE_TYPES)}"
            return Refused(kind="bad-endpoint", detail=detail, pointer="/type")
        return await self._try(endpoint, event_type)

    # Deliveries

    async def deliveries(self, query: DeliveryQuery) -> list[DeliveryView] | Refused:
        if query.endpoint_id is not None and query.endpoint_id not in self._book:
            return NO_ENDPOINT
        return await self._store.deliveries(query)

    async def delivery(self, delivery_id: int) -> DeliveryDetails | Refused:
        return await self._store.delivery(delivery_id) or NO_DELIVERY

    async def resend(self, delivery_id: int) -> DeliveryDetails | Refused:
        resent = await self._store.resend(delivery_id, self._clock.now())
        if resent == "unknown":
            return NO_DELIVERY
        if resent == "in_flight":
            detail = "an attempt is under way: wait for what comes of it, and resend it then if need be"
            return Refused(kind="in-flight", detail=detail)
        if resent == "not_active":
            return _not_active("resend it")
        self._wake()
        return await self.delivery(delivery_id)

    async def recover(self, recovery: Recovery, *, dry_run: bool) -> Recovered | Refused:
        if recovery.endpoint_id not in self._book:
            return NO_ENDPOINT
        if recovery.since > self._clock.now():
            detail = "nothing has happened yet since that time: give one that is over"
            return Refused(kind="bad-endpoint", detail=detail, pointer="/since")
        if recovery.until <= recovery.since:
            detail = "it is not after the beginning of what is to be recovered: give a later time"
            return Refused(kind="bad-endpoint", detail=detail, pointer="/until")
        if not recovery.states:
            detail = "no state is named: name some, or leave them out for all that was not delivered"
            return Refused(kind="bad-endpoint", detail=detail, pointer="/states")
        recovered = await self._store.recover(recovery, self._clock.now(), dry_run=dry_run)
        if recovered is not None:
            if not dry_run:
                self._wake()
            return recovered
        return _not_active("recover what it missed") if recovery.endpoint_id in self._book else NO_ENDPOINT

    # How it is done

    async def _verified(self, endpoint: Endpoint, verification: Verification) -> Endpoint | Refused:
        """The endpoint, with no higher rate than its receiver consents to; refused where the receiver does not do its part."""
        if verification == "none":
            return endpoint
        if verification == "ping":
            attempt = await self._try(endpoint, PING)
            if attempt.accepted:
                return endpoint
            wanted = "answer the signed event ping with 2xx"
        else:
            handshake = await self._sender.handshake(endpoint)
            attempt = handshake.attempt
            if handshake.consents:
                allowed = [rate for rate in (endpoint.rate, handshake.rate) if rate is not None]
                return replace(endpoint, rate=min(allowed, default=None))
            wanted = "consent to OPTIONS as CloudEvents' Web Hooks have it (WebHook-Allowed-Origin)"
        detail = f"the receiver did not {wanted}: mend it, or make the endpoint without verification"
        return Refused(kind="not-verified", detail=detail, attempt=attempt)

    async def _try(self, endpoint: Endpoint, event_type: str) -> Attempt:
        """Sends a sample at once, past everything that is owed."""
        now = self._clock.now()
        body = body_of(sample(event_type, now, endpoint_id=endpoint.id))
        delivery = Delivery(
            id=0,
            endpoint_id=endpoint.id,
            position=0,
            event_id=f"test_{secrets.token_hex(8)}",
            event_type=event_type,
            body=body,
            created=now,
            due=now,
            cause="person",
        )
        return await self._sender.send(endpoint, delivery)

    async def _changed(self, endpoint: Endpoint) -> Endpoint | Refused:
        changed = await self._store.change_endpoint(endpoint)
        if changed is None:
            return CHANGED if endpoint.id in self._book else NO_ENDPOINT
        changed = replace(changed, secrets=endpoint.secrets)
        self._put(changed)
        return changed

    def _put(self, endpoint: Endpoint) -> None:
        """The store has it so: now it acts, and that is told."""
        self._book.put(endpoint)
        change = self._book.change(endpoint.id, self._clock.now())
        if change is not None:
            self._tell(change)
        self._wake()

    async def _viewed(self, endpoint: Endpoint) -> EndpointView:
        owed = await self._store.owed(endpoint.id)
        return await self._view(endpoint, owed[0] if owed else None)

    async def _view(self, endpoint: Endpoint, owed: Owed | None) -> EndpointView:
        tally = await self._store.tally_deliveries(endpoint.id)
        condition = condition_of(endpoint, self._clock.now())
        return EndpointView(
            endpoint=self._book.whole(endpoint),
            condition=condition.name,
            reason=condition.reason,
            until=condition.until,
            pending=0 if owed is None else owed.pending,
            held=tally.get(DeliveryState.HELD, 0),
            dead=tally.get(DeliveryState.DEAD, 0),
            oldest=None if owed is None else owed.oldest,
        )


def _without(kept: Secrets, made: Sequence[SigningKey]) -> Secrets:
    """Without those that come anew: one that was replaced may come back, and signs once."""
    again = {(key.scheme, key.key) for key in made}
    return replace(kept, keys=tuple(key for key in kept.keys if (key.scheme, key.key) not in again))


def _taken(endpoint_id: str) -> Refused:
    detail = f"there is an endpoint {endpoint_id} already: take another id, or leave it out to have one made"
    return Refused(kind="endpoint-exists", detail=detail, pointer="/id")


def _not_active(to_do: str) -> Refused:
    return Refused(kind="not-active", detail=f"its endpoint is not active: enable it first, then {to_do}")
