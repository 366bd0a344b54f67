"""How an endpoint stands, attempt by attempt: its breaker, its warnings, and when it is given up. webhooks.md's numbers.

Every settled attempt is handed to `heed`; where the endpoint is no longer active as one that blames nobody, for what was under
way when it was disabled says nothing new. All of `Health` must outlive the process; `Recent` need not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

FAILING_AT: Final = 4
"""Failures in a row after which endpoint.failing is told."""
OPEN_AT: Final = 5
"""Failures in a row that open the breaker."""
OPEN_FIRST: Final = timedelta(seconds=30)
OPEN_MOST: Final = timedelta(minutes=10)
"""How long the breaker is open at first, and at most: each probe that fails doubles it."""
RECENT_SPAN: Final = timedelta(seconds=60)
RECENT_LEAST: Final = 10
RECENT_SHARE: Final = 0.5
"""The breaker opens, too, when of at least so many attempts within the span at least this share failed."""
SLOT: Final = timedelta(seconds=5)
"""How finely the span is counted: an attempt counts for 55 to 60 s, never longer."""
SLOT_SECONDS: Final = SLOT.total_seconds()
SLOTS: Final = RECENT_SPAN // SLOT

DISABLE_AFTER: Final = timedelta(days=5)
DISABLE_FAILED: Final = 20
DISABLE_EXHAUSTED: Final = 2
"""An endpoint is disabled when nothing succeeded for so long, so many attempts failed, and so many events ran out."""
WARN_AFTER: Final = (timedelta(days=1), timedelta(days=3))
"""endpoint.failing is told again after so long without a success."""
TOLD_APART: Final = timedelta(hours=1)
"""An operator event of one kind about one endpoint is told at most this often."""

ALARMS: Final = frozenset({"endpoint.failing", "endpoint.disabled"})

Verdict = Literal["good", "bad", "neither"]
"""Whether the receiver accepted, failed, or cannot be blamed: it asked for a pause, or never saw the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """An endpoint as its attempts left it; all of it is about the time since its last success, but for `alarmed` and `told`.

    `failed` and `exhausted` count attempts, and events that ran out of them. `opened` counts how often the breaker opened
    (0: it is closed); nothing is sent before `open_until`, then one delivery alone until it closes. `warned` is how many of
    WARN_AFTER were told. `alarmed`: failing was told, or it was disabled, and since then nobody was told that it recovered.
    `told` is when each kind of operator event was told last.
    """

    failures_in_a_row: int = 0
    failing_since: datetime | None = None
    failed: int = 0
    exhausted: int = 0
    opened: int = 0
    open_until: datetime | None = None
    warned: int = 0
    alarmed: bool = False
    told: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def untroubled(self) -> bool:
        """Whether a success changes nothing."""
        return self.failing_since is None and not (self.failures_in_a_row or self.opened or self.alarmed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """Attempts of the last minute by slot: (number of the slot, attempts, failures), the oldest first."""

    slots: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What of an attempt an endpoint's health depends on. `exhausted`: its event ran out of attempts. `gone`: answered 410.

    `quiet` says that it was a delivery of an operator event, which never causes one. `refused`: the address may not be
    connected to, or the URL is bad: told at once.
    """

    began: datetime
    ended: datetime
    verdict: Verdict
    reason: str
    exhausted: bool = False
    gone: bool = False
    refused: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeded:
    """The health as it now is, why the endpoint is to be disabled (None: it is not), and which operator events to tell."""

    health: Health
    recent: Recent
    disable: str | None = None
    tell: tuple[str, ...] = ()


def heed(health: Health, recent: Recent, trial: Trial) -> Heeded:
    """What follows from an attempt for its endpoint. A health that does not change is the very same object."""
    if trial.verdict == "good":
        return _succeeded(health, counted(recent, trial.ended, failed=False), trial)
    if trial.gone:
        return _disabled(health, recent, trial, ())
    exhausted = ("delivery.exhausted",) if trial.exhausted else ()
    if trial.verdict == "neither":
        return _telling(Heeded(health=health, recent=recent), trial, exhausted)
    return _failed(health, counted(recent, trial.ended, failed=True), trial, exhausted)


def revived(health: Health) -> Health:
    """The health of an endpoint that a person enabled: all is forgotten, but what was told. Its first success is told where
    its trouble was."""
    return Health(alarmed=health.alarmed, told=health.told)


def disables_at(health: Health) -> datetime | None:
    """When the endpoint is disabled at the earliest, if nothing succeeds meanwhile; None while nothing fails."""
    return None if health.failing_since is None else health.failing_since + DISABLE_AFTER


def reason_to_disable(health: Health, trial: Trial) -> str | None:
    """Why the endpoint is to be disabled after this attempt, which the health has heard of already; None: it is not."""
    if trial.gone:
        return trial.reason
    lasting = trial.ended - (health.failing_since or trial.ended)
    if lasting < DISABLE_AFTER or health.failed < DISABLE_FAILED or health.exhausted < DISABLE_EXHAUSTED:
        return None
    return f"nothing succeeded for {lasting.days} days, {health.failed} attempts failed; the last: {trial.reason}"


def counted(recent: Recent, ended: datetime, *, failed: bool) -> Recent:
    """With this attempt, and without those that are too old to count."""
    number = int(ended.timestamp() // SLOT_SECONDS)
    slots = recent.slots
    if slots and slots[-1][0] >= number:
        last, attempts, failures = slots[-1]
        return Recent(slots=(*slots[:-1], (last, attempts + 1, failures + failed)))
    kept = (slot for slot in slots if slot[0] > number - SLOTS)
    return Recent(slots=(*kept, (number, 1, int(failed))))


def _succeeded(health: Health, recent: Recent, trial: Trial) -> Heeded:
    if health.untroubled:
        return Heeded(health=health, recent=recent)
    if health.opened:
        recent = Recent()  # the failures that opened it are over, and must not open it again
    calm = Health(alarmed=health.alarmed, told=health.told)
    well = Heeded(health=health if calm == health else calm, recent=recent)  # the same object says: nothing to write
    return _telling(well, trial, ("endpoint.recovered",)) if health.alarmed else well


def _failed(health: Health, recent: Recent, trial: Trial, exhausted: tuple[str, ...]) -> Heeded:
    since = health.failing_since or trial.ended
    health = replace(
        health,
        failures_in_a_row=health.failures_in_a_row + 1,
        failing_since=since,
        failed=health.failed + 1,
        exhausted=health.exhausted + trial.exhausted,
    )
    if _opens(health, recent, trial):
        pause = min(OPEN_FIRST * 2 ** min(health.opened, 10), OPEN_MOST)
        health = replace(health, opened=health.opened + 1, open_until=trial.ended + pause)
        recent = Recent()
    if reason_to_disable(health, trial) is not None:
        return _disabled(health, recent, trial, exhausted)
    warnings = sum(trial.ended - since >= after for after in WARN_AFTER)
    alarming = health.failures_in_a_row >= FAILING_AT or trial.refused
    failing = warnings > health.warned or (alarming and not _told_since(health, since))
    heeded = _telling(
        Heeded(health=health, recent=recent), trial, (*(("endpoint.failing",) if failing else ()), *exhausted)
    )
    if "endpoint.failing" not in heeded.tell:
        return heeded  # a warning that may not be told yet is still due at the next failure
    return replace(heeded, health=replace(heeded.health, warned=max(health.warned, warnings)))


def _told_since(health: Health, since: datetime) -> bool:
    """Whether the present trouble was told."""
    return any(kind in health.told and health.told[kind] >= since for kind in ALARMS)


def _disabled(health: Health, recent: Recent, trial: Trial, exhausted: tuple[str, ...]) -> Heeded:
    after = replace(health, alarmed=True)
    heeded = Heeded(health=after, recent=recent, disable=reason_to_disable(health, trial))
    return _telling(heeded, trial, ("endpoint.disabled", *exhausted))


def _opens(health: Health, recent: Recent, trial: Trial) -> bool:
    """Whether the breaker opens (again). What was under way when it opened says nothing new."""
    if health.open_until is not None and trial.began < health.open_until:
        return False
    if health.opened:
        return True  # it was the probe
    attempts, failures = sum(slot[1] for slot in recent.slots), sum(slot[2] for slot in recent.slots)
    often = attempts >= RECENT_LEAST and failures >= RECENT_SHARE * attempts
    return health.failures_in_a_row >= OPEN_AT or often


def _telling(heeded: Heeded, trial: Trial, kinds: tuple[str, ...]) -> Heeded:
    """With those kinds of events that may be told now. That it fails, or recovered, is told by a later attempt where it may
    not be told by this one."""
    if trial.quiet:
        return heeded
    told = heeded.health.told
    due = tuple(kind for kind in kinds if kind not in told or trial.ended - told[kind] >= TOLD_APART)
    if not due:
        return heeded
    alarmed = (heeded.health.alarmed or not ALARMS.isdisjoint(due)) and "endpoint.recovered" not in due
    health = replace(heeded.health, told={**told, **dict.fromkeys(due, trial.ended)}, alarmed=alarmed)
    return replace(heeded, health=health, tell=due)
