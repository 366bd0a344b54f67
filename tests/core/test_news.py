"""News: what is carried along for listeners that want it is neither printed nor compared, and what is not said is none."""

from dataclasses import asdict
from datetime import timedelta

from tests.core.making import seen
from tests.fakes import NOON
from watcher.core.answers import Answer, Kind
from watcher.core.model import NEW
from watcher.core.news import (
    Answered,
    BudgetUsed,
    Changed,
    Looked,
    RequestFailed,
    Stepped,
    Tally,
    Throttled,
    WorkerFailed,
)

ANSWER = Answer(batch_id=13, asked=NOON, answered=NOON + timedelta(seconds=1), kind=Kind.FAILED, outcome="503")
ANSWERED = Answered(account="a", operation="batch", outcome="503", took=1.0)
LOOKED = Looked(account="a", by="single", result="unchanged")


def test_an_answer_is_neither_printed_nor_compared_with_the_news_of_it() -> None:
    told = Answered(
        account="a", operation="batch", outcome="503", took=1.0, server="https://api.example", answer=ANSWER
    )
    assert told == ANSWERED
    assert repr(told) == (
        "Answered(account='a', operation='batch', outcome='503', took=1.0, size=0, server='https://api.example')"
    )


def test_a_look_is_neither_printed_nor_compared_with_the_news_of_it() -> None:
    told = Looked(account="a", by="single", result="unchanged", batch_id=13, look=seen(NEW, NOON), events=(None,))  # type: ignore[arg-type]
    assert told == LOOKED
    assert repr(told) == "Looked(account='a', by='single', result='unchanged', batch_id=13)"


def test_a_trace_is_not_printed_with_the_news_of_what_failed() -> None:
    worker = WorkerFailed(worker="poller a", error="ValueError: no", pause=0.5, trace="line 7")
    request = RequestFailed(method="GET", route="/v1/events", error="ValueError: no", trace="line 7", request_id="r-1")
    assert (repr(worker), repr(request)) == (
        "WorkerFailed(worker='poller a', error='ValueError: no', pause=0.5)",
        "RequestFailed(method='GET', route='/v1/events', error='ValueError: no', request_id='r-1')",
    )


def test_what_is_not_said_is_none_of_it() -> None:
    assert (asdict(ANSWERED)["size"], asdict(ANSWERED)["server"], asdict(ANSWERED)["answer"]) == (0, "", None)
    assert (asdict(LOOKED)["batch_id"], asdict(LOOKED)["look"], asdict(LOOKED)["events"]) == (0, None, ())
    changed = Changed(
        account="a", batch_id=7, type="batch.new", number=1, position=9, status="NEW", previous=None, at=NOON
    )
    assert (changed.window, changed.validation, changed.deliveries, changed.size) == (None, None, 0, 0)
    assert Throttled(account="a", until=NOON).again is False


def test_an_account_that_is_not_divided_has_no_part_to_tell_of() -> None:
    tally = Tally(account="a", by_status={}, overdue=0, oldest_look_age=0.0, stuck=0, expected_wait=0.0)
    budget = BudgetUsed(account="a", configured=5.0, effective=5.0, used=0.0)
    assert (tally.part, budget.part, Stepped(account="a", at=NOON).part) == ("", "", "")
