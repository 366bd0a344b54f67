"""Looking up names, so that one that hangs holds up nothing: not the look-ups of others, and not the end of the process.

The system gives no way to end a look-up, and it may take half a minute where no name server answers. So each has a thread of its
own, which nobody waits for at the end; an event loop waits for those of its pool.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

AT_ONCE: Final = 64
"""Names that are looked up at once."""

Found = list[tuple[Any, ...]]
"""As `socket.getaddrinfo` gives it."""


class Lookups(AbstractResolver):
    """The system's look-up, for one party's connections. What waits for its turn is bounded by the deadline of whoever asks."""

    def __init__(self, look: Callable[..., Found] = socket.getaddrinfo, *, at_once: int = AT_ONCE) -> None:
        self._look = look
        self._turns = asyncio.Semaphore(at_once)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All addresses of the host. Raises OSError where it has none."""
        await self._turns.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()

        def ended(found: Found | None, error: OSError | None) -> None:
            self._turns.release()
            if answer.done():
                return  # nobody waits for it any more
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(found or [])

        def ask() -> None:
            found: Found | None = None
            error: OSError | None = None
            try:
                found = self._look(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
            except ValueError as wrong:  # of a host that cannot be a name
                error = socket.gaierror(socket.EAI_NONAME, str(wrong))
            except OSError as failed:
                error = failed
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(ended, found, error)

        try:
            threading.Thread(target=ask, name=f"look-up {host}", daemon=True).start()
        except RuntimeError as error:  # the system has no more threads
            self._turns.release()
            raise OSError(f"it cannot be looked up: {error}") from error
        return [_result(host, *found) for found in await answer]

    async def close(self) -> None:
        """Nothing is held that would have to be given back."""


def _result(host: str, family: int, _: int, proto: int, __: str, address: tuple[Any, ...]) -> ResolveResult:
    """As aiohttp has it: the address in figures, with its zone where it has one."""
    zone = f"%{address[3]}" if family == socket.AF_INET6 and address[3] else ""
    return ResolveResult(
        hostname=host,
        host=address[0] if "%" in address[0] else f"{address[0]}{zone}",
        port=address[1],
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
