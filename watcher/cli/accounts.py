"""`watcher accounts`: the logins whose batches are followed, how they stand, and asking CallFire again."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watcher.cli.asking import ask
from watcher.cli.formats import Column, say_list, say_one
from watcher.cli.options import As, Config, account_names
from watcher.cli.printing import Output, say, say_table
from watcher.cli.shown import moment
from watcher.cli.times import now, relative

if TYPE_CHECKING:
    from watcher.cli.formats import Document

ACCOUNTS: Final = (
    Column(heading="ACCOUNT", name="name"),
    Column(heading="CONDITION", name="condition"),
    Column(heading="UNTIL", name="until", short=lambda each, at: relative(each["until"], at), spare=4, rare=True),
    Column(heading="FOLLOWED", name="open"),
    Column(heading="OVERDUE", name="overdue"),
    Column(heading="RATE", name="rate", short=lambda each, _: f"{each['rate']:g}/s", spare=2),
    Column(heading="IN FORCE", name="effective_rate", short=lambda each, _: f"{each['effective_rate']:.3g}/s", spare=3),
    Column(heading="USED", name="used", short=lambda each, _: f"{each['used']:.3g}/s", spare=6),
    Column(heading="IN FLIGHT", name="in_flight", spare=5),
    Column(heading="REASON", name="reason", spare=1),
    Column(heading="LAST STEP", name="last_step", wide=True),
    Column(heading="LOOKS A REQUEST", name="looks_per_request", wide=True),
    Column(heading="CHANGED %", name="change_percentage", wide=True),
)
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The account by its name in the settings.", autocompletion=account_names)
]


def ls(config: Config = None, output: As = Output.TABLE) -> None:
    """List the accounts: whether CallFire answers them, how many batches are followed, and what of the budget is in force.

    \b
    watcher accounts ls
    watcher accounts ls -o json | jq '.[] | select(.overdue > 0) | .name'
    """
    found = ask(config, lambda watcher: watcher.accounts.list())
    say_list([account.document for account in found], ACCOUNTS, output)


def show(name: Name, config: Config = None, output: As = Output.TABLE) -> None:
    """Show an account, with its StreamRank: what it saves to be told instead of asking. Exit code 2: there is none of that name.

    \b
    watcher accounts show default
    """
    account = ask(config, lambda watcher: watcher.accounts.show(name)).document
    say_one(account, output, lambda: _say(account))


def resume(name: Name, config: Config = None, output: As = Output.TABLE) -> None:
    """Ask CallFire again now, where it refused the login, or is let be for a while: after the login was corrected there.

    \b
    watcher accounts resume default
    """
    account = ask(config, lambda watcher: watcher.accounts.resume(name)).document
    say_one(account, output, lambda: say(f"account {name} is asked for again; it is {account['condition']} now"))


def _say(account: "Document") -> None:
    at = now()
    say_table(
        ("", ""),
        [
            ("account", account["name"]),
            ("condition", account["condition"]),
            ("reason", account["reason"]),
            ("until", moment(account["until"], at)),
            ("rate", f"{account['rate']:g} requests a second, {account['effective_rate']:.3g} in force"),
            ("used", f"{account['used']:.3g} requests a second over the last minute"),
            ("looks", _looks(account)),
            ("in flight", account["in_flight"]),
            ("followed", account["open"]),
            ("overdue", account["overdue"]),
            ("last step", moment(account["last_step"], at)),
            ("ends seen", (account.get("learnt") or {}).get("ends")),
        ],
    )
    rank: dict[str, Any] = account.get("streamrank") or {}
    if rank:
        say("")
        say_table(("STREAMRANK", ""), [(name.replace("_", " "), _figure(value)) for name, value in rank.items()])


def _looks(account: "Document") -> str | None:
    """What requests for looks bring; None where nobody knows yet."""
    each, changed = account["looks_per_request"], account["change_percentage"]
    said = [] if each is None else [f"{each:.3g} a request over the last five minutes"]
    said += [] if changed is None else [f"{changed:g} % of all showed another status"]
    return ", ".join(said) or None


def _figure(value: object) -> object:
    return f"{value:.3g}" if isinstance(value, float) else value
