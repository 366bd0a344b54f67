"""How an endpoint is set up and stands after what happened to it. Pure; the same behind every database."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from watcher.core.endpoint import Endpoint, EndpointState, Secrets
from watcher.core.health import Health, Recent, counted, heed, revived
from watcher.core.model import Event
from watcher.core.outbox import Settlement, told_of, trial_of

NOT_NAMED: Final = "the settings no longer name it"
"""Why an endpoint is disabled that was taken out of the settings; disabled for this alone, it gets going when it is back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What an attempt leaves behind: the endpoint (the very same object where nothing changed), its last minute, and the
    operator events to tell."""

    endpoint: Endpoint
    recent: Recent
    tell: tuple[Event, ...] = ()


def attempted(endpoint: Endpoint, recent: Recent, settlement: Settlement) -> Aftermath:
    """What follows from an attempt for its endpoint. For one that is no longer active only that an event ran out is told: what
    was on its way when it was disabled says nothing new. For one that was removed nothing follows."""
    if endpoint.state is EndpointState.REMOVED:
        return Aftermath(endpoint=endpoint, recent=recent)
    if settlement.outcome == "done" and endpoint.health.untroubled and endpoint.state is EndpointState.ACTIVE:
        # By far most are: nothing follows, and nothing need be worked out.
        return Aftermath(endpoint=endpoint, recent=counted(recent, settlement.settled, failed=False))
    trial = trial_of(settlement)
    if endpoint.state is not EndpointState.ACTIVE:
        trial = replace(trial, verdict="neither", gone=False)
    heeded = heed(endpoint.health, recent, trial)
    after = endpoint
    if heeded.health is not endpoint.health:
        after = replace(after, health=heeded.health)
    pause = settlement.pause_until
    if pause is not None and (after.paused_until is None or after.paused_until < pause):
        after = replace(after, paused_until=pause)  # a pause is never made shorter
    if heeded.disable is not None:
        after = disabled(after, heeded.disable)
    if not heeded.tell:
        return Aftermath(endpoint=after, recent=heeded.recent)
    numbered = enumerate(heeded.tell, start=after.number + 1)
    told = tuple(told_of(kind, after.id, number, after.health, settlement) for number, kind in numbered)
    return Aftermath(endpoint=replace(after, number=after.number + len(told)), recent=heeded.recent, tell=told)


def has_moved(then: Endpoint, now: Endpoint) -> bool:
    """Whether somebody else is behind the endpoint: it has another URL, or was removed and one of its name made."""
    return then is not now and (then.url, then.created) != (now.url, now.created)


def given_back(settlement: Settlement) -> Settlement:
    """What is left of an attempt whose receiver is no longer the endpoint's: where it was not accepted it counts as not made."""
    if settlement.outcome == "done":
        return settlement
    attempts, due = settlement.delivery.attempts, settlement.settled
    return replace(settlement, outcome="returned", attempts=attempts, due=due, pause_until=None)


def stands_otherwise(before: Endpoint, after: Endpoint) -> bool:
    """Whether it is noticeably another: disabled, paused, its breaker opened or closed."""
    return _standing(before) != _standing(after)


def made(wanted: Endpoint, removed: Endpoint | None, now: datetime) -> Endpoint:
    """A new endpoint, set up as given. Of a removed one with its id it only goes on with the numbers, so that nothing that was
    known of that one can be taken for this one."""
    return replace(
        wanted,
        created=now,
        version=0 if removed is None else removed.version + 1,
        number=0 if removed is None else removed.number,
        state=EndpointState.ACTIVE,
        disabled_reason=None,
        paused_until=None,
        health=Health(),
    )


def changed(wanted: Endpoint, known: Endpoint) -> Endpoint:
    """Set up as given, standing as it stands; at another URL what the receiver of the former asked for is void."""
    after = replace(_set_up(wanted, known), kept_by=known.kept_by, version=known.version + 1)
    if known.url == after.url:
        return after
    return replace(after, paused_until=None, health=revived(known.health))


def named(wanted: Endpoint, known: Endpoint | None, now: datetime) -> Endpoint:
    """As the settings have it, without its secrets, in the state in which it was; see `resumes`."""
    wanted = replace(wanted, kept_by="settings", secrets=Secrets())
    if known is None or known.state is EndpointState.REMOVED:
        return made(wanted, known, now)
    after = _set_up(wanted, known)
    if after != known:
        after = replace(after, version=known.version + 1)
    return enabled(after) if resumes(wanted, known) else after


def resumes(wanted: Endpoint, known: Endpoint) -> bool:
    """Whether what was kept from a known endpoint may be sent to it now: it has another receiver, or is named again."""
    if known.state is EndpointState.REMOVED:
        return False
    return known.url != wanted.url or known.disabled_reason == NOT_NAMED


def enabled(endpoint: Endpoint) -> Endpoint:
    """Active, and nothing held against it."""
    return replace(
        endpoint,
        state=EndpointState.ACTIVE,
        disabled_reason=None,
        paused_until=None,
        health=revived(endpoint.health),
    )


def disabled(endpoint: Endpoint, reason: str) -> Endpoint:
    """Not active any more; the first reason stays, unless it was only that the settings do not name it: whoever disables it then
    wants it to stay so when they do."""
    unnamed = endpoint.state is EndpointState.DISABLED and endpoint.disabled_reason == NOT_NAMED
    if endpoint.state is not EndpointState.ACTIVE and not unnamed:
        return endpoint
    return replace(endpoint, state=EndpointState.DISABLED, disabled_reason=reason)


def removed(endpoint: Endpoint) -> Endpoint:
    """Deleted, its secrets with it."""
    return replace(endpoint, state=EndpointState.REMOVED, secrets=Secrets())


def _set_up(wanted: Endpoint, known: Endpoint) -> Endpoint:
    """Set up as given, but as for how it stands."""
    return replace(
        wanted,
        created=known.created,
        version=known.version,
        state=known.state,
        disabled_reason=known.disabled_reason,
        paused_until=known.paused_until,
        health=known.health,
        number=known.number,
    )


def _standing(endpoint: Endpoint) -> tuple[object, ...]:
    health = endpoint.health
    return endpoint.state, endpoint.paused_until, health.opened, health.open_until
