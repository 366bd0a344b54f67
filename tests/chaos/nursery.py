"""A process that has loaded the daemon, and starts it by a fork, as often as it is asked to: `python -m tests.chaos.nursery`.

To load it takes longer than all that it does until it is killed again. Each start is an order, a line of JSON: environment,
point, nth, and the file of the log; what comes back are lines, too: the process, its address, and how it ended.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.chaos import crashing

ROOT: Final = Path(__file__).parents[2]
"""Where the code is."""
DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

Json = Any


@dataclass(slots=True)
class Nursery:
    """`folder` is where the code is that it loads. There is one daemon at a time: `pid` and `url` are those of the last one."""

    folder: Path
    process: "subprocess.Popen[bytes]"
    pid: int = 0
    url: str = ""
    ended: int | None = None
    _read: bytes = b""

    def bear(self, environment: Mapping[str, str], log: Path, point: str = "after:nothing", nth: int = 1) -> int:
        """Starts the daemon, which will die by itself at the nth call of the point; its process."""
        self.pid, self.url, self.ended = 0, "", None
        order = {"environment": dict(environment), "log": str(log), "point": point, "nth": nth}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        while not self.pid:
            assert self._hear(60), "nothing was started"
        return self.pid

    def up(self, seconds: float = 60) -> bool:
        """Waits until it listens or is gone; whether it listens."""
        deadline = time.monotonic() + seconds
        while not self.url and self.ended is None:
            assert time.monotonic() < deadline, f"it did not listen within {seconds:g} s"
            self._hear(1)
        return self.ended is None

    def gone(self, seconds: float) -> bool:
        """Waits so long for the daemon to be gone; whether it is."""
        deadline = time.monotonic() + seconds
        while self.ended is None:
            left = deadline - time.monotonic()
            if not self._hear(max(left, 0.0)) and left <= 0:
                return False
        return True

    def end(self) -> None:
        """Neither the daemon nor the nursery is there any more."""
        if self.pid and self.ended is None:
            os.kill(self.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def _hear(self, seconds: float) -> bool:
        """Takes in the next line, if one comes within the time."""
        assert self.process.stdout is not None
        while b"\n" not in self._read:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                return False
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, "the nursery is gone"
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        told = json.loads(line)
        self.pid = told.get("pid", self.pid)
        self.url = told.get("url", self.url)
        self.ended = told.get("ended", self.ended)
        return True


def nursery(folder: Path) -> Nursery:
    """One for the code in that folder; it does not outlive whoever started it. What is killed is not measured for coverage."""
    setpriv = shutil.which("setpriv")
    with_us = () if setpriv is None else (setpriv, "--pdeathsig", "KILL", "--")
    return Nursery(
        folder,
        subprocess.Popen(
            [*with_us, sys.executable, "-m", "tests.chaos.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        ),
    )


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            _live(order)
        _say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        _say({"ended": os.waitstatus_to_exitcode(status)})


def _live(order: Json) -> None:
    """The daemon, in the process that was made for it."""
    code = 1
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        os.environ.update(order["environment"])
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = crashing.main(order["point"], order["nth"], lambda url: _say({"url": url}))
    except BaseException:  # noqa: BLE001 -- whatever it was: the process ends below, and the log says why
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _say(what: Json) -> None:
    """One line, which is not mixed with another process's."""
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
