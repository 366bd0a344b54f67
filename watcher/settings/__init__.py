"""TOML, environment and secret files -> one frozen tree, or every problem at once."""

from watcher.settings.database import Database, database_at
from watcher.settings.endpoints import Endpoint
from watcher.settings.loading import load, load_database, load_http
from watcher.settings.model import Account, Auth, Http, Log, Polling, Retention, Settings, Webhooks
from watcher.settings.problems import BadSettings, Problem
from watcher.settings.showing import Shown, reference, shown
from watcher.settings.values import Address

__all__ = [
    "Account",
    "Address",
    "Auth",
    "BadSettings",
    "Database",
    "Endpoint",
    "Http",
    "Log",
    "Polling",
    "Problem",
    "Retention",
    "Settings",
    "Shown",
    "Webhooks",
    "database_at",
    "load",
    "load_database",
    "load_http",
    "reference",
    "shown",
]
