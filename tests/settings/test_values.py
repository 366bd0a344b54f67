"""What a single value may look like."""

from datetime import timedelta
from ipaddress import ip_network

import pytest
from pydantic_core import PydanticCustomError

from watcher.settings import reference
from watcher.settings.values import (
    Address,
    database_url,
    duration,
    listening_address,
    networks,
    proxy_url,
    web_address,
)


@pytest.mark.parametrize("value", ["1h30m", 5400, timedelta(minutes=90)])
def test_a_duration_is_a_number_of_seconds_or_text_or_a_span(value: object) -> None:
    assert duration(value) == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("soon", 'write seconds as a number, or "500ms", "15s", "5m", "1h30m", "7d"'),
        (1e12, "write one of 3650 days at most"),
    ],
)
def test_what_is_no_duration_is_refused(value: object, remedy: str) -> None:
    with pytest.raises(PydanticCustomError, match="must be a duration") as refused:
        duration(value)
    assert refused.value.context == {"what": "must be a duration", "remedy": remedy, "key": ""}


@pytest.mark.parametrize(
    "url", ["https://a", "http://127.0.0.1:8080/x?y=z", "https://[::1]:9/", "https://a.example:443"]
)
def test_a_web_address_is_taken_as_it_is(url: str) -> None:
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a",
        "ftp://a",
        "https://",
        "https:///x",
        "https://a:0",
        "https://a:99999",
        "https://a:b",
        "http://[::1",
        "https://a b",
        "https://a\n",
        "https://a\\b",
        "https://@a",
        "https://u@a",
        "https://u:p@a",
        "https://a#b",
        "https://a#",
        5,
        None,
    ],
)
def test_what_is_no_web_address_is_refused(url: object) -> None:
    with pytest.raises(PydanticCustomError):
        web_address(url)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:8080",
        "[::g]:1",
        "[:::]:1",
        "a b:1",
        8080,
    ],
)
def test_what_is_no_listening_address_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        listening_address(value)


def test_a_listening_address_reads_as_it_is_written() -> None:
    assert listening_address("[::1]:8080") == Address(host="::1", port=8080)
    assert str(Address(host="::1", port=8080)) == "[::1]:8080"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///a/",
        "sqlite:///a?b=c",
        "sqlite:///a#b",
        "a.db",
        5,
        "postgresql://a",
        "postgresql://a/",
        "postgresql://a/b/c",
        "postgresql://a:b/c",
        "postgresql://[a/c",
        "postgresql://a/b#c",
        "postgresql://a/b c",
        "postgresql://a/b?password=hunter2",
        "postgres://a/b",
        "postgresql+asyncpg://a",
    ],
)
def test_what_is_no_database_is_refused(url: object) -> None:
    with pytest.raises(PydanticCustomError):
        database_url(url)


@pytest.mark.parametrize("url", ["postgresql://anna@db.example:5433/w?sslmode=require", "postgresql:///w?host=/run/pg"])
def test_a_database_of_postgresql_is_taken_as_it_is(url: str) -> None:
    assert database_url(url) == url


def test_options_of_a_database_are_refused_by_name() -> None:
    with pytest.raises(PydanticCustomError) as refused:
        database_url("sqlite:///x?mode=ro")
    assert refused.value.context == {
        "what": "has options after ?, which are not supported",
        "remedy": "write sqlite:///PATH alone",
        "key": "",
    }


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", []),
        ("127.0.0.1", ["127.0.0.1/32"]),
        ("10.0.0.0/8, fd00::/8", ["10.0.0.0/8", "fd00::/8"]),
        (["::1/128"], ["::1/128"]),
        ((ip_network("10.0.0.0/8"),), ["10.0.0.0/8"]),
    ],
)
def test_networks_are_a_list_or_text(value: object, found: list[str]) -> None:
    assert networks(value) == tuple(map(ip_network, found))


@pytest.mark.parametrize("value", [5, None, [5], ["a"], "10.0.0.0/33", "10.0.0.1/8", {"a": "b"}])
def test_what_is_no_network_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        networks(value)


@pytest.mark.parametrize("url", ["http://proxy:3128", "http://proxy:3128/"])
def test_a_proxy_is_a_host_and_a_port(url: str) -> None:
    assert proxy_url(url) == "http://proxy:3128"


@pytest.mark.parametrize(
    "url", [5, "proxy:3128", "https://proxy", "http://a/b", "http://a?b", "http://a?", "http://u@a"]
)
def test_what_is_no_proxy_is_refused(url: object) -> None:
    with pytest.raises(PydanticCustomError):
        proxy_url(url)


def test_the_reference_is_a_table_of_every_key() -> None:
    lines = reference().splitlines()
    assert lines[0] == "| key | environment | default | what it does |"
    assert "| `accounts.NAME.password` | `CALLFIRE_PASSWORD`, `…_FILE` |  | its API password |" in lines
    assert "| `log.level` | `WATCHER_LOG__LEVEL` | `info` | what is less important is left out |" in lines
    assert all(line.count("|") - line.count("\\|") == 5 for line in lines)
