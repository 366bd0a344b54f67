"""Batch ids as somebody names them."""

import io
import sys
from pathlib import Path

import pytest

from watcher.cli.printing import Stop
from watcher.cli.rows import Line, count_of, lines_of, read_ids


def test_ids_come_from_arguments_and_files(tmp_path: Path) -> None:
    file = tmp_path / "ids"
    file.write_text('13\n\n# a comment\n {"batch_id": 14, "labels": {"a": "b"}}\n')
    assert list(lines_of(["12", str(file)], {"account": "main"})) == [
        Line(where="12", body={"account": "main", "batch_id": 12}),
        Line(where=f"{file} line 1", body={"account": "main", "batch_id": 13}),
        Line(where=f"{file} line 4", body={"account": "main", "batch_id": 14, "labels": {"a": "b"}}),
    ]
    assert count_of(["12", str(file)]) == 5
    assert count_of(["12", "-"]) is None


def test_a_number_is_an_id_also_where_a_file_is_called_so() -> None:
    Path("13").write_text("14\n")
    assert read_ids(["13", "./13"]) == [13, 14]


def test_ids_alone_are_taken_once_each() -> None:
    assert read_ids(["13", "12", "13"]) == [13, 12]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "0: is not a batch id: give a whole number from 1 to 9223372036854775807"),
        ("-5", "-5: is not a batch id: give a whole number from 1 to 9223372036854775807"),
        (str(2**63), f"{2**63}: is not a batch id: give a whole number from 1 to 9223372036854775807"),
        ("1" * 5000, f"{'1' * 60}…: is not a batch id: give a whole number from 1 to 9223372036854775807"),
        ("abc", "abc: is neither a batch id nor a file: give a whole number from 1, a file with one a line, or -"),
        ("٣", "٣: is neither a batch id nor a file: give a whole number from 1, a file with one a line, or -"),
        ('{"batch_id": NaN}', '{"batch_id": NaN}: is not JSON (NaN is no number in JSON): '),
        ('{"batch_id": 1', "{\"batch_id\": 1: is not JSON (Expecting ',' delimiter: line 1 column 15 (char 14)): "),
    ],
)
def test_what_is_no_id_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(Stop) as caught:
        lines_of([text], {})
    assert caught.value.code == 2
    assert caught.value.lines[0].startswith(said)


def test_every_wrong_line_of_ids_is_told(tmp_path: Path) -> None:
    file = tmp_path / "ids"
    file.write_text("1\nx\n" + "0\n" * 25)
    with pytest.raises(Stop) as caught:
        read_ids([str(file)])
    assert len(caught.value.lines) == 21
    assert caught.value.lines[0].startswith(f"{file} line 2: ")
    assert caught.value.lines[-1] == "and 6 more"


def test_a_wrong_line_spoils_no_other_and_what_follows_is_not_read_before_it_is_wanted(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(b"1\nx\n[]\n2\n" + b"3\n" * 10_000 + b"\xff")
    lines = lines_of([str(file)], {})
    first = [next(lines) for _ in range(4)]
    assert [line.body for line in first] == [{"batch_id": 1}, {}, {}, {"batch_id": 2}]
    assert [bool(line.wrong) for line in first] == [False, True, True, False]
    with pytest.raises(Stop, match="is not UTF-8 text"):
        list(lines)


def test_a_file_that_names_nothing_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff")
    for name, said in (
        ("empty", f"no batch is named, {tmp_path / 'empty'} was empty: "),
        ("binary", f"{tmp_path / 'binary'}: is not UTF-8"),
    ):
        with pytest.raises(Stop) as caught:
            list(lines_of([str(tmp_path / name)], {}))
        assert caught.value.lines[0].startswith(said)


def test_standard_input_is_read_as_a_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says where it is empty, or no text, names it."""
    for given, said in (
        (b"", "no batch is named, standard input was empty: "),
        (b"\xff", "standard input: is not UTF-8"),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
        with pytest.raises(Stop) as caught:
            list(lines_of(["-"], {}))
        assert caught.value.lines[0].startswith(said)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ids"
    file.write_text("13\r\n14\r\n", encoding="utf-8-sig")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\ufeff15\n"))
    assert read_ids([str(file), "-"]) == [13, 14, 15]


def test_where_only_ids_are_taken_rows_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_text('{"batch_id": "x"}\n')
    with pytest.raises(Stop, match="only ids are taken here"):
        read_ids([str(file)])
