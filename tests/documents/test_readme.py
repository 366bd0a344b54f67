"""The README is what a newcomer reads in five minutes, and its beginning is so: two commands, and a real start."""

import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import yaml

from tests.documents.playing import PATIENCE, beginner, clone
from tests.documents.reading import ROOT, blocks, text_of
from watcher.settings.model import Http

README: Final = "README.md"
COMMANDS: Final = [block.text for block in blocks(README) if block.language == "sh"]
SHORT: Final = 200
"""Lines."""


def test_it_is_short() -> None:
    assert len(text_of(README).splitlines()) < SHORT


def test_the_two_commands_are_there_and_the_demo_shows_that_nothing_was_lost() -> None:
    assert COMMANDS[0].splitlines() == ["make demo", "make test"]
    demo = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=beginner(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"


def test_nothing_is_used_before_it_is_installed() -> None:
    """A fresh clone has neither the command nor the interpreter that the blocks use."""
    before, installing, _ = "".join(COMMANDS).partition("make install")
    assert installing
    assert before.split() == ["make", "demo", "make", "test"]


def test_a_real_start_makes_the_secret_once_and_keeps_it_to_its_user(tmp_path: Path) -> None:
    start = COMMANDS[1].removesuffix("make run\n")
    secrets = []
    folder = clone(tmp_path)
    for _ in range(2):
        subprocess.run(["bash", "-ec", start], cwd=folder, env=beginner(), check=True)
        secrets.append((folder / "var" / "secret").read_text())
    assert secrets[0].startswith("whsec_")
    assert secrets[0] == secrets[1]
    assert stat.S_IMODE((folder / "var" / "secret").stat().st_mode) == 0o600
    assert "/var/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_scraper_is_sent_to_where_the_daemon_serves() -> None:
    config = yaml.safe_load(next(block.text for block in blocks(README) if block.language == "yaml"))
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": [str(Http().listen)]}]


def test_python_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "Python 3.11 to 3.13" in text_of(README)
