"""What is written down of a campaign: the figures of `kills`, and the section of each campaign as soon as it is over."""

from pathlib import Path
from typing import Final

from tests.bench.results import sections_of
from tests.chaos.__main__ import write
from tests.chaos.outcome import Outcome
from tests.chaos.telling import Round, figures_of

ROUND: Final = Round(
    kills={"before:commit": 3, "in calm": 1},
    batches=10,
    submitted=2,
    events=20,
    webhooks=44,
    repeated=4,
    requests=12,
    seconds=8.0,
    wrong=[],
    fullest=9,
    tight=True,
    heavy=True,
    died=[
        {
            "claimed": 32,
            "under_way": {"commit": 7, "send": 30, "look": 1, "page": 2},
            "begun": {"commit": 90, "page": 4},
        },
        {"claimed": 0, "under_way": {}, "begun": {}},
    ],
)


def test_what_there_was_in_a_run_and_what_was_cut_off_is_told() -> None:
    figures = dict(figures_of({"SQLite": [ROUND]}))
    told = {name: value for name, value in figures.items() if name.startswith("SQLite")}
    assert figures["killed before commit"] == "3"
    assert told == {
        "SQLite, much to do: runs": "4",
        "SQLite, much to do: requests to CallFire a run, by round": "3 to 3, median 3",
        "SQLite, much to do: events a run, by round": "5 to 5, median 5",
        "SQLite, much to do: webhooks a run, by round": "11 to 11, median 11",
        "SQLite, much to do: seconds a run, by round": "2 to 2, median 2",
        "SQLite, much to do: requests to CallFire in a run until its point": "0 to 4, median 2",
        "SQLite, much to do: changes committed in a run until its point": "0 to 90, median 45",
        "SQLite, much to do: webhooks sent in a run until its point": "0 to 0, median 0",
        "SQLite, much to do: webhooks of one claim at the most, in a run": "0 to 32, median 16",
        "SQLite, much to do: requests to CallFire that were cut off": "0 to 3, median 1.5",
        "SQLite, much to do: changes whose commit was cut off": "0 to 7, median 3.5",
        "SQLite, much to do: webhooks that were cut off": "0 to 30, median 15",
    }


def test_a_section_is_written_when_its_campaign_is_over_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    write(file, "refused", Outcome(figures=[("one", "1")], wrong=[]), "today")
    refused = sections_of(file.read_text())["refused"]
    write(
        file, "files", Outcome(figures=[("a", "b", "c")], wrong=["it fell"], columns=("one", "two", "three")), "today"
    )
    sections = sections_of(file.read_text())
    assert list(sections) == ["files", "refused"]
    assert sections["refused"].strip() == refused.strip()
    table = "| one | two | three |\n| --- | --- | --- |\n| a | b | c |"
    assert sections["files"].strip().split("\n\n")[-2:] == [table, "- WRONG: it fell"]
