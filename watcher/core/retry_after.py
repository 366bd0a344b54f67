"""The Retry-After header in both its forms (RFC 9110, section 10.2.3), as CallFire and receivers of webhooks send it."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]*)?")
_MOST: Final = timedelta(days=3650)
"""Keeps sums with the present within what a datetime can hold; everybody who uses the value clamps it far lower."""


def retry_after(value: str | None, answered: datetime) -> timedelta | None:
    """How long after `answered` to wait, 0 where the date named is over; None without a value, or with one that is neither
    a number of seconds (fractions are tolerated) nor an HTTP date."""
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return timedelta(seconds=min(float(value), _MOST.total_seconds()))
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    if date.tzinfo is None:  # "-0000", which says that the zone is not known: HTTP knows no other than UTC
        date = date.replace(tzinfo=UTC)
    return min(max(date - answered, timedelta(0)), _MOST)
