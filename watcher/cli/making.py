"""`watcher endpoints secret`, `watcher token random` and `watcher db key`: random values for the settings."""

import base64
import secrets
from typing import Annotated, Final

import typer

from watcher.cli.formats import say_one
from watcher.cli.options import As
from watcher.cli.printing import Output, say

RANDOM_BYTES: Final = 32


def secret(
    pair: Annotated[
        bool, typer.Option("--pair", help="A key pair for signatures v1a: whsk_… signs, whpk_… verifies.")
    ] = False,
    output: As = Output.TABLE,
) -> None:
    """Make a secret to sign an endpoint's webhooks with.

    \b
    Give it to the daemon and to the receiver, in a file that only they can read:
        watcher endpoints secret > secret && chmod 600 secret
        WATCHER_WEBHOOK_URL=https://… WATCHER_WEBHOOK_SECRET_FILE=secret watcher run
    Of a pair the first line is the daemon's alone, the second is for whoever verifies:
        watcher endpoints secret --pair > pair
        head -n 1 pair | watcher endpoints add https://… --secret-file -
    """
    if pair:
        private, public = _pair()
        say_one({"private": private, "public": public}, output, lambda: say(f"{private}\n{public}"))
        return
    made = "whsec_" + _text(secrets.token_bytes(RANDOM_BYTES))
    say_one({"secret": made}, output, lambda: say(made))


def key(output: As = Output.TABLE) -> None:
    """Make a key to encrypt the secrets in the database with: database.encryption_key of the settings.

    \b
    Keep it where the database is not: who has both can read the secrets, and without it nobody can.
        watcher db key > key && chmod 600 key
        WATCHER_DATABASE__ENCRYPTION_KEY_FILE=key watcher run
    To replace it, put the present one into database.old_encryption_keys: at the next start all is encrypted anew.
    """
    made = _text(secrets.token_bytes(RANDOM_BYTES))
    say_one({"key": made}, output, lambda: say(made))


def token(output: As = Output.TABLE) -> None:
    """Make a random value for the settings' own token, which has all scopes: WATCHER_API_TOKEN, http.token.

    \b
    With one, the daemon can listen where other machines reach it:
        watcher token random > token && chmod 600 token
        WATCHER_API_TOKEN_FILE=token WATCHER_LISTEN=0.0.0.0:8080 watcher run
    """
    made = secrets.token_urlsafe(RANDOM_BYTES)
    say_one({"token": made}, output, lambda: say(made))


def _pair() -> tuple[str, str]:
    """An Ed25519 pair as Standard Webhooks writes it: seed and public key, and the public key alone."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return "whsk_" + _text(private.private_bytes_raw() + public), "whpk_" + _text(public)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")
