"""What very many batches cost by command: 100,000 rows from a file through `watcher add`, in portions, to a daemon that polls.

The command's own time and memory beside it: how long `watcher --help` takes, and by how much more memory the command needs for
100,000 rows than for one; and how long the bare interpreter takes.
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

ROWS: Final = 100_000
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


def run(rows: int = ROWS) -> dict[str, float]:
    """Half a minute."""
    with opponent() as other, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, one = folder / "many", folder / "one"
        lines = (f'{{"batch_id": {number}, "labels": {{"campaign": "autumn"}}}}\n' for number in range(1, rows + 1))
        many.write_text("".join(lines))
        one.write_text("1\n")
        with daemon(other.url, folder / "watcher.db", rate=20) as there:
            environ = {"WATCHER_URL": there.url}
            _, little = _run(["add", str(one)], environ)
            took, much = _run(["add", str(many)], environ)
            again, _ = _run(["add", str(many)], environ)
        help_ = min(_run(["--help"], {})[0] for _ in range(5))
        bare = min(_timed((sys.executable, "-c", "pass"), {})[0] for _ in range(5))
    return {
        f"seconds to add {rows:,} rows by command": took,
        f"seconds to add the same {rows:,} again": again,
        "rows a second": rows / took,
        f"MB more for {rows:,} rows than for one": much - little,
        "ms for `watcher --help` (best of 5)": 1000 * help_,
        "ms for `python -c pass` (best of 5)": 1000 * bare,
    }


if __name__ == "__main__":
    for figure, value in run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS).items():
        print(f"{figure}: {value:.3g}")
