"""Spans of time as people write them: seconds as a number, or "300", "1.5s", "5m", "1h30m", "7d". Pure."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

UNITS: Final[Mapping[str, timedelta]] = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
NUMBER: Final = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
PART: Final = re.compile(rf"({NUMBER.pattern})(ms|min|[dhms])")

LONGEST: Final = timedelta(days=3650)
FOREVER: Final = 1e12
"""Seconds. Longer than any span that is let through, and short enough to be one."""


def span_of(value: object) -> timedelta:
    """The span that a number of seconds or a text is. ValueError, which says what to write, where it is none, or too long."""
    if isinstance(value, str):
        span = _read(value.strip().lower().replace(" ", ""))
    elif isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        span = timedelta(seconds=min(value, FOREVER))
    else:
        span = None
    if span is None:
        raise ValueError('write seconds as a number, or "500ms", "15s", "5m", "1h30m", "7d"')
    if span > LONGEST:
        raise ValueError(f"write one of {LONGEST.days} days at most")
    return span


def span_text(span: timedelta) -> str:
    """The shortest way to write it that `span_of` reads back: 5m, 1h30m, 0.1s."""
    rest, parts = span, []
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    if rest or not parts:
        parts.append(f"{rest.total_seconds():.6f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)


def _read(text: str) -> timedelta | None:
    if NUMBER.fullmatch(text):
        return timedelta(seconds=float(text))
    if not text or PART.sub("", text):
        return None
    seconds = sum(float(number) * UNITS[unit].total_seconds() for number, unit in PART.findall(text))
    return timedelta(seconds=min(seconds, FOREVER))
