"""Where the daemon is, and what to show it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from watcher.settings import Http


class NoPlace(Exception):
    """Nobody can say where the daemon is; the message says what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the daemon is, and what to show it. `named`: somebody gave the address, it was not only to be expected."""

    url: str
    token: str | None = None
    named: bool = False


def place_of(config: Path | None, environ: Mapping[str, str]) -> Place:
    """The daemon that WATCHER_URL names, or the one that these settings would start. Raises NoPlace and BadSettings.

    A token of the settings file is for the daemon of that file: it is never sent to an address from WATCHER_URL.
    """
    from watcher.settings import load_http

    url = environ.get("WATCHER_URL")
    if url:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise NoPlace("environment variable WATCHER_URL: is not a URL: write it as http://HOST:PORT")
        mine = {name: value for name, value in environ.items() if name.startswith("WATCHER_API_TOKEN")}
        http = load_http(Path(os.devnull), mine)
        return Place(url=url.rstrip("/"), token=_token(http), named=True)
    http = load_http(config, environ)
    if http.listen.port == 0:
        raise NoPlace("the settings let the daemon take any port: set WATCHER_URL to the address it said at its start")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(http.listen.host, http.listen.host)  # noqa: S104 -- not listened on
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return Place(url=f"http://{host}:{http.listen.port}", token=_token(http))


def _token(http: "Http") -> str | None:
    return None if http.token is None else http.token.get_secret_value()
