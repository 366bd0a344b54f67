"""The endpoints of this process as they are sent to, secrets included, and the condition that each was last told to be in.

The store has the last word: what changes an endpoint goes there first, and then into the book.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.news import EndpointChanged
from watcher.ports import Endpoints

ACTIVE: Final = "active"
CALM: Final = "nothing holds it back any more"
"""Why an endpoint came into the condition `active`; that it is in it needs no reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Whether an endpoint gets webhooks now, why not ("" where it does), and until when where that is known. `open` is its
    breaker: with an `until` nothing is sent, without one delivery alone is tried."""

    name: Literal["active", "paused", "open", "disabled"]
    reason: str
    until: datetime | None = None


def condition_of(endpoint: Endpoint, now: datetime) -> Condition:
    """The condition that the endpoint is in; of a pause and an open breaker the one that lasts longer."""
    if endpoint.state is not EndpointState.ACTIVE:
        return Condition(name="disabled", reason=endpoint.disabled_reason or "")
    paused, opened = _ahead(endpoint.paused_until, now), _ahead(endpoint.health.open_until, now)
    if paused is not None and (opened is None or opened <= paused):
        return Condition(
            name="paused", reason="the receiver or a proxy asked for it, or no file was left", until=paused
        )
    if endpoint.health.opened:
        failures = endpoint.health.failures_in_a_row
        return Condition(name="open", reason=f"too much failed, {failures} in a row at last", until=opened)
    return Condition(name=ACTIVE, reason="")


def is_held_back(endpoint: Endpoint, now: datetime) -> bool:
    """Whether nothing at all may be sent to it now: not even the one delivery with which an open breaker is tried."""
    paused, opened = endpoint.paused_until, endpoint.health.open_until
    return (
        endpoint.state is not EndpointState.ACTIVE
        or (paused is not None and paused > now)
        or (opened is not None and opened > now)
    )


def _ahead(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at > now else None


class Book:
    """All endpoints that were not removed, by id. Those that the settings name have their secrets from there, and from nowhere
    else."""

    def __init__(self, settings_endpoints: Mapping[str, Endpoint]) -> None:
        self._named = settings_endpoints
        self._endpoints: dict[str, Endpoint] = {}
        self._told: dict[str, str] = {}
        self._changes = 0

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._endpoints.values())

    def __contains__(self, endpoint_id: str) -> bool:
        return endpoint_id in self._endpoints

    def get(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint as it is sent to; None where there is none, or no more."""
        return self._endpoints.get(endpoint_id)

    def is_named(self, endpoint_id: str) -> bool:
        """Whether the settings name it."""
        return endpoint_id in self._named

    def name(self, settings_endpoints: Mapping[str, Endpoint]) -> None:
        """The settings name these from now on; `load` follows."""
        self._changes += 1  # what is being loaded now would have the secrets of before
        self._named = settings_endpoints

    async def load(self, store: Endpoints) -> None:
        """Takes all from the store. Where something changes in the book while the store answers, that is newer than the
        answer: then all stays as it is, until the next time."""
        before = self._changes
        endpoints = await store.endpoints()
        if self._changes == before:
            self._endpoints = {endpoint.id: self.whole(endpoint) for endpoint in endpoints}

    def whole(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint of the store with its secrets, which the store does not have of those that settings keep. These go to the
        address of our settings: where another process put newer ones in force already, ours may not be for theirs."""
        named = self._named.get(endpoint.id) if endpoint.kept_by == "settings" else None
        return endpoint if named is None else replace(endpoint, url=named.url, secrets=named.secrets)

    def put(self, endpoint: Endpoint) -> None:
        """It was made, or is set up anew. Of two that set it up the one of the later edition counts, whichever came first."""
        self._changes += 1
        known = self._endpoints.get(endpoint.id)
        if known is not None and known.edition > endpoint.edition:
            self.stand(endpoint)
        else:
            self._endpoints[endpoint.id] = self.whole(endpoint)

    def stand(self, endpoint: Endpoint) -> None:
        """It stands as given now; how it is set up is left as it is. What is not in the book does not come into it."""
        self._changes += 1
        known = self._endpoints.get(endpoint.id)
        if known is not None:
            self._endpoints[endpoint.id] = replace(
                known,
                state=endpoint.state,
                disabled_reason=endpoint.disabled_reason,
                paused_until=endpoint.paused_until,
                health=endpoint.health,
                number=endpoint.number,
            )

    def remove(self, endpoint_id: str) -> None:
        """It was removed."""
        self._changes += 1
        self._endpoints.pop(endpoint_id, None)

    def change(self, endpoint_id: str, now: datetime) -> EndpointChanged | None:
        """The condition that the endpoint is in where it is another than was told last; to be told, for it counts as told now.
        Before anything was told, it counts as active."""
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None:
            return None
        condition = condition_of(endpoint, now)
        if self._told.setdefault(endpoint_id, ACTIVE) == condition.name:
            return None
        self._told[endpoint_id] = condition.name
        return EndpointChanged(
            endpoint=endpoint_id,
            state=condition.name,
            reason=CALM if condition.name == ACTIVE else condition.reason,
            until=condition.until,
        )

    def gone(self) -> list[str]:
        """Those of which something was told, and that are not there any more."""
        return [endpoint_id for endpoint_id in self._told if endpoint_id not in self._endpoints]

    def forget(self, endpoint_id: str) -> None:
        """That it is gone was told."""
        self._told.pop(endpoint_id, None)
