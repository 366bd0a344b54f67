"""One replica as its users start it, `watcher run` with a settings file: started, killed, asked to end, frozen and thawed."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.campaign import http
from tests.chaos.peers import lines_of

Json = Any


@dataclass(slots=True)
class Replica:
    """`name` is whom the database knows it as, another one at every start; `place` makes that user, and gives the database's URL
    for it. `url` is where it answers."""

    number: int
    config: Path
    place: Callable[[str], str]
    process: "subprocess.Popen[str] | None" = None
    starts: int = 0
    frozen: bool = False
    pids: dict[str, int] = field(default_factory=dict)
    """The process of each name that it had so far."""
    _url: str = ""

    @property
    def name(self) -> str:
        return f"replica_{self.number}_{self.starts}"

    @property
    def there(self) -> bool:
        """Whether it runs, and is not frozen."""
        return self.process is not None and not self.frozen

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def url(self) -> str:
        """Waits for it to be up."""
        if not self._url:
            assert self.process is not None
            said = lines_of(self.process)
            assert said, f"replica {self.number} ended with {self._ended(5)}: {self.log()[-600:]}"
            self._url = said.split()[-1]
        return self._url

    @property
    def log_file(self) -> Path:
        return self.config.with_suffix(".log")

    def start(self) -> None:
        """Does not wait until it is up."""
        assert self.process is None
        self.starts += 1
        self._url = ""
        setpriv = shutil.which("setpriv")  # it does not outlive whoever started it, also where that is killed
        with_us = () if setpriv is None else (setpriv, "--pdeathsig", "KILL", "--")
        environment = {
            **os.environ,
            "WATCHER_DATABASE_URL": self.place(self.name),
            "WATCHER_LISTEN": "127.0.0.1:0",
            "WATCHER_LOG": "json",
        }
        with self.log_file.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*with_us, sys.executable, "-m", "watcher", "run", "--config", str(self.config)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.pids[self.name] = self.process.pid

    def kill(self) -> None:
        """SIGKILL, now; also where it is frozen."""
        assert self.process is not None
        self.process.kill()
        self._gone(-signal.SIGKILL, 5)

    def ask_to_end(self) -> None:
        """SIGTERM."""
        assert self.process is not None
        self.process.terminate()

    def end(self, seconds: float = 25) -> None:
        """Returns when it has ended in good order, after it was asked to."""
        self._gone(0, seconds)

    def drop(self) -> None:
        """It is not there any more, whatever it was at."""
        if self.process is not None:
            self.process.kill()
            self._ended(5)

    def _gone(self, expected: int, seconds: float) -> None:
        code = self._ended(seconds)
        assert code == expected, f"replica {self.number} ended with {code}: {self.log()[-600:]}"

    def _ended(self, seconds: float) -> int:
        assert self.process is not None
        code = self.process.wait(seconds)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process, self.frozen = None, False
        return code

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def ready(self) -> bool:
        """Whether /readyz says that it can do its work."""
        try:
            http(f"{self.url}/readyz")
        except urllib.error.HTTPError as refused:
            refused.close()
            return False
        except OSError:  # nobody is there, or nothing is said
            return False
        return True

    def figure(self, name: str) -> float:
        """A metric, summed over its labels; 0 where there is none."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.rpartition(" ")[2] for line in lines if line.partition("{")[0].partition(" ")[0] == name]
        return sum(map(float, found))
