"""Tries mutants: a process that has all tests imported forks one for each mutant, which changes itself and runs some tests.

A mutant inside of a function becomes the code of the functions that are already there. One that matters while modules are
imported, a constant or a default, has the modules and its tests imported anew.
"""

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import process_time
from types import CodeType, FunctionType, ModuleType
from typing import Final, Literal, NamedTuple

import pytest

from tests.mutation.covering import OPTIONS, OPTIONS_LAST, Covering
from tests.mutation.mutants import PACKAGE, Mutant

Outcome = Literal["killed", "survived", "timed out", "uncovered"]
MEMORY: Final = 3 << 30
"""Bytes that a mutant may have, so that one that never ends does not take the machine along."""
FACTOR: Final = 8
SPARE: Final = 3.0
"""How many times what its tests take a mutant gets, and seconds beside: more of them where it took that long to import all."""
SURVIVED, KILLED, TROUBLE = 0, 1, 70


class Verdict(NamedTuple):
    """What became of a mutant, and the test that killed it."""

    outcome: Outcome
    test: str = ""


@dataclass(slots=True, eq=False)
class Reports:
    """Listens for the first test that fails."""

    failed: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid or "import"


@dataclass(slots=True, eq=False)
class Ground:
    """A plugin of pytest that does `work` where the tests would run, when all of them are imported."""

    covering: Covering
    work: Callable[["Ground"], None]
    budget: float
    items: dict[str, pytest.Item] = field(default_factory=dict)
    reports: Reports = field(default_factory=Reports)
    spare: float = SPARE

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        session.config.pluginmanager.register(self.reports)
        self.items = {item.nodeid: item for item in session.items}
        self.spare = max(SPARE, 2 * process_time())
        gc.collect()
        gc.freeze()
        self.work(self)
        return True

    def verdict(self, mutant: Mutant, first: Sequence[str] = ()) -> Verdict:
        """Tries a mutant, with those tests first which are likeliest to notice it."""
        tests = [test for test in self.covering.tests(mutant, self.budget) if test in self.items]
        if not tests:
            return Verdict("uncovered")
        early = [test for test in first if test in tests]
        return self.tried(mutant, [*early, *(test for test in tests if test not in early)])

    def sound(self, mutants: Sequence[Mutant], tests: Sequence[str]) -> None:
        """Raises where tests that killed mutants fail without any change, in either way of changing."""
        for mutant in (next((each for each in mutants if each.change.function), None), mutants[0] if mutants else None):
            if mutant is not None and tests:
                verdict = self.tried(unchanged(mutant), tests)
                if verdict.outcome != "survived":
                    msg = f"{verdict.test} fails without any change: {verdict.outcome}"
                    raise RuntimeError(msg)

    def tried(self, mutant: Mutant, tests: Sequence[str]) -> Verdict:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = TROUBLE
            try:
                os.close(reading)
                code, test = self._trial(mutant, tests)
                os.write(writing, test.encode())
            finally:
                os._exit(code)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            test = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            if os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM):
                return Verdict("timed out")
            return Verdict("killed", f"signal {os.WTERMSIG(status)}")
        match os.WEXITSTATUS(status):
            case 0:
                return Verdict("survived")
            case 1:
                return Verdict("killed", test)
            case code:
                msg = f"{mutant.key} could not be tried: {code} {test}"
                raise RuntimeError(msg)

    def _trial(self, mutant: Mutant, tests: Sequence[str]) -> tuple[int, str]:
        """In the process of the mutant: how it ends, and which test noticed."""
        nothing = os.open(os.devnull, os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(nothing, each)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        seconds = self.spare + FACTOR * sum(self.covering.seconds[test] for test in tests)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, 4 * seconds + 10)
        importing = self.covering.importing.get(mutant.module, frozenset())
        if mutant.change.function and not importing.intersection(
            range(mutant.change.lines[0], mutant.change.lines[1] + 1)
        ):
            try:
                _swap(mutant)
            except ValueError:  # it closes over other names: without `super()` there is no class to close over
                return _run_anew(mutant, tests)
            return self._run(tests)
        return _run_anew(mutant, tests)

    def _run(self, tests: Sequence[str]) -> tuple[int, str]:
        items = [self.items[test] for test in tests]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.reports.failed:
                return KILLED, self.reports.failed
        return SURVIVED, ""


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = "watcher." + mutant.module.removesuffix(".py").replace("/", ".")
        self._path = str(PACKAGE / mutant.module)
        self._source = mutant.source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=self._path)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._path, "exec", dont_inherit=True), module.__dict__)


def _run_anew(mutant: Mutant, tests: Sequence[str]) -> tuple[int, str]:
    """The tests of the first one's file by themselves: mostly no other file has to be imported."""
    _forget()
    sys.meta_path.insert(0, Changed(mutant))
    own = [test for test in tests if test.split("::")[0] == tests[0].split("::")[0]]
    for some in (own, [test for test in tests if test not in own]):
        reports = Reports()
        code = _pytest(reports, some)
        if reports.failed or code == pytest.ExitCode.TESTS_FAILED:
            return KILLED, reports.failed
        if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR) and _unsound(mutant):
            return KILLED, "import"
        if code == pytest.ExitCode.USAGE_ERROR:  # a test goes by another name, which is made of what was changed
            _forget()
            reports = Reports()
            code = _pytest(reports, sorted({test.split("::")[0] for test in some}))
            if reports.failed:
                return KILLED, reports.failed
        if code != pytest.ExitCode.OK:
            return TROUBLE + int(code), "pytest could not run them"
    return SURVIVED, ""


def _forget() -> None:
    """The next import of any module of ours is anew."""
    gone = [
        name
        for name in sys.modules
        if name.split(".")[0] in ("watcher", "tests") and not name.startswith("tests.mutation")
    ]
    for name in gone:
        del sys.modules[name]


def _pytest(reports: Reports, tests: Sequence[str]) -> int:
    return pytest.main(["-x", *OPTIONS, *tests, *OPTIONS_LAST], plugins=[reports]) if tests else pytest.ExitCode.OK


def _unsound(mutant: Mutant) -> bool:
    """Whether the module cannot even be imported, on which pytest gives up where a conftest needs it."""
    name = "watcher." + mutant.module.removesuffix(".py").replace("/", ".")
    for each in [each for each in sys.modules if each.split(".")[0] == "watcher"]:
        del sys.modules[each]
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001 - whatever a mutant raises
        return True
    return False


def _swap(mutant: Mutant) -> None:
    """The functions of the module that are about get the code of the mutant."""
    path = str(PACKAGE / mutant.module)
    place = (mutant.change.function, mutant.change.line)
    codes = list(_codes(compile(mutant.source, path, "exec")))
    outer = next(code for code in codes if (code.co_qualname, code.co_firstlineno) == place)
    fresh = {code.co_qualname: code for code in _codes(outer)} | {outer.co_qualname: outer}
    changed = 0
    gc.unfreeze()
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename == path:
            code = each.__code__
            if code.co_qualname in fresh and (code.co_qualname != place[0] or code.co_firstlineno == place[1]):
                each.__code__ = fresh[code.co_qualname]
                changed += 1
    if not changed:
        msg = f"{place} is nowhere"
        raise LookupError(msg)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def unchanged(mutant: Mutant) -> Mutant:
    """What changes nothing, in the same place."""
    return replace(mutant, source=(PACKAGE / mutant.module).read_text(encoding="utf-8"))


def on_tests(covering: Covering, budget: float, work: Callable[[Ground], None]) -> None:
    """Imports all tests, and does the work with them."""
    ground = Ground(covering=covering, work=work, budget=budget)
    code = pytest.main([*OPTIONS, *covering.scope.tests, *OPTIONS_LAST], plugins=[ground])
    if not ground.items:
        sys.exit(f"the tests could not be imported: {code}")
