"""Completion by the tab key: the scripts, and what is completed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Watcher
from tests.cli.interface import Interface
from watcher.cli.options import account_names, endpoint_ids
from watcher.core.endpoint import Endpoint

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("shell", "begins"), [("bash", "_watcher_completion()"), ("zsh", "#compdef"), ("fish", "compl")]
)
def test_each_shell_gets_its_script(watcher: Watcher, shell: str, begins: str) -> None:
    said = watcher("completion", shell)
    assert (said.exit_code, said.stdout.lstrip()[: len(begins)]) == (0, begins)
    assert "_WATCHER_COMPLETE" in said.stdout


def test_commands_and_options_are_completed() -> None:
    for words, said in (("watcher end", ["endpoints"]), ("watcher ls --st", ["--status", "--stuck"])):
        count = len(words.split()) - 1
        ended = subprocess.run(
            [sys.executable, "-m", "watcher"],
            cwd=ROOT,
            env={**os.environ, "_WATCHER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ended.stdout.split() == said


def test_names_are_completed_where_a_daemon_answers(there: Interface, monkeypatch: pytest.MonkeyPatch) -> None:
    there.subscribing.keep(Endpoint(id="crm", url="https://example.com/"))
    monkeypatch.setenv("WATCHER_URL", there.url)
    assert (account_names("def"), account_names("x"), endpoint_ids("c")) == (["default"], [], ["crm"])


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense"])
def test_where_none_does_nothing_is(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_URL", url)
    assert (account_names(""), endpoint_ids("")) == ([], [])
