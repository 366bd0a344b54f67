"""A wheel in a new environment and an empty folder: what it needs is what was pinned, and the program does its work there."""

import json
import os
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Final

from tests.release.commands import DidNotWorkError, ran

PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
LOGIN: Final = {"CALLFIRE_LOGIN": "login", "CALLFIRE_PASSWORD": "password"}
"""Of nobody: nothing asks CallFire here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A new environment with the wheel in it."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "environment" / "bin" / "python"

    @property
    def site(self) -> Path:
        """Where its packages are."""
        (found,) = (self.folder / "environment" / "lib").glob("python3.*/site-packages")
        return found

    def run(self, *words: str, environ: Mapping[str, str] | None = None) -> str:
        """What the program writes, in a folder that was empty at first, knowing nothing of the source or of who runs it."""
        known = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder), "LANG": "C.UTF-8"}
        return ran([str(self.python.with_name("watcher")), *words], self.folder / "empty", known | dict(environ or {}))


def installed(python: str, wheel: Path, requirements: Path, folder: Path, extras: Sequence[str] = ()) -> Tried:
    """A new environment, with what is pinned and then with the wheel, which gets nothing that is not there already: a
    requirement that was forgotten shows here. pip itself stays outside."""
    (folder / "empty").mkdir(parents=True)
    environ = surroundings()
    tried = Tried(folder=folder)
    ran([python, "-m", "venv", "--without-pip", str(folder / "environment")], folder, environ)
    into = [*PIP, "--python", str(folder / "environment"), "install"]
    ran([*into, "--require-hashes", "--requirement", str(requirements)], folder, environ)
    ran([*into, "--no-index", f"{wheel}[{','.join(extras)}]" if extras else str(wheel)], folder, environ)
    return tried


def works(tried: Tried, version: str) -> str:
    """What the demo says of itself. Raises DidNotWorkError where a command fails, is of another version, or loses something."""
    said = tried.run("--version")
    if said != f"watcher {version}\n":
        raise DidNotWorkError(f"watcher --version says {said!r}, and the release is {version}")
    tried.run("check", environ=LOGIN)
    shown = json.loads(tried.run("demo", "--output", "json"))
    if not shown["good"]:
        raise DidNotWorkError(f"watcher demo: {json.dumps(shown['findings'])}")
    return f"{shown['seconds']:.0f} s, nothing lost, doubled or over budget"


def extras(wheel: Path) -> Sequence[str]:
    """What can be installed with it in addition, by name."""
    with zipfile.ZipFile(wheel) as packed:
        (about,) = (each for each in packed.namelist() if each.endswith(".dist-info/METADATA"))
        return message_from_bytes(packed.read(about)).get_all("Provides-Extra", [])


def surroundings() -> Mapping[str, str]:
    """The variables of whoever asks, without those that would change what Python does."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
