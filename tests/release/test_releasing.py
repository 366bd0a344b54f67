"""The whole of it, as `make release` does it: minutes, as everything is installed and the demo runs each time."""

from pathlib import Path

import pytest

import watcher
from tests.release.__main__ import release
from tests.release.building import digests
from tests.release.commits import TESTED, git, newest

ROOT = Path(__file__).parents[2]


@pytest.mark.campaign
def test_a_release_of_what_is_committed_is_made_and_once_more_to_the_byte(tmp_path: Path) -> None:
    project = tmp_path / "project"
    git(ROOT, "clone", "--quiet", str(ROOT), str(project))
    (project / TESTED).write_text(newest(project).name)
    made = release(project, watcher.__version__)
    first = digests(project / "dist")
    assert sorted(first) == made
    assert release(project, watcher.__version__) == made
    assert digests(project / "dist") == first
