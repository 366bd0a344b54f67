"""`watcher deliveries`: what is owed to endpoints and was, each attempt of it, and sending again."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from watcher.cli.asking import first_of
from watcher.cli.endpoints_shown import DELIVERIES, say_delivery
from watcher.cli.formats import say_data, say_one, say_some
from watcher.cli.options import Account, As, Config, Limit, whole
from watcher.cli.printing import Output, complain, say
from watcher.cli.subscriptions import ask_about

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Watcher


class State(StrEnum):
    """What became of a delivery: it waits, was accepted, ran out of attempts, or is kept for a disabled endpoint."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
    HELD = "held"


def ls(
    endpoint: Annotated[str | None, typer.Option("--endpoint", "-e", metavar="ID", help="Only those of one.")] = None,
    states: Annotated[list[State] | None, typer.Option("--state", help="Only in this state; several times.")] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", parser=whole, metavar="ID", help="Only those of this batch's events.")
    ] = None,
    account: Account = None,
    limit: Limit = 100,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """List deliveries, the newest first.

    \b
    watcher deliveries ls --endpoint crm --state dead
    watcher deliveries ls --batch 13
    watcher deliveries ls --state dead -o json | jq -r '.[].event_id'
    """

    async def some(watcher: "Watcher") -> "list[Document]":
        listed = watcher.deliveries.list(
            endpoint=endpoint, account=account, batch_id=batch, states=[state.value for state in states or ()]
        )
        return await first_of(listed, limit + 1)

    say_some(ask_about(config, some), limit, DELIVERIES, output)


def show(
    delivery_id: Annotated[int, typer.Argument(parser=whole, metavar="ID", help="The delivery's id, a number.")],
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Show a delivery with all its attempts: when, how long, what the receiver said. Exit code 1: there is none of that id.

    \b
    watcher deliveries show 13
    watcher deliveries show 13 -o json | jq '.history[-1]'
    """
    delivery = ask_about(config, lambda watcher: watcher.deliveries.show(delivery_id)).document
    say_one(delivery, output, lambda: say_delivery(delivery), DELIVERIES)


def resend(
    delivery_ids: Annotated[list[int], typer.Argument(parser=whole, metavar="ID...", help="Ids of deliveries.")],
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Send deliveries again, whatever became of them, each with a full schedule of attempts.

    For many at once there is `watcher endpoints recover`.

    \b
    watcher deliveries resend 13 14

    Exit code 1: some were not (they are listed): not known, under way just now, or of an endpoint that is not active.
    """

    wanted = list(dict.fromkeys(delivery_ids))

    async def again(watcher: "Watcher") -> list[str | None]:
        from watcher.client import NotThere, Refused

        errors: list[str | None] = []
        for delivery_id in wanted:
            try:
                await watcher.deliveries.resend(delivery_id)
                errors.append(None)
            except (NotThere, Refused) as error:
                errors.append(str(error))
        return errors

    ended = list(zip(wanted, ask_about(config, again), strict=True))
    rows = [{"id": one, "resent": True} if error is None else {"id": one, "error": error} for one, error in ended]
    if not say_data(rows, output):
        for delivery_id, error in ended:
            say(f"delivery {delivery_id} is sent again") if error is None else complain(f"{delivery_id}: {error}")
    if any(error for _, error in ended):
        raise typer.Exit(1)
