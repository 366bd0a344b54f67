"""`watcher explain`: why a batch is looked at when it is."""

from typing import TYPE_CHECKING

from watcher.cli.asking import ask, named, warn_of_refused
from watcher.cli.formats import say_one
from watcher.cli.options import Account, As, BatchId, Config
from watcher.cli.printing import Output, say, say_table
from watcher.cli.times import second

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Watcher


def explain(
    batch_id: BatchId,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Say why a batch is looked at when it is: what a look at it would be worth now, its rank among what is due, what stands
    before it, and when its turn is expected. Exit code 1: it is not followed, or not looked at any more.

    \b
    watcher explain 13
    watcher explain 13 -o json | jq .next_look
    """

    async def one(watcher: "Watcher") -> "Document":
        name = await watcher.accounts.meant(account)
        await warn_of_refused(watcher, {name})
        with named(watcher, name, "batch", batch_id):
            return (await watcher.explain(batch_id, account=name)).document

    explanation = ask(config, one)
    say_one(explanation, output, lambda: say_explanation(explanation))


def say_explanation(explanation: "Document") -> None:
    """In words, then in figures."""
    say(explanation["summary"])
    say("")
    broadcast, page, worth = explanation["broadcast_id"], explanation["page"], explanation["page_worth"]
    of_page = None if page is None else f"{page} of broadcast {broadcast}"
    say_table(
        ("", ""),
        [
            ("batch", f"{explanation['batch_id']} of account {explanation['account']}"),
            *([("part", explanation["part"])] if explanation.get("part") else []),
            ("age", f"{explanation['age']:.1f} s"),
            ("waited", f"{explanation['waited']:.1f} s since it was last asked about"),
            ("hazard", f"{explanation['hazard']:.3g} since then"),
            ("worth", f"{explanation['worth']:.3g} s; no request is made for less than {explanation['threshold']:g} s"),
            ("page", of_page if of_page is None or worth is None else f"{of_page}, worth {worth:.3g} s"),
            ("rank", explanation["rank"]),
            *(("before it", _before(each)) for each in explanation["ahead"]),
            ("next look", second(explanation["next_look"])),
        ],
    )


def _before(request: "Document") -> str:
    """A request that stands before it."""
    if request["page"] is None:
        what = f"batch {request['batch_id']}"
    else:
        what = f"page {request['page']} of broadcast {request['broadcast_id']}"
    return f"{what}, worth {request['worth']:.3g} s"
