"""How the simulator is set up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from watcher.simulator.listing import ListingState, Order
from watcher.simulator.world import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """`accounts` are logins and passwords by account name. `budget` is how many requests an account may make in any second
    before it gets 429 (None: any number), with Retry-After as `retry_after` says: seconds, or "date" for an HTTP date two
    seconds ahead. `latency` is the median in seconds. With `sizes_late` a batch shows size 0 until its validation ends.
    `listing`, `listing_order` and `total_count` (without it a page does not say how many there are) are how listings begin; see
    Listing. `created_code` is what a POST that added a batch answers."""

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
    listing: ListingState = "on"
    listing_order: Order = "added"
    sizes_late: bool = False
    created_code: Literal[200, 201] = 200

    @property
    def root(self) -> str:
        """The base path with a slash at its beginning and none at its end; empty where there is none."""
        path = self.base_path.strip("/")
        return f"/{path}" if path else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where it is: `api` is a base URL for a client, `control` what tests and the demo talk to."""

    api: str
    control: str
