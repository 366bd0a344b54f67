"""What labels may say: closed sets of words, and how many there may be of those that are not ours to close."""

from collections.abc import Mapping
from typing import Final, get_args

from watcher.core.model import KNOWN_STATUSES
from watcher.core.news import AuthFailure

ACCOUNTS_MOST: Final = 1_000
ENDPOINTS_MOST: Final = 1_000
WORDS_MOST: Final = 64
"""How many outcomes, kinds of error and workers there may be: more would be a mistake, or a strange upstream."""
OWN_WORDS_MOST: Final = 128
"""How many words of ours there may be where we have many: the store's operations, and the interface's paths."""

CONDITIONS: Final = ("ok", "throttled", "down", "refused", "paused")
OPENED: Final = ("down", "refused")
"""Why an account's requests are all stopped."""
ENDPOINT_STATES: Final = ("active", "paused", "open", "disabled")
STATUSES: Final = tuple(status.lower() for status in KNOWN_STATUSES)
WATCH_STATUSES: Final = ("unseen", *STATUSES, "unknown", "missing", "expired")
RESULTS: Final = ("changed", "unchanged", "missing", "unanswered", "overtaken")
"""What counts as a look: an answer that says nothing of the batch (429, 401) does not."""
ENDINGS: Final[Mapping[str, str]] = {"batch.missing": "missing", "watch.expired": "expired"}
"""Events that end a watch before its batch has settled."""
ENDED: Final = ("settled", *ENDINGS.values(), "stopped")
FINALS: Final = ("active", "errors", "source_error")
OUTCOMES: Final = ("done", "retried", "dead", "held")
"""What becomes of a delivery. A pause (returned) or a lost claim (lost) makes nothing of it."""
DROPPED: Final = ("slow", "stalled", "token", "store")
"""Why a client of a stream is let go."""
AUTH_FAILURES: Final = get_args(AuthFailure)
SWEPT: Final = ("events", "deliveries", "broadcasts")


def status_label(status: str | None) -> str:
    """The status as a label: a closed set, whatever CallFire may come to call it."""
    if status is None:
        return "none"
    return status.lower() if status in KNOWN_STATUSES else "unknown"
