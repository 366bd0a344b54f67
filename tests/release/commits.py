"""The commit that is released: which it is, when it was made, and what speaks against releasing it. It is only read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.release import changelog
from tests.release.commands import ran

TESTED: Final = ".tested"
"""Where `make test` leaves which commit passed it."""
SHOWN: Final = 5
"""Files that are named where many are not committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Its name, and the second in which it was made, since 1970: the time of everything that is built of it."""

    name: str
    epoch: int


def newest(project: Path) -> Commit:
    """The one that is checked out."""
    name, epoch = git(project, "log", "-1", "--format=%H %ct").split()
    return Commit(name=name, epoch=int(epoch))


def refusals(project: Path, version: str) -> Sequence[str]:
    """Why this must not be released as that version, each with what to do: empty where it may."""
    commit, said = newest(project), []
    changed = git(project, "status", "--porcelain").splitlines()
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        names = ", ".join(line[3:] for line in changed[:SHOWN])
        said.append(f"the tree is not clean: commit or remove {names}{more}")
    tagged = (
        git(project, "rev-list", "-1", tag(version)) if git(project, "tag", "--list", tag(version)) else commit.name
    )
    if tagged != commit.name:
        said.append(f"{tag(version)} is there already, of another commit ({tagged[:12]}): take the next number")
    text = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    said += [f"CHANGELOG.md: {each}" for each in changelog.faults(text, version)]
    if left := changelog.unreleased(text):
        said.append(
            f"CHANGELOG.md: what stands under {changelog.UNRELEASED} ({left}) belongs to {version}, or not here"
        )
    tested = project / TESTED
    if not tested.is_file() or tested.read_text(encoding="utf-8").strip() != commit.name:
        said.append(f"the tests were not asked about this commit ({commit.name[:12]}): make test")
    return said


def tag(version: str) -> str:
    """What the tag of a version is called."""
    return f"v{version}"


def export(project: Path, commit: Commit, folder: Path) -> None:
    """What the commit holds, and nothing else that lies about in the project, in that folder."""
    folder.mkdir()
    packed = folder.with_name(f"{folder.name}.tar")
    git(project, "archive", "--output", str(packed), commit.name)
    ran(["tar", "--extract", "--file", packed, "--directory", folder], folder, os.environ)
    packed.unlink()


def git(project: Path, *words: str) -> str:
    """What git answers, without the last line's end. Raises DidNotWorkError where it refuses, or there is none."""
    return ran(["git", "-C", project, *words], project, os.environ).rstrip("\n")
