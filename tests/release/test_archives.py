"""What is inside of a wheel and an sdist: small ones that are made up, and the project's own, built once."""

import base64
import hashlib
import io
import tarfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

import watcher
from tests.release import archives, building
from tests.release.commands import DidNotWorkError

ROOT = Path(__file__).parents[2]
EPOCH = 1_770_000_000
VERSION = "1.2.3"
ABOUT = f"callfire_batch_watcher-{VERSION}.dist-info"
SOURCE = {
    "watcher/__init__.py": b"__version__ = '1.2.3'\n",
    "watcher/py.typed": b"",
    "watcher/store/queries.sql": b"SELECT 1;\n",
    "watcher/store/migrations/0001_start.sql": b"SELECT 1;\n",
    "watcher/web/page/index.html": b"<p>\n",
    "watcher/web/page/main.js": b"\n",
    "watcher/web/page/page.css": b"\n",
}
SAID = f"Name: callfire-batch-watcher\nVersion: {VERSION}\n".encode()


def recorded(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """With the list of its files that a wheel has."""

    def line(name: str, data: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        return f"{name},sha256={digest},{len(data)}\n"

    listing = "".join(line(name, data) for name, data in contents.items()) + f"{ABOUT}/RECORD,,\n"
    return {**contents, f"{ABOUT}/RECORD": listing.encode()}


WHEEL = {
    **SOURCE,
    "watcher/cli/demo/demo.toml": b"\n",
    f"{ABOUT}/METADATA": SAID,
    f"{ABOUT}/WHEEL": b"Wheel-Version: 1.0\n",
    f"{ABOUT}/entry_points.txt": b"[console_scripts]\nwatcher = watcher.cli:main\n",
}
SDIST = {
    **SOURCE,
    "config/demo.toml": b"\n",
    "deploy/prometheus/tests/daemon.yml": b"\n",
    **dict.fromkeys(archives.ALONE, b"\n"),
    "PKG-INFO": SAID,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The folder that both were made of."""
    for name, data in {**SOURCE, "config/demo.toml": b"\n", "deploy/prometheus/tests/daemon.yml": b"\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_wheel_and_an_sdist_with_all_that_belongs_in_them_are_good(source: Path) -> None:
    assert archives.faults_of_wheel(recorded(WHEEL), source, VERSION) == []
    assert archives.faults_of_sdist(SDIST, source, VERSION) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"watcher/store/queries.sql": None}, "watcher/store/queries.sql is missing"),
        ({"watcher/store/queries.sql": None}, "nothing in it is like watcher/store/queries*.sql"),
        ({"watcher/cli/demo/demo.toml": None}, "watcher/cli/demo/demo.toml is missing"),
        ({"tests/test_it.py": b""}, "tests/test_it.py is not of the source"),
        ({"tests/test_it.py": b""}, "tests/test_it.py has no place in it"),
        ({"watcher/old.pyc": b""}, "watcher/old.pyc has no place in it"),
        ({f"{ABOUT}/METADATA": b"Version: 1.2.4\n"}, "it says that it is version 1.2.4, and the program says 1.2.3"),
        ({f"{ABOUT}/entry_points.txt": b""}, "it has no command watcher"),
        ({f"{ABOUT}/RECORD": None}, f"{ABOUT}/RECORD is missing"),
        ({"watcher/__init__.py": b"A = '/home/somebody/watcher'"}, "a folder of a user: /home/somebody/watcher"),
        ({"watcher/__init__.py": b"A = 'whsec_" + b"Q" * 44 + b"'"}, "something that looks like a secret"),
        (
            {"watcher/__init__.py": b"-----BEGIN EC PRIVATE KEY-----\n" + b"A" * 64},
            "something that looks like a secret",
        ),
    ],
)
def test_what_is_wrong_with_a_wheel_is_said(changes: Mapping[str, bytes | None], said: str, source: Path) -> None:
    changed = {name: data for name, data in {**recorded(WHEEL), **changes}.items() if data is not None}
    assert any(said in each for each in archives.faults_of_wheel(changed, source, VERSION))


def test_a_file_that_is_not_as_the_wheel_lists_it_is_found(source: Path) -> None:
    changed = recorded(WHEEL) | {"watcher/__init__.py": b"__version__ = '1.2.3' #\n"}
    wrong = archives.faults_of_wheel(changed, source, VERSION)
    assert wrong == ["watcher/__init__.py is not as its RECORD says"]
    listing = recorded({name: data for name, data in WHEEL.items() if name != "watcher/py.typed"})
    wrong = archives.faults_of_wheel({**listing, "watcher/py.typed": b""}, source, VERSION)
    assert wrong == ["watcher/py.typed is not as its RECORD says"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"requirements.txt": None}, "requirements.txt is missing"),
        ({"deploy/secrets/api-token": b"T"}, "deploy/secrets/api-token has no place in it"),
        ({"deploy/watcher.env": b"A=1"}, "deploy/watcher.env is not of the source"),
        ({"PKG-INFO": b"Version: 1.2.4\n"}, "it says that it is version 1.2.4, and the program says 1.2.3"),
    ],
)
def test_what_is_wrong_with_an_sdist_is_said(changes: Mapping[str, bytes | None], said: str, source: Path) -> None:
    changed = {name: data for name, data in {**SDIST, **changes}.items() if data is not None}
    assert said in archives.faults_of_sdist(changed, source, VERSION)


@pytest.mark.parametrize(
    ("name", "link"),
    [("it-1/../outside", ""), ("elsewhere/file", ""), ("it-1/link", "/etc/passwd"), ("it-1/link", "../it")],
)
def test_an_sdist_has_plain_files_in_its_one_folder_alone(name: str, link: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "it-1.tar.gz", "w:gz") as packed:
        member = tarfile.TarInfo(name)
        if link:
            member.type, member.linkname = tarfile.SYMTYPE, link
        packed.addfile(member, io.BytesIO())
    with pytest.raises(DidNotWorkError, match="no plain file in it-1"):
        archives.sdist(tmp_path / "it-1.tar.gz")


def test_words_that_only_look_like_folders_of_users_and_the_documented_example_are_let_through() -> None:
    text = b"https://example.org/home/page $HOME/root/it ${X}/home/a " + archives.EXAMPLE
    assert list(archives.leaked(text)) == []
    assert list(archives.leaked(archives.EXAMPLE + b" whsec_" + b"Q" * 44)) == ["something that looks like a secret"]


def test_what_was_built_in_one_place_alone_or_otherwise_is_unequal(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, names in ((one, ("a", "b", "c")), (other, ("b", "c", "d"))):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(f"{folder.name if name == 'c' else name}\n")
    assert list(building.unequal(one, other)) == ["a", "c", "d"]


def test_the_project_is_built_the_same_twice_and_by_its_sdist_and_nothing_is_missing_or_too_much(
    tmp_path: Path,
) -> None:
    """The sdist is made in two places; the wheel once of it and once of the source, elsewhere and with other rights."""
    source, again = tmp_path / "source", tmp_path / "again"
    for each in archives.PACKED:
        leave_out = ignore_patterns("__pycache__", "node_modules", "secrets", "watcher.env")
        copytree(ROOT / each, source / each, ignore=leave_out, symlinks=True)
    for each in archives.ALONE:
        copy(ROOT / each, source / each)
    copytree(source, again, symlinks=True)
    building.built(source, tmp_path / "once", EPOCH)
    building.built(again, tmp_path / "twice", EPOCH, "--wheel", umask=0o077, environ=building.ELSEWHERE)
    version = watcher.__version__
    assert list(building.digests(tmp_path / "twice")) == [building.files(version)[1]]
    building.built(again, tmp_path / "twice", EPOCH, "--sdist", umask=0o077, environ=building.ELSEWHERE)
    assert list(building.unequal(tmp_path / "once", tmp_path / "twice")) == []
    assert sorted(building.digests(tmp_path / "once")) == sorted(building.files(version))
    sdist, wheel = (tmp_path / "once" / name for name in building.files(version))
    with tarfile.open(sdist) as source_packed, zipfile.ZipFile(wheel) as packed:
        assert {each.mtime for each in source_packed} == {EPOCH}
        assert {each.date_time for each in packed.infolist()} == {time.gmtime(EPOCH)[:6]}
    assert archives.faults_of_wheel(archives.wheel(wheel), source, version) == []
    assert archives.faults_of_sdist(archives.sdist(sdist), source, version) == []
