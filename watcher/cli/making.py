"""`watcher endpoints secret` and `watcher token new`: random values for the settings."""

import base64
import secrets
from typing import Final

from watcher.cli.options import As
from watcher.cli.printing import Output, say, say_json

RANDOM_BYTES: Final = 32


def secret(output: As = Output.TABLE) -> None:
    """Make a secret to sign an endpoint's webhooks with.

    \b
    Give it to the daemon and to the receiver, in a file that only they can read:
        watcher endpoints secret > secret && chmod 600 secret
        WATCHER_WEBHOOK_URL=https://… WATCHER_WEBHOOK_SECRET_FILE=secret watcher run
    """
    made = "whsec_" + base64.b64encode(secrets.token_bytes(RANDOM_BYTES)).decode()
    say(made) if output is Output.TABLE else say_json({"secret": made})


def token(output: As = Output.TABLE) -> None:
    """Make a token for the daemon's interface.

    \b
    With one, the daemon can listen where other machines reach it:
        watcher token new > token && chmod 600 token
        WATCHER_API_TOKEN_FILE=token WATCHER_LISTEN=0.0.0.0:8080 watcher run
    """
    made = secrets.token_urlsafe(RANDOM_BYTES)
    say(made) if output is Output.TABLE else say_json({"token": made})
