"""The event loops of commands: Ctrl-C ends them as KeyboardInterrupt at whatever moment it comes."""

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

Done = TypeVar("Done")


class Run(Protocol):
    """Runs one work to its end, and gives what came of it."""

    def __call__(self, work: Coroutine[Any, Any, Done], /) -> Done: ...


def run_to_end(work: Coroutine[Any, Any, Done]) -> Done:
    """What came of the work, in a loop of its own."""
    with running() as once:
        return once(work)


@contextmanager
def running() -> Iterator[Run]:
    """For several works, one after the other, in one loop; it is closed at the end of the context."""
    import asyncio

    with asyncio.Runner() as runner:

        def one(work: Coroutine[Any, Any, Done]) -> Done:
            try:
                return runner.run(work)
            except KeyboardInterrupt:
                # Where it came after the last step of the work, the loop is still about to stop for it: whatever runs next in
                # it, if only to close it, would end too early, with a RuntimeError. So it stops now.
                loop = runner.get_loop()
                loop.stop()
                loop.run_forever()
                raise

        yield one
