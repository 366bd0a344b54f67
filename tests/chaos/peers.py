"""The simulator or the receiver as a process of its own: `python -m tests.chaos.peers simulator|receiver JSON`."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from watcher.simulator import receiver, server
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.receiver import ReceiverConfig
from watcher.simulator.world import Workload

Json = Any
Peer = tuple[Literal["simulator", "receiver"], Mapping[str, object]]


@contextmanager
def peers(*wanted: Peer) -> Iterator[list[Json]]:
    """Each with its configuration, as long as the context lasts; where each of them listens. They end at once, also with requests
    that are never answered."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for kind, config in wanted:
            words = [sys.executable, "-m", "tests.chaos.peers", kind, json.dumps(config)]
            processes.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
        yield [json.loads(lines_of(each)) for each in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait(60)
            assert process.stdout is not None
            process.stdout.close()


def lines_of(process: "subprocess.Popen[str]") -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def main(kind: str, config: dict[str, Any]) -> None:
    def announce_simulator(addresses: Addresses) -> None:
        print(json.dumps({"api": addresses.api, "control": addresses.control}), flush=True)

    def announce_receiver(url: str) -> None:
        print(json.dumps({"url": url}), flush=True)

    if kind == "simulator":
        workload = Workload(**config.pop("workload", {}))
        asyncio.run(server.run(SimulatorConfig(workload=workload, **config), announce_simulator))
    else:
        asyncio.run(receiver.run(ReceiverConfig(**config), announce_receiver))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
