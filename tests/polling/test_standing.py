"""How an account stands is kept once, also where the store does not say whether it did."""

from tests.fakes import REFUSES, shows
from tests.polling.world import World, unseen
from watcher.ports import UnknownOutcome


async def lose_the_answer() -> None:
    raise UnknownOutcome("whether it was done is not known")


async def test_what_was_kept_of_an_account_without_our_knowing_is_not_told_twice_and_holds_nothing_up() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, REFUSES, REFUSES, REFUSES, shows("VALIDATING"))
        world.store.meanwhile["save_account"] = lose_the_answer
        await world.step_until(lambda: world.store.done["save_account"] == 1)
        await world.poller.resume()
        await world.step_until(lambda: len(world.told) == 3)
        assert world.told == [("account.refused", 1), ("account.recovered", 2), ("batch.validating", 1)]
        assert world.store.records["default"].refused is False


async def test_what_was_not_kept_of_an_account_without_our_knowing_is_kept_later() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, REFUSES)
        world.store.meanwhile["save_account"] = lose_the_answer
        await world.step_until(lambda: world.store.done["save_account"] == 1)
        world.store.log.clear()
        world.store.records.clear()
        await world.poller.standing.save()
        assert world.told == [("account.refused", 1)]
        assert world.store.records["default"].refused is True
