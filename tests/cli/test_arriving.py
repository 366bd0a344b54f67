"""Standard input as it comes, and portions of it."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.conftest import ROOT
from tests.cli.interface import PATIENCE, Interface
from watcher.cli.arriving import arriving, portions


@pytest.fixture
def pipe() -> Iterator[tuple[io.TextIOWrapper, int]]:
    """The end that is read, and the one that is written to."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as source:
        yield source, writing


def test_lines_are_given_as_they_come_and_silence_is_told(pipe: tuple[io.TextIOWrapper, int]) -> None:
    source, writing = pipe
    lines = arriving(source, moment=0)
    os.write(writing, b"13\r\n14\n1")
    assert [next(lines) for _ in range(3)] == ["13", "14", None]
    os.write(writing, "5 \N{LATIN SMALL LETTER A WITH DIAERESIS}".encode()[:-1])
    assert next(lines) is None
    os.write(writing, b"\xa4\n\n16")
    os.close(writing)
    assert list(lines) == ["15 \N{LATIN SMALL LETTER A WITH DIAERESIS}", "", "16"]


def test_what_is_no_text_is_told_as_such(pipe: tuple[io.TextIOWrapper, int]) -> None:
    source, writing = pipe
    os.write(writing, b"13\n\xff\n")
    os.close(writing)
    with pytest.raises(UnicodeDecodeError):
        list(arriving(source, moment=0))


def test_a_text_in_memory_has_no_silences() -> None:
    assert list(arriving(io.StringIO("13\n14"))) == ["13\n", "14"]


def test_a_portion_is_full_or_as_old_as_it_may_become() -> None:
    clock = iter([0.0, 0.1, 0.2, 0.3, 0.9, 1.3, 5.0, 5.0])
    items = [None, 1, 2, 3, None, 4, None, None, None, 5]
    assert list(portions(items, 3, within=1.0, now=lambda: next(clock))) == [[1, 2, 3], [4], [5]]


def test_what_was_read_is_followed_before_more_comes(there: Interface) -> None:
    """The input stays open: nothing more may ever come."""
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "add", "-", "-o", "ndjson"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": there.url},
    ) as adding:
        assert adding.stdin is not None
        assert adding.stdout is not None
        adding.stdin.write("13\n")
        adding.stdin.flush()
        assert '"batch_id": 13' in adding.stdout.readline()
        adding.stdin.close()
        assert adding.wait(PATIENCE) == 0


def test_ctrl_c_says_what_was_done_by_then(there: Interface) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "add", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": there.url},
    ) as adding:
        assert adding.stdin is not None
        assert adding.stderr is not None
        for number, text in enumerate(("13\nx\n", "y\n"), 2):  # a portion each, for the first is under way by then
            adding.stdin.write(text)
            adding.stdin.flush()
            assert adding.stderr.readline().startswith(f"standard input line {number}: ")
        adding.send_signal(signal.SIGINT)
        assert (adding.wait(PATIENCE), adding.stderr.read()) == (
            130,
            "so far: 1 now followed, 2 refused; the same again does no harm\n",
        )
