"""deploy/postgres.md tells operators the truth: its statements are run as its role, its settings are read, and its time-outs are
those in force."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.fakes import Ear, FakeClock
from tests.store.postgres_server import Server
from watcher.settings import load
from watcher.store.postgres import open_postgres
from watcher.store.postgres_pool import KEEPALIVES, Access

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "deploy" / "postgres.md").read_text()
USED: Final = {"statement_timeout": "statement", "lock_timeout": "lock", "lease": "lease"}
"""Settings of the table of time-outs, and what becomes of them."""


def blocks(language: str) -> list[str]:
    """The fenced blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def statements(block: str) -> list[str]:
    return [each for each in block.split(";\n") if each.strip()]


@pytest.fixture
def made(server: Server) -> Iterator[str]:
    """Where the database is that the document has made, for its role."""
    for statement in statements(blocks("sql")[0]):
        server.say(statement)
    yield server.url("watcher").replace("//postgres@", "//watcher@")
    server.drop("watcher")
    server.say("DROP ROLE watcher")


async def test_the_role_that_is_made_needs_no_other_right_and_may_ask_what_the_document_asks(
    server: Server, made: str, clock: FakeClock
) -> None:
    async with open_postgres(made, tell=Ear(), clock=clock) as store:
        await store.ping()
        found = [
            server.run("psql", made, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", each)
            for block in blocks("sql")[1:]
            for each in statements(block)
        ]
    sizes, days, busy = found
    assert {"watches", "log"} <= {row.split("|")[0] for row in sizes.splitlines()}
    assert len(days.splitlines()) == 2  # today, and the day ahead
    assert busy  # at least whoever asks


def test_the_settings_are_read(tmp_path: Path) -> None:
    [block] = blocks("toml")
    password = tmp_path / "password"
    password.write_text("a long one\n")
    config = tmp_path / "watcher.toml"
    config.write_text(block.replace("/run/secrets/watcher-database", str(password)))
    settings = load(config, {"CALLFIRE_LOGIN": "login", "CALLFIRE_PASSWORD": "password"})
    kept = settings.database.password
    assert settings.database.place == "postgresql://watcher@db.example/watcher"
    assert kept is not None
    assert kept.get_secret_value() == "a long one"


def test_the_time_outs_are_those_in_force() -> None:
    told = dict(re.findall(r"`database\.(\w+)`, (\d+) s", TEXT))
    usual = Access()
    assert {name: timedelta(seconds=int(told[name])) for name in USED} == {
        name: getattr(usual, field) for name, field in USED.items()
    }
    assert f"| connecting | {usual.connect.seconds} s |" in TEXT
    assert f"| a machine that vanished | {int(KEEPALIVES['tcp_user_timeout']) // 1000} s after" in TEXT
    assert f"`database.connections` ({usual.connections})" in TEXT
