"""Commands of others that a release is made with, and what is said when one fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

PATIENCE: Final = 600.0
"""Seconds for one command: the first installation downloads some 50 MB."""
LAST_LINES: Final = 15


class DidNotWorkError(Exception):
    """What was made is not as it must be, or a command failed: the message says which, and the last of what it wrote."""


def ran(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str], *, umask: int = -1) -> str:
    """What it writes to standard output. Raises DidNotWorkError where it fails, takes too long, or is not there."""
    said = " ".join(map(str, command))
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, umask=umask, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise DidNotWorkError(f"{said}: took longer than {PATIENCE:g} s") from late
    except OSError as none:
        raise DidNotWorkError(f"{said}: {none.strerror}") from none
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        raise DidNotWorkError(f"{said}: ended with {done.returncode}\n{last}")
    return done.stdout
