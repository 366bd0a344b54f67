"""The settings of one database, used for another."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from watcher.settings import BadSettings, Database, Problem, database_at

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
