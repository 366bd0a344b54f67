"""An sdist and a wheel of a folder, and whether they come out the same twice; and how they get into dist/."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.release.archives import DISTRIBUTION
from tests.release.commands import ran

SUMS: Final = "SHA256SUMS"
ELSEWHERE: Final = {"TZ": "Asia/Kolkata", "LC_ALL": "C"}
"""Another time zone and language than whoever releases is likely to have."""


def built(
    source: Path, out: Path, epoch: int, *what: str, umask: int = 0o022, environ: Mapping[str, str] | None = None
) -> None:
    """Into `out`, with the tools that are pinned. Without `what` it is as an installer does it: an sdist of the source, then a
    wheel of that; `--sdist` and `--wheel` are made of the source."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command: list[str | Path] = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *what, source]
    ran(command, source, known | dict(environ or {}) | {"SOURCE_DATE_EPOCH": str(epoch)}, umask=umask)


def files(version: str) -> Sequence[str]:
    """The sdist and the wheel, by their names."""
    return f"{DISTRIBUTION}-{version}.tar.gz", f"{DISTRIBUTION}-{version}-py3-none-any.whl"


def unequal(one: Path, other: Path) -> Iterator[str]:
    """What is in one of the folders and not in the other as it is there."""
    these, those = digests(one), digests(other)
    yield from sorted(name for name in these.keys() | those.keys() if these.get(name) != those.get(name))


def digests(folder: Path) -> Mapping[str, str]:
    """SHA-256 of each file."""
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


def sums(hashes: Mapping[str, str]) -> str:
    """As `sha256sum --check` reads it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def foreign(dist: Path) -> Sequence[str]:
    """What lies there that no release put there: it would be taken for a part of this one."""
    if not dist.is_dir():
        return []
    listing = dist / SUMS
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
    ours = {SUMS, *(line.split("  ", 1)[-1] for line in lines)}
    return sorted(each.name for each in dist.iterdir() if each.name not in ours)


def put(made: Path, dist: Path) -> None:
    """The files of a release in the place of those of the one before: all of them, or, where that fails, none."""
    with tempfile.TemporaryDirectory(prefix=f"{dist.name}-", dir=dist.parent) as folder:
        ready = Path(shutil.copytree(made, Path(folder) / "ready"))
        if dist.is_dir():
            dist.rename(Path(folder) / "before")
        ready.rename(dist)
