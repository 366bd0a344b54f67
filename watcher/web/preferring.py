"""The header Prefer (RFC 7240): how long a client would wait for something to happen. Who cannot be understood is not heeded."""

import re
from typing import Final

from aiohttp import web

LONGEST: Final = 60.0
"""Seconds that anybody is made to wait at most: connections that are silent for longer are cut by what lies between."""
WAIT: Final = re.compile(r'wait[ \t]*=[ \t]*"?(\d{1,9})"?')


def preferred_wait(request: web.Request) -> float | None:
    """The seconds that the client would wait, LONGEST at most; None where it says nothing of it."""
    for header in request.headers.getall("Prefer", []):
        for preference in header.lower().split(","):
            found = WAIT.fullmatch(preference.partition(";")[0].strip())
            if found is not None:
                return min(float(found[1]), LONGEST)  # the first one counts
    return None


def applied(seconds: float | None) -> dict[str, str]:
    """The header that says what of the preference was heeded."""
    return {} if seconds is None else {"Preference-Applied": f"wait={seconds:g}"}
