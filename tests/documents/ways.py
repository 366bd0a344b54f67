"""What becomes of each block of the documents, by its language, and the exceptions, each with its reason.

| language | what is done |
| --- | --- |
| `sh` | run with all others of its document, in one shell, beside a daemon that follows five batches (`playing`) |
| `python` | run among them, as a program of its own |
| `toml` | read as settings |
| `json`, `yaml`, `ini` | read; Prometheus' files also by promtool |
| `promql` | read by promtool |
| `js` | read by node |
| `text` | nothing: a drawing, or what something prints |
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tests.documents.reading import Block, blocks, documents

RUN: Final = frozenset({"sh", "python"})
READ: Final = frozenset({"toml", "json", "yaml", "ini", "promql", "js"})
SHOWN: Final = frozenset({"text"})

NO_PROXY: Final = "no such proxy where tests run; test_production"
NO_COMPILER: Final = "no compiler for it where tests run"


class Place(NamedTuple):
    """Blocks of a language below a heading."""

    document: str
    heading: str
    language: str


APART: Final[Mapping[Place, str]] = {
    Place("README.md", "Two commands", "sh"): "test_readme: the demo is run there, and these tests are the other",
    Place("deploy/README.md", "Secrets", "bash"): "wants Docker",
    Place("deploy/README.md", "With compose", "bash"): "wants Docker",
    Place("deploy/README.md", "With systemd", "bash"): "wants to be root, and systemd",
    Place("deploy/README.md", "With Kubernetes", "bash"): "wants Kubernetes",
    Place(
        "deploy/lifecycle.md", "Changing settings while it runs", "sh"
    ): "wants systemd; app/test_process sends the signal",
    Place("deploy/lifecycle.md", "Restore", "sh"): "wants the daemon stopped; app/test_restoring does it",
    Place("deploy/lifecycle.md", "PostgreSQL", "sh"): "wants a database of that name",
    Place("deploy/postgres.md", "Role and database", "sql"): "store/test_postgres_document",
    Place("deploy/postgres.md", "Growth", "sql"): "store/test_postgres_document",
    Place("deploy/production.md", "TLS before it", "nginx"): NO_PROXY,
    Place("deploy/production.md", "TLS before it", "caddyfile"): NO_PROXY,
    Place("deploy/production.md", "Backups by themselves", "bash"): "wants to be root, Docker, or Kubernetes",
    Place("deploy/production.md", "Alerts reach somebody", "bash"): "wants Docker",
    Place("deploy/receivers.md", "The same event as a CloudEvent", "python"): "test_receivers",
    Place("deploy/receivers.md", "Verifying a message", "python"): "test_receivers",
    Place("deploy/receivers.md", "Verifying a message", "go"): NO_COMPILER,
    Place("deploy/receivers.md", "Verifying a message", "php"): NO_COMPILER,
    Place("deploy/receivers.md", "Verifying a message", "java"): NO_COMPILER,
    Place("deploy/receivers.md", "Verifying a message", "csharp"): NO_COMPILER,
    Place("deploy/receivers.md", "A missed day", "python"): "test_receivers",
    Place("deploy/releasing.md", "Installing one", "bash"): "wants a release, and a folder that is root's",
    Place("deploy/releasing.md", "Verifying one", "bash"): "wants a release, and the repository's address",
    Place("deploy/replicas.md", "More than one machine", "sh"): "wants a database of that name; app/test_replicas",
    Place("deploy/stack.md", "The whole stack on one machine", "bash"): "runs until Ctrl-C; stack/test_stack",
    Place("deploy/stack.md", "Who hears of it", "bash"): "stack/test_alertmanager",
    Place("deploy/tracing.md", "Turning it on", "bash"): "wants an index of packages",
    Place("deploy/upgrade.md", "Upgrading", "sh"): "the same as in lifecycle.md, where it is run",
    Place("deploy/scaling.md", "What an installation needs", "sh"): "scaling/test_document",
    Place(
        "deploy/upgrade.md", "Moving to PostgreSQL, or away from it", "sh"
    ): "wants a database of that name; store/test_copying",
}
"""Blocks that are not treated as their language has it: run by another test, or by none. Shells' are still read by one."""


def place(block: Block) -> Place:
    return Place(block.document, block.heading, block.language)


def to_do(*languages: str) -> list[Block]:
    """The blocks of these languages in all documents, but for the exceptions."""
    return [
        block
        for document in documents()
        for block in blocks(document)
        if block.language in languages and place(block) not in APART
    ]
