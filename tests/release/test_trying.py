"""What is said of a program that was installed: programs that are made up, each of a few lines of shell."""

import zipfile
from pathlib import Path

import pytest

from tests.release import building, trying
from tests.release.commands import DidNotWorkError, ran

GOOD = 'case "$1" in --version) echo watcher 1.2.3 ;; demo) echo \'{"good": true, "seconds": 41.7}\' ;; esac'


def program(folder: Path, lines: str) -> trying.Tried:
    tried = trying.Tried(folder=folder)
    (folder / "empty").mkdir()
    tried.python.parent.mkdir(parents=True)
    file = tried.python.with_name("watcher")
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o700)
    return tried


def test_a_program_that_does_its_work_is_good(tmp_path: Path) -> None:
    assert trying.works(program(tmp_path, GOOD), "1.2.3") == "42 s, nothing lost, doubled or over budget"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (GOOD.replace("1.2.3", "1.2.4"), r"--version says 'watcher 1.2.4\\n', and the release is 1.2.3"),
        (f'test "$1" != check || {{ echo no database >&2; exit 2; }}\n{GOOD}', r"check: ended with 2\nno database"),
        (GOOD.replace("true", 'false, "findings": ["one lost"]'), r'watcher demo: \["one lost"\]'),
    ],
)
def test_what_a_program_does_not_do_is_said(lines: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DidNotWorkError, match=said):
        trying.works(program(tmp_path, lines), "1.2.3")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DidNotWorkError, match=r"^nowhere --version: No such file or directory$"):
        ran(["nowhere", "--version"], tmp_path, {"PATH": str(tmp_path)})


def test_a_command_is_given_its_folder_its_variables_and_the_rights_of_its_files(tmp_path: Path) -> None:
    said = ran(["/bin/sh", "-c", "pwd; umask; echo $ONE $HOME"], tmp_path, {"ONE": "1"}, umask=0o077)
    assert said == f"{tmp_path}\n0077\n1\n"


def test_a_program_that_is_tried_knows_nothing_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/source")
    monkeypatch.setenv("WATCHER_CONFIG", "/source/watcher.toml")
    said = program(tmp_path, 'pwd; echo "${PYTHONPATH-none} ${WATCHER_CONFIG-none} $CALLFIRE_LOGIN"; ls')
    assert said.run(environ=trying.LOGIN) == f"{tmp_path}/empty\nnone none login\n"


def test_the_extras_of_a_wheel_are_those_that_it_says(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "it.whl", "w") as packed:
        packed.writestr("it-1.dist-info/METADATA", "Provides-Extra: otel\nProvides-Extra: notify\n")
    assert trying.extras(tmp_path / "it.whl") == ["otel", "notify"]


def test_a_release_that_cannot_be_copied_leaves_the_one_before_in_dist(tmp_path: Path) -> None:
    made, dist = tmp_path / "made", tmp_path / "dist"
    for each in (made, dist):
        each.mkdir()
    (dist / "it-1.whl").write_text("it-1.whl")
    (made / "it-2.whl").write_text("it-2.whl")
    (made / "it-2.tar.gz").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match=r"it-2\.tar\.gz"):
        building.put(made, dist)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["dist", "made"]
    assert [each.name for each in dist.iterdir()] == ["it-1.whl"]


def test_dist_has_the_newest_release_alone_and_what_is_not_of_one_is_named(tmp_path: Path) -> None:
    made, dist = tmp_path / "made", tmp_path / "dist"
    for name in ("it-1.whl", "it-2.whl"):
        made.mkdir()
        (made / name).write_text(name)
        (made / building.SUMS).write_text(building.sums(building.digests(made)))
        assert building.foreign(dist) == []
        building.put(made, dist)
        for each in made.iterdir():
            each.unlink()
        made.rmdir()
    assert sorted(each.name for each in dist.iterdir()) == [building.SUMS, "it-2.whl"]
    ran(["sha256sum", "--check", "--strict", building.SUMS], dist, {"PATH": "/usr/bin:/bin"})
    (dist / "notes.txt").write_text("mine")
    assert building.foreign(dist) == ["notes.txt"]
