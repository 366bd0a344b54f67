"""The Retry-After header in both its forms (RFC 9110, section 10.2.3), as CallFire and receivers of webhooks send it."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]*)?")
_MOST: Final = timedelta(days=3650)
"""Keeps sums with the present within what a datetime can hold; everybody who uses the value clamps it far lower."""


def retry_after(value: str | None, answered: datetime, date: str | None = None) -> timedelta | None:
    """How long after `answered` to wait, 0 where the date named is over; None without a value, or with one that is neither
    a number of seconds (fractions are tolerated) nor an HTTP date.

    `date` is the answer's Date header: a date to wait for is of the sender's clock, and so it is held against that one.
    """
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return timedelta(seconds=min(float(value), _MOST.total_seconds()))
    until = _instant(value)
    if until is None:
        return None
    theirs = None if date is None else _instant(date.strip())
    return min(max(until - (theirs or answered), timedelta(0)), _MOST)


def _instant(date: str) -> datetime | None:
    """An HTTP date, in any of its forms; None where it is none."""
    try:
        instant = parsedate_to_datetime(date)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    # "-0000" says that the zone is not known: HTTP knows no other than UTC.
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
