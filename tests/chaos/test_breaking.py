"""The harness itself: it catches a build that breaks a rule, and what breaks it is refused where the code is another one by now.

The gate tries three that are quickly shown, in one build on PostgreSQL; `make chaos` each of the ten by itself, on both stores.
"""

import shutil
from pathlib import Path

import pytest

from tests.chaos.breaking import (
    UNSEEN,
    Hunk,
    Moved,
    Patch,
    apply,
    built,
    by_rule,
    patch_of,
    patches,
    told,
    told_of_kills,
    tried,
)
from tests.chaos.evidence import OTHER, Wrong
from tests.chaos.kept import place_on
from tests.chaos.nursery import ROOT
from tests.store.postgres_server import running

QUICK = frozenset({2, 4, 10})
TRIES = 3
"""On a machine that is too busy for it even a build that may ask too much does not."""
DIFF = """Rule 3: it is done at once.

--- a/one.py
+++ b/one.py
@@ -1,3 +1,3 @@
 first
-second
+other

@@ -7,2 +7,3 @@
 last
+more
"""


def test_a_patch_is_read_with_the_rule_that_it_breaks() -> None:
    hunks = [Hunk("one.py", "first\nsecond\n\n", "first\nother\n\n"), Hunk("one.py", "last\n", "last\nmore\n")]
    assert patch_of("one", DIFF) == Patch(name="one", rule=3, words="it is done at once.", hunks=hunks)


@pytest.mark.parametrize("text", ["first\n\n\nlast\n", "first\nsecond\n\nfirst\nsecond\n\nlast\n"])
def test_a_patch_for_code_that_moved_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.py").write_text(text)
    with pytest.raises(Moved, match=r"one wants in one\.py, once:\nfirst"):
        apply(patch_of("one", DIFF), tmp_path)


def test_there_is_a_patch_for_each_rule_and_each_fits_the_code(tmp_path: Path) -> None:
    known = patches()
    assert [patch.rule for patch in known] == list(range(1, 11))
    for patch in known:
        folder = tmp_path / patch.name
        for file in {hunk.file for hunk in patch.hunks}:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
        apply(patch, folder)
        for file in {hunk.file for hunk in patch.hunks if hunk.file.endswith(".py")}:
            compile((folder / file).read_text(), file, "exec")


def test_what_was_found_is_told_by_rule_the_first_of_each() -> None:
    found = [Wrong(4, "one"), Wrong(OTHER, "two"), Wrong(4, "three"), Wrong(7, "four")]
    assert by_rule(found) == {4: "one", 7: "four"}


def test_what_the_check_of_a_rule_found_is_told_first_and_which_others_found_something() -> None:
    found = {2: "two", 4: "four", 8: "eight"}
    assert told(found, 4) == "the check of rule 4: four (something was found by those of 2, 8 too)"
    assert told({4: "four"}, 4) == "the check of rule 4: four"
    assert told(found, 7) == "not caught (something was found by those of 2, 4, 8 too)"
    assert told({}, 7) == "not caught"


def test_of_a_round_of_kills_it_is_told_what_it_found_or_why_nothing_can_be() -> None:
    unended = Wrong(OTHER, "the round had no end")
    assert told_of_kills([Wrong(4, "four")], 4) == "the check of rule 4: four"
    assert told_of_kills([Wrong(2, "two"), unended], 4) == (
        "not caught (something was found by those of 2 too); the round had no end"
    )
    assert told_of_kills([], 6) == f"not caught: {UNSEEN[6]}"
    assert told_of_kills([], 4) == "not caught"


def test_builds_that_are_broken_are_caught_each_by_the_check_of_its_rule(tmp_path: Path) -> None:
    wrongs = [patch for patch in patches() if patch.rule in QUICK]
    found: dict[int, str] = {}
    (tmp_path / "build").mkdir()
    with running() as server, built(tmp_path / "build", wrongs) as loaded:
        for seed in range(1, TRIES + 1):
            folder = tmp_path / f"{seed}"
            folder.mkdir()
            found |= by_rule(tried(folder, loaded, place_on("PostgreSQL", server, folder), kills=0, seed=seed))
            if found.keys() >= QUICK:
                break
    assert found.keys() >= QUICK
