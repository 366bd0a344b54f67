"""[telemetry]: what is taken, what is refused, and what is never shown."""

import os
from pathlib import Path

import pytest

from watcher.settings import BadSettings, Settings, load, shown

LOGIN = {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD": "hunter2-hunter2"}
COLLECTOR = "https://otlp.example.org"


def settings(**telemetry: str) -> Settings:
    """With these keys of the section in the environment."""
    given = {f"WATCHER_TELEMETRY__{name.upper()}": value for name, value in telemetry.items()}
    return load(Path(os.devnull), LOGIN | given)


def test_nothing_is_traced_unless_a_collector_is_named() -> None:
    assert settings().telemetry.traced == 0.0
    assert settings(traces_ratio="0.5").telemetry.traced == 0.0
    assert settings(traces_endpoint=COLLECTOR).telemetry.traced == 1.0
    assert settings(traces_endpoint=COLLECTOR, traces_ratio="0.5").telemetry.traced == 0.5


def test_headers_come_one_a_line_also_from_a_file_and_are_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("Authorization: Basic d29yZA==\nX-Tenant: 7\n")
    file.chmod(0o600)
    found = settings(traces_endpoint=COLLECTOR, traces_headers_file=str(file))
    given = {name: value.get_secret_value() for name, value in found.telemetry.traces_headers.items()}
    assert given == {"Authorization": "Basic d29yZA==", "X-Tenant": "7"}
    assert "d29yZA" not in " ".join(line.value for line in shown(found)) + repr(found)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("traces_endpoint", "collector:4318", "is not a URL that starts with https:// or http://"),
        ("traces_endpoint", "https://anna:word@otlp.example.org", "holds a login in the URL"),
        ("traces_headers", "Authorization", "has a line without a colon"),
        ("traces_headers", "Content-Type: text/plain", "names a header that cannot be set"),
        ("traces_headers", "X Tenant: 7", "names a header that cannot be set"),
        ("traces_headers", "X-Tenant: sieben ü", "has a value for X-Tenant that cannot be sent"),
        ("traces_ratio", "1.1", "must be at most 1"),
        ("traces_look_ratio", "-0.1", "must be at least 0"),
        ("traces_look_ratio", "nan", "must be at least 0"),
        ("traces_service", " ", "is empty or holds a character that nobody sees"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(key: str, value: str, what: str) -> None:
    with pytest.raises(BadSettings) as caught:
        settings(**{key: value})
    [problem] = caught.value.problems
    assert problem.place == f"environment variable WATCHER_TELEMETRY__{key.upper()}"
    assert problem.what.startswith(what)
    assert "word" not in str(problem)


def test_headers_that_others_on_the_network_can_read_are_warned_of() -> None:
    headers = {"traces_headers": "X-Tenant: 7"}
    [warning] = settings(traces_endpoint="http://otlp.example.org", **headers).warnings
    assert warning == (
        "environment variable WATCHER_TELEMETRY__TRACES_ENDPOINT: the headers for the collector go over the network in the "
        "clear: use https://"
    )
    assert settings(traces_endpoint="http://127.0.0.1:4318", **headers).warnings == ()
    assert settings(traces_endpoint="http://otlp.example.org").warnings == ()
