"""The shape of the code, as far as counting tells."""

from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "watcher"
LONGEST = 350
"""Lines of a module."""


def test_a_module_stays_short_and_begins_with_what_it_is_about() -> None:
    texts = {str(file): file.read_text("utf-8") for file in PROGRAM.rglob("*.py")}
    assert {name: len(text.splitlines()) for name, text in texts.items() if len(text.splitlines()) > LONGEST} == {}
    assert [name for name, text in texts.items() if not text.startswith('"""')] == []
