"""How far a machine's clock may be from the database's."""

from typing import Final

SKEWED: Final = 60.0
"""Seconds by which this machine's clock may differ from the database's. Receivers take five minutes amiss, at either side."""


def skewed(seconds: float) -> str:
    """What is wrong with a clock that is so far ahead of the database's; nothing where it is good enough."""
    if abs(seconds) < SKEWED:
        return ""
    return f"this machine's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the database's: set it right"
