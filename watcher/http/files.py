"""Whether files may still be opened, and whether a request failed for want of one: then it is our trouble, and nothing is known
of whom it was for."""

import errno
import os
from collections.abc import Callable
from typing import Final

from aiohttp import ClientConnectorDNSError, ClientConnectorError

LACKING: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""What the system says where this process, or the machine, may open no more files."""
NO_FILE: Final = "no file is left for a connection"


def next_number() -> int | None:
    """The number that the next file gets; None where there can be none."""
    try:
        number = os.open(os.devnull, os.O_RDONLY)
    except OSError as error:
        if error.errno in LACKING:
            return None
        raise
    os.close(number)
    return number


def may_open() -> bool:
    """Whether one more file may be open."""
    try:
        return next_number() is not None
    except OSError:
        return True  # there is another trouble


def no_file_left(error: BaseException, may_open: Callable[[], bool] = may_open) -> bool:
    """A name that cannot be looked up for want of a file is said to be unknown, so it is tried whether there is one."""
    if isinstance(error, ClientConnectorDNSError):
        return not may_open()
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    return isinstance(cause, OSError) and cause.errno in LACKING
