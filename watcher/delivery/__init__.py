"""Webhooks: what is owed is claimed, sent and settled; endpoints are set up and tried; what is old is forgotten."""

from watcher.delivery.book import Book, Condition, condition_of
from watcher.delivery.deliverer import Deliverer
from watcher.delivery.lately import Lately
from watcher.delivery.places import Limits
from watcher.delivery.retention import Retention, Sweeper
from watcher.delivery.subscriptions import Subscriptions

__all__ = [
    "Book",
    "Condition",
    "Deliverer",
    "Lately",
    "Limits",
    "Retention",
    "Subscriptions",
    "Sweeper",
    "condition_of",
]
