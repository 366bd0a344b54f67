"""The text of deploy/settings.md: what the model says of each section and key."""

from itertools import groupby
from pathlib import Path
from typing import Final

from watcher.settings import reference as table
from watcher.settings.keys import keys

REFERENCE: Final = Path(__file__).parents[2] / "deploy" / "settings.md"
HEAD: Final = """\
# Settings

Made by `make settings` from the code that reads them; a test sees to it that it is current.

- They come from a TOML file (`--config`, `WATCHER_CONFIG`, `config/watcher.toml` where there is one) and from the environment,
  which wins. [config/watcher.toml](../config/watcher.toml) explains every key.
- Each key is also a variable `WATCHER_SECTION__KEY` (`WATCHER_ACCOUNTS__NAME__RATE`). The variables below stand for the account
  and the endpoint called `default`.
- Secrets are also read from files that only the daemon's user should be able to read: `password_file` in the file,
  `CALLFIRE_PASSWORD_FILE` in the environment (`…_FILE` below).
- Durations are seconds, or text: `500ms`, `15s`, `5m`, `1h30m`, `7d`.
- A login and a password are all that is needed. A key that is not known is refused; all that is wrong is said at once.
- What a running daemon takes up with SIGHUP, and what needs a restart: [lifecycle](lifecycle.md#changing-settings-while-it-runs).

A file may hold as much as this:

```toml
[accounts.default]
login = "your-api-login"
password_file = "/run/secrets/callfire-password"
rate = 5

[endpoints.crm]
url = "https://crm.example.org/callfire"
secret_file = "/run/secrets/webhook-secret"
types = ["batch.active", "batch.errors"]
```

What is in force, and where each value came from; `check` alone says what is wrong:

```sh
watcher check
watcher check --print
```
"""


def reference() -> str:
    """One table for each section, in the order of the model."""
    head, rule, *rows = table().splitlines()
    parts = [HEAD]
    for section, found in groupby(zip(keys(), rows, strict=True), key=lambda pair: pair[0].section):
        title, _, purpose = (section.__doc__ or "").splitlines()[0].partition(": ")
        parts.append(f"## {title}\n\n{purpose[0].upper()}{purpose[1:]}\n")
        parts.append("\n".join([head, rule, *(row for _, row in found)]) + "\n")
    return "\n".join(parts)
