"""Moments as people say them: how long ago, or in how long."""

from datetime import UTC, datetime

STEPS = ((60, "s", 1), (3600, "min", 60), (48 * 3600, "h", 3600))
"""Below so many seconds, in that unit, which has so many seconds."""


def relative(instant: str | None, now: datetime) -> str | None:
    """`3 min ago`, `in 12 s`, `now`."""
    if instant is None:
        return None
    seconds = (datetime.fromisoformat(instant) - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    said = next((f"{abs(seconds) // size:.0f} {unit}" for below, unit, size in STEPS if abs(seconds) < below), None)
    said = said or f"{abs(seconds) // 86_400:.0f} d"
    return f"in {said}" if seconds > 0 else f"{said} ago"


def second(instant: str | None) -> str | None:
    """An instant to the second and in UTC: what fits into a line."""
    return instant and instant[:19].replace("T", " ")


def wire_time(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as the daemon writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def now() -> datetime:
    """The moment at which something is printed."""
    return datetime.now(UTC)
