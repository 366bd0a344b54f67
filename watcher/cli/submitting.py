"""`watcher submit` and `switch`: have people called or texted, once; and `watcher submissions`: what became of it."""

import secrets
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from watcher.cli.adding import given
from watcher.cli.agreeing import agreed
from watcher.cli.asking import ask, first_of
from watcher.cli.broadcasting import OfKind
from watcher.cli.formats import Column, say_one, say_some
from watcher.cli.options import Account, As, BatchId, Config, Limit, labels_of, seconds_of, whole
from watcher.cli.printing import Output, complain, say, say_table, stop
from watcher.cli.recipients import Recipient, read_csv, read_json, told
from watcher.cli.shown import moment
from watcher.cli.times import now, relative
from watcher.cli.waiting import wait_for

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Submission, Watcher

POLL: Final = 1.0
"""Seconds between two questions for a submission that is not settled."""
OPEN: Final = ("intended", "sending", "unclear")
SUBMISSIONS: Final = (
    Column(heading="SUBMISSION", name="id"),
    Column(heading="ACCOUNT", name="account", spare=4),
    Column(heading="BROADCAST", name="broadcast_id", spare=2),
    Column(heading="NAME", name="name", spare=1),
    Column(heading="STATE", name="state"),
    Column(heading="BATCH", name="batch_id"),
    Column(heading="SENT", name="tries", spare=5),
    Column(heading="CREATED", name="created", short=lambda each, at: relative(each["created"], at), spare=3),
    Column(heading="DETAIL", name="detail", wide=True),
)


class Switch(StrEnum):
    """Whether contacts are called."""

    ON = "on"
    OFF = "off"


Id = Annotated[str, typer.Argument(metavar="ID", help="Submission id, sub_….")]


def submit(
    broadcast_id: Annotated[int, typer.Argument(parser=whole, metavar="BROADCAST", help="Broadcast id.")],
    name: Annotated[str, typer.Option("--name", help="Name of the batch; a tag is put behind it.")],
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Recipients; - for standard input.")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="phone=HEADING", help="Which column has the numbers.")
    ] = None,
    attr: Annotated[
        list[str] | None,
        typer.Option("--attr", metavar="NAME=HEADING", help="A column that goes along; several times."),
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Recipients as a JSON list.")] = None,
    contact_list: Annotated[
        int | None, typer.Option("--contact-list", parser=whole, metavar="ID", help="A contact list of CallFire.")
    ] = None,
    kind: OfKind = None,
    strict: Annotated[bool, typer.Option("--strict", help="One bad number, and CallFire refuses all.")] = False,
    scrub_duplicates: Annotated[
        bool, typer.Option("--scrub-duplicates", help="Leave out who is there twice; else that is refused.")
    ] = False,
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", metavar="KEY=VALUE", help="Goes into every event.")
    ] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Goes into every event.")] = None,
    expires_in: Annotated[
        str | None, typer.Option("--expires-in", metavar="DURATION", help="Follow it for so long at most.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The key that an earlier try said: it is about that batch then.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until its validation has ended, as `watcher wait` does.")
    ] = False,
    timeout: Annotated[str | None, typer.Option(metavar="DURATION", help="Give up waiting after 90s, 30m, 2h.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back on a terminal.")] = False,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Send a batch to CallFire, once, and follow it. Whoever is in it is called or texted when its validation is over.

    Everything is checked before: what is wrong is listed with its line, and nothing was sent then. Where CallFire's answer is
    lost, its list of the broadcast is searched for the batch before anything is sent again; that can take a minute or two.

    \b
    watcher submit 14 --name "Autumn, north" --csv people.csv --column phone=Telephone --attr first=Name
    watcher submit 14 --name "Everybody" --contact-list 77 --kind text --wait --timeout 30m
    jq -c '[.[].number]' people.json | watcher submit 14 --name Autumn --json -

    \b
    Exit codes: 0 CallFire has it · 1 it was refused, nobody is called · 2 usage, settings, or no daemon
                3 not certain in time: the same command with the --key that is said goes on with it, and sends nothing twice;
                or withdrawn by somebody after it was sent
                with --wait those of `watcher wait`      130 Ctrl-C: it goes on without you
    """
    recipients = _recipients(csv, column or [], attr or [], json, contact_list)
    seconds = None if timeout is None else seconds_of("--timeout", timeout)
    body = given(
        {
            "name": name,
            "recipients": None if recipients is None else [each.body for each in recipients],
            "contact_list_id": contact_list,
            "kind": kind,
            "strict_validation": strict or None,
            "scrub_duplicates": scrub_duplicates or None,
            "labels": labels_of(label) if label else None,
            "correlation_id": correlation_id,
            "expires_in": expires_in,
        }
    )
    if not yes:
        _ask_back(broadcast_id, name, recipients, contact_list)
    once = key or secrets.token_hex(16)
    document = _send(config, broadcast_id, account, body, recipients or [], once, seconds)
    say_one(document, output, lambda: say(_line(document)), SUBMISSIONS)
    if document["state"] in OPEN:
        complain(_goes_on(once))
        raise typer.Exit(3)
    if wait:
        raise typer.Exit(wait_for(config, [document["batch_id"]], document["account"], seconds, output))


def switch(
    batch_id: BatchId,
    state: Annotated[Switch, typer.Argument(help="Whether its contacts are called or texted.")],
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Have a batch's contacts be called or texted, or not, and show it as CallFire then does.

    \b
    watcher switch 13 off
    watcher switch 13 on

    Exit code 1: CallFire has no such batch.
    """

    async def tell(watcher: "Watcher") -> "Document":
        return await watcher.switch(batch_id, enabled=state is Switch.ON, account=account)

    batch = ask(config, tell, busy="asking CallFire")
    say_one(batch, output, lambda: say(f"{batch['account']}/{batch_id} is {'on' if batch['enabled'] else 'off'} now"))


def ls(
    unsettled: Annotated[
        bool, typer.Option("--open", help="Only those that something is still to be done about.")
    ] = False,
    limit: Limit = 100,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """List what was sent to CallFire, and is to be, the newest first; 30 days back.

    \b
    watcher submissions ls --open
    """

    async def some(watcher: "Watcher") -> "list[Document]":
        listed = watcher.submissions.list(account=account, settled=False if unsettled else None)
        return await first_of(listed, limit + 1)

    say_some(ask(config, some), limit, SUBMISSIONS, output)


def show(submission_id: Id, account: Account = None, config: Config = None, output: As = Output.TABLE) -> None:
    """Show how a batch stands that was sent to CallFire. Exit code 1: there is none of that id.

    \b
    watcher submissions show sub_7k3f9x2abc4m
    """

    async def one(watcher: "Watcher") -> "Document":
        return (await watcher.submissions.show(submission_id, account=account)).document

    document = ask(config, one)
    say_one(document, output, lambda: _say(document), SUBMISSIONS)


def withdraw(submission_id: Id, account: Account = None, config: Config = None, output: As = Output.TABLE) -> None:
    """Have nothing more done about a batch that is not settled: it is not sent, or not again. Exit code 1: there is none.

    \b
    watcher submissions withdraw sub_7k3f9x2abc4m
    """

    async def one(watcher: "Watcher") -> "Document":
        return (await watcher.submissions.withdraw(submission_id, account=account)).document

    document = ask(config, one)
    say_one(document, output, lambda: say(_line(document)), SUBMISSIONS)


def _recipients(
    csv: Path | None, column: Sequence[str], attr: Sequence[str], json: Path | None, contact_list: int | None
) -> list[Recipient] | None:
    """Those that are named; None where a contact list is. Ends the command where it is not clear who is meant."""
    if sum(each is not None for each in (csv, json, contact_list)) != 1:
        raise typer.BadParameter("Say whom it is for: one of --csv FILE, --json FILE and --contact-list ID.")
    if csv is None and (column or attr):
        raise typer.BadParameter("--column and --attr are about the columns of a --csv FILE.")
    if contact_list is not None:
        return None
    found = read_csv(csv, column, attr) if csv is not None else read_json(json or Path("-"))
    if not found:
        stop(f"{csv or json}: nobody is in it")
    return found


def _ask_back(broadcast_id: int, name: str, recipients: Sequence[Recipient] | None, contact_list: int | None) -> None:
    """On a terminal it is said who will be called before anybody is."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    count = len(recipients or ())
    whom = f"contact list {contact_list}" if recipients is None else f"{count} recipient{'s' * (count != 1)}"
    if not agreed(f"Send {name!r} to {whom} in broadcast {broadcast_id}?", "nothing was sent"):
        stop("nothing was sent", code=1)


def _send(
    config: Path | None,
    broadcast_id: int,
    account: str | None,
    body: Mapping[str, Any],
    recipients: Sequence[Recipient],
    key: str,
    seconds: float | None,
) -> "Document":
    """The submission when it is settled, or the time is over. What is certain is said; and the key where nothing is."""
    from watcher.client import Refused, TryLater, Unreachable

    async def send(watcher: "Watcher") -> "Document":
        try:
            submission = await watcher.submit(broadcast_id, account=account, key=key, **body)
            return await _settled(watcher, submission, seconds)
        except Refused as error:
            if error.kind == "submission-refused":
                _come_to_nothing(error.document["submission"], str(error))
            if error.kind == "bad-body":
                stop(*told(recipients, error.errors), "nothing was sent")
            raise
        except (Unreachable, TryLater):
            complain(_goes_on(key))
            raise

    try:
        return ask(config, send, busy="asking CallFire")
    except KeyboardInterrupt:
        complain(_goes_on(key))
        raise


async def _settled(watcher: "Watcher", submission: "Submission", seconds: float | None) -> "Document":
    import asyncio

    document: Document = submission.document
    try:
        async with asyncio.timeout(seconds):
            while document["state"] in OPEN:
                await asyncio.sleep(POLL)
                document = (await watcher.submissions.show(submission.id, account=submission.account)).document
    except TimeoutError:
        return document
    if document["state"] != "accepted":
        _come_to_nothing(document, document["detail"])
    return document


def _come_to_nothing(document: "Document", detail: str) -> NoReturn:
    """Ends the command. Of one that was withdrawn after it was sent nobody knows whether people are called."""
    unknown = document["state"] == "withdrawn" and document["tries"] > 0
    stop(f"{document['state']}: {detail}", code=3 if unknown else 1)


def _goes_on(key: str) -> str:
    return (
        f"whether it was added is not certain yet: the same command with --key {key} goes on, and sends nothing twice"
    )


def _line(document: "Document") -> str:
    batch = f"batch {document['batch_id']} of account {document['account']}, " if document["batch_id"] else ""
    detail = f" ({document['detail']})" if document["detail"] else ""
    return f"{batch}{document['name']}: {document['state']}{detail}"


def _say(document: "Document") -> None:
    at = now()
    rows: list[tuple[str, object]] = [(key.replace("_", " "), document[key]) for key in ("id", "account")]
    rows += [("broadcast", document["broadcast_id"]), ("kind", document["kind"]), ("name", document["name"])]
    rows += [("state", document["state"]), ("batch", document["batch_id"]), ("recipients", document["recipients"])]
    rows += [("times sent", document["tries"])]
    rows += [(key, moment(document[key], at)) for key in ("created", "settled")]
    rows += [("detail", document["detail"]), ("correlation id", document["correlation_id"])]
    rows += [(f"label {key}", value) for key, value in document["labels"].items()]
    say_table(("", ""), [row for row in rows if row[1] not in (None, "")])
