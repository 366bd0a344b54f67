"""What a daemon that is killed again and again is told by its environment: its settings, in which the secrets are."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from tests.chaos.loads import Load

ACCOUNT: Final = "default"
PASSWORD: Final = "correct-horse-battery-staple"
SECRET: Final = "whsec_b25lIHRoYXQgc3RhbmRzIG5vd2hlcmUgZWxzZQ=="
TOKEN: Final = "token-of-an-operator-0123456789"
SECRETS: Final = (PASSWORD, SECRET, SECRET.removeprefix("whsec_"), TOKEN)
TIMEOUT: Final = 2.0
"""Seconds that an endpoint has to answer."""


def environment(*, api: str, rate: float, database: str, receivers: Sequence[str], load: Load) -> Mapping[str, str]:
    """All of it, for endpoints of which the first takes what comes, the second is silent, and others take it in any order.
    Nothing is inherited but where a library or a program may be."""
    takes, silent, *others = receivers
    more = {f"MORE_{place}": url for place, url in enumerate(others)}
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
        "CALLFIRE_LOGIN": "login",
        "CALLFIRE_PASSWORD": PASSWORD,
        "CALLFIRE_BASE_URL": api,
        "CALLFIRE_RATE": f"{rate:g}",
        "WATCHER_API_TOKEN": TOKEN,
        "WATCHER_DATABASE_URL": database,
        "WATCHER_LISTEN": "127.0.0.1:0",
        "WATCHER_LOG": "json",
        "WATCHER_ENDPOINTS__TAKES__URL": takes,
        "WATCHER_ENDPOINTS__TAKES__SECRET": SECRET,
        "WATCHER_ENDPOINTS__TAKES__ORDERING": load.ordering,
        "WATCHER_ENDPOINTS__SILENT__URL": silent,
        "WATCHER_ENDPOINTS__SILENT__SECRET": SECRET,
        **{f"WATCHER_ENDPOINTS__{name}__URL": url for name, url in more.items()},
        **{f"WATCHER_ENDPOINTS__{name}__SECRET": SECRET for name in more},
        "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
        "WATCHER_WEBHOOKS__TIMEOUT": f"{TIMEOUT:g}s",
        "WATCHER_WEBHOOKS__PER_ENDPOINT": f"{load.at_once}",
        "WATCHER_POLLING__MIN_INTERVAL": "0.1s",
        "WATCHER_POLLING__MAX_INTERVAL": "2s",
        "WATCHER_POLLING__SAVE_INTERVAL": "0.1s",
        "WATCHER_POLLING__WORTH": "0.005s",
        "WATCHER_POLLING__LOOK_TIMEOUT": "1s",
        "WATCHER_POLLING__CONNECT_TIMEOUT": "0.5s",
        "WATCHER_SUBMIT__SETTLE": "1s",
    }
