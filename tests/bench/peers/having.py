"""Where the peers are: each in an environment of its own below build/, made where it is not there yet. Nothing else is changed on
this machine: Debian's packages are only unpacked."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.cli.conftest import ROOT

BUILD: Final = ROOT / "build" / "side-by-side"
ONE_AT_A_TIME: Final = threading.Lock()
PATIENCE: Final = 900.0
"""Seconds for one command that installs."""


class NotToBeHad(Exception):
    """A peer cannot be installed here; says why."""


def environment(name: str, requirements: Sequence[str], *, below: Path = BUILD) -> Path:
    """The folder of commands of a virtual environment with these requirements. NotToBeHad."""
    folder = below / name
    marker = folder / "installed.txt"
    wanted = "\n".join(requirements)
    with ONE_AT_A_TIME:
        if not marker.is_file() or marker.read_text(encoding="utf-8") != wanted:
            print(f"installing {', '.join(requirements)}", flush=True)
            _done(sys.executable, "-m", "venv", "--clear", str(folder))
            _done(str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *requirements)
            marker.write_text(wanted, encoding="utf-8")
    return folder / "bin"


def debian(package: str, *commands: str) -> str:
    """The program of a package of Debian's, by the first of the names that it is installed under; unpacked where it is not
    installed. NotToBeHad."""
    installed = next(filter(None, map(shutil.which, commands)), None)
    if installed is not None:
        return installed
    folder = BUILD / package
    program = folder / "usr" / "bin" / commands[0]
    if not program.is_file():
        print(f"unpacking {package}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _done("apt-get", "download", package, at=folder)
        except NotToBeHad:  # the lists may be missing
            _done("apt-get", "update", "-qq")
            _done("apt-get", "download", package, at=folder)
        (found,) = folder.glob("*.deb")
        _done("dpkg-deb", "--extract", str(found), str(folder))
    return str(program)


def _done(*command: str, at: Path = ROOT) -> None:
    try:
        done = subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise NotToBeHad(f"{_short(command)}: {type(wrong).__name__}") from wrong
    if done.returncode != 0:
        last = (done.stderr.strip() or "it ended without a word").splitlines()[-1]
        raise NotToBeHad(f"{_short(command)}: {last}")


def _short(command: Sequence[str]) -> str:
    """Without folders."""
    return " ".join((Path(command[0]).name, *command[1:2]))
