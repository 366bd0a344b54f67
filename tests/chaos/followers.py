"""Clients that follow the stream of events, each in a thread of its own, however often their connections end."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit


class Place(Protocol):
    """Where the daemon is now."""

    @property
    def url(self) -> str: ...


class Client(Protocol):
    """Somebody who is there until it is over."""

    @property
    def over(self) -> threading.Event: ...

    def run(self) -> None: ...


@contextmanager
def attending(*clients: Client) -> Iterator[None]:
    """Each of them in a thread of its own, as long as the context lasts."""
    threads = [threading.Thread(target=client.run, name="client") for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for client in clients:
            client.over.set()
        for thread in threads:
            thread.join(30)


@dataclass(slots=True)
class Follower:
    """It comes again whenever its connection ends, at once, where the daemon is then. `patience` is how many events it takes at
    most before it ends the connection by itself."""

    ours: Place
    patience: int
    headers: Mapping[str, str] = field(default_factory=dict)
    got: list[tuple[int, str]] = field(default_factory=list)
    last: str = "0"
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._listen()
            except (OSError, http.client.HTTPException, ValueError):  # it died, or is not there yet
                time.sleep(0.02)

    def _listen(self) -> None:
        address = urlsplit(self.ours.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=1.0)
        try:
            connection.request("GET", "/v1/events/stream", headers={**self.headers, "Last-Event-ID": self.last})
            answer = connection.getresponse()
            if answer.status != 200:
                return
            self.connections += 1
            fields: dict[str, str] = {}
            taken = 0
            while taken < self.patience:
                line = answer.readline().decode()
                if not line:
                    return
                name, _, value = line.rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                    continue
                if "data" in fields:
                    assert fields["event"] != "gap", fields
                    event = json.loads(fields["data"])
                    if fields["event"] != "error":
                        self.got.append((event["position"], event["id"]))
                        taken += 1
                self.last = fields.get("id", self.last)  # only where the event came as a whole
                fields = {}
        finally:
            connection.close()
