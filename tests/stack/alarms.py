"""Whom Alertmanager tells: receives its notifications in this process, keeps each with its time, and shows them as lines."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.sockets import Quiet, serving

ABOUT: Final = ("account", "endpoint", "instance")
"""Labels that say what an alert is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What one notification said of one alert. `at` is when it came, in Unix seconds; `began` when Prometheus had it fire."""

    at: float
    receiver: str
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    began: str

    @property
    def name(self) -> str:
        return self.labels["alertname"]

    @property
    def about(self) -> str:
        """The account, endpoint or process."""
        return next((self.labels[label] for label in ABOUT if label in self.labels), "")

    def line(self) -> str:
        """As whoever is told reads it."""
        when = time.strftime("%H:%M:%S", time.localtime(self.at))
        title = f"{when}  {self.receiver}: {self.status.upper()} {self.name}, {self.annotations['summary']}"
        if self.status == "resolved":
            return title
        return f"{title}\n          {self.annotations['description']}\n          {self.annotations['runbook_url']}"


@dataclass(kw_only=True)
class Alarms:
    """`url` is where it listens, with the receiver's name as the path. `hear` is told of each alarm as it comes."""

    url: str
    hear: Callable[[Alarm], None]
    came: list[Alarm] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, told: Mapping[str, Any], at: float) -> None:
        """One notification, as Alertmanager sends them."""
        alarms = [
            Alarm(
                at=at,
                receiver=told["receiver"],
                status=alert["status"],
                labels=alert["labels"],
                annotations=alert["annotations"],
                began=alert["startsAt"],
            )
            for alert in told["alerts"]
        ]
        with self._lock:
            self.came += alarms
        for alarm in alarms:
            self.hear(alarm)

    def about(self, name: str, about: str, receiver: str, status: str, since: float = 0.0) -> Sequence[Alarm]:
        """Those that came since then, in their order."""
        with self._lock:
            return [
                each
                for each in self.came
                if (each.name, each.about, each.receiver, each.status) == (name, about, receiver, status)
                and each.at >= since
            ]


@contextmanager
def listening(port: int, hear: Callable[[Alarm], None]) -> Iterator[Alarms]:
    """Up until the end of the context."""
    alarms = Alarms(url="", hear=hear)

    class Handler(Quiet):
        def do_POST(self) -> None:  # noqa: N802 -- as it is called there
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            alarms.take(json.loads(body), time.time())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler, port) as alarms.url:
        yield alarms
