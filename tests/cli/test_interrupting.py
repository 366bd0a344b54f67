"""Ctrl-C that comes where Python can raise nothing is not lost. In processes of their own: they are sent SIGINT."""

import signal
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


LOADING = """
import os, signal, sys

class AtLoad:
    def find_spec(self, name, *_):
        if name == "watcher.cli.program":
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                raise SyntaxError("of a module that is half loaded")

{before}
sys.meta_path.insert(0, AtLoad())
sys.argv = ["watcher", "--version"]
import watcher.cli
watcher.cli.main()
"""


def loaded(before: str) -> subprocess.CompletedProcess[str]:
    """The command, which gets SIGINT while it is loaded."""
    command = [sys.executable, "-c", LOADING.format(before=before)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=PATIENCE)


def test_ctrl_c_while_the_command_is_loaded_ends_it_without_a_word() -> None:
    done = loaded(before="")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_command_whose_ctrl_c_is_ignored_goes_on_ignoring_it() -> None:
    done = loaded(before="signal.signal(signal.SIGINT, signal.SIG_IGN)")
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "watcher", "")
