"""What speaks against a release: real repositories, small ones."""

from pathlib import Path

import pytest

from tests.release.__main__ import release
from tests.release.commands import DidNotWorkError
from tests.release.commits import TESTED, Commit, export, git, newest, refusals

EPOCH = 1_770_000_000
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-01-31\n\n### Added\n\n- All of it.\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose commit could be released as 1.2.3."""
    for each in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{each}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{each}_EMAIL", "somebody@example.org")
        monkeypatch.setenv(f"GIT_{each}_DATE", f"{EPOCH} +0000")
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    (folder / ".gitignore").write_text(f"{TESTED}\n/dist/\n")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """All that is there, as `make test` would have passed it."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A change")
    (folder / TESTED).write_text(newest(folder).name + "\n")


def test_a_clean_tested_commit_with_a_changelog_and_no_tag_may_be_released(project: Path) -> None:
    assert refusals(project, "1.2.3") == []
    assert newest(project).epoch == EPOCH


def test_a_tag_of_the_same_commit_is_in_nobodys_way(project: Path) -> None:
    git(project, "tag", "--annotate", "v1.2.3", "--message", "watcher 1.2.3")
    assert refusals(project, "1.2.3") == []


def test_what_is_not_committed_is_named(project: Path) -> None:
    (project / "CHANGELOG.md").write_text(CHANGELOG + "- One more.\n")
    (project / "new.py").write_text("")
    assert refusals(project, "1.2.3") == ["the tree is not clean: commit or remove CHANGELOG.md, new.py"]


def test_of_very_much_that_is_not_committed_some_is_named(project: Path) -> None:
    for number in range(7):
        (project / f"{number}.py").write_text("")
    said = "the tree is not clean: commit or remove 0.py, 1.py, 2.py, 3.py, 4.py and 2 more"
    assert refusals(project, "1.2.3") == [said]


def test_a_version_that_was_released_of_another_commit_is_not_released_again(project: Path) -> None:
    git(project, "tag", "v1.2.3")
    first = newest(project).name[:12]
    (project / "new.py").write_text("")
    commit(project)
    assert refusals(project, "1.2.3") == [f"v1.2.3 is there already, of another commit ({first}): take the next number"]


def test_a_version_that_the_changelog_does_not_know_is_not_released(project: Path) -> None:
    assert refusals(project, "1.2.4") == ["CHANGELOG.md: the section below Unreleased must be that of version 1.2.4"]


def test_changes_that_the_changelog_says_of_no_version_are_not_released(project: Path) -> None:
    (project / "CHANGELOG.md").write_text(CHANGELOG.replace("Unreleased\n", "Unreleased\n\n### Added\n\n- More.\n"))
    commit(project)
    said = "CHANGELOG.md: what stands under Unreleased (1) belongs to 1.2.3, or not here"
    assert refusals(project, "1.2.3") == [said]


@pytest.mark.parametrize("tested", ["", "0" * 40 + "\n", None])
def test_a_commit_whose_tests_nobody_asked_is_not_released(tested: str | None, project: Path) -> None:
    (project / TESTED).unlink() if tested is None else (project / TESTED).write_text(tested)
    said = f"the tests were not asked about this commit ({newest(project).name[:12]}): make test"
    assert refusals(project, "1.2.3") == [said]


def test_what_is_refused_is_said_all_at_once_and_leaves_nothing_behind(project: Path) -> None:
    """Also what no release put into dist/ is in the way: it would be taken for a part of this one."""
    (project / "dist").mkdir()
    (project / "dist" / "notes.txt").write_text("mine")
    (project / "new.py").write_text("")
    before = sorted(project.rglob("*"))
    with pytest.raises(DidNotWorkError) as told:
        release(project, "1.2.4", ["the names are not those of today"])
    assert str(told.value).splitlines() == [
        "the tree is not clean: commit or remove new.py",
        "CHANGELOG.md: the section below Unreleased must be that of version 1.2.4",
        "dist/ has what no release put there: move notes.txt away",
        "the names are not those of today",
    ]
    assert sorted(project.rglob("*")) == before


def test_a_folder_without_a_repository_is_no_release_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one has it who unpacked the source."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(DidNotWorkError, match=r"^git -C .* log .*: ended with 128\nfatal: not a git repository"):
        release(tmp_path, "1.2.3")


def test_a_build_that_fails_says_why_and_leaves_dist_as_it_was(project: Path) -> None:
    """There is nothing to build in it."""
    with pytest.raises(DidNotWorkError, match=r"-m build .*: ended with 1"):
        release(project, "1.2.3")
    assert not (project / "dist").exists()


def test_what_is_exported_is_the_commit_and_not_what_came_later_or_lies_about(project: Path, tmp_path: Path) -> None:
    found = newest(project)
    assert found == Commit(name=git(project, "rev-parse", "HEAD"), epoch=EPOCH)
    (project / "later.py").write_text("")
    commit(project)
    (project / "new.py").write_text("")
    export(project, found, tmp_path / "source")
    assert sorted(each.name for each in (tmp_path / "source").iterdir()) == [".gitignore", "CHANGELOG.md"]
    assert not (tmp_path / "source.tar").exists()
