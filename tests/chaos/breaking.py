"""Builds that are broken on purpose, one for each rule of DESIGN.md that always holds: the harness must find what is wrong with
each of them. What breaks them are the patches in `broken/`, which fit the code as it is, or are refused."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from tests.chaos.evidence import OTHER, Wrong, broken
from tests.chaos.kept import STORES, Place, place_on
from tests.chaos.killing import MOMENT, Killing, killing
from tests.chaos.nursery import ROOT, Nursery, nursery
from tests.chaos.outcome import Outcome
from tests.chaos.rounds import evidence_of
from tests.store.postgres_server import Server

PATCHES: Final = Path(__file__).with_name("broken")
RATE: Final = 8.0
"""Requests a second: all of them are spent."""
KILLS: Final = 8
"""Kills of the script: of each it is chance whether it comes while something is half done."""
STILL: Final = 6.0
"""Seconds without anything new after which a build is taken to have done all that it ever will."""
SOME: Final = (
    *(MOMENT, "after:commit", "before:settle", "after:claim"),
    *(MOMENT, "before:commit", "after:send", "after:save_looks"),
)
"""Where a build is killed in a round of `kills`."""
UNSEEN: Final[Mapping[int, str]] = {
    6: "CallFire answers all alike soon there, so that no answer overtakes another one about the same batch but by chance",
}
"""What a round of `kills` cannot see, or by chance alone, by the rule that is broken, and why."""


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


def tried(folder: Path, loaded: Nursery, place: Place, *, kills: int, seed: int = 1) -> list[Wrong]:
    """What the harness finds in a build: batches come in calm, then between kills, then in calm again."""
    with killing(folder, loaded, place, rate=RATE, seed=seed, fails={"fail_first": 2}, mixed=0.0) as ours:
        play(ours, kills)
        return broken(ours.gather())


def killed(folder: Path, loaded: Nursery, place: Place, *, seed: int = 1) -> list[Wrong]:
    """What a short round of `kills` finds in it, by the checks of `kills`."""
    try:
        evidence, _ = evidence_of(
            folder, loaded, place, points=SOME, runs=len(SOME), seed=seed, tight=True, still=STILL
        )
    except AssertionError as error:
        return [Wrong(OTHER, f"the round had no end: {str(error).splitlines()[0][:200]}")]
    return broken(evidence)


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


class Tried(NamedTuple):
    """What was found in a build on a store, by the script that is made for it and in a round of `kills`."""

    by_script: Sequence[Wrong]
    by_kills: Sequence[Wrong]


def break_in_turn(server: Server, folder: Path) -> Outcome:
    """The build as it is, and then each of the broken ones, on both stores at once."""
    figures: list[tuple[str, ...]] = []
    wrong: list[str] = []
    for patch in (None, *patches()):
        places = [(store, folder / f"{patch.name if patch else 'whole'}-{store}") for store in STORES]
        with ThreadPoolExecutor(len(STORES)) as pool:
            found = list(pool.map(partial(_on, server, [patch] if patch else []), places))
        for store, each in zip(STORES, found, strict=True):
            figures.append(_row(patch, store, each))
            wrong += _amiss(patch, store, each)
            print(*figures[-1], sep=" | ", flush=True)
    return Outcome(
        figures=figures,
        wrong=wrong,
        verdict="What is not broken passed, and each that is was caught.",
        columns=("build", "by its script", "by the round of `kills`"),
    )


def _on(server: Server, wrongs: Sequence[Patch], where: tuple[str, Path]) -> Tried:
    store, folder = where
    for part in ("build", "script", "kills"):
        (folder / part).mkdir(parents=True)
    with built(folder / "build", wrongs) as loaded:
        return Tried(
            tried(folder / "script", loaded, place_on(store, server, folder / "script"), kills=KILLS),
            killed(folder / "kills", loaded, place_on(store, server, folder / "kills")),
        )


def _row(patch: Patch | None, store: str, found: Tried) -> tuple[str, ...]:
    if patch is None:
        return f"not broken, on {store}", *("something was found" if each else "nothing was found" for each in found)
    by_script = told(by_rule(found.by_script), patch.rule)
    return f"{patch.rule}, on {store}: {patch.words}", by_script, told_of_kills(found.by_kills, patch.rule)


def _amiss(patch: Patch | None, store: str, found: Tried) -> Iterator[str]:
    """What was found where nothing is wrong, or not found where something is."""
    if patch is None:
        yield from (f"not broken, on {store}: {each.words}" for some in found for each in some)
        return
    if patch.rule not in by_rule(found.by_script):
        yield f"not caught on {store}: {patch.name}"
    if patch.rule not in UNSEEN and not found.by_kills:
        yield f"not caught by the round of kills on {store}: {patch.name}"


def told_of_kills(found: Sequence[Wrong], rule: int) -> str:
    """What a round of `kills` found, or why it may find nothing."""
    others = [each.words for each in found if each.rule == OTHER]
    if not found:
        return f"not caught: {UNSEEN[rule]}" if rule in UNSEEN else "not caught"
    words = told(by_rule(found), rule)
    return f"{words}; {others[0]}" if others else words


def told(found: Mapping[int, str], rule: int) -> str:
    """What the check of the rule found first, and of which other rules the checks found something too."""
    others = ", ".join(str(other) for other in sorted(found) if other != rule)
    too = f" (something was found by those of {others} too)" if others else ""
    return f"the check of rule {rule}: {found[rule]}{too}" if rule in found else f"not caught{too}"
