"""CHANGELOG.md as data: its sections, and what is wrong with them for a version that is to be released."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

UNRELEASED: Final = "Unreleased"
KINDS: Final = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""What Keep a Changelog calls them, in its order."""
_HEADING: Final = re.compile(r"(?P<title>\S+)(?: - (?P<day>\S+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What changed with one version: by kind, each change as its text."""

    title: str
    day: str | None
    changes: Mapping[str, Sequence[str]]


def sections(text: str) -> Sequence[Section]:
    """In their order. What stands before the first one is for readers."""
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        words = _HEADING.fullmatch(heading.strip())
        title, day = (words["title"], words["day"]) if words else (heading.strip(), None)
        found.append(Section(title=title.strip("[]"), day=day, changes=_changes(body)))
    return found


def faults(text: str, version: str) -> Sequence[str]:
    """What keeps this from being the changelog of a program of that version: empty where it may be released."""
    found = sections(text)
    titles = [each.title for each in found]
    wrong = []
    if titles[:1] != [UNRELEASED]:
        wrong.append(f"the first section must be {UNRELEASED}")
    if titles[1:2] != [version]:
        wrong.append(f"the section below {UNRELEASED} must be that of version {version}")
    wrong += [
        f"section {title} is there twice" for title in sorted({each for each in titles if titles.count(each) > 1})
    ]
    for each in found:
        wrong += [f"{each.title}: {kind!r} is none of {', '.join(KINDS)}" for kind in each.changes if kind not in KINDS]
        wrong += [f"{each.title}: nothing stands under {kind!r}" for kind, lines in each.changes.items() if not lines]
        if each.title != UNRELEASED:
            wrong += [f"{each.title}: {fault}" for fault in _faults_of_a_version(each)]
    return wrong


def unreleased(text: str) -> int:
    """How many changes are of no version yet."""
    return sum(len(lines) for each in sections(text) if each.title == UNRELEASED for lines in each.changes.values())


def _changes(body: str) -> Mapping[str, Sequence[str]]:
    before, *parts = re.split(r"^### ", body, flags=re.MULTILINE)
    changes = {"": _lines(before)} if _lines(before) else {}
    return changes | {part.partition("\n")[0].strip(): _lines(part.partition("\n")[2]) for part in parts}


def _lines(text: str) -> Sequence[str]:
    return [" ".join(each.split()) for each in re.split(r"^- ", text, flags=re.MULTILINE)[1:]]


def _faults_of_a_version(section: Section) -> Sequence[str]:
    wrong = [] if section.changes else ["it says no change"]
    try:
        date.fromisoformat(section.day or "")
    except ValueError:
        wrong.append(f"its heading must end in a day: ## {section.title} - 2026-01-31")
    return wrong
