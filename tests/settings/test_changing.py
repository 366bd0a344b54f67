"""What of changed settings a running daemon takes up, and what it names as waiting for a start."""

import os
from pathlib import Path
from typing import Any

from watcher.settings import Settings, load
from watcher.settings.changing import LIVE_KEYS, LIVE_SECTIONS, difference

DOCUMENT = Path(__file__).parents[2] / "deploy" / "lifecycle.md"
LOGIN = {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD": "hunter2"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = {"WATCHER_WEBHOOK_URL": "https://example.com/hooks", "WATCHER_WEBHOOK_SECRET": SECRET}
EAST = {"WATCHER_ACCOUNTS__EAST__LOGIN": "east", "WATCHER_ACCOUNTS__EAST__PASSWORD": "hunter2"}


def settings(**environ: str) -> Settings:
    return load(Path(os.devnull), {**LOGIN, **environ})


def found(before: Settings, after: Settings) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """What is in force then, what changed, and what waits."""
    found = difference(before, after)
    return found.settings.model_dump(), found.changed, found.restart


def test_the_same_settings_are_no_difference() -> None:
    before = settings(**HOOK, **EAST)
    assert found(before, settings(**HOOK, **EAST)) == (before.model_dump(), (), ())


def test_accounts_endpoints_retention_log_and_limits_are_taken_up() -> None:
    before = settings(**HOOK, CALLFIRE_RATE="2")
    after = settings(
        **EAST,
        CALLFIRE_RATE="3",
        CALLFIRE_PASSWORD="hunter3",
        WATCHER_ENDPOINTS__CRM__URL="https://example.com/crm",
        WATCHER_ENDPOINTS__CRM__SECRET=SECRET,
        WATCHER_RETENTION__EVENTS="60d",
        WATCHER_LOG__LEVEL="debug",
        WATCHER_WEBHOOKS__PER_ENDPOINT="7",
        WATCHER_WEBHOOKS__ALLOW_NETWORKS="10.0.0.0/8",
    )
    assert found(before, after) == (
        after.model_dump(),
        (
            "accounts.default.password",
            "accounts.default.rate",
            "accounts.east",
            "webhooks.per_endpoint",
            "webhooks.allow_networks",
            "endpoints.default",
            "endpoints.crm",
            "retention.events",
            "log.level",
        ),
        (),
    )


def test_what_is_read_at_the_start_stays_and_is_named_as_long_as_it_is_otherwise() -> None:
    before = settings(WATCHER_WEBHOOKS__PER_ENDPOINT="4")
    after = settings(
        WATCHER_LISTEN="127.0.0.1:81",
        WATCHER_DATABASE_URL="sqlite:///other.db",
        WATCHER_POLLING__WORTH="1s",
        WATCHER_WEBHOOKS__TIMEOUT="9s",
        WATCHER_WEBHOOKS__PER_ENDPOINT="5",
    )
    restart = ("polling.worth", "webhooks.timeout", "database.url", "http.listen")
    in_force = settings(WATCHER_WEBHOOKS__PER_ENDPOINT="5")
    assert found(before, after) == (in_force.model_dump(), ("webhooks.per_endpoint",), restart)
    assert found(in_force, after) == (in_force.model_dump(), (), restart)
    assert found(in_force, before) == (before.model_dump(), ("webhooks.per_endpoint",), ())


def test_an_account_that_is_divided_otherwise_stays_as_it_was() -> None:
    """Its concurrency and its rate are shared out among the parts that there are."""
    before = settings(WATCHER_ACCOUNTS__DEFAULT__PARTS="8")
    after = settings(WATCHER_ACCOUNTS__DEFAULT__PARTS="2", WATCHER_ACCOUNTS__DEFAULT__CONCURRENCY="2", **EAST)
    restart = ("accounts.default.concurrency", "accounts.default.parts")
    in_force = settings(WATCHER_ACCOUNTS__DEFAULT__PARTS="8", **EAST)
    assert found(before, after) == (in_force.model_dump(), ("accounts.east",), restart)


def test_the_document_says_of_each_section_what_becomes_of_it() -> None:
    text = DOCUMENT.read_text().partition("## Changing settings")[2].partition("\n## ")[0]
    taken_up, restart = text.split("(the whole account stays as it was)")
    assert [name for name in LIVE_SECTIONS if f"`{name}." not in taken_up] == []
    assert [name for name in LIVE_KEYS if f"{name.partition('.')[2]}`" not in taken_up] == []
    others = set(Settings.model_fields) - set(LIVE_SECTIONS)
    assert [name for name in others if f"`{name}.*`" not in restart] == []
