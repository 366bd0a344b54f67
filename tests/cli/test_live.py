"""A list that is watched: read anew when something is told, painted on a terminal, with a daemon made up."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import click
import pytest

from watcher.cli.live import watch_list
from watcher.cli.printing import Output
from watcher.client import Refused, Watch
from watcher.client.patience import Patience


class MadeUp:
    """Gives one list after the other, and then refuses to go on; after each something is told."""

    def __init__(self, *lists: list[dict[str, Any]]) -> None:
        self._lists = list(lists)
        self._told = asyncio.Event()
        self.wanted: list[Any] = []

    async def watches(self, **wanted: Any) -> AsyncGenerator[Watch, None]:
        self.wanted.append(wanted)
        if not self._lists:
            raise Refused("no more")
        self._told.set()
        for each in self._lists.pop(0):
            yield Watch(account="a", batch_id=each["batch_id"], state="open", document=each)

    async def events(self, **wanted: Any) -> AsyncGenerator[None, None]:
        self.wanted.append(wanted)
        while True:
            await self._told.wait()
            self._told.clear()
            yield

    def patience(self, *, quiet: bool) -> Patience:
        assert quiet
        return Patience(None, asyncio.sleep, self.wanted.append, lambda: 0.0)


def watch(batch_id: int, status: str, looks: int = 1) -> dict[str, Any]:
    return {
        **dict.fromkeys(("broadcast_id", "since", "eta", "size", "last_look", "created"), None),
        "account": "a",
        "batch_id": batch_id,
        "status": status,
        "state": "open",
        "looks": looks,
        "name": f"API {batch_id}",
        "labels": {},
    }


TERMINAL = (
    *(("TTY_COMPATIBLE", "1"), ("TTY_INTERACTIVE", "1"), ("COLUMNS", "60"), ("LINES", "4")),
    ("TERM", "xterm-256color"),
)


async def watched(daemon: MadeUp, output: Output) -> None:
    wanted = {"account": "a"}
    with pytest.raises(Refused, match="no more"):
        await watch_list(daemon, wanted, 5, output, gather=0, beat=0)  # type: ignore[arg-type]


async def test_in_a_pipe_each_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lists = [[watch(1, "NEW"), watch(2, "NEW")], [watch(1, "NEW", 2), watch(2, "ACTIVE")], [watch(1, "NEW", 3)]]
    await watched(MadeUp(*lists), Output.TABLE)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["a/1", "NEW", "API", "1"],
        ["a/2", "NEW", "API", "2"],
        ["a/2", "ACTIVE", "API", "2"],
    ]
    await watched(MadeUp(*lists), Output.CSV)
    rows = [line.split(",")[:4] for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [["a", "1", "", "NEW"], ["a", "2", "", "NEW"], ["a", "2", "", "ACTIVE"]]


async def test_a_terminal_shows_it_as_it_is_now(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in TERMINAL:
        monkeypatch.setenv(name, value)
    lists = [[watch(number, status) for number in (1, 2, 3)] for status in ("NEW", "ACTIVE")]
    daemon = MadeUp(*lists)
    await watched(daemon, Output.TABLE)
    said = click.unstyle(capsys.readouterr().out)
    assert "NEW" in said
    assert said.count("ACTIVE") == 2  # painted, and left there at the end
    assert "API 2" not in said  # there is no room for it
    assert "and 2 more" in said
    assert {"account": "a", "portion": 6} in daemon.wanted
    assert {"after": None, "follow": True, "account": "a"} in daemon.wanted


async def test_where_the_cursor_cannot_be_moved_each_change_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (*TERMINAL, ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    await watched(MadeUp([watch(1, "NEW")], [watch(1, "ACTIVE")]), Output.TABLE)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["a/1", "NEW", "API", "1"],
        ["a/1", "ACTIVE", "API", "1"],
    ]


async def test_that_there_are_more_than_are_watched_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    many = [watch(number, "NEW") for number in range(1, 8)]
    await watched(MadeUp(many, many), Output.TABLE)
    told = capsys.readouterr()
    assert (len(told.out.splitlines()), told.err) == (5, "there are more than 5: see them with --limit\n")
