"""What very many batches cost by command: 100,000 rows from a file through `watcher add`, in portions, to a daemon that polls.

The command's own time and memory beside it: how long `watcher --help` takes, and by how much more memory the command needs for
100,000 rows than for one; and how long the bare interpreter takes. These two are started in turns: the median, and in brackets
the least and the greatest.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench.daemons import daemon
from tests.bench.opponent import opponent
from tests.bench.results import number, spread

ROWS: Final = 100_000
STARTS: Final = 15
WATCHER: Final = (sys.executable, "-m", "watcher")


def _run(arguments: list[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """As `_timed`, of one of our commands."""
    return _timed((*WATCHER, *arguments), environ)


def _timed(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds that a command takes, and the MB of memory that it had at most."""
    began = time.monotonic()
    pid = os.posix_spawn(
        sys.executable,
        list(command),
        {**os.environ, **environ},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return time.monotonic() - began, _megabytes(usage)


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024


def tables(rows: int = ROWS) -> dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """Half a minute."""
    with opponent() as other, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, one = folder / "many", folder / "one"
        lines = (f'{{"batch_id": {batch}, "labels": {{"campaign": "autumn"}}}}\n' for batch in range(1, rows + 1))
        many.write_text("".join(lines))
        one.write_text("1\n")
        with daemon(other.url, folder / "watcher.db", rate=20) as there:
            environ = {"WATCHER_URL": there.url}
            _, little = _run(["add", str(one)], environ)
            took, much = _run(["add", str(many)], environ)
            again, _ = _run(["add", str(many)], environ)
    help_, bare = zip(
        *((_run(["--help"], {})[0], _timed((sys.executable, "-c", "pass"), {})[0]) for _ in range(STARTS)), strict=True
    )
    return {
        "Rows": (
            ("figure", "value"),
            (
                (f"seconds to add {rows:,} rows by command", number(took)),
                (f"seconds to add the same {rows:,} again", number(again)),
                ("rows a second", number(rows / took)),
                (f"MB more for {rows:,} rows than for one", number(much - little)),
            ),
        ),
        "A start": (
            ("figure", "value"),
            (
                ("ms for `watcher --help`", spread([1000 * each for each in help_], "{:.1f}".format)),
                ("ms for `python -c pass`", spread([1000 * each for each in bare], "{:.1f}".format)),
            ),
        ),
    }


if __name__ == "__main__":
    print(tables(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
