"""How far something is: shown on a terminal where it takes longer than a moment, and never elsewhere."""

import asyncio

import click
import pytest

from tests.fakes import settle_down
from watcher.cli.printing import say
from watcher.cli.progress import counting, moving, progress, sharing

LONG = 3600.0
"""Seconds that nothing here takes."""


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TTY_COMPATIBLE", "1"), ("TTY_INTERACTIVE", "1"), ("COLUMNS", "60")):
        monkeypatch.setenv(name, value)


async def work(late: float) -> None:
    """Two of three parts each are done of something."""
    async with progress("looking", 3, late=late) as advance:
        await settle_down()  # turns of the loop, in which what is due is shown
        advance(2)
    with counting("following", 3, late=late) as advance:
        advance(2)
    with sharing("playing", late=late) as tell:
        tell(0.66)


@pytest.mark.usefixtures("_terminal")
async def test_on_a_terminal_what_takes_long_shows_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    await work(late=-1.0)
    out, err = capsys.readouterr()
    said = click.unstyle(err)
    assert out == ""
    assert [word for word in ("looking", "following", "2/3", "playing", "66%") if word not in said] == []


@pytest.mark.usefixtures("_terminal")
async def test_what_is_over_in_a_moment_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    await work(late=LONG)
    assert capsys.readouterr() == ("", "")


async def test_in_a_pipe_nothing_is_shown_however_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    await work(late=-1.0)
    assert capsys.readouterr() == ("", "")


async def test_what_is_moved_along_comes_to_what_it_comes_to() -> None:
    assert await moving("thinking", asyncio.sleep(0, 42)) == 42


@pytest.mark.usefixtures("_terminal")
def test_what_is_printed_meanwhile_goes_where_it_is_to_go(capsys: pytest.CaptureFixture[str]) -> None:
    """The bar is on a terminal, standard output is not: it may be a file."""
    with counting("following", 3, late=-1.0) as advance:
        advance(1)
        say("a row")
    assert capsys.readouterr().out == "a row\n"
