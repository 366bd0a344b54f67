"""No block in the documents is there for show: each is run, or read by what it is meant for, or named as an exception."""

import configparser
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml

from tests.documents.reading import Block, blocks, documents, outside, quoted, text_of
from tests.documents.ways import APART, READ, RUN, SHOWN, place, to_do
from watcher.cli.program import program
from watcher.settings import load

SHELLS: Final = frozenset({"sh", "bash"})
LOGIN: Final = {"CALLFIRE_LOGIN": "login", "CALLFIRE_PASSWORD": "password"}
SECRETS: Final = {
    "secret": "whsec_" + "A" * 44,
    "encryption_key": "A" * 43 + "=",
    "token": "T" * 43,
    "traces_headers": "Name: value",
}
"""What a file that a key names holds; any other holds a password."""
FILE: Final = re.compile(r'^(\w+)_file = "([^"]+)"', re.MULTILINE)
WHITESPACE: Final = re.compile(r"^(?: {4}|\t)(?! *(?:[-*]|\d+\.) )\S.*", re.MULTILINE)
SAID: Final = re.compile(r"""(?:^|[|;&(]|-- |bin/|watcher )\s*watcher((?: +(?:[^\s|&;()<>`'"#]+|'[^']*'|"[^"]*"))*)""")
"""A command, not the name of a service, an image, or a user."""


def each(*languages: str) -> pytest.MarkDecorator:
    """A test for each block of these languages."""
    found = to_do(*languages)
    ids = [f"{block.document}: {block.heading}" for block in found]
    return pytest.mark.parametrize("block", found, ids=ids)


def checked(*command: object, text: str = "") -> None:
    run = subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_block_is_run_or_read_or_named_with_a_reason() -> None:
    """Name the language of a block; what becomes of it is in `ways`, and there is the place for an exception."""
    known = RUN | READ | SHOWN
    there = [block for document in documents() for block in blocks(document)]
    left = [place(block) for block in there if block.language not in known and place(block) not in APART]
    assert left == []


def test_an_exception_is_one_of_a_block_that_is_there() -> None:
    there = {place(block) for document in documents() for block in blocks(document)}
    assert set(APART) - there == set()


@pytest.mark.parametrize("document", documents())
def test_nothing_is_a_block_without_a_fence(document: str) -> None:
    """What is only indented would be run by nobody."""
    text = re.sub(r"^(?:[-*]|\d+\.) .*\n(?:^ +.*\n)*", "", outside(text_of(document)), flags=re.MULTILINE)
    assert WHITESPACE.findall(text) == []


def test_what_is_only_shown_is_no_command() -> None:
    shown = [
        block
        for block in to_do(*SHOWN)
        if re.search(r"^(\$ |# )?(watcher|curl|make|export) ", block.text, re.MULTILINE)
    ]
    assert shown == []


def test_a_shell_reads_what_is_not_run() -> None:
    for document in documents():
        for block in blocks(document):
            if block.language in SHELLS and place(block) in APART:
                checked("bash", "-n", text=block.text)


@each("toml")
def test_settings_are_read_as_they_are_shown(block: Block, tmp_path: Path) -> None:
    text = block.text
    for number, (key, name) in enumerate(FILE.findall(text)):
        file = tmp_path / f"secret-{number}"
        file.write_text(SECRETS.get(key, "a long password") + "\n")
        file.chmod(0o600)
        text = text.replace(f'"{name}"', f'"{file}"', 1)
    config = tmp_path / "watcher.toml"
    config.write_text(text)
    config.chmod(0o600)
    assert load(config, {} if "[accounts." in text else LOGIN).accounts


@each("json")
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


@each("ini")
def test_an_ini_file_is_one(block: Block) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(block.text if "\n[" in f"\n{block.text}" else f"[all]\n{block.text}")
    assert any(parser[name] for name in parser)


@each("yaml")
def test_yaml_is_yaml_and_prometheus_takes_what_is_its(block: Block, tmp_path: Path) -> None:
    (file := tmp_path / "shown.yml").write_text(block.text)
    read = yaml.safe_load(block.text)
    assert read
    if "scrape_configs" in read:
        checked("promtool", "check", "config", "--syntax-only", file)
    if "groups" in read:
        checked("promtool", "check", "rules", file)


def test_every_query_is_one_that_prometheus_can_read(tmp_path: Path) -> None:
    rules = [{"record": f"shown:{number}", "expr": block.text} for number, block in enumerate(to_do("promql"))]
    (file := tmp_path / "shown.yml").write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}))
    checked("promtool", "check", "rules", file)


@each("js")
def test_node_reads_what_is_for_node(block: Block, tmp_path: Path) -> None:
    (file := tmp_path / "shown.mjs").write_text(block.text)
    checked("node", "--check", file)


def options_of(words: Sequence[str]) -> set[str]:
    """What the command knows; fails where there is none such. What stands for a command (COMMAND) is any."""
    command: Any = typer.main.get_command(program)
    left = list(words)
    while isinstance(getattr(command, "commands", None), Mapping) and left and not left[0].startswith("-"):
        if not left[0].islower():
            break
        command = command.commands[left.pop(0)]
    return {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"-h", "--help"}


@pytest.mark.parametrize("document", documents())
def test_a_command_that_is_named_exists_and_so_do_its_options(document: str) -> None:
    lines = [*(text for text in quoted(document) if text.startswith("watcher "))]
    lines += [line for block in blocks(document) if block.language in SHELLS for line in block.text.splitlines()]
    for said in (found for line in lines for found in SAID.findall(line)):
        words = said.split()
        named = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][\w-]*(=.*)?", word)}
        assert named <= options_of(words), said
