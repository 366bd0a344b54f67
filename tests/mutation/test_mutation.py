"""Mutation testing: what it changes, that it notices what tests do and do not hold, and that each explanation still stands."""

import os
import subprocess
import sys
from pathlib import Path

from tests.mutation import explained
from tests.mutation.mutants import ROOT, modules, mutants_of, mutate

SOURCE = '''"""A module."""

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    Number = Literal["one"] | None

LIMIT: Final = 5


def room(used: int, *, spare: int = 0) -> int:
    """What is left."""
    if used < LIMIT and spare:
        return max(LIMIT - used, 0)
    assert used >= LIMIT, "never"
    note(used, spare, loud=True)
    if not used:
        raise ValueError("nothing is used")
    return 0
'''
CHANGED = [
    ("LIMIT: Final = 5", "LIMIT: Final = 6"),
    ("def room(used: int, *, spare: int = 0) -> int:", "def room(used: int, *, spare: int = 1) -> int:"),
    ("if used < LIMIT and spare:", "if not (used < LIMIT and spare):"),
    ("if used < LIMIT and spare:", "if used <= LIMIT and spare:"),
    ("if used < LIMIT and spare:", "if used >= LIMIT and spare:"),
    ("if used < LIMIT and spare:", "if used < LIMIT or spare:"),
    ("return max(LIMIT - used, 0)", "return min(LIMIT - used, 0)"),
    ("return max(LIMIT - used, 0)", "return None"),
    ("return max(LIMIT - used, 0)", "return max(LIMIT + used, 0)"),
    ("return max(LIMIT - used, 0)", "return max(LIMIT - used, 1)"),
    ("note(used, spare, loud=True)", "pass"),
    ("note(used, spare, loud=True)", "note(spare, used, loud=True)"),
    ("note(used, spare, loud=True)", "note(used, spare)"),
    ("note(used, spare, loud=True)", "note(used, spare, loud=False)"),
    ("if not used:", "if (used):"),
    ('raise ValueError("nothing is used")', "pass"),
    ("return 0", "return 1"),
    ("return 0", "return None"),
]

QUICK = ("account", "allowance", "attempts", "columns", "health", "keys", "parts", "usage")
"""Modules whose own tests take no time, and notice all that can be noticed."""
CLOCKS, BUCKET = len(mutants_of("core/clocks.py")), len(mutants_of("core/bucket.py"))


def test_changed_is_what_is_decided_and_not_what_is_said_about_it() -> None:
    assert [(mutant.before, mutant.after) for mutant in mutate("core/room.py", SOURCE)] == CHANGED


def test_a_mutant_keeps_its_key_when_other_lines_change() -> None:
    keys = [mutant.key for mutant in mutate("core/room.py", SOURCE)]
    moved = SOURCE.replace('"""A module."""', '"""A module\nof two lines."""').replace("LIMIT: Final = 5\n", "")
    assert [mutant.key for mutant in mutate("core/room.py", moved)] == keys[1:]
    assert len(set(keys)) == len(keys)


def test_each_explanation_is_of_a_mutant_that_is_there_and_says_why_it_may_live() -> None:
    stale = []
    for module in modules():
        mutants = {mutant.key: mutant for mutant in mutants_of(module)}
        for key, entry in explained.entries(module).items():
            mutant = mutants.get(key)
            if (
                mutant is None
                or (entry["was"], entry["is"]) != (mutant.before, mutant.after)
                or not entry["why"].strip()
            ):
                stale.append(key)
    assert stale == []
    files = {explained.file_of(module).name for module in modules()}
    assert {path.name for path in explained.FOLDER.glob("*")} <= files


def tried(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.mutation", *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTEST_"))},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_sample_of_mutants_is_killed_but_for_those_that_are_explained(tmp_path: Path) -> None:
    tests = [f"--test=tests/core/test_{name}.py" for name in QUICK]
    said = tried(*tests, f"--folder={tmp_path}", "--sample=24", "--seed=11", *(f"core/{name}.py" for name in QUICK))
    counts = [line.split(" mutants, ")[1].split(", ") for line in said.stdout.splitlines() if " mutants, " in line]
    killed = sum(int(count.split()[0]) for each in counts for count in each[:2])
    alive = [line for line in said.stdout.splitlines() if line.endswith((" survived", " uncovered"))]
    assert (said.returncode, len(counts), alive) == (0, len(QUICK), []), said.stdout + said.stderr
    assert killed >= 20


def test_the_tests_of_a_module_kill_its_mutants_and_nothing_else_passes_for_killed(tmp_path: Path) -> None:
    said = tried("--test=tests/core/test_clocks.py", f"--folder={tmp_path}", "core/clocks.py", "core/bucket.py")
    told = [
        line.rsplit(", ", 2)[0]
        for line in said.stdout.splitlines()
        if line.startswith("core/") and " mutants, " in line
    ]
    assert (said.returncode, told) == (
        0,
        [
            f"core/clocks.py: {CLOCKS} mutants, {CLOCKS} killed, 0 timed out, 0 survived, 0 uncovered",
            f"core/bucket.py: {BUCKET} mutants, 0 killed, 0 timed out, 0 survived, {BUCKET} uncovered",
        ],
    ), said.stderr
