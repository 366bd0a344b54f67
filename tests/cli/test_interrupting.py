"""Ctrl-C that comes where Python can raise nothing is not lost. In processes of their own: they are sent SIGINT."""

import subprocess
import sys

from tests.cli.conftest import ROOT
from tests.cli.interface import PATIENCE

SCRIPT = """
import time
from watcher.cli.interrupting import hear_every_interrupt

class Dropped:
    def __del__(self):
        raise {error}

hear_every_interrupt()
try:
    Dropped()
    time.sleep({seconds})
    print("slept")
except KeyboardInterrupt:
    print("interrupted")
"""


def run(error: str, seconds: float) -> tuple[str, str]:
    """What is said, and complained of, where a finalizer raises the error and the process sleeps then."""
    command = [sys.executable, "-c", SCRIPT.format(error=error, seconds=seconds)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_ctrl_c_in_a_finalizer_breaks_off_what_is_waited_for_after_it() -> None:
    assert run("KeyboardInterrupt", PATIENCE * 2) == ("interrupted\n", "")


def test_another_error_in_a_finalizer_is_told_as_ever() -> None:
    said, complained = run("ValueError('of another kind')", 0.1)
    assert said == "slept\n"
    assert complained.startswith("Exception ignored in: <function Dropped.__del__")
    assert "ValueError: of another kind" in complained
