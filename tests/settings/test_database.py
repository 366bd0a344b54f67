"""The settings of one database, used for another."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from watcher.settings import BadSettings, Database, Problem, Settings, database_at

NAMED = "postgresql://anna@db/watcher"
KEPT = Database(url=NAMED, password=SecretStr("hunter2"), lock_timeout=timedelta(seconds=3))


def test_another_database_is_used_as_the_settings_say() -> None:
    other = database_at(KEPT, "sqlite:///other.db", "TARGET")
    assert (other.url, other.lock_timeout) == ("sqlite:///other.db", timedelta(seconds=3))


@pytest.mark.parametrize(
    ("url", "password"),
    [
        (NAMED, "hunter2"),
        ("postgresql://anna:hush@db/watcher", "hush"),
        ("postgresql://anna@db/other", None),
        ("postgresql://anna@elsewhere/watcher", None),
        ("sqlite:///other.db", None),
    ],
)
def test_a_password_is_sent_to_the_database_that_it_is_for(url: str, password: str | None) -> None:
    kept = database_at(KEPT, url, "SOURCE").password
    assert (None if kept is None else kept.get_secret_value()) == password


def test_what_is_no_database_is_refused_with_the_place_and_without_the_password() -> None:
    with pytest.raises(BadSettings) as refusal:
        database_at(KEPT, "postgresql://anna:hush@db", "TARGET")
    assert refusal.value.problems == (
        Problem(place="TARGET", what="names no database", remedy="write postgresql://USER@HOST:PORT/NAME"),
    )


@pytest.mark.parametrize(
    ("url", "unverified"),
    [
        ("sqlite:///var/watcher.db", False),
        ("postgresql://anna@db/watcher", True),
        ("postgresql://db:5433/watcher?sslmode=require", True),
        ("postgresql://db/watcher?sslmode=verify-ca", True),
        ("postgresql://db/watcher?sslmode=verify-full&sslmode=disable", True),
        ("postgresql://[2001:db8::1]/watcher", True),
        ("postgresql:///watcher?host=db.example", True),
        ("postgresql:///watcher?host=/run/postgresql,db.example", True),
        ("postgresql://anna@db/watcher?sslmode=verify-full", False),
        ("postgresql://db/watcher?sslmode=disable", False),
        ("postgresql://anna@127.0.0.1:5433/watcher", False),
        ("postgresql://anna@localhost/watcher", False),
        ("postgresql://[::1]:5433/watcher", False),
        ("postgresql:///watcher", False),
        ("postgresql:///watcher?host=/run/postgresql", False),
        ("postgresql://anna@%2Frun%2Fpostgresql/watcher", False),
    ],
)
def test_a_server_that_is_reached_over_a_network_and_not_verified_is_a_warning(url: str, unverified: bool) -> None:
    said = "database.url: nothing shows that the server is the one that is meant: end it with ?sslmode=verify-full"
    account = {"login": "anna", "password": "hunter2"}
    settings = Settings.model_validate({"accounts": {"default": account}, "database": {"url": url}})
    assert settings.warnings == ((said,) if unverified else ())
