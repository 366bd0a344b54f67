"""Submitting: a batch is sent once, whatever becomes of its answer and whenever the process ends."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fake_store import FakeStore
from tests.fakes import FAILS, KNOWS_NOTHING, NOON, REFUSES, FakeClock, Reply, lists, settle_down, shows
from tests.polling.world import PROVEN, UNKNOWN, World, after, unseen
from watcher.core.account import Account, Condition
from watcher.core.answers import Kind, SubmitAnswer
from watcher.core.model import Batch, Key
from watcher.core.news import Following, Submitted
from watcher.core.submissions import Caution, Submission, SubmissionState
from watcher.ports import StoreError

CAUTION = Caution(settle=timedelta(seconds=8), within=timedelta(minutes=30))
WANTED = Submission(
    id="sub_1",
    account="default",
    broadcast_id=14,
    name="Spring [abcdefghjkmn]",
    request=b'{"recipients":[{"phone_number":"12135551122"}]}',
    created=NOON,
    holder="me",
    kind="call",
    labels={"team": "north"},
)
OURS = Batch(id=77, status="NEW", name=WANTED.name)
OTHER = Batch(id=70, status="ACTIVE", name="Winter [zzzzzzzzzzzz]")


def answer(outcome: str, **fields: object) -> SubmitAnswer:
    kinds = {
        "201": Kind.SEEN,
        "401": Kind.UNAUTHORIZED,
        "403": Kind.FORBIDDEN,
        "429": Kind.THROTTLED,
        "400": Kind.UNFIT,
    }
    kind = kinds.get(outcome, Kind.FAILED)
    return replace(
        SubmitAnswer(asked=NOON, answered=NOON, kind=kind, outcome=outcome),
        **fields,  # type: ignore[arg-type]
    )


TAKEN = answer("201", batch_id=77)
LOST = answer("timeout")


def world(
    *,
    account: Account = PROVEN,
    caution: Caution = CAUTION,
    clock: FakeClock | None = None,
    store: FakeStore | None = None,
) -> World:
    made = World(account=account, caution=caution, clock=clock, store=store)
    made.upstream.script(77, shows("NEW", name=WANTED.name))
    return made


def states(made: World) -> list[str]:
    """The states that were told, in order."""
    return [news.state for news in made.ear.of(Submitted) if isinstance(news, Submitted)]


def kept(made: World, submission_id: str = "sub_1") -> Submission:
    return made.store.kept_submissions[submission_id]


async def test_a_batch_that_callfire_takes_is_sent_once_and_followed() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        assert (await made.poller.submitter.cases.submit(WANTED)).state is SubmissionState.INTENDED
        over = made.poller.submitter.cases.over("sub_1")
        assert over is not None
        await made.step_until(lambda: kept(made).over)
        assert over.is_set()
        assert made.poller.submitter.cases.over("sub_1") is None
        assert [order.name for _, order in made.upstream.submitted] == [WANTED.name]
        assert states(made) == ["intended", "sending", "accepted"]
        assert (kept(made).batch_id, kept(made).tries, kept(made).request) == (77, 1, None)
        watch = made.stored(77)
        assert (watch.broadcast_id, watch.labels) == (14, {"team": "north"})
        assert [each.what for each in made.ear.of(Following) if isinstance(each, Following)] == ["created"]
        assert 77 in made.poller.roster


async def test_the_store_knows_that_it_leaves_before_it_leaves() -> None:
    async with world() as made:
        seen: list[SubmissionState] = []
        made.upstream.script_submit(TAKEN)
        made.upstream.leaving = lambda: seen.append(kept(made).state)
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert seen == [SubmissionState.SENDING]


async def test_what_the_store_cannot_write_down_does_not_leave() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        await made.poller.submitter.cases.submit(WANTED)
        made.store.failing |= {"change_submission"}
        await made.step(3)
        assert made.upstream.submitted == []
        assert {type(error) for error in made.errands.failed} == {StoreError}
        made.store.failing.clear()
        await made.step_until(lambda: kept(made).over)
        assert len(made.upstream.submitted) == 1


async def test_after_a_lost_answer_it_is_looked_for_and_found() -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, lists(OTHER, OURS))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert states(made) == ["intended", "sending", "unclear", "accepted"]
        assert (kept(made).batch_id, len(made.upstream.submitted)) == (77, 1)
        assert made.stored(77).labels == {"team": "north"}


async def test_what_is_absent_after_the_settling_time_is_sent_again_under_the_same_name() -> None:
    async with world() as made:
        made.upstream.script_submit(LOST, TAKEN)
        made.upstream.script_listing("call", 14, lists(OTHER))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: len(made.upstream.submitted) == 1)
        await made.step_until(lambda: kept(made).over)
        (first, one), (second, two) = made.upstream.submitted
        assert one == two
        assert second - first >= CAUTION.settle
        assert len([at for at, _ in made.upstream.paged if at < second]) >= 2
        assert states(made) == ["intended", "sending", "unclear", "intended", "sending", "accepted"]
        assert kept(made).tries == 2


async def test_what_is_absent_is_left_to_a_person_where_that_is_wanted() -> None:
    async with world(caution=replace(CAUTION, resend=False)) as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, lists(OTHER))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).state, len(made.upstream.submitted)) == (SubmissionState.ABSENT, 1)
        assert kept(made).detail.startswith("CallFire does not have it after")


@pytest.mark.parametrize(
    "reply", [lists(OTHER, spoilt=1), lists(OTHER, Batch(id=71, status="NEW")), lists(replace(OURS, name="Spring"))]
)
async def test_a_listing_that_proves_nothing_has_nothing_sent_again(reply: Reply) -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, reply, reply, reply, reply, reply, lists(OTHER, OURS))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).state, len(made.upstream.submitted)) == (SubmissionState.ACCEPTED, 1)


@pytest.mark.parametrize("reply", [FAILS, KNOWS_NOTHING, Reply(kind=Kind.FORBIDDEN, outcome="403")])
async def test_a_listing_that_cannot_be_had_has_nothing_sent_again(reply: Reply) -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, *[reply] * 3, lists(OURS))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).state, len(made.upstream.submitted)) == (SubmissionState.ACCEPTED, 1)


async def test_what_never_left_is_sent_again_soon() -> None:
    async with world() as made:
        made.upstream.script_submit(answer("dns", departed=False), answer("429"), TAKEN)
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert len(made.upstream.pages) == 1  # after the 429: whether it is over is asked in a way that does no harm
        assert states(made)[-1] == "accepted"
        assert kept(made).tries == 2  # the first never left


async def test_what_callfire_refuses_is_not_sent_again() -> None:
    async with world() as made:
        made.upstream.script_submit(answer("400", explained=True, detail="no such list"))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        await made.step(5)
        assert len(made.upstream.submitted) == 1
        assert (kept(made).state, kept(made).detail) == (
            SubmissionState.REFUSED,
            "CallFire answered 400: no such list",
        )


async def test_the_kind_of_a_broadcast_is_found_out_by_its_listings() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        made.upstream.script_listing("text", 14, lists(OTHER))
        await made.poller.submitter.cases.submit(replace(WANTED, kind=None))
        await made.step_until(lambda: kept(made).over)
        assert [ref.kind for ref in made.upstream.pages] == ["call", "text"]
        assert [order.kind for _, order in made.upstream.submitted] == ["text"]


async def test_a_broadcast_that_is_of_no_kind_is_refused_before_anything_is_sent() -> None:
    async with world() as made:
        await made.poller.submitter.cases.submit(replace(WANTED, kind=None))
        await made.step_until(lambda: kept(made).over)
        assert made.upstream.submitted == []
        assert kept(made).detail == (
            "not sent: CallFire answered 404 to the question for its batches: "
            "say whether it is a call or a text broadcast"
        )


async def test_a_login_that_is_not_proven_is_tried_by_a_question_first() -> None:
    async with world(account=UNKNOWN) as made:
        made.upstream.script_submit(TAKEN)
        made.upstream.script_listing("call", 14, lists(OTHER))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert made.upstream.paged[0][0] < made.upstream.submitted[0][0]
        assert len(made.upstream.paged) == 1


async def test_with_a_wrong_password_nothing_is_sent() -> None:
    async with world(account=UNKNOWN) as made:
        made.upstream.script_listing("call", 14, REFUSES)
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).state, made.upstream.submitted) == (SubmissionState.REFUSED, [])
        assert kept(made).detail == "not sent: CallFire answered 401"


async def test_of_an_account_that_is_refused_it_is_said_at_once() -> None:
    refused = replace(
        PROVEN, proven=False, condition=Condition.REFUSED, reason="CallFire answered 401", until=after(900)
    )
    async with world(account=refused) as made:
        stored = await made.poller.submitter.cases.submit(WANTED)
        assert (stored.state, stored.detail) == (
            SubmissionState.REFUSED,
            "not sent: the account's login is refused (CallFire answered 401)",
        )


async def test_that_it_is_refused_need_not_be_written_down_at_once() -> None:
    refused = replace(PROVEN, proven=False, condition=Condition.REFUSED, reason="401", until=after(900))
    async with world(account=refused) as made:
        made.store.failing.add("change_submission")
        assert (await made.poller.submitter.cases.submit(WANTED)).state is SubmissionState.INTENDED
        made.store.failing.clear()
        await made.poller.submitter.cases.tidy()
        assert kept(made).state is SubmissionState.REFUSED


async def test_while_callfire_is_down_a_question_is_asked_and_no_batch_sent() -> None:
    down = replace(PROVEN, condition=Condition.DOWN, until=after(2), since=NOON)
    async with world(account=down) as made:
        made.upstream.script_submit(TAKEN)
        made.upstream.script_listing("call", 14, FAILS, lists(OTHER))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert len(made.upstream.paged) == 2
        assert made.upstream.submitted[0][0] > made.upstream.paged[1][0]


async def test_what_could_not_be_sent_in_time_is_not_sent_any_more() -> None:
    async with world() as made:
        made.upstream.script_submit(answer("dns", departed=False))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).detail != "")
        made.clock.turn(minutes=31)
        await made.poller.submitter.cases.tidy()
        assert kept(made).state is SubmissionState.REFUSED
        assert kept(made).detail.startswith("not sent: it could not be sent in time (CallFire was not reached (dns)")


async def test_sent_again_under_its_key_it_is_the_same() -> None:
    async with world() as made:
        keyed = replace(WANTED, idempotency_key="once")
        made.upstream.script_submit(TAKEN)
        await made.poller.submitter.cases.submit(keyed)
        again = await made.poller.submitter.cases.submit(replace(keyed, id="sub_2", name="Spring [x]"))
        assert again.id == "sub_1"
        await made.step_until(lambda: kept(made).over)
        await made.step(5)
        assert len(made.upstream.submitted) == 1


async def test_asked_for_again_while_it_is_under_way_it_is_waited_for_by_all() -> None:
    async with world() as made:
        keyed = replace(WANTED, idempotency_key="once")
        await made.poller.submitter.cases.submit(keyed)
        over = made.poller.submitter.cases.over("sub_1")
        await made.poller.submitter.cases.submit(replace(keyed, id="sub_2", name="Spring [x]"))
        assert made.poller.submitter.cases.over("sub_1") is over


# Restarts.


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(FakeClock())


async def restarted(store: FakeStore, submission: Submission) -> World:
    """A process that finds the submission so."""
    store.kept_submissions[submission.id] = submission
    return world(clock=store._clock, store=store)


async def test_what_was_intended_before_a_restart_is_sent_after_it(store: FakeStore) -> None:
    async with await restarted(store, WANTED) as made:
        made.upstream.script_submit(TAKEN)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).batch_id, len(made.upstream.submitted)) == (77, 1)


async def test_what_was_under_way_at_a_restart_is_looked_for_and_not_sent(store: FakeStore) -> None:
    sending = replace(WANTED, state=SubmissionState.SENDING, tries=1, sent=NOON, version=1)
    async with await restarted(store, sending) as made:
        assert kept(made).state is SubmissionState.UNCLEAR
        made.upstream.script_listing("call", 14, lists(OURS))
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).batch_id, made.upstream.submitted) == (77, [])


async def test_what_was_too_old_at_a_restart_is_not_sent(store: FakeStore) -> None:
    async with await restarted(store, replace(WANTED, created=NOON - timedelta(hours=1))) as made:
        await made.poller.submitter.cases.tidy()
        await made.step(2)
        assert (kept(made).state, made.upstream.submitted) == (SubmissionState.REFUSED, [])


async def test_what_cannot_be_read_any_more_is_not_sent(store: FakeStore) -> None:
    async with await restarted(store, replace(WANTED, request=None)) as made:
        await made.poller.submitter.cases.tidy()
        assert kept(made).detail == "not sent: what was to be sent cannot be read any more"


# A store that fails.


async def test_an_answer_that_cannot_be_written_down_is_so_later() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        await made.poller.submitter.cases.submit(WANTED)
        made.store.failing |= {"accept_submission"}
        await made.step_until(lambda: len(made.upstream.submitted) == 1)
        await made.step(3)
        await made.poller.submitter.cases.tidy()
        assert kept(made).state is SubmissionState.SENDING
        made.store.failing.clear()
        await made.poller.submitter.cases.tidy()
        assert (kept(made).state, kept(made).batch_id) == (SubmissionState.ACCEPTED, 77)
        assert (len(made.upstream.submitted), Key("default", 77) in made.store.watches) == (1, True)


async def test_a_failure_while_an_answer_is_taken_in_has_it_looked_for() -> None:
    async with world() as made:
        made.upstream.script_submit(RuntimeError("a mistake of ours"))
        made.upstream.script_listing("call", 14, lists(OURS))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: made.errands.failed != [])
        assert kept(made).state is SubmissionState.SENDING
        await made.poller.submitter.cases.tidy()
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).batch_id, len(made.upstream.submitted)) == (77, 1)


async def test_what_was_written_down_too_late_to_leave_is_sent_all_the_same() -> None:
    """The deadline passed while the store wrote down that it leaves: it did, and nothing left."""

    async def too_late() -> None:
        raise TimeoutError

    async with world() as made:
        made.upstream.script_submit(TAKEN)
        made.store.meanwhile["change_submission"] = too_late
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).tries, len(made.upstream.submitted), made.upstream.pages) == (1, 1, [])


async def test_what_somebody_else_settled_while_its_answer_came_stays_so() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)

        def settle() -> None:
            made.store.kept_submissions["sub_1"] = replace(
                kept(made), state=SubmissionState.WITHDRAWN, version=9, settled=NOON, request=None
            )

        made.upstream.leaving = settle
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over and made.errands.running == 0)
        assert kept(made).version == 9
        assert list(made.poller.submitter.cases) == []


async def test_what_somebody_deleted_while_its_answer_came_is_let_go() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        made.upstream.leaving = made.store.kept_submissions.clear
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: len(made.upstream.submitted) == 1)
        assert list(made.poller.submitter.cases) == []


async def test_one_that_is_under_way_is_left_alone_meanwhile() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        await made.poller.submitter.cases.submit(WANTED)
        case = next(iter(made.poller.submitter.cases))
        case.flying = True
        made.clock.turn(hours=2)
        await made.poller.submitter.cases.tidy()
        assert kept(made).state is SubmissionState.INTENDED


async def test_what_cannot_be_read_when_it_is_to_be_sent_is_not_sent() -> None:
    async with world() as made:
        await made.poller.submitter.cases.submit(WANTED)
        made.store.kept_submissions["sub_1"] = replace(WANTED, request=None)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).state, made.upstream.submitted) == (SubmissionState.REFUSED, [])


async def test_two_that_are_unclear_are_looked_for_by_one_sweep() -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        second = replace(WANTED, id="sub_2", name="Spring [nmkjhgfedcba]")
        made.upstream.script_listing("call", 14, lists(OURS, Batch(id=78, status="NEW", name=second.name)))
        made.upstream.script(78, shows("NEW", name=second.name))
        for each in (WANTED, second):
            await made.poller.submitter.cases.submit(each)
        await made.step_until(lambda: kept(made).over and kept(made, "sub_2").over)
        assert (kept(made).batch_id, kept(made, "sub_2").batch_id) == (77, 78)
        assert len(made.upstream.submitted) == 2


async def test_a_long_listing_is_gone_through_page_by_page() -> None:
    others = [Batch(id=1000 + n, status="ACTIVE", name=f"Other [{n:012}]") for n in range(250)]
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, lists(*others, OURS))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert [ref.offset for ref in made.upstream.pages][:3] == [0, 100, 200]
        assert kept(made).batch_id == 77


async def test_no_page_is_asked_for_while_it_is_under_way() -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        gate = asyncio.Event()
        made.upstream.script_listing("call", 14, lists(*[OTHER] * 100, OURS), replace(lists(OURS), gate=gate))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: len(made.upstream.pages) == 2)
        await made.step(5)
        assert len(made.upstream.pages) == 2
        gate.set()


async def test_a_page_that_cannot_be_had_now_is_asked_for_again_and_not_those_before_it() -> None:
    others = [Batch(id=1000 + n, status="ACTIVE", name=f"Other [{n:012}]") for n in range(250)]
    listing = lists(*others, OURS)
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, listing, FAILS, listing)
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert [ref.offset for ref in made.upstream.pages] == [0, 100, 100, 200]


async def test_what_is_just_being_written_down_is_not_written_once_more() -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, lists(OURS))
        await made.poller.submitter.cases.submit(WANTED)
        made.store.gates["accept_submission"] = gate = asyncio.Event()
        await made.step_until(lambda: "accept_submission" not in made.store.gates)
        await made.poller.submitter.cases.tidy()
        gate.set()
        await settle_down()
        assert (kept(made).over, made.store.done["accept_submission"]) == (True, 1)


async def test_a_batch_that_is_there_twice_is_told() -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, lists(OURS, replace(OURS, id=79)))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).batch_id, kept(made).detail) == (77, "CallFire has it 2 times: also as 79")


async def test_while_callfire_is_down_a_listing_that_is_refused_is_not_asked_for_in_a_row() -> None:
    down = replace(PROVEN, condition=Condition.DOWN, since=NOON, until=NOON)
    async with world(account=down) as made:
        made.upstream.script_submit(TAKEN)
        made.upstream.script_listing("call", 14, Reply(kind=Kind.FORBIDDEN, outcome="403"))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: len(made.upstream.paged) == 3)
        first, second, third = (asked for asked, _ in made.upstream.paged)
        assert (second - first >= timedelta(seconds=1), third - second >= timedelta(seconds=2)) == (True, True)
        assert made.upstream.submitted == []


async def test_what_could_not_be_written_down_hides_nothing_else_on_its_page() -> None:
    """Two that were shown on one page: the store fails at the first. The second must not count as missed."""
    async with world() as made:
        made.upstream.script_submit(LOST)
        second = replace(WANTED, id="sub_2", name="Spring [nmkjhgfedcba]")
        made.upstream.script_listing("call", 14, lists(OURS, Batch(id=78, status="NEW", name=second.name)))
        made.upstream.script(78, shows("NEW", name=second.name))
        for each in (WANTED, second):
            await made.poller.submitter.cases.submit(each)
        made.store.failing.add("accept_submission")
        await made.step_until(lambda: made.errands.failed != [])
        made.store.failing.clear()
        await made.step_until(lambda: kept(made, "sub_2").over)
        await made.poller.submitter.cases.tidy()
        assert [(kept(made, name).batch_id, kept(made, name).absences) for name in ("sub_1", "sub_2")] == [
            (77, 0),
            (78, 0),
        ]
        assert len(made.upstream.submitted) == 2


@pytest.mark.parametrize("reply", [KNOWS_NOTHING, lists(OTHER)])
async def test_each_is_looked_for_among_the_batches_of_its_kind(reply: Reply) -> None:
    """Somebody said the wrong kind of a broadcast: what its listing says is nothing about the others."""
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, reply)
        made.upstream.script_listing("text", 14, lists(OURS))
        wrong = replace(WANTED, id="sub_0", name="Spring [nmkjhgfedcba]")
        for each in (wrong, replace(WANTED, kind="text")):
            await made.poller.submitter.cases.submit(each)
        await made.step_until(lambda: kept(made).over)
        assert (kept(made).batch_id, kept(made).absences, kept(made, "sub_0").over) == (77, 0, False)
        assert [order.kind for _, order in made.upstream.submitted] == ["call", "text"]


async def test_a_long_listing_does_not_hold_up_what_is_to_be_sent_nor_another_listing() -> None:
    others = [Batch(id=1000 + n, status="ACTIVE", name=f"Other [{n:012}]") for n in range(1000)]
    async with world() as made:
        made.upstream.script_submit(LOST, LOST, TAKEN)
        made.upstream.script_listing("call", 14, lists(*others))
        made.upstream.script_listing("call", 15, lists(*others))
        await made.poller.submitter.cases.submit(replace(WANTED, id="sub_2", name="A [222222222222]"))
        await made.poller.submitter.cases.submit(replace(WANTED, id="sub_3", name="B [333333333333]", broadcast_id=15))
        await made.step_until(lambda: len(made.upstream.pages) == 6)
        assert [ref.broadcast_id for ref in made.upstream.pages] == [14, 14, 14, 15, 14, 15]
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert len(made.upstream.pages) <= 8


@pytest.mark.parametrize(("took", "more"), [(0.0, 0), (1.0, 1)])
async def test_what_was_read_late_goes_out_for_another_token(took: float, more: int) -> None:
    """Others have gone out for those that came meanwhile."""
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        made.store.gates["submission"] = gate = asyncio.Event()
        await made.poller.submitter.cases.submit(WANTED)
        await made.step()
        made.clock.turn(seconds=took)
        gate.set()
        await settle_down()
        assert (len(made.upstream.submitted), made.upstream.tokens) == (1, 1 + more)


# Withdrawing.


async def test_what_is_withdrawn_while_a_listing_is_taken_in_stays_so() -> None:
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, lists(OTHER))
        for each in (WANTED, replace(WANTED, id="sub_2", name="Spring [nmkjhgfedcba]")):
            await made.poller.submitter.cases.submit(each)
        await made.step_until(lambda: {kept(made).state, kept(made, "sub_2").state} == {SubmissionState.UNCLEAR})
        made.store.meanwhile["change_submission"] = lambda: made.poller.submitter.cases.withdraw("sub_2")
        await made.step_until(lambda: not made.store.meanwhile)
        withdrawn = kept(made, "sub_2")
        assert (withdrawn.state, withdrawn.absences) == (SubmissionState.WITHDRAWN, 0)
        assert withdrawn.detail == "withdrawn: whether CallFire has it is not known"


async def test_what_callfire_is_known_to_have_is_not_withdrawn_as_unknown() -> None:
    """It could only not be written down yet."""
    async with world() as made:
        made.upstream.script_submit(LOST)
        made.upstream.script_listing("call", 14, lists(OURS))
        await made.poller.submitter.cases.submit(WANTED)
        made.store.failing.add("accept_submission")
        await made.step_until(lambda: made.errands.failed != [])
        made.store.failing.clear()
        assert not await made.poller.submitter.cases.withdraw("sub_1")
        await made.poller.submitter.cases.tidy()
        assert (kept(made).state, kept(made).batch_id) == (SubmissionState.ACCEPTED, 77)


async def test_what_is_withdrawn_is_not_sent() -> None:
    async with world() as made:
        await made.poller.submitter.cases.submit(WANTED)
        assert await made.poller.submitter.cases.withdraw("sub_1")
        await made.step(3)
        assert (kept(made).state, made.upstream.submitted) == (SubmissionState.WITHDRAWN, [])
        assert not await made.poller.submitter.cases.withdraw("sub_1")


async def test_what_is_under_way_cannot_be_withdrawn() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        refused: list[bool] = []

        def leaving() -> None:
            case = next(iter(made.poller.submitter.cases))
            refused.append(case.flying)

        made.upstream.leaving = leaving
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: kept(made).over)
        assert refused == [True]


async def test_what_may_just_be_leaving_is_not_withdrawn() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        made.store.gates["submission"] = gate = asyncio.Event()
        await made.poller.submitter.cases.submit(WANTED)
        await made.step()
        assert not await made.poller.submitter.cases.withdraw("sub_1")
        gate.set()
        await settle_down()
        assert (kept(made).state, len(made.upstream.submitted)) == (SubmissionState.ACCEPTED, 1)


async def test_what_left_and_is_not_looked_for_yet_is_not_withdrawn() -> None:
    async with world() as made:
        made.upstream.script_submit(RuntimeError("a mistake of ours"))
        await made.poller.submitter.cases.submit(WANTED)
        await made.step_until(lambda: made.errands.failed != [])
        assert not await made.poller.submitter.cases.withdraw("sub_1")
        assert kept(made).state is SubmissionState.SENDING


async def test_one_that_was_changed_in_the_store_meanwhile_does_not_leave() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        await made.poller.submitter.cases.submit(WANTED)
        withdrawn = replace(WANTED, state=SubmissionState.WITHDRAWN, version=5, settled=NOON, request=b"{}")
        made.store.kept_submissions["sub_1"] = withdrawn
        await made.step(3)
        assert (made.upstream.submitted, list(made.poller.submitter.cases)) == ([], [])


# Turns.


async def test_every_second_request_is_for_looks_that_are_due() -> None:
    async with world() as made:
        made.upstream.script_submit(TAKEN)
        made.upstream.script(1, shows("VALIDATING"))
        for n in range(6):
            made.upstream.script(n + 1, shows("VALIDATING"))
            made.poller.admit(unseen(n + 1))
            made.store.put(unseen(n + 1))
            await made.poller.submitter.cases.submit(replace(WANTED, id=f"sub_{n}", name=f"S [{n:012}]"))
        await made.step(8)
        assert (len(made.upstream.submitted), len(made.upstream.asked) + len(made.upstream.paged)) == (4, 4)


async def test_old_ones_are_forgotten() -> None:
    async with world() as made:
        made.store.kept_submissions["sub_0"] = replace(
            WANTED, id="sub_0", state=SubmissionState.REFUSED, settled=NOON - timedelta(days=31), request=None
        )
        await made.poller.submitter.cases.tidy()
        assert made.store.kept_submissions == {}
