"""Every link in the documents leads somewhere, and so does every name of a document in the program and what is packed with it."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.documents.reading import HEADING, ROOT, anchors, documents, links, outside, rows, section, text_of

EVERYTHING: Final = (*documents(), "CHANGELOG.md")
HOSTS: Final = frozenset(
    {
        "cloudevents.io",
        "docs.citusdata.com",
        "opentelemetry.io",
        "www.standardwebhooks.com",
        "www.w3.org",
    }
)
"""Where public documentation stands that stays where it is."""
LOCAL: Final = frozenset({"127.0.0.1", "localhost"})
NAMED: Final = re.compile(r"\b((?:deploy/)?[a-zA-Z_-]+\.md)(#[\w-]+)?")
SOURCES: Final = (
    "watcher/**/*.py",
    "deploy/**/*.y*ml",
    "deploy/**/*.json",
    "deploy/systemd/**/*.service",
    "config/*.toml",
    "Makefile",
)
LONGEST: Final = 130
WRAPPED: Final = [document for document in EVERYTHING if document not in ("deploy/metrics.md", "CHANGELOG.md")]
"""Not what a program writes, and not what others write into."""


def leads_nowhere(document: str, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (ROOT / document).parent / path if path else ROOT / document
    if not target.exists() or not target.resolve().is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in anchors(str(target.resolve().relative_to(ROOT)))


@pytest.mark.parametrize("document", EVERYTHING)
def test_a_link_within_the_project_leads_somewhere(document: str) -> None:
    within = [link for link in links(document) if not urlsplit(link).scheme]
    assert [link for link in within if leads_nowhere(document, link)] == []


@pytest.mark.parametrize("document", EVERYTHING)
def test_a_link_out_of_it_leads_to_documentation_that_stays(document: str) -> None:
    hosts = {urlsplit(link).hostname for link in links(document) if urlsplit(link).scheme}
    assert hosts - HOSTS - LOCAL == set()


def named() -> Iterator[tuple[str, str, str]]:
    """Each document that is named in the program or what is packed with it: where, which, and the anchor."""
    for pattern in SOURCES:
        for path in ROOT.glob(pattern):
            for name, anchor in NAMED.findall(path.read_text(encoding="utf-8")):
                if name.startswith("deploy/") or name in ("README.md", "CHANGELOG.md"):
                    yield str(path.relative_to(ROOT)), name, anchor.removeprefix("#")


def test_a_document_that_the_program_or_an_alert_names_is_there() -> None:
    found = list(named())
    assert any(anchor for _, _, anchor in found)  # those of the alerts
    lost = [
        (where, name, anchor)
        for where, name, anchor in found
        if not (ROOT / name).is_file() or (anchor and anchor not in anchors(name))
    ]
    assert lost == []


def test_the_readme_names_every_document_and_says_what_is_in_it() -> None:
    table = rows(section("README.md", "Where everything else is"))
    listed = {link for cell, _ in table for link in re.findall(r"\]\(([^)]+)\)", cell)}
    assert listed == {*documents(), "CHANGELOG.md"} - {"README.md"}
    assert all(said for _, said in table)


@pytest.mark.parametrize("document", documents())
def test_headings_are_each_there_once_and_begin_with_one_title(document: str) -> None:
    found = HEADING.findall(outside(text_of(document)))
    assert [level for level, _ in found].count("#") == 1
    assert found[0][0] == "#"
    assert len({title.lower() for _, title in found}) == len(found)


@pytest.mark.parametrize("document", WRAPPED)
def test_lines_are_wrapped(document: str) -> None:
    lines = outside(text_of(document)).splitlines()
    assert [line for line in lines if len(line) > LONGEST and not line.startswith("|")] == []


@pytest.mark.parametrize("document", EVERYTHING)
def test_no_document_names_a_place_on_somebody_s_machine(document: str) -> None:
    assert re.findall(r"(?<![\w.])/(?:root|home|work|tmp|Users)/\S*", text_of(document)) == []
