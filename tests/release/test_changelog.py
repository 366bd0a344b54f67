"""The changelog: read as data, and what is wrong with one."""

from pathlib import Path

import pytest

import watcher
from tests.release.changelog import Section, faults, sections, unreleased

ROOT = Path(__file__).parents[2]
GOOD = """\
# Changelog

## Unreleased

## 1.1.0 - 2026-02-01

For whoever upgrades.

### Added

- One thing,
  told in two lines.
- Another.

### Fixed

- A third.

## [1.0.0] - 2026-01-01

### Added

- The first.
"""


def test_a_changelog_is_read_section_by_section_and_kind_by_kind() -> None:
    first = {"Added": ["One thing, told in two lines.", "Another."], "Fixed": ["A third."]}
    assert sections(GOOD) == [
        Section(title="Unreleased", day=None, changes={}),
        Section(title="1.1.0", day="2026-02-01", changes=first),
        Section(title="1.0.0", day="2026-01-01", changes={"Added": ["The first."]}),
    ]
    assert (faults(GOOD, "1.1.0"), unreleased(GOOD)) == ([], 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## Unreleased\n\n", "", "the first section must be Unreleased"),
        ("1.1.0", "1.1.1", "the section below Unreleased must be that of version 1.1.0"),
        ("[1.0.0]", "1.1.0", "section 1.1.0 is there twice"),
        (
            "### Fixed",
            "### Repaired",
            "1.1.0: 'Repaired' is none of Added, Changed, Deprecated, Removed, Fixed, Security",
        ),
        ("- A third.\n", "", "1.1.0: nothing stands under 'Fixed'"),
        ("### Added\n\n- The first.\n", "", "1.0.0: it says no change"),
        ("- 2026-02-01", "- yesterday", "1.1.0: its heading must end in a day: ## 1.1.0 - 2026-01-31"),
        ("1.1.0 - 2026-02-01", "1.1.0", "1.1.0: its heading must end in a day: ## 1.1.0 - 2026-01-31"),
        ("### Added\n\n- The", "- The", "1.0.0: '' is none of Added, Changed, Deprecated, Removed, Fixed, Security"),
    ],
)
def test_what_is_wrong_with_a_changelog_is_said(old: str, new: str, said: str) -> None:
    assert said in faults(GOOD.replace(old, new), "1.1.0")


def test_an_older_version_is_not_the_one_that_the_changelog_is_of() -> None:
    assert faults(GOOD, "1.0.0") == ["the section below Unreleased must be that of version 1.0.0"]


def test_changes_of_no_version_yet_are_counted() -> None:
    assert unreleased(GOOD.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n\n- One.\n- Two.\n")) == 2


def test_the_changelog_is_that_of_this_version() -> None:
    assert faults((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), watcher.__version__) == []
