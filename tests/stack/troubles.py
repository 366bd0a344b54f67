"""What goes wrong in the campaign, what must ring then, and the remedy that deploy/runbook.md gives."""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from tests.chaos.campaign import SECRET, http
from tests.stack.stack import Stack

FOREVER: Final = 100_000.0
"""Seconds that a batch stays NEW which is stuck."""


class Ring(NamedTuple):
    """An alert that must reach a receiver of Alertmanager's."""

    alert: str
    about: str
    receiver: str


@dataclass(slots=True, kw_only=True)
class Heard:
    """When it fired, when the receiver had it, and when the receiver was told that it is over; in Unix seconds, 0 for not yet."""

    ring: Ring
    fired: float = 0.0
    reached: float = 0.0
    over: float = 0.0


@dataclass(slots=True, kw_only=True)
class Trouble(ABC):
    """It begins `after` so many seconds of the campaign."""

    after: float = 0.0
    began: float = 0.0
    mended: float = 0.0
    heard: list[Heard] = field(default_factory=list)

    @property
    @abstractmethod
    def title(self) -> str:
        """What goes wrong."""

    @property
    @abstractmethod
    def remedy(self) -> str:
        """What `mend` does, in words."""

    @abstractmethod
    def rings(self, stack: Stack) -> Sequence[Ring]:
        """What must ring."""

    @abstractmethod
    def begin(self, stack: Stack) -> None:
        """It goes wrong."""

    @abstractmethod
    def mend(self, stack: Stack) -> None:
        """What an operator does."""

    def shown(self) -> Mapping[str, str]:
        """What is worth a picture when all of it rings: places of the daemon's page, by the picture's name."""
        return {}

    def start(self, stack: Stack) -> None:
        """The trouble is there from now on."""
        self.heard = [Heard(ring=ring) for ring in self.rings(stack)]
        self.began = time.time()
        self.begin(stack)

    def cure(self, stack: Stack) -> None:
        """The remedy is applied now."""
        self.mended = time.time()
        self.mend(stack)

    def listen(self, stack: Stack) -> None:
        """Notes what has come by now."""
        for each in self.heard:
            if not each.reached:
                for alarm in stack.alarms.about(*each.ring, "firing", self.began)[:1]:
                    each.fired, each.reached = datetime.fromisoformat(alarm.began).timestamp(), alarm.at
            elif self.mended and not each.over:
                for alarm in stack.alarms.about(*each.ring, "resolved", self.mended)[:1]:
                    each.over = alarm.at

    @property
    def rung(self) -> bool:
        """Whether everything that must ring did."""
        return bool(self.heard) and all(each.reached for each in self.heard)

    @property
    def over(self) -> bool:
        """Whether everybody was told that it is over."""
        return bool(self.heard) and all(each.over for each in self.heard)


@dataclass(slots=True, kw_only=True)
class Refused(Trouble):
    """CallFire refuses the login, until it does not and somebody says so."""

    account: str
    code: int
    fault: int = 0

    @property
    def title(self) -> str:
        return f"CallFire answers {self.code} for the account {self.account}"

    @property
    def remedy(self) -> str:
        return f"CallFire accepts the login again, then `watcher accounts resume {self.account}`"

    def rings(self, stack: Stack) -> Sequence[Ring]:
        return [Ring("AccountRefused", self.account, "on-call")]

    def begin(self, stack: Stack) -> None:
        self.fault = stack.fault(kind="code", code=self.code, account=self.account)

    def mend(self, stack: Stack) -> None:
        stack.mend(self.fault)
        stack.operate("accounts", "resume", self.account)

    def shown(self) -> Mapping[str, str]:
        return {"refused": "#/"}


@dataclass(slots=True, kw_only=True)
class Dead(Trouble):
    """Nobody listens at the receiver's address any more."""

    endpoint: str

    @property
    def title(self) -> str:
        return f"the receiver of the endpoint {self.endpoint} is killed"

    @property
    def remedy(self) -> str:
        return f"the receiver is started again, then `watcher endpoints enable {self.endpoint}`"

    def rings(self, stack: Stack) -> Sequence[Ring]:
        return [Ring("DeliveryBacklog", self.endpoint, receiver) for receiver in ("tickets", "on-call")]

    def begin(self, stack: Stack) -> None:
        stack.receivers[self.endpoint].kill()

    def mend(self, stack: Stack) -> None:
        stack.receivers[self.endpoint].start()
        stack.operate("endpoints", "enable", self.endpoint)

    def shown(self) -> Mapping[str, str]:
        return {"dead": f"#/delivery/{self.endpoint}"}


@dataclass(slots=True, kw_only=True)
class Gone(Trouble):
    """The receiver says that it is there no more."""

    endpoint: str

    @property
    def title(self) -> str:
        return f"the receiver of the endpoint {self.endpoint} answers 410"

    @property
    def remedy(self) -> str:
        return (
            f"the receiver accepts again, then `watcher endpoints test {self.endpoint}` and `… enable {self.endpoint}`"
        )

    def rings(self, stack: Stack) -> Sequence[Ring]:
        return [Ring("EndpointDisabled", self.endpoint, "tickets")]

    def begin(self, stack: Stack) -> None:
        self._become(stack, {"fail_share": 1.0, "fail_code": 410})

    def mend(self, stack: Stack) -> None:
        self._become(stack, {})
        stack.operate("endpoints", "test", self.endpoint)
        stack.operate("endpoints", "enable", self.endpoint)

    def _become(self, stack: Stack, how: Mapping[str, object]) -> None:
        receiver = stack.receivers[self.endpoint]
        port = int(receiver.url.rpartition(":")[2])
        receiver.kill()
        config = json.dumps({"secret": SECRET, "port": port, **how})
        receiver.command = [sys.executable, "-m", "tests.chaos.peers", "receiver", config]
        receiver.start()


@dataclass(slots=True, kw_only=True)
class Stuck(Trouble):
    """A batch stays NEW, until CallFire moves it."""

    account: str
    batch: int = 0

    @property
    def title(self) -> str:
        return f"a batch of the account {self.account} stays NEW"

    @property
    def remedy(self) -> str:
        return "CallFire, who was given the batch's id, lets it go on"

    def rings(self, stack: Stack) -> Sequence[Ring]:
        return [Ring("BatchesStuck", self.account, "tickets")]

    def begin(self, stack: Stack) -> None:
        (self.batch,) = stack.add(self.account, new_for=FOREVER, validating_for=60.0, size=6198, name="Autumn appeal")

    def mend(self, stack: Stack) -> None:
        http(f"{stack.control}/batches/{self.batch}/end", {})

    def shown(self) -> Mapping[str, str]:
        return {"stuck": f"#/batches/{self.account}/{self.batch}"}


@dataclass(slots=True, kw_only=True)
class Killed(Trouble):
    """SIGKILL of a replica; it is started again when somebody was told."""

    number: int

    @property
    def title(self) -> str:
        return f"replica {self.number} is killed"

    @property
    def remedy(self) -> str:
        return "it is started again"

    def rings(self, stack: Stack) -> Sequence[Ring]:
        return [Ring("ReplicaDown", stack.replicas[self.number - 1].url.removeprefix("http://"), "tickets")]

    def begin(self, stack: Stack) -> None:
        stack.replicas[self.number - 1].kill()

    def mend(self, stack: Stack) -> None:
        stack.replicas[self.number - 1].start()
