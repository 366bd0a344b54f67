"""`watcher demo`: the whole of it at work, on real sockets, against a CallFire that knows the truth."""

import signal
from typing import Annotated

import typer

from watcher.cli.asking import words
from watcher.cli.formats import PEOPLE, say_data
from watcher.cli.options import As
from watcher.cli.printing import Output, printing, say, stop
from watcher.cli.running import run_to_end


def demo(
    seed: Annotated[int, typer.Option(help="The same seed makes the same batches.")] = 7,
    batches: Annotated[int, typer.Option(min=1, max=1000, help="How many batches to follow.")] = 40,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything up at the end, until Ctrl-C.")] = False,
    output: As = Output.TABLE,
) -> None:
    """See the whole of it work, in about a minute; no account needed, nobody is called.

    Three processes on free ports, in a temporary folder: a believable CallFire, the daemon, and a receiver of its webhooks.
    The receiver refuses the first webhooks, and half-way the daemon is killed with SIGKILL and started again. At the end what
    was learnt and delivered is compared with what was true.

    Exit codes: 0 nothing was lost, doubled or over budget; 1 something was (it is listed); 2 it could not run.
    """
    raise typer.Exit(run_to_end(_until_told(seed, batches, keep, output)))


async def _until_told(seed: int, batches: int, keep: bool, output: Output) -> int:
    """Also SIGTERM and a closed terminal end it in order: nothing is left behind."""
    import asyncio

    performance = asyncio.create_task(_perform(seed, batches, keep, output), name="demo")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, performance.cancel)
    try:
        return await performance
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None and current.cancelling():  # Ctrl-C: the runner makes KeyboardInterrupt of it
            performance.cancel()
            await asyncio.wait([performance])
            raise
        return 128 + signal.SIGTERM


async def _perform(seed: int, batches: int, keep: bool, output: Output) -> int:
    import asyncio

    from watcher.cli.demo.picture import open_picture, print_verdict
    from watcher.cli.demo.play import Play
    from watcher.cli.demo.stage import StageError, open_stage
    from watcher.cli.demo.verdict import judge
    from watcher.client import WatcherError

    try:
        async with open_stage() as stage:
            with open_picture(batches, quiet=output not in PEOPLE) as picture:
                facts = await Play(stage, picture, seed=seed, batches=batches).perform()
            verdict = judge(facts)
            if not say_data(verdict.document(), output):
                with printing():
                    print_verdict(verdict)
            if keep:
                _print_addresses(stage.addresses)
                await asyncio.Event().wait()
    except StageError as error:
        stop(str(error))
    except WatcherError as error:
        stop(*words(error))
    return 0 if verdict.good else 1


def _print_addresses(addresses: dict[str, str]) -> None:
    for name, address in addresses.items():
        say(f"{name:<10} {address}")
    say("Everything stays up until Ctrl-C.")
