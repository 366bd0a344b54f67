"""What an answer means for the watch: the left half of polling.md's table, row by row; and what of a page's the account hears."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from watcher.core.account import Account, Condition, heed
from watcher.core.answers import (
    NO_BATCH,
    Answer,
    Kind,
    PageAnswer,
    SubmitAnswer,
    SwitchAnswer,
    account_answer,
    look_of,
    told_by,
)
from watcher.core.model import Batch, Look, Missing, Page, PageRef, Seen, Unanswered

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
    (answer(Kind.UNASKED, "files"), None),
]


def test_every_kind_has_its_row() -> None:
    assert {each.kind for each, _ in ROWS} == set(Kind)


@pytest.mark.parametrize(("given", "look"), ROWS)
def test_an_answer_amounts_to_a_look(given: Answer, look: Look | None) -> None:
    assert look_of(given) == look


def test_kinds_are_told_under_these_names() -> None:
    told = " ".join(kind.value for kind in Kind)
    assert told == "seen garbage unfit unauthorized forbidden not_found gone throttled failed unasked"


def test_what_callfire_answered_is_told_in_words() -> None:
    failed = answer(Kind.FAILED, "503")
    details = [told_by(replace(failed, detail=detail)) for detail in (None, "", "down for repairs")]
    assert details == ["CallFire answered 503", "CallFire answered 503", "CallFire answered 503: down for repairs"]


def test_where_nothing_more_is_said_a_request_departed_and_brought_nothing() -> None:
    submitted = SubmitAnswer(asked=ASKED, answered=ANSWERED, kind=Kind.FAILED, outcome="timeout")
    assert (submitted.departed, submitted.explained, submitted.size) == (True, False, 0)
    switched = SwitchAnswer(batch_id=13, asked=ASKED, answered=ANSWERED, kind=Kind.FAILED, outcome="timeout")
    assert (switched.done, switched.size) == (False, 0)
    listed = PageAnswer(ref=REF, asked=ASKED, answered=ANSWERED, kind=Kind.FAILED, outcome="timeout")
    assert (listed.size, answer(Kind.FAILED, "timeout").size) == (0, 0)


UNTOUCHED_WITH_A_PAUSE = {Kind.UNAUTHORIZED, Kind.THROTTLED, Kind.FAILED, Kind.GARBAGE}
"""What these say of the batch is nothing; what they say of the account, `account` takes in."""


@pytest.mark.parametrize(("given", "look"), ROWS)
def test_a_pause_that_is_asked_for_takes_no_knowledge_away(given: Answer, look: Look | None) -> None:
    paused = replace(given, retry_after=timedelta(seconds=5))
    assert look_of(paused) == (None if given.kind in UNTOUCHED_WITH_A_PAUSE else look)


def test_a_batch_that_was_seen_must_be_there() -> None:
    with pytest.raises(AssertionError):
        look_of(answer(Kind.SEEN, "200"))


# Pages.

REF = PageRef(broadcast_id=14, kind="call", offset=0, limit=100)
PAGE = Page(offset=0, limit=100, items=(BATCH,), total=1)
PAUSE = timedelta(seconds=30)

KINDS = [
    (Kind.SEEN, "200", Kind.SEEN, Kind.SEEN),
    (Kind.UNAUTHORIZED, "401", Kind.UNAUTHORIZED, Kind.UNAUTHORIZED),
    (Kind.THROTTLED, "429", Kind.THROTTLED, Kind.THROTTLED),
    (Kind.FAILED, "503", Kind.FAILED, Kind.FAILED),
    (Kind.GARBAGE, "bad_body", None, Kind.THROTTLED),
    (Kind.UNFIT, "405", None, Kind.THROTTLED),
    (Kind.FORBIDDEN, "403", None, Kind.THROTTLED),
    (Kind.NOT_FOUND, "404", None, Kind.THROTTLED),
    (Kind.GONE, "410", None, Kind.THROTTLED),
]
"""The kind of a page's answer, its outcome, and of what kind the account hears it: without a pause, and with one."""


def page_answer(kind: Kind, outcome: str, *, retry_after: timedelta | None = None) -> PageAnswer:
    return PageAnswer(
        ref=REF,
        asked=ASKED,
        answered=ANSWERED,
        kind=kind,
        outcome=outcome,
        page=PAGE if kind is Kind.SEEN else None,
        retry_after=retry_after,
        detail="no",
        size=7,
    )


@pytest.mark.parametrize(("kind", "outcome", "heard", "paused"), KINDS)
def test_an_account_hears_of_a_page_what_is_not_of_the_listing_alone(
    kind: Kind, outcome: str, heard: Kind | None, paused: Kind
) -> None:
    expected = Answer(
        batch_id=NO_BATCH, asked=ASKED, answered=ANSWERED, kind=kind, outcome=outcome, detail="no", size=7
    )
    assert account_answer(page_answer(kind, outcome)) == (None if heard is None else replace(expected, kind=heard))
    assert account_answer(page_answer(kind, outcome, retry_after=PAUSE)) == replace(
        expected, kind=paused, retry_after=PAUSE
    )


def test_every_kind_of_a_pages_answer_is_told_or_kept() -> None:
    assert {kind for kind, *_ in KINDS} == set(Kind) - {Kind.UNASKED}


def test_that_no_file_was_left_to_ask_with_says_nothing_of_the_account() -> None:
    assert account_answer(page_answer(Kind.UNASKED, "files")) is None


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("retry_after", [None, PAUSE])
def test_no_page_is_ever_counted_as_a_batch(kind: Kind, retry_after: timedelta | None) -> None:
    """Not in "two batches refused", nor in "five watches garbled", however often it is answered so."""
    account = Account(name="default", proven=True, forbidden_batch=13, garbled=frozenset({1, 2, 3, 4}))
    for _ in range(6):
        heard = account_answer(page_answer(kind, str(kind), retry_after=retry_after))
        if heard is not None:
            account = heed(account, heard, 0.5).account
        assert NO_BATCH not in {account.forbidden_batch, *account.garbled}
    if kind is not Kind.UNAUTHORIZED:
        assert account.condition is not Condition.REFUSED


def test_a_listing_that_asks_for_a_pause_gives_the_account_one() -> None:
    heard = account_answer(page_answer(Kind.FORBIDDEN, "403", retry_after=PAUSE))
    assert heard is not None
    account = heed(Account(name="default", proven=True), heard, 0.0).account
    assert (account.condition, account.until) == (Condition.THROTTLED, ANSWERED + PAUSE)


def test_three_pages_refused_for_the_login_refuse_the_account() -> None:
    account = Account(name="default", proven=True)
    for _ in range(3):
        heard = account_answer(page_answer(Kind.UNAUTHORIZED, "401"))
        assert heard is not None
        account = heed(account, heard, 0.5).account
    assert account.condition is Condition.REFUSED
