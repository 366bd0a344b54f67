"""Documents as dataclasses."""

from datetime import UTC, datetime

from watcher.client import Eta, Transition, Watch, Window
from watcher.client.reading import read

AT = "2026-11-23T09:00:04.213Z"
MOMENT = datetime(2026, 11, 23, 9, 0, 4, 213000, UTC)


def test_times_and_what_is_inside_are_read_and_what_is_new_is_passed_over() -> None:
    document = {
        "account": "a",
        "batch_id": 13,
        "state": "open",
        "since": AT,
        "eta": {"p50": AT, "p90": AT, "p99": AT},
        "last_look": None,
        "colour": "blue",
        "labels": {"team": "north"},
        "transitions": [
            {"number": 1, "type": "batch.new", "timestamp": AT, "skipped": ["NEW"], "window": {"after": None, "by": AT}}
        ],
    }
    watch = read(Watch, document)
    assert watch == Watch(
        account="a",
        batch_id=13,
        state="open",
        since=MOMENT,
        eta=Eta(p50=MOMENT, p90=MOMENT),
        labels={"team": "north"},
        transitions=(
            Transition(
                number=1, type="batch.new", timestamp=MOMENT, skipped=("NEW",), window=Window(after=None, by=MOMENT)
            ),
        ),
    )
    assert watch.document == document
    assert watch.key == ("a", 13)
