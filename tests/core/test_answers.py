"""What an answer means for the watch: the left half of polling.md's table, row by row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from watcher.core.answers import Answer, Kind, look_of
from watcher.core.model import Batch, Look, Missing, Seen, Unanswered

ASKED, ANSWERED = NOON, NOON + timedelta(seconds=1)
BATCH = Batch(id=13, status="VALIDATING")


def answer(kind: Kind, outcome: str, batch: Batch | None = None) -> Answer:
    return Answer(batch_id=13, asked=ASKED, answered=ANSWERED, kind=kind, outcome=outcome, batch=batch)


def unanswered(reason: str, *, refused: bool = False, unfit: bool = False) -> Unanswered:
    return Unanswered(asked=ASKED, answered=ANSWERED, reason=reason, refused=refused, unfit=unfit)


ROWS = [
    (answer(Kind.SEEN, "200", BATCH), Seen(asked=ASKED, answered=ANSWERED, batch=BATCH)),
    (answer(Kind.GARBAGE, "bad_body"), unanswered("bad_body")),
    (answer(Kind.UNFIT, "400"), unanswered("400", unfit=True)),
    (answer(Kind.UNAUTHORIZED, "401"), None),
    (answer(Kind.FORBIDDEN, "403"), unanswered("403", refused=True)),
    (answer(Kind.NOT_FOUND, "404"), Missing(asked=ASKED, answered=ANSWERED)),
    (answer(Kind.GONE, "410"), Missing(asked=ASKED, answered=ANSWERED, gone=True)),
    (answer(Kind.THROTTLED, "429"), None),
    (answer(Kind.FAILED, "503"), unanswered("503")),
    (answer(Kind.FAILED, "timeout"), unanswered("timeout")),
]


def test_every_kind_has_its_row() -> None:
    assert {each.kind for each, _ in ROWS} == set(Kind)


@pytest.mark.parametrize(("given", "look"), ROWS)
def test_an_answer_amounts_to_a_look(given: Answer, look: Look | None) -> None:
    assert look_of(given) == look


UNTOUCHED_WITH_A_PAUSE = {Kind.UNAUTHORIZED, Kind.THROTTLED, Kind.FAILED, Kind.GARBAGE}
"""What these say of the batch is nothing; what they say of the account, `account` takes in."""


@pytest.mark.parametrize(("given", "look"), ROWS)
def test_a_pause_that_is_asked_for_takes_no_knowledge_away(given: Answer, look: Look | None) -> None:
    paused = replace(given, retry_after=timedelta(seconds=5))
    assert look_of(paused) == (None if given.kind in UNTOUCHED_WITH_A_PAUSE else look)


def test_a_batch_that_was_seen_must_be_there() -> None:
    with pytest.raises(AssertionError):
        look_of(answer(Kind.SEEN, "200"))
