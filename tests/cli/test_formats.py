"""What is found, in the form that was asked for."""

import csv
import json
from collections.abc import Mapping
from typing import Any

import pytest

from watcher.cli.formats import Column, Listing, say_data, say_lines, say_list, say_one, say_some
from watcher.cli.printing import Output

COLUMNS = (
    Column(heading="BATCH", name="batch_id"),
    Column(heading="STATUS", name="status", short=lambda item, at: item["status"].lower()),
    Column(heading="ENDED", name="final", wide=True),
    Column(heading="NOTE", name="note", rare=True),
    Column(heading="LABELS", name="labels", wide=True),
    Column(heading="TYPES", name="types", value=lambda item: item.get("types", []), wide=True),
)
ITEMS: list[Mapping[str, Any]] = [
    {"batch_id": 13, "status": "NEW", "final": False, "labels": {"team": "north"}, "types": ["a", "b"]},
    {"batch_id": 14, "status": 'A "B", C', "final": True, "labels": {}, "note": None},
]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (Output.TABLE, ["BATCH  STATUS", "13     new", '14     a "b", c']),
        (
            Output.WIDE,
            [
                "BATCH  STATUS    ENDED  NOTE  LABELS      TYPES",
                "13     NEW       no           team=north  a b",
                '14     A "B", C  yes',
            ],
        ),
        (
            Output.CSV,
            [
                "batch_id,status,final,note,labels,types",
                '13,NEW,false,,"{""team"": ""north""}","[""a"", ""b""]"',
                '14,"A ""B"", C",true,,{},[]',
            ],
        ),
        (Output.NDJSON, [json.dumps(item) for item in ITEMS]),
        (Output.JSON, json.dumps(ITEMS, indent=2).splitlines()),
    ],
)
def test_a_list_in_each_form(output: Output, said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    say_list(ITEMS, COLUMNS, output)
    assert printed(capsys) == said


def test_an_empty_list_is_one_too(capsys: pytest.CaptureFixture[str]) -> None:
    for output, said in (
        (Output.TABLE, ["BATCH  STATUS"]),
        (Output.CSV, ["batch_id,status,final,note,labels,types"]),
        (Output.NDJSON, []),
        (Output.JSON, ["[]"]),
    ):
        say_list([], COLUMNS, output)
        assert printed(capsys) == said


@pytest.mark.parametrize(("output", "said"), [(Output.NDJSON, 1), (Output.CSV, 2), (Output.JSON, 0), (Output.TABLE, 0)])
def test_lines_are_printed_as_they_come_and_the_rest_at_the_end(
    output: Output, said: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Listing(COLUMNS, output).take(ITEMS[0])
    assert len(printed(capsys)) == said


def test_that_there_is_more_is_told_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    for output, told in ((Output.WIDE, True), (Output.JSON, False), (Output.CSV, False)):
        say_some(ITEMS, 1, COLUMNS, output)
        assert (capsys.readouterr().err == "there are more than 1: see them with --limit\n") is told


def test_a_document_without_columns_has_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    documents = [{"id": 1, "of": {"a": 1, "b": {"c": None}}, "labels": {"x": "y"}}, {"id": 2, "error": "No."}]
    assert say_data(documents, Output.CSV)
    assert printed(capsys) == ["id,of.a,of.b.c,labels,error", '1,1,,"{""x"": ""y""}",', "2,,,,No."]
    assert say_data(documents, Output.NDJSON)
    assert [json.loads(line) for line in printed(capsys)] == documents
    assert not say_data(documents, Output.TABLE)


def test_one_thing_is_said_to_a_person_and_shown_to_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    for output in (Output.TABLE, Output.WIDE):
        say_one({"id": 1}, output, lambda: said.append("one"))
    assert (said, printed(capsys)) == (["one", "one"], [])
    say_one({"id": 1}, Output.JSON, lambda: said.append("one"))
    say_lines({"id": 1}, Output.JSON)
    say_lines({"id": 1}, Output.CSV)
    assert printed(capsys) == ["{", '  "id": 1', "}", '{"id": 1}', "id", "1"]


@pytest.mark.parametrize("name", ["=1+1", "+cmd|' /C x'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "+", "=1"])
def test_no_name_becomes_a_formula_of_a_spreadsheet(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    say_list([{"batch_id": -13, "status": name}], COLUMNS[:2], Output.CSV)
    [_, row] = csv.reader(capsys.readouterr().out.splitlines())
    assert row == ["-13", "'" + name.replace("\r", "\N{REPLACEMENT CHARACTER}")]


@pytest.mark.parametrize("name", ["+12135551100", "-5", "a=b", "'=1", "", "API 14 -", "{}"])
def test_a_number_or_another_name_is_left_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    say_list([{"batch_id": 13, "status": name}], COLUMNS[:2], Output.CSV)
    assert list(csv.reader(capsys.readouterr().out.splitlines()))[1] == ["13", name]
