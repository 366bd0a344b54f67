"""The simulator or the receiver as a process of its own: `python -m tests.chaos.peers simulator|receiver JSON`."""

import asyncio
import json
import sys

from watcher.simulator import receiver, server
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.receiver import ReceiverConfig


def main(kind: str, config: dict[str, object]) -> None:
    def announce_simulator(addresses: Addresses) -> None:
        print(json.dumps({"api": addresses.api, "control": addresses.control}), flush=True)

    def announce_receiver(url: str) -> None:
        print(json.dumps({"url": url}), flush=True)

    if kind == "simulator":
        asyncio.run(server.run(SimulatorConfig(**config), announce_simulator))  # type: ignore[arg-type]  # from JSON
    else:
        asyncio.run(receiver.run(ReceiverConfig(**config), announce_receiver))  # type: ignore[arg-type]  # from JSON


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
