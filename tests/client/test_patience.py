"""How long a silence is borne."""

import pytest

from watcher.client.errors import NotThere, TryLater, Unreachable, WatcherError
from watcher.client.patience import Patience


class Waiting:
    def __init__(self, most: float | None = 60.0) -> None:
        self.slept: list[float] = []
        self.noted: list[str] = []
        self.patience = Patience(most, self._sleep, self.noted.append, lambda: 1.0)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def bear(self, error: WatcherError, times: int = 1) -> None:
        for _ in range(times):
            await self.patience.bear(error)


async def test_a_daemon_that_never_answered_is_not_waited_for() -> None:
    waiting = Waiting()
    with pytest.raises(Unreachable, match=r"^nobody there$") as ended:
        await waiting.bear(Unreachable("nobody there"))
    assert (ended.value.kind, waiting.slept) == ("", [])


async def test_a_silence_is_told_when_it_begins_and_ends_the_wait_when_it_lasts() -> None:
    waiting = Waiting()
    for _ in range(2):
        waiting.patience.answered()
        waiting.slept.clear()
        await waiting.bear(Unreachable("gone"), 14)
        assert waiting.slept == [1.0, 2.0, 4.0, *[5.0] * 11]
    assert waiting.noted == ["the daemon does not answer: waiting for it, 60 s at most"] * 2
    with pytest.raises(Unreachable, match=r"^gone$") as ended:
        await waiting.bear(Unreachable("gone"))
    assert ended.value.kind == "left"


async def test_who_is_patient_for_ever_is() -> None:
    waiting = Waiting(None)
    waiting.patience.answered()
    await waiting.bear(Unreachable("gone"), 1000)
    assert waiting.noted == ["the daemon does not answer: waiting for it"]


async def test_a_daemon_that_cannot_just_now_is_there_and_says_when() -> None:
    waiting = Waiting()
    await waiting.bear(TryLater("the store", after=3.0))
    await waiting.bear(TryLater("the store", after=900.0))
    await waiting.bear(TryLater("the store", after=0.0))
    assert waiting.slept == [3.0, 5.0, 4.0]
    with pytest.raises(TryLater, match=r"^the store$"):
        await waiting.bear(TryLater("the store"), 99)


async def test_what_no_patience_helps_is_raised() -> None:
    waiting = Waiting()
    waiting.patience.answered()
    with pytest.raises(NotThere):
        await waiting.bear(NotThere("x"))


async def test_a_stream_by_which_nothing_comes_is_asked_for_ever_later() -> None:
    waiting = Waiting()
    for dry in (0, 1, 2, 3, 1000):
        await waiting.patience.again(dry)
    assert waiting.slept == [1.0, 2.0, 4.0, 5.0, 5.0]
