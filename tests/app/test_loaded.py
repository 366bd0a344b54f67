"""What a daemon loads: each library takes its megabytes and its part of a start, whether it is used or not."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import watcher.app

ROOT = Path(__file__).parents[2]
RARE = ["asyncpg", "cryptography", "numpy.random", "pygments", "rich", "watcher.app.checks", "watcher.planning"]
"""For PostgreSQL, for keys, for plans, for colours, and for other commands."""


def test_a_daemon_loads_nothing_that_only_some_need() -> None:
    script = (
        f"import sys, watcher.app.daemon, watcher.store.sqlite; print([name for name in {RARE} if name in sys.modules])"
    )
    # Without coverage, which a subprocess of a test measures too, and which loads some of these by itself.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=alone, capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"


def test_what_is_loaded_late_is_there_when_it_is_asked_for() -> None:
    named = {name: place for place, names in watcher.app.PLACES.items() for name in names}
    assert {name: getattr(watcher.app, name) for name in named} == {
        name: getattr(import_module(place), name) for name, place in named.items()
    }
    with pytest.raises(AttributeError, match=r"'watcher\.app' has no attribute 'nothing'"):
        watcher.app.nothing  # noqa: B018 # that it is asked for is the point
