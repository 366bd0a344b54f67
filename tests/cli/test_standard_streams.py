"""Standard output and error as they may be: closed, or of few letters."""

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT, Watcher
from tests.cli.interface import Interface

SHIN = "\N{HEBREW LETTER SHIN}"


@pytest.mark.parametrize("output", ["table", "wide", "json", "csv"])
def test_letters_that_standard_output_has_no_signs_for_become_question_marks(
    watcher: Watcher, there: Interface, output: str
) -> None:
    assert watcher("add", "13", "-l", f"team={SHIN}", WATCHER_URL=there.url).exit_code == 0
    ended = subprocess.run(
        [sys.executable, "-m", "watcher", "show", "13", "-o", output],
        env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": there.url, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, b"?" in ended.stdout, ended.stderr) == (0, True, b"")


def test_where_both_are_closed_it_is_done_all_the_same(there: Interface) -> None:
    command = f"exec {sys.executable} -m watcher add 13 >&- 2>&-"
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "WATCHER_URL": there.url}
    assert subprocess.run(["sh", "-c", command], env=environ, check=False).returncode == 0
