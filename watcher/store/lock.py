"""The lock by which one process has a SQLite database to itself."""

import fcntl
import os
from pathlib import Path

from watcher.ports import UnusableStore


class ProcessLock:
    """Held from the making until `release`, or until the process ends, however it ends. Raises UnusableStore where another
    process holds it, naming that one."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UnusableStore(
                f"{path} cannot be made: {error.strerror}. Give the user of this process the right to write "
                f"{path.parent}, or name a database in another folder"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            if not isinstance(error, BlockingIOError):
                raise UnusableStore(f"{path} cannot be locked: {error.strerror}. Use a local disk") from error
            raise UnusableStore(
                f"{database} is in use by process {holder}: end that one, or name another database. "
                "Several processes can share a PostgreSQL database, not a SQLite one"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Lets another process have it. The file stays: to delete it would let two processes lock two files of one name."""
        os.ftruncate(self._file, 0)
        os.close(self._file)
