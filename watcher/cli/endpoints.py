"""`watcher endpoints`: who gets webhooks. Made, set up, tried and ended by command; the daemon does it."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from watcher.cli.endpoint_options import (
    Accounts,
    BasicFile,
    BearerFile,
    Concurrency,
    Description,
    HeaderFile,
    Headers,
    InBroadcasts,
    InForm,
    Labels,
    Order,
    Rate,
    Resettable,
    SecretFile,
    Signatures,
    Timeout,
    Types,
    Verification,
    set_up,
)
from watcher.cli.endpoints_shown import say_attempt, say_endpoint, say_endpoints, say_keys
from watcher.cli.options import As, Config, read_secret
from watcher.cli.printing import Output, complain, say, say_json
from watcher.cli.subscriptions import ask_about

if TYPE_CHECKING:
    from watcher.cli.daemon import Document
    from watcher.cli.subscriptions import Subscriptions

Id = Annotated[str, typer.Argument(metavar="ID", help="The endpoint's id, as `watcher endpoints ls` shows it.")]
Schemes = Annotated[
    Signatures | None, typer.Option("--signatures", help="v1: a shared secret; v1a: a key pair; or both. Else v1.")
]
SCHEMES: Final = {Signatures.V1: ["v1"], Signatures.V1A: ["v1a"], Signatures.BOTH: ["v1", "v1a"]}


def ls(config: Config = None, output: As = Output.TABLE) -> None:
    """List who gets webhooks, and how they stand: active, paused (the receiver asked for it), open (its breaker), disabled.

    \b
    watcher endpoints ls
    watcher endpoints ls -o json | jq '.[] | select(.held > 0) | .id'
    """
    endpoints = ask_about(config, lambda daemon: daemon.endpoints())
    say_json(endpoints, indent=2) if output is Output.JSON else say_endpoints(endpoints)


def show(endpoint_id: Id, config: Config = None, output: As = Output.TABLE) -> None:
    """Show how an endpoint is set up and how it stands. Secrets are never shown. Exit code 1: there is none of that id.

    \b
    watcher endpoints show crm
    """
    _say(ask_about(config, lambda daemon: daemon.endpoint(endpoint_id)), output)


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where webhooks are posted to.")],
    endpoint_id: Annotated[str | None, typer.Option("--id", help="Its name; else one is made.")] = None,
    description: Description = None,
    types: Types = None,
    accounts: Accounts = None,
    broadcasts: InBroadcasts = None,
    labels: Labels = None,
    timeout: Timeout = None,
    concurrency: Concurrency = None,
    rate: Rate = None,
    ordering: Order = None,
    form: InForm = None,
    signatures: Schemes = None,
    secret_file: SecretFile = None,
    headers: Headers = None,
    header_file: HeaderFile = None,
    bearer_file: BearerFile = None,
    basic_file: BasicFile = None,
    verify: Annotated[
        Verification, typer.Option(help="Ask the receiver first: by a signed ping, or by CloudEvents' handshake.")
    ] = Verification.NONE,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Subscribe a receiver. What it verifies with is printed on standard output, this once.

    \b
    watcher endpoints add https://example.com/hooks --id crm --type 'batch.*' > secret
    watcher endpoints add https://example.com/hooks --label team=north --ordering batch --verify ping
    watcher endpoints add https://example.com/hooks --signatures v1a --bearer-file token -o json

    Exit code 2: it was refused (each fault is listed, with its option); nothing was made.
    """
    body = set_up(locals())  # all that the options say, by their names
    body |= {} if endpoint_id is None else {"id": endpoint_id}
    body |= {} if signatures is None else {"signatures": SCHEMES[signatures]}
    body |= {} if secret_file is None else {"secret": read_secret("--secret-file", secret_file)}
    body |= {} if verify is Verification.NONE else {"verification": verify}
    made = ask_about(config, lambda daemon: daemon.make(body), url="URL")
    if output is Output.JSON:
        say_json(made, indent=2)
    else:
        say_keys(made, f"endpoint {made['id']} is made: it gets what happens from now on")


def change(
    endpoint_id: Id,
    url: Annotated[str | None, typer.Option("--url", help="Where webhooks are posted to.")] = None,
    description: Description = None,
    types: Types = None,
    accounts: Accounts = None,
    broadcasts: InBroadcasts = None,
    labels: Labels = None,
    timeout: Timeout = None,
    concurrency: Concurrency = None,
    rate: Rate = None,
    ordering: Order = None,
    form: InForm = None,
    signatures: Annotated[
        Signatures | None, typer.Option(help="Sign so from now on; a key that it has not is given by `rotate`.")
    ] = None,
    headers: Headers = None,
    header_file: HeaderFile = None,
    bearer_file: BearerFile = None,
    basic_file: BasicFile = None,
    reset: Annotated[
        list[Resettable] | None,
        typer.Option("--reset", help="Back to what it is where nothing is said; several times."),
    ] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Set an endpoint up anew in what is given; the rest stays. What may be given several times is replaced as a whole.

    \b
    watcher endpoints set crm --type batch.active --type batch.errors --rate 10
    watcher endpoints set crm --url https://example.com/new --reset rate --reset labels

    An endpoint that the settings file keeps is changed there.
    """
    body = set_up(locals())  # all that the options say, by their names
    body |= {} if signatures is None else {"signatures": SCHEMES[signatures]}
    for key in reset or ():
        if body.setdefault(key.value, None) is not None:
            raise typer.BadParameter(
                f"--reset {key.value} takes back what another option gives: leave one of them out."
            )
    if not body:
        raise typer.BadParameter("Nothing is to be changed: give at least one option.")
    _say(ask_about(config, lambda daemon: daemon.change(endpoint_id, body)), output)


def rm(
    endpoint_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The endpoints' ids.")],
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Delete endpoints. What they were owed is not sent any more.

    To hold back what is owed instead, for a while: watcher endpoints disable ID

    \b
    watcher endpoints rm crm

    Exit code 1: some were not (they are listed): there is none of that id, or the settings file keeps it.
    """

    async def remove(daemon: "Subscriptions") -> list[str | None]:
        from watcher.cli.daemon import NotFound, Refusal

        errors: list[str | None] = []
        for endpoint_id in endpoint_ids:
            try:
                await daemon.remove(endpoint_id)
                errors.append(None)
            except (NotFound, Refusal) as error:
                errors.append(str(error))
        return errors

    ended = list(zip(endpoint_ids, ask_about(config, remove), strict=True))
    if output is Output.JSON:
        rows = [{"id": one, "removed": error is None, "error": error} for one, error in ended]
        say_json([{key: value for key, value in row.items() if value is not None} for row in rows], indent=2)
    for endpoint_id, error in ended if output is Output.TABLE else ():
        say(f"endpoint {endpoint_id} is deleted") if error is None else complain(f"{endpoint_id}: {error}")
    if any(error for _, error in ended):
        raise typer.Exit(1)


def try_out(
    endpoint_id: Id,
    type_: Annotated[str, typer.Option("--type", help="Of which event to send a sample.")] = "ping",
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Send a signed sample now, also to a disabled endpoint, and show what came of it. Nothing is kept of it.

    \b
    watcher endpoints test crm --type batch.active

    Exit codes: 0 the receiver accepted it, 1 it did not, or there is no such endpoint.
    """
    attempt = ask_about(config, lambda daemon: daemon.test(endpoint_id, type_))
    say_json(attempt, indent=2) if output is Output.JSON else say_attempt(attempt)
    if not attempt["accepted"]:
        raise typer.Exit(1)


def rotate(
    endpoint_id: Id,
    grace: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How long the old key signs along: up to 7d, 0s: not at all. Else 24h."),
    ] = None,
    secret_file: SecretFile = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Give an endpoint a new key. It is printed on standard output, this once; until the old one ends, both sign.

    \b
    watcher endpoints rotate crm > secret.new
    watcher endpoints rotate crm --grace 0s > secret.new      the old one was stolen
    """
    body = {} if grace is None else {"grace": grace}
    body |= {} if secret_file is None else {"secret": read_secret("--secret-file", secret_file)}
    made = ask_about(config, lambda daemon: daemon.rotate(endpoint_id, body))
    if output is Output.JSON:
        say_json(made, indent=2)
        return
    last = max((key["until"] for key in made["keys"] if key["until"] is not None), default=None)
    along = "no old one signs along" if last is None else f"old ones sign along until {last} at the latest"
    say_keys(made, f"endpoint {endpoint_id} has a new key; {along}")


def enable(
    endpoint_id: Id,
    send_held: Annotated[
        bool, typer.Option("--send-held/--keep-held", help="Send what was held meanwhile, or leave it held.")
    ] = True,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Send to an endpoint again, also if it only pauses or its breaker is open: everything that kept it back is forgotten.

    \b
    watcher endpoints enable crm
    watcher endpoints enable crm --keep-held
    """
    _say(ask_about(config, lambda daemon: daemon.enable(endpoint_id, send_held=send_held)), output)


def disable(
    endpoint_id: Id,
    reason: Annotated[str | None, typer.Option(help="For whoever wonders.")] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Send nothing to an endpoint until it is enabled. What it is owed is held, and not lost.

    \b
    watcher endpoints disable crm --reason "moves to another host"
    """
    body = {} if reason is None else {"reason": reason}
    _say(ask_about(config, lambda daemon: daemon.disable(endpoint_id, body)), output)


def _say(endpoint: "Document", output: Output) -> None:
    say_json(endpoint, indent=2) if output is Output.JSON else say_endpoint(endpoint)
