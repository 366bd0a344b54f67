"""What a file of results is made of, and that the limits on top of it are held against what stands below them."""

import subprocess
from pathlib import Path

import pytest

from tests.bench.__main__ import HEAD, KNOWN, ON_POSTGRES, RESULTS, renewed
from tests.bench.limits import LIMITS, UNKNOWN, Limit, limits
from tests.bench.results import cells_of, circumstances, commit, machine, section, sections_of, spread, table

HERE = Path(__file__).parent
FIGURES = "### one\n\n| figure | value |\n| --- | --- |\n| first | 0.80 (0.79 to 1,000) |\n| second | 12 |"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def made(**more: object) -> Limit:
    return Limit(what="it", section="one", figure=("", "first", "value"), **more)  # type: ignore[arg-type]


def row_of(limit: Limit) -> list[str]:
    *_, row = limits({"one": FIGURES}, [limit]).splitlines()
    return [cell.strip() for cell in row[1:-1].split("|")]


def test_a_section_says_how_it_is_measured_again_and_in_which_circumstances_it_was() -> None:
    told = section("one", "Words.\n", "make one", "| a |", "2026-11-26 at 0123abc, on 2 cores")
    assert told == "## one\n\nWords.\n\n`make one`, 2026-11-26 at 0123abc, on 2 cores\n\n| a |\n"
    assert sections_of(f"# Title\n\nText.\n\n{told}") == {"one": told}


def test_the_circumstances_have_the_machine_and_the_server_where_one_takes_part() -> None:
    assert circumstances().endswith(f", on {machine()}")
    assert circumstances(postgres="18.6") == f"{circumstances()}, PostgreSQL 18.6"
    parts = ("cores (", "Python 3.", "aiohttp 3.", "SQLite 3.")
    assert [part for part in parts if part not in machine()] == []


def test_a_tree_that_is_not_its_commits_is_marked_but_not_for_results(tmp_path: Path) -> None:
    assert commit(tmp_path) == ""
    git(tmp_path, "init", "--quiet")
    for name in ("code.py", "RESULTS.md", "tests/bench/RESULTS.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    there = git(tmp_path, "rev-parse", "--short", "HEAD")
    assert commit(tmp_path) == there
    (tmp_path / "tests" / "bench" / "RESULTS.md").write_text("b")
    assert commit(tmp_path) == there
    (tmp_path / "code.py").write_text("b")
    assert commit(tmp_path) == f"{there}+"


def test_cells_are_found_by_title_row_and_column() -> None:
    two = f"{FIGURES}\n\n### two\n\n{table(('which', 'where', 'value'), [('first', 'here', '1')])}"
    cells = cells_of(two)
    assert cells["one", "first", "value"] == cells["", "first", "value"] == "0.80 (0.79 to 1,000)"
    assert cells["two", "first", "value"] == cells["", "first, here", "value"] == "1"


def test_of_rounds_the_median_is_told_and_between_what_they_were() -> None:
    assert spread([3.0, 1234.0, 2.0]) == "3 (2 to 1,234)"
    assert spread([1.0, 2.0], "{:.2f}".format) == "1.50 (1.00 to 2.00)"


@pytest.mark.parametrize(
    ("limit", "asked", "verdict"),
    [
        (made(least=0.79), "at least 0.79", "yes"),
        (made(least=0.8), "at least 0.8", "in the median"),
        (made(least=0.81), "at least 0.81", "no"),
        (made(most=1001), "less than 1001", "yes"),
        (made(most=1000), "less than 1000", "in the median"),
        (made(most=0.8), "less than 0.8", "no"),
    ],
)
def test_a_limit_is_reached_where_every_round_is_within_it(limit: Limit, asked: str, verdict: str) -> None:
    assert row_of(limit) == ["it", asked, "0.80 (0.79 to 1,000)", verdict, "`one`", ""]


def test_where_a_limit_is_not_reached_it_is_said_what_is_in_the_way() -> None:
    way = {
        "way": "{second} and {third}",
        "figures": {"second": ("one", "second", "value"), "third": ("", "third", "value")},
    }
    assert row_of(made(least=0.9, **way))[-2:] == ["`one`", f"12 and {UNKNOWN}"]
    assert row_of(made(least=0.1, **way))[-2:] == ["`one`", ""]


def test_the_least_and_the_greatest_may_stand_in_rows_of_their_own() -> None:
    second = ("one", "second", "value")
    limit = Limit(what="it", section="one", figure=second, spread=(second, second), least=12)
    assert row_of(limit) == ["it", "at least 12", "12 (12 to 12)", "yes", "`one`", ""]


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    limit = Limit(what="it", section="two", figure=("", "first", "value"), least=1)
    assert row_of(limit) == ["it", "at least 1", UNKNOWN, UNKNOWN, "`two`", ""]


def test_a_section_takes_the_place_of_its_last_one_and_the_others_stay() -> None:
    last, other = KNOWN[-1], section(KNOWN[0], "A.", "a", "| a |", "then")
    old, new = (section(last, "Z.", "z", "| z |", when) for when in ("then", "now"))
    results = renewed(renewed("", last, old), KNOWN[0], other)
    assert renewed(results, last, new) == "\n".join([HEAD, limits({KNOWN[0]: other, last: new}), other, new])


def test_postgresql_is_named_where_it_takes_part() -> None:
    texts = {name: (HERE / f"bench_{name}.py").read_text(encoding="utf-8") for name in KNOWN}
    assert {
        name for name, text in texts.items() if "postgres_server import" in text and "running(" in text
    } == ON_POSTGRES


def test_the_limits_on_top_are_made_of_the_sections_below_them() -> None:
    sections = sections_of(RESULTS.read_text(encoding="utf-8"))
    assert sections["limits"].strip() == limits(sections).strip()


def test_every_limit_was_measured_and_every_one_that_is_missed_says_what_is_in_the_way() -> None:
    """But for sections from before circumstances were noted, which may not have all figures yet."""
    sections = sections_of(RESULTS.read_text(encoding="utf-8"))
    noted = [each for each in LIMITS if " cores (" in sections.get(each.section, " cores (")]
    rows = [limits(sections, [each]).splitlines()[-1] for each in noted]
    assert [row for row in rows if UNKNOWN in row] == []
    assert [row for row in rows if "| no |" in row and row.endswith("|  |")] == []
