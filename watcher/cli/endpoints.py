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
from watcher.cli.endpoints_shown import ENDPOINTS, say_attempt, say_endpoint, say_keys
from watcher.cli.formats import say_data, say_list, say_one
from watcher.cli.options import As, Config, endpoint_ids, read_secret
from watcher.cli.printing import Output, complain, say
from watcher.cli.subscriptions import ask_about, id_of

if TYPE_CHECKING:
    from watcher.client import Endpoint, Watcher

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The endpoint's id, as `watcher endpoints ls` shows it.", autocompletion=endpoint_ids
    ),
]
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
    endpoints = ask_about(config, lambda watcher: watcher.endpoints.list())
    say_list([endpoint.document for endpoint in endpoints], ENDPOINTS, output)


def show(endpoint_id: Id, config: Config = None, output: As = Output.TABLE) -> None:
    """Show how an endpoint is set up, how it stands, and how the last hour's attempts went, minute by minute. Secrets are never
    shown. Exit code 1: there is none of that id.

    \b
    watcher endpoints show crm
    """
    _say(ask_about(config, lambda watcher: watcher.endpoints.show(id_of(endpoint_id), recent=True)), output)


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
    del body["url"]
    made = ask_about(config, lambda watcher: watcher.endpoints.make(url, **body), url="URL").document
    if not say_data(made, output):
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
    _say(ask_about(config, lambda watcher: watcher.endpoints.change(id_of(endpoint_id), **body)), output)


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

    async def remove(watcher: "Watcher") -> list[str | None]:
        from watcher.client import NotThere, Refused

        errors: list[str | None] = []
        for endpoint_id in endpoint_ids:
            try:
                await watcher.endpoints.remove(id_of(endpoint_id))
                errors.append(None)
            except (NotThere, Refused) as error:
                errors.append(str(error))
        return errors

    ended = list(zip(endpoint_ids, ask_about(config, remove), strict=True))
    rows = [{"id": one, "removed": error is None, "error": error} for one, error in ended]
    if not say_data([{key: value for key, value in row.items() if value is not None} for row in rows], output):
        for endpoint_id, error in ended:
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
    attempt = ask_about(config, lambda watcher: watcher.endpoints.test(id_of(endpoint_id), type_)).document
    say_one(attempt, output, lambda: say_attempt(attempt))
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
    secret = None if secret_file is None else read_secret("--secret-file", secret_file)
    made = ask_about(
        config, lambda watcher: watcher.endpoints.rotate(id_of(endpoint_id), grace=grace, secret=secret)
    ).document
    if say_data(made, output):
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
    _say(ask_about(config, lambda watcher: watcher.endpoints.enable(id_of(endpoint_id), send_held=send_held)), output)


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
    _say(ask_about(config, lambda watcher: watcher.endpoints.disable(id_of(endpoint_id), reason=reason)), output)


def _say(endpoint: "Endpoint", output: Output) -> None:
    say_one(endpoint.document, output, lambda: say_endpoint(endpoint.document), ENDPOINTS)
