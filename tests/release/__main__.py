"""`make release`: what is committed becomes an sdist, a wheel, a list of parts and their checksums in dist/, or nothing does.

Nothing is tagged and nothing is uploaded: that is for a person, who is told how in the end.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import watcher
from tests.release import archives, building, commits, names, parts, trying
from tests.release.commands import DidNotWorkError, ran

PROJECT: Final = Path(__file__).parents[2]
PYTHONS: Final = ("3.11", "3.12", "3.13")
"""What the package says it runs on: the release is tried with each that this machine has."""
REQUIREMENTS: Final = "requirements.txt"
WITH_EXTRAS: Final = "requirements-extras.txt"
"""What is pinned for the program, and for the program with all its extras."""


def release(project: Path, version: str, also: Sequence[str] = ()) -> Sequence[str]:
    """The files that are in dist/ now. `also` is what else speaks against it. Raises DidNotWorkError, with dist/ as it was, where
    something is not as it must be."""
    refused = [*commits.refusals(project, version), *_in_the_way(project / "dist"), *also]
    if refused:
        raise DidNotWorkError("\n".join(refused))
    commit = commits.newest(project)
    with tempfile.TemporaryDirectory(prefix="watcher-release-") as made:
        folder = Path(made)
        source, out = folder / "source", folder / "out"
        say(f"release {version} of commit {commit.name[:12]}")
        commits.export(project, commit, source)
        _build(project, commit, version, folder)
        _check(out, source, version)
        wheel = out / building.files(version)[1]
        for name, python in _interpreters():
            tried = trying.installed(python, wheel, source / REQUIREMENTS, folder / name)
            say(f"  {name}: installed, watcher demo: {trying.works(tried, version)}")
        extras = trying.extras(wheel)
        whole = trying.installed(sys.executable, wheel, source / WITH_EXTRAS, folder / "extras", extras)
        say(f"  with {' and '.join(extras)}: installed, watcher demo: {trying.works(whole, version)}")
        always, all_of_it = parts.needed(whole.site), parts.needed(whole.site, extras)
        found_there = parts.found_in(whole.python, source, commit.epoch)
        text = parts.listed(found_there, version, always, all_of_it, building.digests(out))
        _check_parts(text, version, source)
        (out / f"{archives.DISTRIBUTION}-{version}.cdx.json").write_text(text, encoding="utf-8")
        (out / building.SUMS).write_text(building.sums(building.digests(out)), encoding="utf-8")
        building.put(out, project / "dist")
        return sorted(each.name for each in out.iterdir())


def say(line: str) -> None:
    """To whoever waits: each step takes a while."""
    print(line, flush=True)


def _in_the_way(dist: Path) -> Iterator[str]:
    if there := building.foreign(dist):
        yield f"dist/ has what no release put there: move {', '.join(there)} away"


def _build(project: Path, commit: commits.Commit, version: str, folder: Path) -> None:
    """Twice, in different folders and surroundings: once as an installer does it, and once directly."""
    building.built(folder / "source", folder / "out", commit.epoch)
    again = folder / "again"
    commits.export(project, commit, again)
    building.built(again, folder / "twice", commit.epoch, "--sdist", "--wheel", umask=0o077, environ=building.ELSEWHERE)
    if different := list(building.unequal(folder / "out", folder / "twice")):
        raise DidNotWorkError(f"built twice, these are not the same: {', '.join(different)}")
    if sorted(building.digests(folder / "out")) != sorted(building.files(version)):
        raise DidNotWorkError(f"built were {', '.join(sorted(building.digests(folder / 'out')))}")
    shutil.rmtree(folder / "twice")
    say("  built twice, also the wheel from the sdist: the same bytes")


def _check(out: Path, source: Path, version: str) -> None:
    sdist, wheel = (out / name for name in building.files(version))
    within = archives.wheel(wheel)
    wrong = [f"{wheel.name}: {each}" for each in archives.faults_of_wheel(within, source, version)]
    wrong += [f"{sdist.name}: {each}" for each in archives.faults_of_sdist(archives.sdist(sdist), source, version)]
    if wrong:
        raise DidNotWorkError("\n".join(wrong))
    ran([sys.executable, "-m", "twine", "check", "--strict", sdist, wheel], out, trying.surroundings())
    say(f"  checked: {len(within)} files in the wheel, nothing missing, nothing that is only of this machine")


def _check_parts(text: str, version: str, source: Path) -> None:
    pinned = parts.pins((source / WITH_EXTRAS).read_text(encoding="utf-8"))
    if wrong := parts.faults(text, version, pinned):
        raise DidNotWorkError("\n".join(f"the list of parts: {each}" for each in wrong))
    count = len(json.loads(text)["components"])
    say(f"  listed: {count} parts, as CycloneDX {parts.SPEC.to_version()} has them")


def _interpreters() -> Iterator[tuple[str, str]]:
    """Those of PYTHONS that are there, by their names. What is not there is said, not passed over in silence."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    for each in PYTHONS:
        name = f"python{each}"
        there = sys.executable if each == own else shutil.which(name)
        if there is None or subprocess.run([there, "-c", ""], capture_output=True, check=False).returncode:
            say(f"  {name}: not on this machine, not tried")
        else:
            yield name, there


def main() -> int:
    """0 where dist/ has the release, 1 where it is refused or something did not work; then dist/ is as it was."""
    version = watcher.__version__
    try:
        made = release(PROJECT, version, list(_other_names()))
    except (DidNotWorkError, OSError) as told:
        print(f"no release of {version}, and nothing was left behind:\n{told}", file=sys.stderr)
        return 1
    say("\n".join(["in dist/:", *(f"  {name}" for name in made), "", *_next(version)]))
    return 0


def _other_names() -> Iterator[str]:
    """The next release is compared with the names of this one."""
    if names.promised() != names.today():
        yield f"{names.PROMISED.relative_to(PROJECT)} has not the names of today: python -m tests.release.names"


def _next(version: str) -> Iterator[str]:
    tag = commits.tag(version)
    yield "Nothing was tagged or uploaded. What is left (deploy/releasing.md):"
    yield f"  git tag --annotate {tag} --message 'watcher {version}' && git push origin {tag}"
    yield "  (cd dist && sha256sum --check SHA256SUMS) and upload the files to where your people get them"


if __name__ == "__main__":
    sys.exit(main())
