"""deploy/scaling.md shows what the formula and the simulation say."""

import re

import pytest

from tests.scaling.__main__ import main
from tests.scaling.document import DOCUMENT, shown, tables, written
from tests.scaling.figures import MEASURED
from tests.scaling.sizing import Installation

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_the_tables_are_as_they_are_reckoned() -> None:
    """`python -m tests.scaling --write` writes them."""
    assert written(TEXT) == TEXT


def test_each_table_has_its_place() -> None:
    assert re.findall(r"<!-- (\w+) -->", TEXT) == list(tables())
    with pytest.raises(ValueError, match=r"deploy/scaling\.md has no marks for costs"):
        written(TEXT.replace("<!-- costs -->", ""))


def test_the_command_that_is_shown_says_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = re.findall(r"^python -m tests\.scaling (--accounts .*)$", TEXT, re.MULTILINE)
    main(command.split())
    asked = Installation(accounts=200, batches=300_000, endpoints=3, days=30)
    assert capsys.readouterr().out == shown(asked) + "\n"


def test_what_must_be_said_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--accounts", "3"])
    assert "say at least --accounts and --batches" in capsys.readouterr().err


def test_the_figures_in_the_text_are_those_that_are_reckoned_with() -> None:
    assert f"A page of a list takes the database {1e3 * MEASURED.listed.theirs:.1f} ms" in " ".join(TEXT.split())


def test_the_readme_sends_there() -> None:
    assert "(deploy/scaling.md)" in (DOCUMENT.parents[1] / "README.md").read_text(encoding="utf-8")
