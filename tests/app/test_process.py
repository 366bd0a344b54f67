"""What the daemon wants of the system and of its interpreter."""

import resource
import subprocess
import sys
from pathlib import Path

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


def test_a_daemon_writes_no_core_file_for_it_holds_the_secrets(tmp_path: Path) -> None:
    """Asked of a process of its own, which cannot start: a limit that is lowered is so for all that comes after."""
    code = """
import resource, sys
from watcher.app import CannotStart
from watcher.app.daemon import main
from watcher.settings import load

most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))  # else nothing may be left to do
try:
    main(load(None, dict(CALLFIRE_LOGIN="a", CALLFIRE_PASSWORD="b", WATCHER_DATABASE_URL=f"sqlite:///{sys.argv[1]}")))
except CannotStart:
    print(resource.getrlimit(resource.RLIMIT_CORE) == (0, most))
"""
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (said.returncode, said.stdout) == (0, "True\n"), said.stderr


def test_without_uvloop_it_runs_on_asyncios_own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is None
