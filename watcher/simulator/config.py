"""How the simulator is set up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from watcher.simulator.world import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """`accounts` are logins and passwords by account name. `budget` is how many requests an account may make in any second
    before it gets 429 (None: any number), with Retry-After as `retry_after` says. `latency` is the median in seconds."""

    accounts: Mapping[str, tuple[str, str]] = field(default_factory=lambda: {"default": ("login", "password")})
    workload: Workload = field(default_factory=Workload)
    seed: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    base_path: str = "/v2"
    budget: int | None = None
    retry_after: float | Literal["date"] | None = 1.0
    latency: float = 0.04
    total_count: bool = True
    sizes_late: bool = False
    created_code: Literal[200, 201] = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where it is: `api` is a base URL for a client, `control` what tests and the demo talk to."""

    api: str
    control: str
