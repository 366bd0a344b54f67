"""Which tests run which lines of what is mutated, and how long each takes: gathered once, and again for the test files that
changed. Kept in `build/mutation`."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import coverage
import pytest

from tests.mutation.mutants import PACKAGE, ROOT, Mutant, modules

TESTS: Final = (
    "tests/core",
    "tests/polling",
    "tests/planning",
    "tests/delivery",
    "tests/telemetry/test_logs.py",
    "tests/telemetry/test_metrics.py",
    "tests/webhooks/test_guard.py",
    "tests/webhooks/test_guard_spellings.py",
)
"""Tests of the decisions, and of what is right above them: those that need neither a database nor a process."""
KEPT: Final = ROOT / "build" / "mutation"
OPTIONS: Final = (
    "-q",
    "-s",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:faulthandler",
    "-p",
    "tests.mutation.examples",
    "--no-header",
)
OPTIONS_LAST: Final = ("--hypothesis-profile=mutation",)


class Scope(NamedTuple):
    """The tests that mutants are tried with, and where is kept what came of it."""

    tests: tuple[str, ...] = TESTS
    folder: Path = KEPT

    def files(self) -> dict[str, str]:
        """Each file of tests, by its path, and a digest of it."""
        found: list[Path] = []
        for name in self.tests:
            path = ROOT / name
            found += sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        return {path.relative_to(ROOT).as_posix(): _digest(path) for path in found}

    def digest(self) -> str:
        """Of all that the tests are made of."""
        content = hashlib.sha256()
        for name in self.tests:
            path = ROOT / name
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                content.update(file.read_bytes())
        return content.hexdigest()[:16]


EVERYTHING: Final = Scope()
IMPORTING: Final = """
import coverage, importlib, json, sys
recorder = coverage.Coverage(data_file=None, config_file=False, include=sys.argv[1::2])
recorder.start()
for name in sys.argv[2::2]:
    importlib.import_module(name)
recorder.stop()
data = recorder.get_data()
print(json.dumps({path: sorted(data.lines(path)) for path in data.measured_files()}))
"""


@dataclass(slots=True, eq=False)
class Recorder:
    """Notes for each test which lines it ran, and its seconds of processor time; and which tests fail."""

    recorder: coverage.Coverage
    seconds: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.recorder.switch_context(item.nodeid)
        began = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(time.process_time() - began, 4)
            self.recorder.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)


class Covering:
    """Reads what is kept, has gathered what is missing or older than its files, and chooses the tests of a mutant."""

    def __init__(self, scope: Scope = EVERYTHING) -> None:
        self.scope = scope
        self._path = scope.folder / "covering.json"
        files = scope.files()
        self._now = {module: _digest(PACKAGE / module) for module in modules()}
        kept: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._files: dict[str, Any] = kept
        stale = [name for name, digest in files.items() if not self._holds(name, digest)]
        if stale:
            print(f"noting what {len(stale)} test files run", flush=True)
            self._gather(stale)
        self._files = {name: self._files[name] for name in files}
        self._tests: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.seconds: dict[str, float] = {}
        for each in self._files.values():
            self.seconds |= each["seconds"]
            for module, tests in each["lines"].items():
                for test, lines in tests.items():
                    for line in lines:
                        self._tests[module][line].add(test)
        self.importing = _importing()

    def _holds(self, name: str, digest: str) -> bool:
        each = self._files.get(name)
        return (
            each is not None
            and each["digest"] == digest
            and all(self._now.get(module) == was for module, was in each["modules"].items())
        )

    def _gather(self, names: Sequence[str]) -> None:
        """In a process of its own, which has to import everything while it is noted."""
        folder = self.scope.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "asked.json").write_text(json.dumps(list(names)))
        command = [sys.executable, "-c", "from tests.mutation.covering import gather; gather()", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=1200, env=os.environ | {"PYTHONPATH": str(ROOT)})
        gathered = json.loads((folder / "gathered.json").read_text())
        digests = self.scope.files()
        for name in names:
            each = gathered.get(name, {"seconds": {}, "lines": {}})
            self._files[name] = each | {
                "digest": digests[name],
                "modules": {module: self._now[module] for module in each["lines"]},
            }
        self._path.write_text(json.dumps(self._files))

    def tests(self, mutant: Mutant, budget: float) -> list[str]:
        """The tests to try, those of the module's own test file first, then the quickest, of so many seconds together."""
        change, own = mutant.change, f"test_{Path(mutant.module).stem}.py"
        if change.function:
            lines = self._tests[mutant.module]
            found = {test for line in range(change.lines[0], change.lines[1] + 1) for test in lines.get(line, ())}
        else:
            found = self._naming(change.names) or self._of(mutant.module)
            # What is worked out of a constant has another name: the module's own tests are among them always.
            found |= {test for test in self._of(mutant.module) if own in test.split("::")[0]}
        ordered = sorted(found, key=lambda test: (own not in test.split("::")[0], self.seconds[test]))
        chosen: list[str] = []
        spent = 0.0
        for test in ordered:
            if chosen and spent + self.seconds[test] > budget:
                continue
            chosen.append(test)
            spent += self.seconds[test]
        return chosen

    def _of(self, module: str) -> set[str]:
        return {test for tests in self._tests[module].values() for test in tests}

    def _naming(self, names: frozenset[str]) -> set[str]:
        """The tests that run a line, or stand in a file, in which one of the names is."""
        if not names:
            return set()
        word = re.compile(rf"\b({'|'.join(map(re.escape, sorted(names)))})\b")
        found: set[str] = set()
        for module in self._now:
            for number, line in enumerate((PACKAGE / module).read_text(encoding="utf-8").splitlines(), 1):
                if word.search(line):
                    found |= self._tests[module].get(number, set())
        for name, each in self._files.items():
            if word.search((ROOT / name).read_text(encoding="utf-8")):
                found |= each["seconds"].keys()
        return found


def gather() -> None:
    """Runs the test files asked for, and writes down what each of their tests runs."""
    folder = Path(sys.argv[1])
    names = json.loads((folder / "asked.json").read_text())
    paths = {str(PACKAGE / module): module for module in modules()}
    recorder = coverage.Coverage(data_file=None, config_file=False, include=list(paths))
    recorder.start()
    noted = Recorder(recorder)
    code = pytest.main([*OPTIONS, *names, *OPTIONS_LAST], plugins=[noted])
    recorder.stop()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(f"the tests could not be run: {code}")
    if noted.failed:
        print(f"left out, they fail: {', '.join(sorted(noted.failed))}", flush=True)
    data = recorder.get_data()
    gathered: dict[str, Any] = {
        name: {"seconds": {}, "lines": defaultdict(lambda: defaultdict(list))} for name in names
    }
    for test in noted.seconds.keys() - noted.failed:
        gathered[test.split("::")[0]]["seconds"][test] = noted.seconds[test]
    for path in data.measured_files():
        for line, tests in data.contexts_by_lineno(path).items():
            for test in set(tests) & noted.seconds.keys() - noted.failed:
                gathered[test.split("::")[0]]["lines"][paths[path]][test].append(line)
    (folder / "gathered.json").write_text(json.dumps(gathered))


def _importing() -> Mapping[str, frozenset[int]]:
    """The lines of each module that run while modules are imported."""
    paths = {str(PACKAGE / module): module for module in modules()}
    names = [
        f"watcher.{module.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}" for module in modules()
    ]
    arguments = [part for pair in zip(paths, names, strict=True) for part in pair]
    said = subprocess.run(
        [sys.executable, "-c", IMPORTING, *arguments], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return {paths[path]: frozenset(lines) for path, lines in json.loads(said.stdout).items()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
