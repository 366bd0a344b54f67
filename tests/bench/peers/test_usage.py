"""What a process takes is seen, also of those that it starts, and also when it has ended."""

import os
import subprocess
import sys

import psutil

from tests.bench.peers.usage import Usage


def test_what_was_spent_before_is_not_counted_and_what_is_spent_afterwards_is() -> None:
    mine = psutil.Process()
    usage = Usage(pids=lambda: [os.getpid()])
    usage.begin()
    before = mine.cpu_times()
    while sum(mine.cpu_times()[:2]) - sum(before[:2]) < 0.05:
        pass
    usage.look()
    assert usage.cpu >= 0.05
    assert usage.peak > 0


def test_what_it_starts_counts_too_and_stays_counted_when_it_has_ended() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True)\ninput()"
    usage = Usage(pids=lambda: [os.getpid()])
    usage.begin()
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        usage.look()
        child.communicate(b"\n")
    usage.look()
    assert usage.cpu >= 0.1
