"""The port's promises about batches on their way to CallFire: written down before, changed by compare and swap, found again."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import NOON, Ear, FakeClock
from watcher.core.model import Key, State, Watch
from watcher.core.submissions import Submission, SubmissionState, accepted, begun
from watcher.ports import Store, SubmissionQuery
from watcher.store.sealing import Seal
from watcher.store.sqlite import SqliteStore, open_store

LATER = NOON + timedelta(minutes=3)
PLAIN = Submission(
    id="sub_1",
    account="default",
    broadcast_id=14,
    name="Spring [abc]",
    request=b'{"recipients":[]}',
    created=NOON,
    holder="me",
)
FULL = replace(
    PLAIN,
    id="sub_2",
    name="Autumn [def]",
    kind="text",
    strict=True,
    recipients=3,
    labels={"team": "Köln"},
    correlation_id="c-1",
    expires_in=timedelta(hours=2),
    idempotency_key="once",
    fingerprint=b"\x00\xff",
    created=NOON + timedelta(seconds=1),
)


@pytest.mark.parametrize("submission", [PLAIN, FULL])
async def test_what_is_intended_is_kept_as_it_is(store: Store, submission: Submission) -> None:
    assert await store.intend(submission) == submission
    assert await store.submission("default", submission.id) == submission
    assert await store.submission("other", submission.id) is None
    assert await store.unsettled("default") == [submission]
    assert await store.unsettled("other") == []


async def test_what_was_never_intended_is_not_there(store: Store) -> None:
    assert await store.submission("default", "sub_1") is None


async def test_a_key_stands_for_one_submission_of_its_holder(store: Store) -> None:
    await store.intend(FULL)
    again = replace(FULL, id="sub_3", name="Winter [ghi]", fingerprint=b"other")
    assert await store.intend(again) == FULL
    theirs = replace(again, holder="you")
    assert await store.intend(theirs) == theirs
    assert await store.unsettled("default") == [FULL, theirs]


async def test_two_without_a_key_are_two(store: Store) -> None:
    other = replace(PLAIN, id="sub_3", name="Spring [xyz]")
    assert [await store.intend(each) for each in (PLAIN, other)] == [PLAIN, other]


async def test_what_may_change_is_changed_with_the_next_version(store: Store) -> None:
    await store.intend(PLAIN)
    wanted = replace(begun(PLAIN, LATER), kind="call", ended=LATER, absences=2, detail="on its way")
    changed = await store.change_submission(wanted)
    assert changed == replace(wanted, version=1)
    assert await store.submission("default", "sub_1") == changed


async def test_who_read_an_older_version_changes_nothing(store: Store) -> None:
    await store.intend(PLAIN)
    changed = await store.change_submission(begun(PLAIN, LATER))
    assert await store.change_submission(replace(PLAIN, detail="no")) is None
    assert await store.accept_submission(accepted(PLAIN, 13, LATER), LATER) is None
    assert await store.submission("default", "sub_1") == changed
    assert await store.watch(Key("default", 13)) is None


async def test_what_is_not_there_cannot_be_changed(store: Store) -> None:
    assert await store.change_submission(PLAIN) is None


async def test_what_is_settled_is_no_longer_kept_with_what_was_sent(store: Store) -> None:
    await store.intend(PLAIN)
    refused = replace(PLAIN, state=SubmissionState.REFUSED, settled=LATER, detail="no", request=None)
    assert await store.change_submission(refused) == replace(refused, version=1)
    assert await store.submission("default", "sub_1") == replace(refused, version=1)
    assert await store.unsettled("default") == []


async def test_what_is_accepted_is_followed_in_the_same_moment(store: Store) -> None:
    await store.intend(FULL)
    outcome = await store.accept_submission(accepted(FULL, 13, LATER), LATER)
    assert outcome is not None
    changed, followed = outcome
    watch = Watch(
        account="default",
        batch_id=13,
        opened=LATER,
        broadcast_id=14,
        labels={"team": "Köln"},
        correlation_id="c-1",
        expires=LATER + timedelta(hours=2),
    )
    assert (followed.what, followed.watch) == ("created", watch)
    assert await store.watch(Key("default", 13)) == watch
    assert changed == replace(accepted(FULL, 13, LATER), version=1)
    assert await store.submission("default", "sub_2") == changed


async def test_a_batch_that_is_followed_already_stays_so(store: Store) -> None:
    await store.intend(PLAIN)
    await store.intend(FULL)
    await store.accept_submission(accepted(FULL, 13, LATER), LATER)
    outcome = await store.accept_submission(accepted(PLAIN, 13, LATER), LATER)
    assert outcome is not None
    assert (outcome[1].what, outcome[1].watch.state, outcome[1].watch.labels) == (
        "known",
        State.OPEN,
        {"team": "Köln"},
    )


async def test_the_newest_are_listed_first_and_page_by_page(store: Store) -> None:
    all_of_them = [
        replace(PLAIN, id=f"sub_{n}", name=f"[{n}]", created=NOON + timedelta(seconds=n // 2)) for n in range(5)
    ]
    for each in all_of_them:
        await store.intend(each)
    await store.intend(replace(PLAIN, id="sub_x", account="other"))
    query = SubmissionQuery(account="default", limit=2)
    pages = []
    while page := await store.submissions(query):
        pages.append([each.id for each in page])
        query = replace(query, before=(page[-1].created, page[-1].id))
    assert pages == [["sub_4", "sub_3"], ["sub_2", "sub_1"], ["sub_0"]]
    assert (await store.submissions(SubmissionQuery(account="default")))[0].request is None


async def test_those_that_are_open_can_be_listed_alone(store: Store) -> None:
    await store.intend(PLAIN)
    await store.intend(FULL)
    await store.accept_submission(accepted(FULL, 13, LATER), LATER)
    assert [each.id for each in await store.submissions(SubmissionQuery(account="default", open=True))] == ["sub_1"]


async def test_only_what_was_settled_long_ago_is_forgotten_and_not_all_at_once(store: Store) -> None:
    for n in range(3):
        each = replace(PLAIN, id=f"old_{n}", name=f"[{n}]")
        await store.intend(each)
        await store.change_submission(
            replace(each, state=SubmissionState.REFUSED, settled=NOON + timedelta(minutes=n), request=None)
        )
    await store.intend(FULL)
    assert [await store.forget_submissions(NOON + timedelta(minutes=2), most) for most in (1, 9, 9)] == [1, 1, 0]
    assert [each.id for each in await store.submissions(SubmissionQuery(account="default"))] == ["sub_2", "old_2"]


async def test_no_two_batches_of_a_broadcast_have_one_name(sqlite: SqliteStore) -> None:
    """That would be a mistake of ours: the name is what a batch is found by."""
    await sqlite.intend(PLAIN)
    with pytest.raises(Exception, match="UNIQUE"):
        await sqlite.intend(replace(PLAIN, id="sub_9"))


async def test_peoples_numbers_are_sealed_where_there_is_a_key(path: Path, clock: FakeClock, ear: Ear) -> None:
    secret = replace(PLAIN, request=b'{"recipients":[{"phone_number":"12135551122"}]}')
    async with open_store(path, tell=ear, clock=clock, seal=Seal([b"k" * 32])) as store:
        await store.intend(secret)
        assert await store.submission("default", "sub_1") == secret
    everything = b"".join(each.read_bytes() for each in path.parent.glob("watcher.db*"))
    assert b"Spring [abc]" in everything
    assert b"12135551122" not in everything


async def test_a_key_that_is_set_later_seals_what_is_there(path: Path, clock: FakeClock, ear: Ear) -> None:
    secret = replace(PLAIN, request=b'{"recipients":[{"phone_number":"12135551122"}]}')
    async with open_store(path, tell=ear, clock=clock) as store:
        await store.intend(secret)
    for keys in ([b"k" * 32], [b"n" * 32, b"k" * 32], [b"n" * 32]):
        async with open_store(path, tell=ear, clock=clock, seal=Seal(keys)) as store:
            assert await store.unsettled("default") == [secret]
            everything = b"".join(each.read_bytes() for each in path.parent.glob("watcher.db*"))
            assert b"12135551122" not in everything


async def test_what_no_key_opens_is_kept_but_not_sent(path: Path, clock: FakeClock, ear: Ear) -> None:
    async with open_store(path, tell=ear, clock=clock, seal=Seal([b"k" * 32])) as store:
        await store.intend(PLAIN)
    async with open_store(path, tell=ear, clock=clock, seal=Seal([b"n" * 32])) as store:
        assert await store.unsettled("default") == [replace(PLAIN, request=None)]
