"""How the library Apprise is asked to tell people something, and what it says of it. Blocks; for threads of our own.

The library is imported here when it is first used, for that takes as long as everything else of a start. A word on a failure
never holds what the library said but for the number of an HTTP status: it may have quoted the URL, which is a secret.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from watcher.core.notification import Notification
from watcher.webhooks.failures import Failure, failed

LIBRARY: Final = "apprise"
"""What it is imported as, and what its logger is called."""
SENDER: Final = "callfire-batch-watcher"
STATUS: Final = re.compile(r"\berror=([1-5]\d\d)\b")
"""How the library's services log the status with which they were refused."""
APART: Final = 1.0
"""Seconds between two messages to a service of which the library says nothing else, for several recipients or parts. With its own
5.5 four of them would take longer than the usual time-out."""
UNREACHED: Final = re.compile(r"connection error", re.IGNORECASE)

BAD_URL: Final = failed("bad_url", "Apprise makes nothing of the endpoint's apprise_url: see its scheme and its parts")


class Heard(logging.Handler):
    """What the library logs, for the thread that it works in. It is written nowhere."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._of_thread = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        said: list[str] | None = getattr(self._of_thread, "said", None)
        if said is not None:
            said.append(record.getMessage())

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """What is said in this thread meanwhile."""
        said: list[str] = []
        self._of_thread.said = said
        try:
            yield said
        finally:
            self._of_thread.said = None


@contextmanager
def hushed() -> Iterator[Heard]:
    """Keeps the library's log to ourselves while the context lasts."""
    logger, heard = logging.getLogger(LIBRARY), Heard()
    before = logger.level, logger.propagate
    logger.setLevel(logging.WARNING)  # beneath, it logs whole URLs
    logger.propagate = False
    logger.addHandler(heard)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.level, logger.propagate = before


def apprise(url: str, notification: Notification, heard: Heard) -> Failure | None:
    """Tells it to whoever is behind the URL; None where every one of them accepted it. Raises nothing."""
    with heard.listening() as said:
        try:
            return _sent(url, notification, said)
        except Exception as error:  # noqa: BLE001 # whatever a service of the library raises: its words may quote the URL
            return failed("not_accepted", f"the library failed with {type(error).__name__}")


def known_as(url: str) -> str | None:
    """What the library calls the service behind the URL; None where it makes nothing of it. Nothing is sent."""
    with hushed():
        from apprise import Apprise

        service = Apprise.instantiate(url)
    return None if service is None else str(service.service_name)


def _sent(url: str, notification: Notification, said: list[str]) -> Failure | None:
    from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode

    # Left to us are retries and time-outs, for which it would take threads that the end of the process waits for. It keeps
    # nothing on the disk, names no pictures of its own, and goes nowhere but where the URL says.
    asset = AppriseAsset(
        app_id=SENDER,
        app_desc=SENDER,
        app_url="",
        image_url_mask="",
        image_url_logo="",
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        async_mode=False,
        service_timeout=0,
        storage_mode="memory",
        allow_templates=False,
    )
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        return BAD_URL
    service.optional = False  # with ?optional=yes a failure would count as a success
    service.retry = 0
    if service.request_rate_per_sec == NotifyBase.request_rate_per_sec:
        service.request_rate_per_sec = APART
    if "overflow=" not in url:
        service.overflow_mode = OverflowMode.SPLIT
    everybody = Apprise(asset=asset)
    everybody.add(service)
    if everybody.notify(
        body=notification.text,
        title=notification.title,
        notify_type=NotifyType(notification.mood),
        body_format=NotifyFormat.TEXT,
    ):
        return None
    return failed("not_accepted", _why(said))


def _why(said: list[str]) -> str:
    """What the last of it that is known means."""
    for line in reversed(said):
        status = STATUS.search(line)
        if status is not None:
            return f"the service answered {status[1]}"
        if UNREACHED.search(line):
            return "the service was not reached, or refused the login"
    return "the service did not accept it"
