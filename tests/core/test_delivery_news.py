"""What is told of deliveries: what makes two of them the same news, and what may be written down of it."""

from dataclasses import replace
from datetime import timedelta

from tests.fakes import NOON
from watcher.core.delivery_news import Attempted
from watcher.core.endpoint import Attempt

NEWS = Attempted(
    endpoint="billing",
    delivery=7,
    event_id="evt_1",
    code=204,
    error=None,
    outcome="done",
    took=0.1,
    delay=0.2,
    attempts=1,
)


def test_the_attempt_itself_goes_along_and_is_neither_compared_nor_written_down() -> None:
    assert (NEWS.event_type, NEWS.attempt) == ("", None)
    attempt = Attempt(at=NOON, took=timedelta(seconds=0.1), code=204, answer=b"secret")
    whole = replace(NEWS, event_type="batch.active", attempt=attempt)
    assert whole == NEWS
    assert whole.attempt is attempt
    assert "secret" not in repr(whole)
