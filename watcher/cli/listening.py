"""`watcher listen`: a receiver for people who try things. Prints each webhook as it comes, and answers as it was asked to."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watcher.cli.formats import PEOPLE, say_lines
from watcher.cli.options import As, read_secret, seconds_of, whole
from watcher.cli.printing import Output, say, stop
from watcher.cli.running import run_to_end
from watcher.cli.times import wire_time

if TYPE_CHECKING:
    from watcher.simulator.listener import Message, Note
    from watcher.simulator.verifying import Key

PLACE: Final = "127.0.0.1:9000"
LOOPBACK: Final = (
    "a receiver on this machine needs a daemon that was started with "
    "WATCHER_WEBHOOKS__ALLOW_NETWORKS=127.0.0.0/8,::1/128"
)


def listen(
    place: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where to listen; port 0: a free one.")] = PLACE,
    secret: Annotated[
        list[str] | None, typer.Option("--secret", help="whsec_… or whpk_… to verify with; several while you rotate.")
    ] = None,
    secret_file: Annotated[
        list[Path] | None, typer.Option("--secret-file", help="The file that holds it; - for standard input.")
    ] = None,
    slow: Annotated[str, typer.Option(metavar="DURATION", help="Take so long for each answer: 2s, 500ms.")] = "0s",
    fail: Annotated[
        int | None, typer.Option(min=300, max=599, metavar="CODE", help="Answer with this code instead of 204.")
    ] = None,
    first: Annotated[
        int | None, typer.Option(parser=whole, metavar="COUNT", help="Only the first so many (with --fail).")
    ] = None,
    share: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Only such a share, by chance: 0.2 (with --fail).")
    ] = None,
    retry_after: Annotated[
        int | None, typer.Option(min=0, metavar="SECONDS", help="Send Retry-After along with the code of --fail.")
    ] = None,
    output: As = Output.TABLE,
) -> None:
    """Receive webhooks and print them: for trying out what a receiver gets, and what follows from its answers.

    Good messages are answered 204, those whose signature is not right 401. Without a secret nothing is verified.

    \b
    watcher listen --secret-file secret
    watcher listen 127.0.0.1:9001 --secret-file secret --slow 2s
    watcher listen --secret-file secret --fail 503 --first 3 --retry-after 30
    watcher listen --secret-file secret --fail 500 --share 0.2 -o json | jq .data.status
    """
    from watcher.settings.values import listening_address
    from watcher.simulator.listener import ListenerConfig, run

    if fail is None and (first, share, retry_after) != (None, None, None):
        raise typer.BadParameter("--first, --share and --retry-after say when and how to --fail: give --fail CODE.")
    try:
        address = listening_address(place)
    except ValueError:
        stop(f"{place}: is not HOST:PORT: write 127.0.0.1:9000, [::1]:9000, or 0.0.0.0:9000 for every interface")
    config = ListenerConfig(
        keys=_keys(secret or (), secret_file or ()),
        host=address.host,
        port=address.port,
        fail_code=fail,
        fail_first=first,
        fail_share=share,
        retry_after=retry_after,
        slow=seconds_of("--slow", slow),
    )
    known = next((str(file) for file in secret_file or () if str(file) != "-"), None)

    def announce(url: str) -> None:
        subscribe = f"watcher endpoints add {url}" + (f" --secret-file {known}" if known else " > secret")
        if output not in PEOPLE:
            say_lines({"url": url, "subscribe": subscribe}, output)
            return
        say(f"listening at {url}, until Ctrl-C" + ("" if config.keys else "; without a secret nothing is verified"))
        say(f"subscribe it with: {subscribe}")
        if address.loopback:
            say(LOOPBACK)

    def tell(what: "Message | Note") -> None:
        say(line_of(what)) if output in PEOPLE else say_lines({**asdict(what), "at": _instant(what.at)}, output)

    try:
        run_to_end(run(config, announce, tell))
    except BrokenPipeError:
        raise
    except OSError as error:
        stop(f"cannot listen at {place} ({error.strerror or error}): take another place, or port 0 for a free one")


def line_of(what: "Message | Note") -> str:
    """What came, in one line: when, its id, what it tells of what, whether it is verified, and what is answered."""
    from watcher.simulator.listener import Note

    if isinstance(what, Note):
        return "  ".join((_instant(what.at), *((what.id,) if what.id else ()), what.what))
    data = what.data
    about = f"{data['account']}/{data['batch_id']}" if data.get("account") and data.get("batch_id") else ""
    about = about or str(data.get("endpoint") or data.get("account") or "")
    verified = {None: "not checked", True: "verified", False: f"NOT VERIFIED: {what.why}"}[what.verified]
    parts = [_instant(what.at), what.id or "no id", what.type or "no event", about, str(data.get("status") or "")]
    parts += [verified, f"attempt {what.attempt} seen" if what.attempt > 1 else ""]
    parts += ["" if what.form == "plain" else what.form, f"-> {what.answered}"]
    return "  ".join(part for part in parts if part)


def _keys(secrets: Sequence[str], files: Sequence[Path]) -> "tuple[Key, ...]":
    """What to verify with; ends the command where one of them is none, and never quotes it."""
    from watcher.simulator.verifying import key_of

    named = [("--secret", secret) for secret in secrets] + [
        (f"--secret-file {file}", read_secret("--secret-file", file)) for file in files
    ]
    keys = []
    for where, secret in named:
        try:
            keys.append(key_of(secret))
        except ValueError as wrong:
            stop(f"{where}: {wrong}: give the secret that `watcher endpoints add` or `watcher endpoints secret` said")
    return tuple(keys)


def _instant(at: float) -> str:
    return wire_time(datetime.fromtimestamp(at, UTC))
