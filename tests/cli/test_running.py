"""Ctrl-C ends a command's loop as KeyboardInterrupt also at the moment between the last step of a work and the loop's own end."""

import asyncio

import pytest

from watcher.cli.running import run_to_end, running


async def give(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def interrupted_at_its_end() -> None:
    """Ctrl-C where nothing is left to be done, but the loop does not know it yet."""
    asyncio.get_running_loop().call_soon(interrupt)


def interrupt() -> None:
    raise KeyboardInterrupt


def test_works_are_run_one_after_the_other_in_one_loop() -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    with running() as run:
        assert (run(give(1)), run(give(2))) == (1, 2)
        one = run(loop())
        assert run(loop()) is one
    assert one.is_closed()
    assert run_to_end(give(3)) == 3


def test_what_runs_after_one_that_was_interrupted_at_its_end_runs_to_its_own() -> None:
    with running() as run:
        with pytest.raises(KeyboardInterrupt):
            run(interrupted_at_its_end())
        assert run(give(1)) == 1


def test_a_loop_that_was_interrupted_at_its_end_is_closed_and_says_nothing_else() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_to_end(interrupted_at_its_end())


def test_asyncio_alone_would_end_what_runs_after_it_too_early() -> None:
    """Where this fails, `running` may be asyncio.Runner again."""
    with asyncio.Runner() as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.run(interrupted_at_its_end())
        with pytest.raises(RuntimeError, match="stopped before Future completed"):
            runner.run(give(1))
