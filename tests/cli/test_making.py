"""Random values for the settings."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from tests.cli.conftest import Watcher


def test_a_secret_is_one_that_standard_webhooks_takes(watcher: Watcher) -> None:
    secret = watcher("endpoints", "secret").stdout.strip()
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    Webhook(secret)
    assert json.loads(watcher("endpoints", "secret", "-o", "json").stdout)["secret"] != secret


def test_a_pair_signs_and_verifies(watcher: Watcher) -> None:
    private, public = watcher("endpoints", "secret", "--pair").stdout.split()
    pair = base64.b64decode(private.removeprefix("whsk_"))
    assert (len(pair), base64.b64decode(public.removeprefix("whpk_"))) == (64, pair[32:])
    made = Ed25519PrivateKey.from_private_bytes(pair[:32])
    assert made.public_key().public_bytes_raw() == pair[32:]
    shown = json.loads(watcher("endpoints", "secret", "--pair", "-o", "json").stdout)
    assert set(shown) == {"private", "public"}
    assert shown["private"] != private


def test_a_key_for_the_database_is_one_that_the_settings_take(watcher: Watcher) -> None:
    key = watcher("db", "key").stdout.strip()
    assert len(base64.b64decode(key)) == 32
    settings = {"CALLFIRE_LOGIN": "a", "CALLFIRE_PASSWORD": "b", "WATCHER_DATABASE__ENCRYPTION_KEY": key}
    result = watcher("check", "--print", **settings)
    assert (result.exit_code, result.stderr) == (0, "")
    assert key not in result.stdout
    assert json.loads(watcher("db", "key", "-o", "json").stdout)["key"] != key


def test_a_token_is_one_that_the_settings_take_without_a_warning(watcher: Watcher) -> None:
    token = watcher("token", "random").stdout.strip()
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
    assert json.loads(watcher("token", "random", "-o", "json").stdout)["token"] != token
