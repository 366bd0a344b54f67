"""The lock by which one process has a SQLite database to itself."""

import fcntl
import os
from pathlib import Path

from watcher.ports import StoreInUse, UnusableStore


class ProcessLock:
    """Held from the making until `release`, or until the process ends, however it ends. Raises UnusableStore where another
    process holds it, naming that one."""

    def __init__(self, database: Path) -> None:
        path = _beside(database)
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
            holder = _named(self._file)
            os.close(self._file)
            if not isinstance(error, BlockingIOError):
                raise UnusableStore(f"{path} cannot be locked: {error.strerror}. Use a local disk") from error
            raise StoreInUse(
                f"{database} is in use by process {holder}: end that one, or name another database"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Lets another process have it. The file stays: to delete it would let two processes lock two files of one name."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def holder(database: Path) -> str | None:
    """The process that has the database; None where there is none. Raises OSError where that cannot be seen."""
    try:
        file = os.open(_beside(database), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named(file)
    finally:
        os.close(file)
    return None


def _beside(database: Path) -> Path:
    """Beside the file itself, whichever of its names was given: one database, one lock."""
    file = database.resolve()
    return file.with_name(file.name + ".lock")


def _named(file: int) -> str:
    """The process that the lock file names."""
    return os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
