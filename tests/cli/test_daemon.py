"""Where the daemon is, and that commands say so where none answers."""

from pathlib import Path

import pytest

from tests.cli.conftest import Watcher
from tests.stack.processes import a_port
from watcher.cli.daemon import NoPlace, Place, place_of
from watcher.settings import BadSettings


def test_the_daemon_is_where_the_settings_put_it() -> None:
    assert place_of(None, {}) == Place(url="http://127.0.0.1:8080")
    assert place_of(None, {"WATCHER_LISTEN": "[::1]:81"}) == Place(url="http://[::1]:81")
    token = {"WATCHER_API_TOKEN": "t" * 20}
    assert place_of(None, {"WATCHER_LISTEN": "0.0.0.0:81", **token}) == Place(url="http://127.0.0.1:81", token="t" * 20)
    assert place_of(None, {"WATCHER_LISTEN": "[::]:81", **token}) == Place(url="http://[::1]:81", token="t" * 20)


def test_the_daemon_is_where_watcher_url_says() -> None:
    environ = {"WATCHER_URL": "https://watcher.example.org/", "WATCHER_API_TOKEN": "t" * 20}
    assert place_of(None, environ) == Place(url="https://watcher.example.org", token="t" * 20, named=True)


def test_the_settings_files_token_is_not_sent_to_another_address() -> None:
    file = Path("w.toml")
    file.write_text(f"[http]\ntoken = '{'t' * 20}'\n")
    assert place_of(file, {}).token == "t" * 20
    assert place_of(file, {"WATCHER_URL": "http://other:1"}).token is None


@pytest.mark.parametrize("url", ["watcher:8080", "ftp://a", "http://", "http://u:hunter2@a", "http://a:0", "http://[a"])
def test_a_bad_watcher_url_is_refused_without_echo(url: str) -> None:
    with pytest.raises(NoPlace, match="WATCHER_URL: is not a URL") as caught:
        place_of(None, {"WATCHER_URL": url})
    assert "hunter2" not in str(caught.value)


def test_a_port_that_nobody_knows_is_asked_for() -> None:
    with pytest.raises(NoPlace, match="set WATCHER_URL"):
        place_of(None, {"WATCHER_LISTEN": "127.0.0.1:0"})


def test_a_bad_token_is_told() -> None:
    with pytest.raises(BadSettings):
        place_of(None, {"WATCHER_URL": "http://a", "WATCHER_API_TOKEN_FILE": "nowhere"})


def test_commands_say_that_no_daemon_answers(watcher: Watcher) -> None:
    port = a_port(0)
    for arguments in (("ls",), ("add", "13"), ("show", "13"), ("explain", "13"), ("rm", "13"), ("events",)):
        result = watcher(*arguments, WATCHER_LISTEN=f"127.0.0.1:{port}")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"no daemon answers at http://127.0.0.1:{port} (")
        assert result.stderr.endswith("): start it with `watcher run`, or set WATCHER_URL\n")
