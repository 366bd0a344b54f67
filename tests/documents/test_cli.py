"""deploy/cli.md has every command, and what it says of codes and forms is so."""

import re

from tests.documents.reading import rows, section
from watcher.cli.printing import Output
from watcher.cli.program import program

DOCUMENT = "deploy/cli.md"


def test_the_commands_are_those_that_there_are() -> None:
    told = [name for row in rows(section(DOCUMENT, "All commands")) for name in re.findall(r"`([a-z]+)`", row[0])]
    groups = {group.name for group in program.registered_groups}
    there = {command.name for command in program.registered_commands if not command.hidden} | groups
    assert sorted(told) == sorted(filter(None, there))


def test_the_forms_are_those_that_there_are() -> None:
    assert [form.strip("`") for form, _ in rows(section(DOCUMENT, "What comes out"))] == [form.value for form in Output]
