"""What the daemon takes of the machine at a moment: as the system counts it, its database's files, and as it is inside."""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

MIB: Final = 2**20
OF_WATCHES: Final = """
SELECT sum(pages.pgsize) FROM dbstat('main', 1) AS pages JOIN sqlite_schema AS made ON made.name = pages.name
WHERE made.tbl_name IN ('watches', 'watch_labels', 'watch_words')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`rss`, `own` (what of it is shared with nobody and in no file) and files are in MiB; `used` is what is in use of the
    database's file, `watches` what of it is of watches, which are never deleted, and `rows` how many of these there are."""

    at: float
    rss: float
    own: float
    files: int
    tasks: int
    threads: int
    blocks: int
    collections: int
    used: float
    watches: float
    rows: int
    file: float
    wal: float
    cpu: float
    """Seconds of a core since its start."""

    @property
    def rest(self) -> float:
        """What is in use of the database's file by all but watches."""
        return self.used - self.watches


def taken(pid: int, database: Path, inside: Mapping[str, Any]) -> Taken:
    """Now."""
    process = psutil.Process(pid)
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines())
    spent = process.cpu_times()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (size,), (pages,), (free,), (rows,), (watches,) = (
            connection.execute(question).fetchone()
            for question in (
                "PRAGMA page_size",
                "PRAGMA page_count",
                "PRAGMA freelist_count",
                "SELECT count(*) FROM watches",
                OF_WATCHES,
            )
        )
    return Taken(
        at=time.monotonic(),
        rss=_mib(status["VmRSS"]),
        own=_mib(status["RssAnon"]),
        files=process.num_fds(),
        used=(pages - free) * size / MIB,
        watches=watches / MIB,
        rows=rows,
        file=database.stat().st_size / MIB,
        wal=database.with_name(f"{database.name}-wal").stat().st_size / MIB,
        cpu=spent.user + spent.system,
        **inside,
    )


def _mib(told: str) -> float:
    """As the system says it: `    1234 kB`."""
    return int(told.split(maxsplit=1)[0]) / 1024
