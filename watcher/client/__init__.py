"""The watcher for Python programs: follow batches, wait for them, read what happened, look after endpoints.

    async with Watcher("http://127.0.0.1:8080") as watcher:
        await watcher.follow(13, labels={"campaign": "autumn"})
        ended = await watcher.wait([13], timeout=1800)

Asynchronous, built on aiohttp. The command line is written with it.
"""

from watcher.client.errors import NotThere, Refused, TryLater, Unauthorized, Unreachable, WatcherError
from watcher.client.subscribed import Attempt, Delivery, Endpoint, Recovered, SigningKey, Token
from watcher.client.waiting import Ended
from watcher.client.watcher import Watcher
from watcher.client.watches import (
    Account,
    Broadcast,
    Eta,
    Event,
    Explanation,
    Key,
    Look,
    Looks,
    Outcome,
    PastLook,
    Row,
    Submission,
    Transition,
    Watch,
    Window,
)

__all__ = [
    "Account",
    "Attempt",
    "Broadcast",
    "Delivery",
    "Ended",
    "Endpoint",
    "Eta",
    "Event",
    "Explanation",
    "Key",
    "Look",
    "Looks",
    "NotThere",
    "Outcome",
    "PastLook",
    "Recovered",
    "Refused",
    "Row",
    "SigningKey",
    "Submission",
    "Token",
    "Transition",
    "TryLater",
    "Unauthorized",
    "Unreachable",
    "Watch",
    "Watcher",
    "WatcherError",
    "Window",
]
