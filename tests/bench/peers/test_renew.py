"""The document for operators says what was measured last."""

from tests.bench.bench_peers import CONDITIONS, FORGETFUL, KILLED, LATE, PEERS
from tests.bench.peers.renew import DOCUMENT, RESULTS, renewed
from tests.bench.results import section, table


def test_the_document_has_the_tables_of_the_newest_results() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(text, RESULTS.read_text(encoding="utf-8")) == text


def test_the_document_names_all_that_are_compared_and_every_column() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in (*PEERS, *FORGETFUL) if f"| {name} |" not in text] == []
    assert [columns for columns in (LATE, KILLED, CONDITIONS) if table(columns, []) not in text] == []


def test_only_what_stands_below_the_last_heading_is_put_in_its_place() -> None:
    measured = section(
        "peers",
        "Words.",
        "python -m tests.bench peers",
        "### one\n\n| a |",
        "2026-11-26 at 0123abc, on 2 cores, SQLite 3",
    )
    head, heading, rest = renewed("# Title\n\nText.\n\n## Figures\n\nold\n", f"# What\n\n{measured}").partition(
        "## Figures\n"
    )
    assert (head, heading) == ("# Title\n\nText.\n\n", "## Figures\n")
    assert rest == (
        "\nMeasured 2026-11-26 at 0123abc, on the machine that `tests/bench/RESULTS.md` describes.\n\n### one\n\n| a |\n"
    )
