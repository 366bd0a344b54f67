"""deploy/settings.md: current, and each section under a heading of its own."""

import re

from tests.settings.reference import REFERENCE, reference
from watcher.settings.keys import dotted, keys

TEXT = REFERENCE.read_text(encoding="utf-8")


def test_the_reference_is_current() -> None:
    """`make settings` writes it anew."""
    assert reference() == TEXT


def test_every_key_is_there_below_its_section() -> None:
    _, *sections = re.split(r"^## \[(.+)\]$", TEXT, flags=re.MULTILINE)
    tables = dict(zip(sections[::2], sections[1::2], strict=True))
    found = [
        (section, key)
        for section, table in tables.items()
        for key in re.findall(r"^\| `([\w.]+)`", table, re.MULTILINE)
    ]
    assert found == [(dotted(key.path[:-1]), dotted(key.path)) for key in keys()]
