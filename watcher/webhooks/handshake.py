"""Asking a receiver for its consent before anything is sent to it: CloudEvents, HTTP 1.1 Web Hooks for Event Delivery."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from watcher.core.endpoint import RATE_MOST, Attempt, Endpoint
from watcher.ports import Handshake

ANY: Final = "*"
MINUTE: Final = 60


def handshake_headers(endpoint: Endpoint, origin: str) -> dict[str, str]:
    """Who asks, and how many deliveries a minute may come."""
    rate = ANY if endpoint.rate is None else str(max(1, round(endpoint.rate * MINUTE)))
    return {"WebHook-Request-Origin": origin, "WebHook-Request-Rate": rate}


def answered_handshake(attempt: Attempt, headers: Mapping[str, str], origin: str) -> Handshake:
    """Whether the answer is a consent, and to how many deliveries a second (None: any). `headers` are those of the answer,
    found whatever the case of their names."""
    if attempt.code is None:
        return Handshake(attempt=attempt, consents=False)
    if not attempt.accepted:
        return _refused(attempt, f"the receiver answered {attempt.code} to OPTIONS")
    allowed = headers.get("WebHook-Allowed-Origin", "").strip()
    if allowed != ANY and allowed.lower() != origin.lower():
        return _refused(attempt, f"the answer has no WebHook-Allowed-Origin that is {ANY} or {origin}")
    rate = headers.get("WebHook-Allowed-Rate", ANY).strip()
    if rate == ANY:
        return Handshake(attempt=attempt, consents=True)
    if not re.fullmatch(r"[0-9]{1,9}", rate) or int(rate) == 0:
        return _refused(attempt, f"the answer has a WebHook-Allowed-Rate that is neither {ANY} nor a number from 1")
    return Handshake(attempt=attempt, consents=True, rate=min(int(rate) / MINUTE, RATE_MOST))


def _refused(attempt: Attempt, detail: str) -> Handshake:
    return Handshake(attempt=replace(attempt, detail=detail), consents=False)
