"""StreamRank: what is heard of requests, looks, events and deliveries, kept over restarts, and told."""

from collections.abc import Mapping

import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, FakeClock, shows
from tests.polling.world import World, validating
from watcher.core.news import Answered, Attempted, Changed, Looked, Result, StoreTook, StreamRanked
from watcher.core.parts import Part
from watcher.core.streamrank import StreamRank
from watcher.polling.keeping import Keeper
from watcher.polling.streamrank import StreamRanks
from watcher.ports import Following, LeaseLost, StoreError


def ranks(store: FakeStore | None = None, *accounts: str, ear: Ear | None = None) -> StreamRanks:
    clock = FakeClock()
    return StreamRanks(accounts or ("a", "b"), store=store or FakeStore(clock), clock=clock, tell=ear or Ear())


def answered(operation: str = "batch", outcome: str = "200", account: str = "a") -> Answered:
    return Answered(account=account, operation=operation, outcome=outcome, took=0.2, size=500)  # type: ignore[arg-type]


def looked(result: Result, account: str = "a") -> Looked:
    return Looked(account=account, by="single", result=result)


def committed(account: str = "a") -> Changed:
    return Changed(
        account=account,
        batch_id=13,
        type="batch.active",
        number=2,
        position=1,
        status="ACTIVE",
        previous="NEW",
        at=NOON,
        size=400,
    )


def attempted(delay: float | None, event_id: str = "evt_origin01_a_13_2") -> Attempted:
    return Attempted(
        endpoint="hook",
        delivery=1,
        event_id=event_id,
        code=200,
        error=None,
        outcome="retried" if delay is None else "done",
        took=0.1,
        delay=delay,
        attempts=1,
    )


POLLED = StreamRank(
    polling_total_time_average=0.2,
    polling_size_download_average=500.0,
    last_run="2026-11-23T12:00:00.000Z",
    days_run=1,
    minute_run=1,
)


def test_requests_that_were_answered_are_measured_and_no_others() -> None:
    made = ranks()
    for news in (
        answered(),
        answered("page"),
        answered("submit"),
        answered("batch", "503"),
        answered("page", "timeout"),
    ):
        made.hear(news)
    assert made.rank("a") == POLLED
    assert made.rank("b") == StreamRank()


def test_looks_count_where_they_say_whether_anything_changed() -> None:
    made = ranks()
    results: list[Result] = ["changed", "unchanged", "unchanged", "unchanged", "missing", "overtaken", "unanswered"]
    for result in results:
        made.hear(looked(result))
    assert made.rank("a") == StreamRank(change_yes=1, change_no=3, change_percentage=25.0)


def test_events_are_measured_when_they_are_committed_and_when_they_arrive() -> None:
    made = ranks()
    for news in (committed(), attempted(None), attempted(0.5), attempted(1.0), attempted(9.0, "acc_origin01_a_1")):
        made.hear(news)
    assert made.rank("a") == StreamRank(streaming_total_time_average=0.75, streaming_size_download_average=400.0)


def test_what_is_of_an_account_that_is_not_there_any_more_and_other_news_count_nowhere() -> None:
    made = ranks()
    gone = (answered(account="c"), looked("changed", "c"), committed("c"), attempted(0.5, "evt_origin01_c_13_2"))
    for news in (*gone, StoreTook(operation="commit", took=0.1)):
        made.hear(news)
    assert [made.rank(account) for account in ("a", "b")] == [StreamRank(), StreamRank()]


async def test_what_was_counted_goes_on_after_a_restart() -> None:
    store = FakeStore(FakeClock())
    first = ranks(store)
    await first.come(Part("a"), store)
    first.hear(answered())
    await first.save()
    second = ranks(store)
    await second.come(Part("a"), store)
    second.hear(looked("changed"))
    assert (second.rank("a").polling_size_download_average, second.rank("a").change_yes) == (500.0, 1)


async def test_only_what_is_new_is_kept_and_what_could_not_be_is_kept_the_next_time() -> None:
    store = FakeStore(FakeClock())
    made = ranks(store)
    await made.save()
    made.hear(answered())
    store.failing = {"save_ranks"}
    with pytest.raises(StoreError):
        await made.save()
    store.failing = set()
    await made.save()
    await made.save()
    assert (store.done["save_ranks"], list(store.rank_records)) == (1, ["a"])


async def test_figures_are_told_once_of_all_and_then_of_those_that_changed() -> None:
    ear = Ear()
    made = ranks(None, "a", "b", ear=ear)
    await made.report()
    made.hear(answered(account="b"))
    await made.report()
    await made.report()
    assert ear.heard == [
        StreamRanked(account="a", rank=StreamRank()),
        StreamRanked(account="b", rank=StreamRank()),
        StreamRanked(account="b", rank=POLLED),
    ]


async def test_the_keeper_keeps_it_with_what_was_learnt_and_not_more_often() -> None:
    async with World(validating(1)) as world:
        following: Following = world.polling
        world.polling.ranks.hear(answered(account="default"))
        keeper = Keeper(world.polling, reports=[], clock=world.clock, every=5.0)
        await keeper.save(learnt=False)
        assert world.store.rank_records == {}
        await keeper.save()
        assert list(world.store.rank_records) == ["default"]
        assert await following.streamrank("default") == POLLED


async def test_what_a_poller_commits_tells_how_long_its_body_is() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        await world.step()
        for news in world.ear.heard:
            world.polling.ranks.hear(news)
        rank = await world.polling.streamrank("default")
        assert (rank.change_yes, rank.streaming_size_download_average) == (1, float(len(world.store.log[0].body)))


async def test_an_account_is_counted_as_long_as_it_is_polled_here_and_where_it_is_kept_for_whoever_polls_it() -> None:
    store, held = FakeStore(FakeClock()), FakeStore(FakeClock())
    made = ranks(store)
    made.hear(answered(account="b"))
    await made.come(Part("b"), held)
    made.hear(answered())
    made.hear(answered(account="b"))
    await made.save()
    assert (list(store.rank_records), list(held.rank_records)) == (["a"], ["b"])
    made.hear(answered(account="b"))
    await made.save_of(Part("b"))
    await made.save_of(Part("b"))
    made.go(Part("b"))
    made.hear(answered(account="b"))
    await made.save()
    assert (held.done["save_ranks"], store.done["save_ranks"]) == (2, 1)
    await made.come(Part("b"), held)
    made.hear(looked("changed", account="b"))
    assert (made.rank("b").polling_size_download_average, made.rank("b").change_yes) == (500.0, 1)


async def test_what_another_replica_counts_by_now_is_not_kept_and_keeps_nobody_from_it() -> None:
    class Lost(FakeStore):
        async def save_ranks(self, records: Mapping[str, bytes]) -> None:
            raise LeaseLost("another process has a now")

    store = FakeStore(FakeClock())
    made = ranks(store, "b")
    await made.come(Part("a"), Lost(FakeClock()))
    made.hear(answered())
    made.hear(answered(account="b"))
    await made.save()
    assert list(store.rank_records) == ["b"]
