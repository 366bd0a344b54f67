"""Builds that are broken on purpose, one for each rule of DESIGN.md that always holds: the harness must find what is wrong with
each of them. What breaks them are the patches in `broken/`, which fit the code as it is, or are refused."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tests.chaos.evidence import OTHER, Wrong, broken
from tests.chaos.kept import STORES, Place, place_on
from tests.chaos.killing import Killing, killing
from tests.chaos.nursery import Nursery, nursery
from tests.chaos.outcome import Figure, Outcome
from tests.store.postgres_server import Server

ROOT: Final = Path(__file__).parents[2]
PATCHES: Final = Path(__file__).with_name("broken")
RATE: Final = 8.0
"""Requests a second: all of them are spent."""
STILL: Final = 6.0
"""Seconds without anything new after which a build is taken to have done all that it ever will."""


class Moved(Exception):
    """The code that a patch is for is another one by now: the patch is to be made anew."""


class Hunk(NamedTuple):
    """What stands in a file, once, and what stands there afterwards."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """`rule` is the one that it breaks; `words` say how."""

    name: str
    rule: int
    words: str
    hunks: Sequence[Hunk]


def patches() -> list[Patch]:
    """All of them, in the order of the rules."""
    return [patch_of(file.stem, file.read_text(encoding="utf-8")) for file in sorted(PATCHES.glob("*.patch"))]


def patch_of(name: str, text: str) -> Patch:
    """A unified diff behind a line that says which rule it breaks, and how. Line numbers do not matter."""
    head, *rest = text.splitlines()
    title, _, words = head.partition(": ")
    return Patch(name=name, rule=int(title.removeprefix("Rule ")), words=words, hunks=list(_hunks(rest)))


def _hunks(lines: Sequence[str]) -> Iterator[Hunk]:
    file, before, after = "", list[str](), list[str]()
    for line in [*lines, "@@"]:
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif line.startswith(("@@", "--- ")):
            if before:
                yield Hunk(file, "".join(before), "".join(after))
            before, after = [], []
        elif file:
            if not line.startswith("+"):
                before.append(f"{line[1:]}\n")
            if not line.startswith("-"):
                after.append(f"{line[1:]}\n")


def apply(patch: Patch, folder: Path) -> None:
    """Breaks the code in the folder. Raises Moved where one of the places is not there, or is not the only one."""
    for hunk in patch.hunks:
        path = folder / hunk.file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text.count(hunk.before) != 1:
            raise Moved(f"{patch.name} wants in {hunk.file}, once:\n{hunk.before}")
        path.write_text(text.replace(hunk.before, hunk.after), encoding="utf-8")


@contextmanager
def built(folder: Path, wrongs: Sequence[Patch]) -> Iterator[Nursery]:
    """A nursery of the daemon that is broken so, in a copy of the code; the tests are those that are here."""
    shutil.copytree(ROOT / "watcher", folder / "watcher", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").symlink_to(ROOT / "tests", target_is_directory=True)
    for patch in wrongs:
        apply(patch, folder)
    loaded = nursery(folder)
    try:
        yield loaded
    finally:
        loaded.end()


def tried(folder: Path, place: Place, wrongs: Sequence[Patch], *, kills: int, seed: int = 1) -> list[Wrong]:
    """What the harness finds in a build that is broken so: batches come in calm, then between kills, then in calm again."""
    (folder / "build").mkdir()
    with (
        built(folder / "build", wrongs) as loaded,
        killing(folder, loaded, place, rate=RATE, seed=seed, fails={"fail_first": 2}, mixed=0.0) as ours,
    ):
        play(ours, kills)
        return broken(ours.gather())


def play(ours: Killing, kills: int) -> None:
    """Half of the answers about single batches are late, so that others overtake them; the first webhooks are refused."""
    ours.fault(operation="batch", kind="slow", seconds=0.3, share=0.5)
    ours.start()
    ours.anchor(4)
    ours.calm(batches=3, seconds=1.5)
    ours.beside = None
    ours.calm(batches=14, seconds=3.0)
    for _ in range(kills):
        ours.kill()
        ours.start()
        ours.calm(batches=6, seconds=ours.draw.uniform(0.5, 1.0))
    ours.settle(STILL)


def by_rule(found: Sequence[Wrong]) -> Mapping[int, str]:
    """The first that was found of each rule."""
    return {rule: words for rule, words in reversed(found) if rule != OTHER}


def break_in_turn(server: Server, folder: Path) -> Outcome:
    """The build as it is, and then each of the broken ones, on either store."""
    figures: list[Figure] = []
    wrong: list[str] = []
    for patch in (None, *patches()):
        for store in STORES:
            own = folder / f"{patch.name if patch else 'whole'}-{store}"
            own.mkdir()
            found = tried(own, place_on(store, server, own), [patch] if patch else [], kills=4)
            if patch is None:
                figures.append((f"not broken, on {store}", "something was found" if found else "nothing was found"))
                wrong += [f"not broken, on {store}: {each.words}" for each in found]
                continue
            figures.append((f"{patch.rule}, on {store}: {patch.words}", told(by_rule(found), patch.rule)))
            if patch.rule not in by_rule(found):
                wrong.append(f"not caught on {store}: {patch.name}")
            print(*figures[-1], sep=" ", flush=True)
    return Outcome(figures=figures, wrong=wrong, verdict="What is not broken passed, and each that is was caught.")


def told(found: Mapping[int, str], rule: int) -> str:
    """What the check of the rule found first, and of which other rules the checks found something too."""
    others = ", ".join(str(other) for other in sorted(found) if other != rule)
    too = f" (something was found by those of {others} too)" if others else ""
    return f"the check of rule {rule}: {found[rule]}{too}" if rule in found else f"not caught{too}"
