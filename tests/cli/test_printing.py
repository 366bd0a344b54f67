"""How the commands speak: what a table is on a narrow terminal."""

import click
import pytest

from watcher.cli.printing import say_table

HEADINGS = ("ACCOUNT", "BATCH", "STATUS", "NAME")
ROW = ("default", 13, "ACTIVE", "API 14")


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (30, ["ACCOUNT  BATCH  STATUS  NAME", "default  13     ACTIVE  API 14"]),
        (29, ["ACCOUNT  BATCH  STATUS", "default  13     ACTIVE"]),
        (22, ["ACCOUNT  BATCH  STATUS", "default  13     ACTIVE"]),
        (21, ["BATCH  STATUS", "13     ACTIVE"]),
    ],
)
def test_columns_that_have_no_room_are_left_out_in_their_order(
    width: int, said: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    say_table(HEADINGS, [ROW], spare=("NAME", "ACCOUNT"))
    assert [line.rstrip() for line in click.unstyle(capsys.readouterr().out).splitlines()] == said


def test_what_is_no_terminal_gets_every_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    say_table(HEADINGS, [], spare=("NAME", "ACCOUNT"))
    assert capsys.readouterr().out.rstrip() == "ACCOUNT  BATCH  STATUS  NAME"


def test_a_table_without_headings_begins_with_its_first_row_and_only_values_are_coloured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("TTY_COMPATIBLE", "1"), ("COLUMNS", "40"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    say_table(("", ""), [("timeout", "15 s"), ("status", "ERRORS")])
    said = capsys.readouterr().out
    assert [line.rstrip() for line in click.unstyle(said).splitlines()] == ["timeout  15 s", "status   ERRORS"]
    assert said.splitlines()[0] == click.unstyle(said).splitlines()[0]
    assert click.style("ERRORS", fg="red", reset=False) in said
