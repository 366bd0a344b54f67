"""The project's documents as tests read them: which there are, their blocks, tables, headings and links."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
FENCE: Final = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK: Final = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block: where it stands (document, heading), the language it names, and its text."""

    document: str
    heading: str
    language: str
    text: str


def documents() -> Sequence[str]:
    """Every document for readers, by its path from the project's folder."""
    return ("README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "deploy").glob("*.md")))


@cache
def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@cache
def blocks(document: str) -> Sequence[Block]:
    """Its fenced blocks, in their order."""
    text, found = text_of(document), []
    starts = [(each.start(), each[2]) for each in HEADING.finditer(outside(text))]
    for fence in FENCE.finditer(text):
        heading = [title for start, title in starts if start < fence.start()][-1]
        lines = [line.removeprefix(fence[1]) for line in fence[3].splitlines(keepends=True)]
        found.append(Block(document, heading, fence[2], "".join(lines)))
    return found


def outside(text: str) -> str:
    """The text with its blocks blanked out: every other character stays where it was."""
    return FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def section(document: str, title: str) -> str:
    """The text below a heading, up to the next one that is not below it."""
    text = text_of(document)
    found = re.search(rf"^(##+) {re.escape(title)}\n", text, re.MULTILINE)
    assert found is not None, f"{document} has no section {title}"
    rest = text[found.end() :]
    after = re.search(rf"^#{{2,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: after.start()] if after else rest


def rows(text: str) -> list[list[str]]:
    """The cells of the first table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def anchors(document: str) -> set[str]:
    """What can stand behind # in a link to it: its headings, as they are made into anchors."""
    plain = (
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
        for _, title in HEADING.findall(outside(text_of(document)))
    )
    return set(plain)


def links(document: str) -> list[str]:
    """Where its links lead."""
    return LINK.findall(outside(text_of(document)))


def quoted(document: str) -> Iterator[str]:
    """What stands in backquotes in its text, with what a line's end parts put together."""
    for found in re.findall(r"`([^`]+)`", outside(text_of(document))):
        yield " ".join(found.split())
