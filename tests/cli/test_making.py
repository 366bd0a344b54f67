"""Random values for the settings."""

import base64
import json

from standardwebhooks import Webhook

from tests.cli.conftest import Watcher


def test_a_secret_is_one_that_standard_webhooks_takes(watcher: Watcher) -> None:
    secret = watcher("endpoints", "secret").stdout.strip()
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    Webhook(secret)
    assert json.loads(watcher("endpoints", "secret", "-o", "json").stdout)["secret"] != secret


def test_a_token_is_one_that_the_settings_take_without_a_warning(watcher: Watcher) -> None:
    token = watcher("token", "new").stdout.strip()
    result = watcher(
        "check",
        "--print",
        CALLFIRE_LOGIN="a",
        CALLFIRE_PASSWORD="b",
        WATCHER_API_TOKEN=token,
        WATCHER_LISTEN="0.0.0.0:1",
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert token not in result.stdout
    assert json.loads(watcher("token", "new", "-o", "json").stdout)["token"] != token
