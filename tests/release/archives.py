"""What is inside of a wheel and of an sdist, and what must not be there. Nothing is unpacked, nothing is run."""

import base64
import hashlib
import posixpath
import re
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_string
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Final

from tests.release.commands import DidNotWorkError

DISTRIBUTION: Final = "callfire_batch_watcher"
NEEDED: Final = (
    "watcher/py.typed",
    "watcher/cli/demo/demo.toml",
    "watcher/store/queries*.sql",
    "watcher/store/migrations/*.sql",
    "watcher/web/page/index.html",
    "watcher/web/page/*.js",
    "watcher/web/page/*.css",
)
"""What the program reads while it runs: each pattern must find something in the wheel, whatever the source holds."""
PACKED: Final = ("watcher", "config", "deploy")
ALONE: Final = (
    ".gitignore",
    "CHANGELOG.md",
    "README.md",
    "pyproject.toml",
    "requirements.txt",
    "requirements-extras.txt",
)
"""The folders and files of the project that an sdist is made of."""
EXAMPLE: Final = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
"""The secret that the examples of the interface are written with."""

Contents = Mapping[str, bytes]
"""Each file by its name in the archive."""

_SECRET: Final = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}|whsk_[A-Za-z0-9+/]{40}|whsec_[A-Za-z0-9+/]{32}[A-Za-z0-9+/=]*"
)
_HOME: Final = re.compile(rb"(?:(?<![\w.$~}/-])|(?<=file://))/(?:home|root|Users)/[\w.-]+(?:/[\w.-]+)*")
_UNWANTED: Final = (
    "*.pyc",
    "*.pem",
    "*.key",
    "*.db",
    "*.db-wal",
    "*.env",
    ".env*",
    ".git",
    "__pycache__",
    "tests",
    "node_modules",
    "secrets",
)
"""What has no place below the first folder, where the source of Prometheus' own tests may be called `tests`."""


def wheel(file: Path) -> Contents:
    """What the wheel holds; nothing that is damaged: zipfile compares checksums as it reads."""
    with zipfile.ZipFile(file) as packed:
        return {each.filename: packed.read(each) for each in packed.infolist() if not each.is_dir()}


def sdist(file: Path) -> Contents:
    """What the sdist holds, by names without its one folder; links to files in there as those. Raises DidNotWorkError for what is
    neither, or is outside of that folder."""
    folder = file.name.removesuffix(".tar.gz")
    contents = {}
    with tarfile.open(file) as packed:
        names = set(packed.getnames())
        for each in packed:
            path = PurePosixPath(each.name)
            linked = each.issym() and posixpath.normpath(path.parent / each.linkname) in names
            if not (each.isfile() or linked) or path.parts[0] != folder or ".." in path.parts:
                raise DidNotWorkError(f"{file.name}: {each.name} is no plain file in {folder}")
            read = packed.extractfile(each)
            contents[str(path.relative_to(folder))] = read.read() if read else b""
    return contents


def faults_of_wheel(contents: Contents, source: Path, version: str) -> Sequence[str]:
    """What is wrong with a wheel that was built of that source: files that are missing or too many, what it says of itself, and
    what must not leave the machine."""
    about = f"{DISTRIBUTION}-{version}.dist-info"
    told = {f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    expected = {*_files(source, ["watcher"]), "watcher/cli/demo/demo.toml", *told}
    wrong = _compared(set(contents), expected)
    wrong += [f"nothing in it is like {each}" for each in NEEDED if not any(fnmatch(name, each) for name in contents)]
    if told <= contents.keys():
        said = message_from_string(contents[f"{about}/METADATA"].decode())
        if said["Version"] != version:
            wrong.append(f"it says that it is version {said['Version']}, and the program says {version}")
        if b"watcher = watcher.cli:main" not in contents[f"{about}/entry_points.txt"]:
            wrong.append("it has no command watcher")
        wrong += _unrecorded(contents, f"{about}/RECORD")
    return [*wrong, *_leaks(contents)]


def faults_of_sdist(contents: Contents, source: Path, version: str) -> Sequence[str]:
    """What is wrong with an sdist that was made of that source. Whether it builds the same wheel shows by building it."""
    expected = {*_files(source, PACKED), *ALONE, "PKG-INFO"}
    wrong = _compared(set(contents), expected)
    said = message_from_string(contents.get("PKG-INFO", b"").decode())
    if said["Version"] != version:
        wrong.append(f"it says that it is version {said['Version']}, and the program says {version}")
    return [*wrong, *_leaks(contents)]


def leaked(text: bytes) -> Iterator[str]:
    """What in it belongs to one machine or one owner: folders of users, secrets. A secret itself is not told."""
    yield from sorted({f"a folder of a user: {found.decode()}" for found in _HOME.findall(text)})
    if any(found != EXAMPLE for found in _SECRET.findall(text)):
        yield "something that looks like a secret"


def _leaks(contents: Contents) -> Iterator[str]:
    for name, text in sorted(contents.items()):
        yield from (f"{name} holds {each}" for each in leaked(text))
        top, *below = PurePosixPath(name).parts
        allowed = ("tests",) if name.startswith("deploy/prometheus/") else ()
        for part in (top, *below):
            if part not in allowed and part != ".gitignore" and any(fnmatch(part, each) for each in _UNWANTED):
                yield f"{name} has no place in it"
                break


def _files(source: Path, folders: Sequence[str]) -> set[str]:
    return {
        str(file.relative_to(source)) for folder in folders for file in (source / folder).rglob("*") if file.is_file()
    }


def _compared(there: set[str], expected: set[str]) -> list[str]:
    missing = [f"{each} is missing" for each in sorted(expected - there)]
    return missing + [f"{each} is not of the source" for each in sorted(there - expected)]


def _unrecorded(contents: Contents, record: str) -> Iterator[str]:
    """What the wheel's own list of its files says otherwise; installers go by it."""
    lines = dict(line.rsplit(",", 2)[:2] for line in contents[record].decode().splitlines())
    for name, data in sorted(contents.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        if name != record and lines.get(name) != f"sha256={digest}":
            yield f"{name} is not as its RECORD says"
