"""The port Submitting: each account's batches are handed in to its own poller."""

from dataclasses import replace

from tests.polling.test_submitting import TAKEN, WANTED, world
from watcher.core.submissions import SubmissionState
from watcher.polling.desk import Desk
from watcher.polling.following import Polling
from watcher.ports import SubmissionQuery


async def test_a_batch_is_handed_in_read_and_listed() -> None:
    async with world() as made:
        desk = Desk(made.polling, store=made.store)
        made.upstream.script_submit(TAKEN)
        stored = await desk.submit(WANTED)
        over = desk.over(stored)
        assert over is not None
        assert not over.is_set()
        await made.step_until(over.is_set)
        assert desk.over(stored) is None
        settled = await desk.submission("default", "sub_1")
        assert settled is not None
        assert (settled.state, settled.batch_id) == (SubmissionState.ACCEPTED, 77)
        assert list(await desk.submissions(SubmissionQuery(account="default"))) == [settled]
        assert await desk.withdraw("default", "sub_1") == settled


async def test_what_is_not_settled_is_withdrawn_and_what_is_not_there_is_not() -> None:
    async with world() as made:
        desk = Desk(made.polling, store=made.store)
        await desk.submit(WANTED)
        withdrawn = await desk.withdraw("default", "sub_1")
        assert withdrawn is not None
        assert withdrawn.state is SubmissionState.WITHDRAWN
        assert await desk.withdraw("default", "sub_2") is None


async def test_what_is_of_another_account_is_neither_read_nor_withdrawn() -> None:
    async with world() as made:
        desk = Desk(made.polling, store=made.store)
        await desk.submit(WANTED)
        assert await desk.submission("other", "sub_1") is None
        assert await desk.withdraw("other", "sub_1") is None
        assert await desk.submission("default", "sub_1") == WANTED


async def test_of_an_account_that_is_no_longer_followed_nothing_is_done() -> None:
    async with world() as made:
        desk = Desk(Polling({}, store=made.store, clock=made.clock, tell=made.ear), store=made.store)
        await made.store.intend(WANTED)
        assert desk.over(WANTED) is None
        assert await desk.withdraw("default", "sub_1") == replace(WANTED)


async def test_a_batch_is_switched_by_its_accounts_poller() -> None:
    async with world() as made:
        came = await Desk(made.polling, store=made.store).switch("default", 13, True, 20.0)
        assert (came.answer, came.batch) == (None, None)
