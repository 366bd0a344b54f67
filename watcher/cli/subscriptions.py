"""Questions about endpoints: which option is at fault is said where the daemon refuses what it was given."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watcher.cli.asking import Answered, Question, ask
from watcher.cli.endpoints_shown import attempt_line
from watcher.cli.printing import Stop, stop

if TYPE_CHECKING:
    from watcher.client import Watcher

OPTIONS: Final[Mapping[str, str]] = {
    "types": "--type",
    "accounts": "--account",
    "broadcasts": "--broadcast",
    "labels": "--label",
    "headers": "--header",
    "secret": "--secret-file",
    "states": "--state",
    "verification": "--verify",
}
"""How a key of what is sent is given by command, where it is not by its own name."""


def ask_about(
    config: Path | None, question: "Question[Answered]", *, url: str = "--url", busy: str | None = "asking the daemon"
) -> Answered:
    """As `ask`; `url` is the option of a URL. Where an attempt failed, it is told too."""
    from watcher.client import Refused

    attempts: list[str] = []

    async def asked(watcher: "Watcher") -> Answered:
        try:
            return await question(watcher)
        except Refused as refused:
            attempt = refused.document.get("attempt")
            attempts.extend([] if attempt is None else [attempt_line(attempt)])
            raise

    try:
        return ask(config, asked, options={**OPTIONS, "url": url}, busy=busy)
    except Stop as end:
        raise Stop(*end.lines, *attempts, code=end.code) from None


def id_of(endpoint_id: str) -> str:
    """The id of an endpoint as it was given; ends the command where it is none."""
    if not endpoint_id:
        stop("ID: is empty: name an endpoint as `watcher endpoints ls` shows it")
    return endpoint_id
