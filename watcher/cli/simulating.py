"""`watcher simulate`: a believable CallFire of one's own, and the receiver of webhooks that the demo uses."""

import math
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.printing import Stop, say_json, stop
from watcher.cli.running import run_to_end

if TYPE_CHECKING:
    from watcher.simulator.config import Addresses

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on; 0: a free one.")]


def simulate(
    port: Port = 0,
    control_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the control address; 0: a free one.")
    ] = 0,
    host: Annotated[
        str, typer.Option(help="Address to serve on, 0.0.0.0 for other machines, who may then ask it anything.")
    ] = "127.0.0.1",
    login: Annotated[str, typer.Option(help="The API login it accepts.")] = "login",
    password: Annotated[str, typer.Option(help="Its password: any, this CallFire is not real.")] = "password",  # noqa: S107 -- the simulator's, known to all
    seed: Annotated[int, typer.Option(help="The same seed makes the same batches.")] = 1,
    at_start: Annotated[int, typer.Option(min=0, help="Batches that are there from the beginning.")] = 20,
    batches: Annotated[int, typer.Option(min=0, help="Batches that come by themselves, at most.")] = 0,
    arrivals: Annotated[float, typer.Option(min=0.0, help="How many of them come in a second, on average.")] = 1.0,
    scale: Annotated[float, typer.Option(min=0.0, help="Validation takes this many times as long as in life.")] = 1.0,
    longest: Annotated[float, typer.Option(min=0.0, help="Seconds that validation takes at most.")] = math.inf,
    stuck_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of batches that get stuck.")] = 0.02,
    budget: Annotated[int | None, typer.Option(min=1, help="Requests in any second before it answers 429.")] = None,
    latency: Annotated[float, typer.Option(min=0.0, help="Median seconds to an answer.")] = 0.04,
) -> None:
    """Run a believable CallFire, for trying things out: no account needed, nobody is called.

    \b
    It prints its addresses as one line of JSON: `api` is a base URL for the daemon, `control` tells the truth.
        watcher simulate --port 9000 --control-port 9001
        CALLFIRE_BASE_URL=http://127.0.0.1:9000/v2 CALLFIRE_LOGIN=login CALLFIRE_PASSWORD=password watcher run
        curl http://127.0.0.1:9001/truth                                  every batch, and when it really changes
        curl -d '{"count": 5}' http://127.0.0.1:9001/batches              five more
        curl -X POST http://127.0.0.1:9001/batches/1000/end               one that ends now
        curl -d '{"kind": "code", "code": 503, "share": 0.1}' http://127.0.0.1:9001/faults
    """
    from watcher.simulator.config import SimulatorConfig
    from watcher.simulator.server import run
    from watcher.simulator.world import Workload

    workload = Workload(
        at_start=at_start,
        batches=batches,
        arrivals=arrivals if batches else 0.0,
        scale=scale,
        stuck_share=stuck_share,
        longest=longest,
    )
    config = SimulatorConfig(
        accounts={"default": (login, password)},
        workload=workload,
        seed=seed,
        host=host,
        port=port,
        control_port=control_port,
        budget=budget,
        latency=latency,
    )

    def announce(addresses: "Addresses") -> None:
        say_json({"api": addresses.api, "control": addresses.control})

    _serve(run(config, announce))


def receive(
    secret_file: Annotated[Path, typer.Option(help="The file that holds the endpoint's secret.")],
    port: Port = 0,
    fail_first: Annotated[int, typer.Option(min=0, help="How many webhooks to refuse at first.")] = 0,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Receive webhooks and keep a journal of them. Prints its address as one line of JSON."""
    from watcher.simulator.receiver import ReceiverConfig, run

    try:
        secret = secret_file.read_text().strip()
    except OSError as error:
        stop(f"{secret_file}: cannot be read ({error.strerror}): give the file that holds the secret")
    config = ReceiverConfig(secret=secret, port=port, fail_first=fail_first, seed=seed)
    _serve(run(config, lambda url: say_json({"url": url})))


def _serve(server: Coroutine[Any, Any, None]) -> None:
    """Until it is asked to stop; ends the command where its ports cannot be had."""
    try:
        run_to_end(server)
    except* OSError as group:
        reasons = {str(error.strerror or error) for error in _leaves(group)}
        raise Stop(f"cannot listen: {', '.join(reasons)}: take other ports, or 0 for free ones") from None


def _leaves(group: BaseExceptionGroup[OSError]) -> Iterator[OSError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
