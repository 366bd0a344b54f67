"""Names that are promised, and those that went away."""

from pathlib import Path

import pytest

from tests.release.names import promised, today, unexplained

ROOT = Path(__file__).parents[2]
CHANGELOG = """\
# Changelog

## Unreleased

### Removed

- `watcher look`, which did nothing.

## 1.1.0 - 2026-02-01

### Changed

- `polling.worth` is now `polling.value`.

## 1.0.0 - 2026-01-01

### Removed

- `watcher_old_total`.
"""


@pytest.mark.parametrize(
    ("gone", "unsaid"),
    [
        (["watcher look", "polling.worth"], []),
        (["watcher_old_total"], ["watcher_old_total"]),
        (["watcher loo", "batch.new"], ["batch.new", "watcher loo"]),
    ],
)
def test_a_name_that_went_away_since_the_newest_release_is_explained_or_found(
    gone: list[str], unsaid: list[str]
) -> None:
    kept = ["watcher run"]
    assert unexplained([*kept, *gone], [*kept, "watcher new"], CHANGELOG) == unsaid


def test_the_names_are_those_of_commands_settings_metrics_paths_and_events() -> None:
    some = {"watcher token new", "accounts.NAME.rate", "watcher_looks_total", "GET /v1/watches", "batch.active"}
    assert some <= {*today()}
    assert some <= {*promised()}


def test_no_promised_name_is_gone_that_the_changelog_does_not_name() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    gone = unexplained(promised(), today(), changelog)
    assert gone == [], "name these in CHANGELOG.md, under Removed or Changed"
