"""Asks a running daemon about endpoints and deliveries. Which option is at fault is said where it refuses what it was given."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from watcher.cli.asking import ask
from watcher.cli.endpoints_shown import attempt_line
from watcher.cli.printing import stop

if TYPE_CHECKING:
    from watcher.cli.daemon import Daemon, Document, Refusal

PAGE: Final = 1000
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


class Subscriptions:
    """The questions. Each raises what Daemon's do."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon

    async def endpoints(self) -> "list[Document]":
        """All endpoints."""
        return [item async for item in self._pages("/v1/endpoints", {})]

    async def endpoint(self, endpoint_id: str) -> "Document":
        """One of them."""
        return await self._of("GET", endpoint_id)

    async def make(self, body: "Document") -> "Document":
        """A new one, its secrets shown this once."""
        return await self._daemon.ask("POST", "/v1/endpoints", json=body)

    async def change(self, endpoint_id: str, body: "Document") -> "Document":
        """Set up anew in what the body names."""
        return await self._of("PATCH", endpoint_id, json=body)

    async def remove(self, endpoint_id: str) -> None:
        """Deletes it."""
        await self._of("DELETE", endpoint_id)

    async def disable(self, endpoint_id: str, body: "Document") -> "Document":
        """What it is owed is held from now on."""
        return await self._of("POST", endpoint_id, "/disable", json=body)

    async def enable(self, endpoint_id: str, *, send_held: bool) -> "Document":
        """It gets webhooks again."""
        return await self._of("POST", endpoint_id, "/enable", json={"send_held": send_held})

    async def rotate(self, endpoint_id: str, body: "Document") -> "Document":
        """New keys, shown this once."""
        return await self._of("POST", endpoint_id, "/rotate", json=body)

    async def test(self, endpoint_id: str, event_type: str) -> "Document":
        """The attempt that a sample of that type led to."""
        return await self._of("POST", endpoint_id, "/test", json={"type": event_type})

    async def recover(self, endpoint_id: str, body: "Document") -> "Document":
        """One portion: how many there were by state, and from where to go on."""
        return await self._of("POST", endpoint_id, "/recover", json=body)

    def deliveries(self, endpoint_id: str | None, states: Sequence[str]) -> "AsyncIterator[Document]":
        """Deliveries, the newest first."""
        query: dict[str, Any] = {"state": list(states)} if states else {}
        if endpoint_id is None:
            return self._pages("/v1/deliveries", query)
        return self._pages(_path(endpoint_id, "/deliveries"), query)

    async def delivery(self, delivery_id: int) -> "Document":
        """One with its attempts."""
        return await self._daemon.ask("GET", f"/v1/deliveries/{delivery_id}")

    async def resend(self, delivery_id: int) -> "Document":
        """It is sent again."""
        return await self._daemon.ask("POST", f"/v1/deliveries/{delivery_id}/resend")

    async def _of(self, method: str, endpoint_id: str, part: str = "", **more: Any) -> "Document":
        return await self._daemon.ask(method, _path(endpoint_id, part), **more)

    async def _pages(self, path: str, query: Mapping[str, Any]) -> "AsyncIterator[Document]":
        asked = {**query, "limit": str(PAGE)}
        while True:
            page = await self._daemon.ask("GET", path, params=asked)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            asked["cursor"] = page["next"]


def ask_about(config: Path | None, question: "Callable[[Subscriptions], Awaitable[Any]]", *, url: str = "--url") -> Any:
    """As `ask`. What the daemon refuses is told a line a fault, each with the option that it is about (`url`: that of a URL)."""

    async def asked(daemon: "Daemon") -> Any:
        from watcher.cli.daemon import DaemonError, Refusal

        try:
            return await question(Subscriptions(daemon))
        except Refusal as refusal:
            raise DaemonError("\n".join(faults(refusal, {**OPTIONS, "url": url}))) from None

    return ask(config, asked)


def faults(refusal: "Refusal", options: Mapping[str, str] = OPTIONS) -> list[str]:
    """What is wrong, a line each, with options in the place of JSON pointers; and the attempt that failed, where one did."""
    errors: Sequence[Mapping[str, str]] = refusal.document.get("errors", ())
    said = [f"{_option(error['pointer'], options)}{error['message']}" for error in errors if "pointer" in error]
    attempt = refusal.document.get("attempt")
    return (said or [str(refusal)]) + ([] if attempt is None else [attempt_line(attempt)])


def _option(pointer: str, options: Mapping[str, str]) -> str:
    """`/labels/team` is `--label team: `."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if not steps:
        return ""
    if steps[0] == "authorization":
        return "--basic-file: " if "basic" in steps else "--bearer-file: "
    named = options.get(steps[0], f"--{steps[0].replace('_', '-')}")
    return f"{named} {steps[1]}: " if len(steps) > 1 and not steps[1].isdigit() else f"{named}: "


def _path(endpoint_id: str, part: str = "") -> str:
    if not endpoint_id:
        stop("ID: is empty: name an endpoint as `watcher endpoints ls` shows it")
    return f"/v1/endpoints/{quote(endpoint_id, safe='')}{part}"
