"""What the daemon wants of the system and of its interpreter."""

import resource
import sys

import pytest

from watcher.app.process import allow_files, loop_factory


def test_as_many_files_may_be_open_as_the_system_grants() -> None:
    """Each client of a stream is one, and a shell or a service manager grants 1024 to whoever does not ask for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, soft), hard))
        for _ in range(2):
            allow_files()
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_uvloop_it_runs_on_asyncios_own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is None
