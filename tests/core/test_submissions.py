"""What follows from each answer to a batch that was sent: when it is certain that CallFire has it, or does not."""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import after as at
from tests.fakes import NOON
from watcher.core.answers import Answer, Kind, SubmitAnswer, SwitchAnswer, account_answer
from watcher.core.model import Batch, Key
from watcher.core.submissions import (
    ENDS,
    NAME_LENGTH,
    TAG,
    TRIES,
    Caution,
    Order,
    Submission,
    SubmissionState,
    Verdict,
    accepted,
    after,
    begun,
    doubtful,
    found,
    late,
    list_at,
    list_pause,
    missed,
    recalled,
    refused,
    send_pause,
    tag_of,
    tagged,
    verdict,
    wish_of,
    withdrawn,
)
from watcher.core.wishes import Wish

CAUTION = Caution(settle=timedelta(seconds=60), within=timedelta(hours=1))
INTENDED = Submission(
    id="sub_1",
    account="default",
    broadcast_id=14,
    name="Spring, north [7k3f9x2abc4m]",
    request=b"{}",
    created=NOON,
    holder="me",
    kind="call",
)
SENDING = begun(INTENDED, at(seconds=1))
UNCLEAR = after(SENDING, SubmitAnswer(asked=NOON, answered=at(seconds=16), kind=Kind.FAILED, outcome="timeout"))


def answer(outcome: str, kind: Kind = Kind.FAILED, **fields: object) -> SubmitAnswer:
    made = SubmitAnswer(asked=at(seconds=1), answered=at(seconds=2), kind=kind, outcome=outcome)
    return replace(made, **fields)  # type: ignore[arg-type]


def batch(batch_id: int, name: str | None, created: float | None = None) -> Batch:
    """One that was made so many seconds after noon."""
    return Batch(id=batch_id, status="NEW", name=name, created=None if created is None else at(seconds=created))


@pytest.mark.parametrize(
    ("outcome", "fields", "expected"),
    [
        ("200", {"batch_id": 13}, "taken"),
        ("201", {"batch_id": 13}, "taken"),
        ("200", {}, "unclear"),
        ("201", {"explained": True}, "unclear"),
        ("302", {}, "unclear"),
        ("400", {"explained": True}, "refused"),
        ("400", {}, "unclear"),
        ("401", {}, "refused"),
        ("403", {}, "refused"),
        ("404", {"explained": True}, "refused"),
        ("404", {}, "unclear"),
        ("408", {"explained": True}, "unclear"),
        ("409", {"explained": True}, "unclear"),
        ("413", {"explained": True}, "refused"),
        ("422", {"explained": True}, "refused"),
        ("425", {"explained": True}, "unclear"),
        ("429", {}, "not taken"),
        ("500", {"explained": True}, "unclear"),
        ("503", {"explained": True, "retry_after": timedelta(seconds=9)}, "unclear"),
        ("timeout", {}, "unclear"),
        ("reset", {}, "unclear"),
        ("bad_body", {}, "unclear"),
        ("timeout", {"departed": False}, "not taken"),
        ("dns", {"departed": False}, "not taken"),
        ("tls", {"departed": False}, "not taken"),
    ],
)
def test_only_what_is_certain_counts_as_such(outcome: str, fields: dict[str, Any], expected: Verdict) -> None:
    assert verdict(answer(outcome, **fields)) == expected


@given(st.integers(100, 599), st.booleans())
def test_no_code_but_429_has_it_sent_again_without_a_look(code: int, explained: bool) -> None:
    assert (verdict(answer(str(code), explained=explained)) == "not taken") == (code == 429)


def test_a_request_that_leaves_is_counted() -> None:
    again = begun(replace(SENDING, absences=2, ended=NOON), at(seconds=90))
    sending = replace(INTENDED, state=SubmissionState.SENDING, tries=1, sent=at(seconds=1))
    assert begun(INTENDED, at(seconds=1)) == sending
    assert (again.tries, again.sent, again.ended, again.absences) == (2, at(seconds=90), None, 0)


def test_what_callfire_took_is_accepted_and_no_longer_kept() -> None:
    assert after(SENDING, answer("201", Kind.SEEN, batch_id=13)) == replace(
        SENDING, state=SubmissionState.ACCEPTED, batch_id=13, settled=at(seconds=2), request=None
    )


def test_what_never_left_does_not_count_as_a_try() -> None:
    later = after(SENDING, answer("dns", departed=False))
    assert (later.state, later.tries) == (SubmissionState.INTENDED, 0)
    assert later.detail == "CallFire was not reached (dns): it is sent again later"
    assert after(INTENDED, answer("timeout", departed=False)).tries == 0


def test_what_was_throttled_is_sent_again_later() -> None:
    later = after(SENDING, answer("429", Kind.THROTTLED, detail="slow down"))
    assert (later.state, later.tries) == (SubmissionState.INTENDED, 1)
    assert later.detail == "CallFire answered 429: slow down: it is sent again later"


def test_what_callfire_refuses_ends_with_its_words() -> None:
    ended = after(SENDING, answer("400", Kind.UNFIT, explained=True, detail="no such list"))
    assert (ended.state, ended.detail, ended.settled, ended.over) == (
        SubmissionState.REFUSED,
        "CallFire answered 400: no such list",
        at(seconds=2),
        True,
    )


@pytest.mark.parametrize(
    ("outcome", "told"), [("timeout", "no answer of CallFire came (timeout)"), ("503", "CallFire answered 503")]
)
def test_what_is_not_certain_is_looked_for(outcome: str, told: str) -> None:
    unclear = after(SENDING, answer(outcome))
    assert (unclear.state, unclear.ended, unclear.over) == (SubmissionState.UNCLEAR, at(seconds=2), False)
    assert unclear.detail == f"{told}: its list of the broadcast is searched for the name"
    assert unclear.absences == 0
    assert after(replace(SENDING, absences=2), answer(outcome)) == unclear


def test_what_was_under_way_when_the_process_ended_is_not_certain() -> None:
    recalled_one = recalled(SENDING, at(minutes=5))
    assert (recalled_one.state, recalled_one.ended) == (SubmissionState.UNCLEAR, at(minutes=5))
    assert recalled(INTENDED, at(minutes=5)) is INTENDED
    assert recalled(replace(SENDING, absences=2), at(minutes=5)) == replace(
        SENDING,
        state=SubmissionState.UNCLEAR,
        ended=at(minutes=5),
        absences=0,
        detail="the daemon ended before CallFire answered: its list of the broadcast is searched for the name",
    )


def test_a_clock_that_was_set_back_has_the_settling_time_begin_anew() -> None:
    assert recalled(replace(UNCLEAR, absences=3), at(seconds=5)) == replace(UNCLEAR, ended=at(seconds=5), absences=0)
    assert recalled(UNCLEAR, at(minutes=5)) is UNCLEAR
    waiting = replace(UNCLEAR, absences=3)
    assert recalled(waiting, at(seconds=16)) is waiting


def test_what_is_withdrawn_says_whether_it_was_sent() -> None:
    assert withdrawn(INTENDED, NOON).detail == "withdrawn: it was not sent"
    assert withdrawn(UNCLEAR, NOON).detail == "withdrawn: whether CallFire has it is not known"
    assert withdrawn(UNCLEAR, NOON).state is SubmissionState.WITHDRAWN


def test_what_is_refused_before_it_was_sent_says_so() -> None:
    ended = refused(INTENDED, NOON, "no such broadcast")
    assert (ended.state, ended.detail) == (SubmissionState.REFUSED, "not sent: no such broadcast")
    assert refused(replace(INTENDED, absences=2), NOON, "no").state is SubmissionState.ABSENT


def test_after_its_time_it_is_not_sent_any_more() -> None:
    assert late(INTENDED, CAUTION, at(minutes=59)) is None
    ended = late(INTENDED, CAUTION, at(minutes=60))
    assert ended is not None
    assert (ended.state, ended.detail) == (
        SubmissionState.REFUSED,
        "not sent: it could not be sent in time (no request was free)",
    )
    throttled = late(replace(INTENDED, detail="CallFire answered 429"), CAUTION, at(hours=9))
    assert throttled is not None
    assert throttled.detail == "not sent: it could not be sent in time (CallFire answered 429)"
    assert late(UNCLEAR, CAUTION, at(hours=9)) is None
    unreadable = late(replace(INTENDED, request=None), CAUTION, NOON)
    assert unreadable is not None
    assert unreadable.detail == "not sent: what was to be sent cannot be read any more"


# Looking for it.


def test_a_name_ends_with_its_tag() -> None:
    assert tagged("Spring, north", "7k3f9x2abc4m") == INTENDED.name
    assert tag_of(INTENDED) == "7k3f9x2abc4m"
    assert tag_of(replace(INTENDED, name=tagged("Spring [north]", "7k3f9x2abc4m"))) == "7k3f9x2abc4m"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Spring, north [7k3f9x2abc4m]", True),
        ("SPRING,  NORTH [7K3F9X2ABC4M] ", True),
        ("Spring, north [7k3f9x2abc4", False),
        ("Spring, north", False),
        ("Spring, north [zzzzzzzzzzzz]", False),
        (None, False),
    ],
)
def test_it_is_found_by_its_tag(name: str | None, ours: bool) -> None:
    assert found(INTENDED, [batch(9, "another"), batch(7, name)]) == ([7] if ours else [])


@pytest.mark.parametrize(
    ("name", "created", "doubt"),
    [
        ("Spring, north [7k3f9", None, True),  # cut
        ("Spring, north", 5, True),
        ("Spring, north…", 5, True),
        ("SPRING,  NORTH [7k3f", 5, True),
        (None, 5, True),
        ("", 5, True),
        (None, -86400, True),
        (None, -86401, False),  # made more than a day before
        ("Spring, north", -2 * 86400, False),
        ("Spring, south", 5, False),
        ("Spring", 5, False),  # shorter than the name that was given
        ("Spring, north [zzzzzzzzzzzz]", 5, False),
    ],
)
def test_a_name_that_was_cut_or_is_missing_leaves_a_doubt(name: str | None, created: float | None, doubt: bool) -> None:
    other = batch(7, name, created)
    assert doubtful(INTENDED, [batch(8, "another"), other]) == (other if doubt else None)


def test_a_long_name_may_be_cut_to_twenty_characters_and_no_further() -> None:
    long = replace(INTENDED, name="Springtime, campaign of the north [7k3f9x2abc4m]")
    shown = [batch(7, long.name[:length]) for length in (19, 20)]
    assert [doubtful(long, [each]) for each in shown] == [None, shown[1]]


def test_of_several_batches_of_the_name_the_first_counts_and_the_others_are_told() -> None:
    assert found(INTENDED, [batch(9, INTENDED.name), batch(7, INTENDED.name)]) == [7, 9]
    ended = accepted(UNCLEAR, 7, at(seconds=20), others=[9])
    assert (ended.batch_id, ended.detail) == (7, "CallFire has it 2 times: also as 9")
    assert accepted(UNCLEAR, 7, NOON, others=[9, 12]).detail == "CallFire has it 3 times: also as 9, 12"


def test_one_listing_without_it_is_not_enough_nor_two_within_the_settling_time() -> None:
    once = missed(UNCLEAR, at(seconds=90), CAUTION, at(seconds=91))
    assert (once.state, once.absences) == (SubmissionState.UNCLEAR, 1)
    early = missed(replace(UNCLEAR, absences=5), at(seconds=75), CAUTION, at(seconds=76))
    assert (early.state, early.absences) == (SubmissionState.UNCLEAR, 6)


def test_a_listing_that_began_before_the_request_ended_says_nothing() -> None:
    assert missed(UNCLEAR, at(seconds=15), CAUTION, at(seconds=91)) is UNCLEAR
    assert missed(UNCLEAR, at(seconds=16), CAUTION, at(seconds=91)) == replace(UNCLEAR, absences=1)
    assert missed(INTENDED, at(seconds=15), CAUTION, at(seconds=91)) is INTENDED


def test_what_is_absent_is_sent_again_under_the_same_name() -> None:
    again = missed(replace(UNCLEAR, absences=1), at(seconds=76), CAUTION, at(seconds=77))
    assert again == replace(
        UNCLEAR,
        state=SubmissionState.INTENDED,
        absences=2,
        detail="CallFire does not have it after 2 listings: it is sent again under the same name",
    )


@pytest.mark.parametrize(
    ("caution", "fields", "why"),
    [
        (replace(CAUTION, resend=False), {}, "as submit.resend says"),
        (CAUTION, {"tries": TRIES}, "after 5 tries"),
        (CAUTION, {"request": None}, "after 1 tries"),
        (replace(CAUTION, within=timedelta(seconds=77)), {}, "after 1 tries"),
    ],
)
def test_what_is_absent_is_not_always_sent_again(caution: Caution, fields: dict[str, object], why: str) -> None:
    unclear = replace(UNCLEAR, absences=1, **fields)  # type: ignore[arg-type]
    ended = missed(unclear, at(seconds=76), caution, at(seconds=77))
    assert ended.state is SubmissionState.ABSENT
    assert ended.detail == f"CallFire does not have it after 2 listings; it is not sent again, {why}"


def test_it_is_looked_for_at_once_then_after_a_quarter_and_after_all_of_the_settling_time() -> None:
    times = [list_at(replace(UNCLEAR, absences=absences), CAUTION) for absences in (0, 1, 2, 9)]
    assert times == [at(seconds=16), at(seconds=31), at(seconds=76), at(seconds=76)]
    assert list_at(replace(UNCLEAR, ended=None), CAUTION) == NOON


def test_pauses_double_up_to_a_bound() -> None:
    assert [send_pause(n).total_seconds() for n in (0, 1, 4, 5, 99)] == [1, 2, 16, 30, 30]
    short, long = timedelta(seconds=30), timedelta(minutes=10)
    assert [list_pause(n, CAUTION, short).total_seconds() for n in (0, 1, 4, 5, 99)] == [15, 30, 240, 300, 300]
    assert list_pause(99, CAUTION, timedelta(seconds=1)).total_seconds() == 300
    assert [list_pause(n, CAUTION, long).total_seconds() for n in (0, 5, 99)] == [15, 480, 6000]
    assert list_pause(0, Caution(settle=timedelta(seconds=1)), short).total_seconds() == 1
    assert list_pause(99, Caution(settle=timedelta(hours=1)), short).total_seconds() == 3600


# Around it.


def test_states_are_called_what_the_interface_calls_them() -> None:
    assert [str(state) for state in SubmissionState] == [
        "intended",
        "sending",
        "unclear",
        "accepted",
        "refused",
        "absent",
        "withdrawn",
    ]


def test_unless_said_otherwise_a_minute_settles_and_what_is_absent_is_sent_again_within_an_hour() -> None:
    assert Caution() == Caution(settle=timedelta(seconds=60), resend=True, within=timedelta(hours=1))


def test_a_new_one_is_intended_and_nothing_was_done_yet() -> None:
    assert asdict(INTENDED) == {
        "id": "sub_1",
        "account": "default",
        "broadcast_id": 14,
        "name": "Spring, north [7k3f9x2abc4m]",
        "request": b"{}",
        "created": NOON,
        "holder": "me",
        "kind": "call",
        "strict": False,
        "recipients": None,
        "labels": {},
        "correlation_id": None,
        "expires_in": None,
        "idempotency_key": None,
        "fingerprint": b"",
        "state": "intended",
        "version": 0,
        "batch_id": None,
        "tries": 0,
        "sent": None,
        "ended": None,
        "absences": 0,
        "settled": None,
        "detail": "",
    }


def test_whom_to_call_is_not_shown_where_one_is_printed() -> None:
    numbers = b"12135551122"
    order = Order(broadcast_id=14, kind="call", name="n", request=numbers, strict=False)
    assert not any(numbers.decode() in repr(each) for each in (order, replace(INTENDED, request=numbers)))


def test_tags_and_names_are_as_long_as_is_said() -> None:
    assert (TAG, NAME_LENGTH) == (12, 100)


def test_what_is_followed_is_as_it_was_asked_for() -> None:
    asked = replace(INTENDED, labels={"team": "north"}, correlation_id="c-1", expires_in=timedelta(hours=2))
    assert wish_of(accepted(asked, 13, NOON)) == Wish(
        key=Key("default", 13),
        labels={"team": "north"},
        correlation_id="c-1",
        broadcast_id=14,
        expires_in=timedelta(hours=2),
    )
    assert wish_of(accepted(INTENDED, 13, NOON)).labels is None


@pytest.mark.parametrize("kind", [Kind.SEEN, Kind.UNAUTHORIZED, Kind.THROTTLED, Kind.FAILED])
def test_what_concerns_the_account_is_heard_by_it(kind: Kind) -> None:
    assert account_answer(answer("x", kind, detail="d", size=3)) == Answer(
        batch_id=0, asked=at(seconds=1), answered=at(seconds=2), kind=kind, outcome="x", detail="d", size=3
    )


def test_what_callfire_does_not_like_about_one_batch_is_not_the_accounts_but_a_pause_is() -> None:
    switch = SwitchAnswer(batch_id=13, asked=NOON, answered=NOON, kind=Kind.NOT_FOUND, outcome="404")
    assert account_answer(switch) is None
    heard = account_answer(replace(switch, retry_after=timedelta(seconds=9)))
    assert heard is not None
    assert (heard.kind, heard.retry_after) == (Kind.THROTTLED, timedelta(seconds=9))


def test_the_ends_are_the_states_in_which_nothing_more_is_done() -> None:
    assert [state for state in SubmissionState if state in ENDS] == ["accepted", "refused", "absent", "withdrawn"]
    assert not INTENDED.over


@given(st.lists(st.sampled_from(["lost", "seen without", "early"]), max_size=12))
def test_it_is_never_sent_again_before_two_listings_and_the_settling_time(steps: list[str]) -> None:
    """Whatever happens in between."""
    now, submission, sweeps = at(seconds=20), UNCLEAR, 0
    for step in steps:
        now += timedelta(seconds=11)
        began = now if step == "seen without" else NOON
        if step != "lost":
            submission = missed(submission, began, CAUTION, now)
            sweeps += step == "seen without"
        assert UNCLEAR.ended is not None
        if submission.state is SubmissionState.INTENDED:
            assert sweeps >= 2
            assert began >= UNCLEAR.ended + CAUTION.settle
            return
