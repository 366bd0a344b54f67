"""How the commands speak: what a table is on a narrow terminal."""

import json

import click
import pytest

from watcher.cli.printing import say_json, say_line, say_table

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


def test_what_is_no_terminal_gets_no_colour_and_every_column_also_where_all_programs_are_asked_for_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", "10")):
        monkeypatch.setenv(name, value)
    say_table(HEADINGS, [ROW], spare=("NAME", "ACCOUNT"))
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "ACCOUNT  BATCH  STATUS  NAME",
        "default  13     ACTIVE  API 14",
    ]


HOSTILE = "a\n13\tb\x1b[2J\x9b31m\u202e \N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN} \N{HEBREW LETTER SHIN}\ud800"
SEEN = "a 13 b\ufffd[2J\ufffd31m\ufffd \N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN} \N{HEBREW LETTER SHIN}\ufffd"


def test_a_name_is_one_line_and_no_command_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("NAME",), [(HOSTILE,)])
    say_line(f"x  {HOSTILE}")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["NAME", SEEN, f"x  {SEEN}"]


def test_json_has_all_of_a_name_and_nothing_that_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": HOSTILE}, indent=2)
    said = capsys.readouterr().out
    assert json.loads(said) == {"name": HOSTILE}
    assert said == (
        '{\n  "name": "a\\n13\\tb\\u001b[2J\\u009b31m\\u202e '
        '\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN} \N{HEBREW LETTER SHIN}\\ud800"\n}\n'
    )


def test_a_line_has_the_colour_of_its_statuses_on_a_terminal_and_is_never_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("TTY_COMPATIBLE", "1"), ("COLUMNS", "20"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    say_line("13  NEW -> VALIDATING  (RENEWED, a name that is long)")
    said = capsys.readouterr().out
    assert click.unstyle(said) == "13  NEW -> VALIDATING  (RENEWED, a name that is long)\n"
    assert click.style("VALIDATING", fg="yellow", reset=False) in said
    assert said.count(click.style("NEW", fg="cyan", reset=False)) == 1


def test_in_a_file_columns_are_as_wide_as_what_stands_in_them_and_a_value_may_have_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_table(("NAME", "BATCH", "NOTE"), [("\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 3, 13, None), ("b", 14, "x")])
    say_table(("", ""), [("label a", "x\ny"), ("b", None)])
    assert capsys.readouterr().out.splitlines() == [
        "NAME    BATCH  NOTE",
        "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 3 + "  13",
        "b       14     x",
        "label a  x",
        "         y",
        "b",
    ]
