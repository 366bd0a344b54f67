"""The proxy that the document shows leaves the daemon what it wants of one: its Host, a sign of the proxy, room and time."""

import re
from typing import Final

from tests.documents.reading import blocks
from watcher.settings import Http
from watcher.web.bodies import MAX_BODY
from watcher.web.event_stream import HEARTBEAT
from watcher.web.nearby import PASSED_ON
from watcher.web.preferring import LONGEST

DOCUMENT: Final = "deploy/production.md"


def shown(language: str) -> str:
    """The only block in that language."""
    (found,) = (block.text for block in blocks(DOCUMENT) if block.language == language)
    return found


def test_nginx_passes_on_what_the_daemon_goes_by_and_waits_as_long_as_it_may_take() -> None:
    nginx = shown("nginx")
    headers = dict(re.findall(r"proxy_set_header (\S+) (\S+);", nginx))
    assert (
        headers.pop("Host") == "$http_host"
    )  # `$host` has lost the port, and every write of the page would be refused
    assert set(headers) <= set(PASSED_ON)
    assert headers
    (size,) = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(size) * 1024 * 1024 > MAX_BODY
    (patience,) = re.findall(r"proxy_read_timeout (\d+)s;", nginx)
    assert int(patience) > max(LONGEST, HEARTBEAT)


def test_both_proxies_ask_where_the_daemon_listens() -> None:
    listens = str(Http().listen)
    assert re.findall(r"proxy_pass http://(\S+);", shown("nginx")) == [listens]
    assert re.findall(r"reverse_proxy (\S+)", shown("caddyfile")) == [listens]
