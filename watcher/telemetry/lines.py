"""How log lines are written: JSON or for a console, to stderr; secrets masked, control characters made visible.

What libraries log with the standard library goes the same way.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Literal, TextIO

from watcher.core.notification import THREADS


@contextmanager
def _without(package: str) -> Iterator[None]:
    """What is imported meanwhile does not find the package, unless somebody loaded it before."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # as Python has it for a module that is not there
    try:
        yield
    finally:
        del sys.modules[package]


with _without("rich"):  # three megabytes, for tracebacks in colours, which nobody gets from us
    import structlog
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

Format = Literal["json", "console", "auto"]
Level = Literal["debug", "info", "warning", "error"]

MASK: Final = "***"
SECRET_KEYS: Final = re.compile(
    r"secret|passw|authorization|token|credential|cookie|api[-_]?key|private[-_]?key|signature", re.IGNORECASE
)
SECRET_VALUES: Final = re.compile(
    r"""
      (?P<key>wh(?:sec|sk)_|\bwat_)[A-Za-z0-9+/=_-]+    # a signing key, a token
    | (?P<scheme>\b(?:Basic|Bearer)\s+)[A-Za-z0-9+/=._~-]{4,}
    | (?P<url>://)[^\s/?\#]{1,512}@                     # user:password in a URL
    | (?<![^\s"'(=,])[^\s:/@"'(=,]{1,128}:(?!//)[^\s@"']{1,128}@(?=[\w\[])  # and without one
    """,
    re.VERBOSE | re.IGNORECASE,
)
CONTROL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u070f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
    r"|[\U000e0000-\U000e007f]"
)
"""What ends a line, commands a terminal, turns the direction of letters round, or is not seen at all."""
DEEPEST: Final = 6


def configure(*, format: Format, level: Level, stream: TextIO | None = None) -> None:  # noqa: A002 # the settings' word
    """Has everything logged written to the stream (stderr) in one format. What was configured before is replaced.

    `auto` is for a console where the stream is a terminal, else JSON.
    """
    out = sys.stderr if stream is None else stream
    console = format == "console" or (format == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
            processors=_processors(console=console, colors=out.isatty()),
        )
    )
    handler.addFilter(_not_of_notifications)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


def _not_of_notifications(record: logging.LogRecord) -> bool:
    """Whether it comes from elsewhere: what libraries say of a notification may quote its URL, which is a secret."""
    return not (record.threadName or "").startswith(THREADS)


def own_logger() -> FilteringBoundLogger:
    """The logger for the news, at the level that is configured now."""
    own = logging.getLogger("watcher")
    logger: FilteringBoundLogger = structlog.wrap_logger(
        own,
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(own.getEffectiveLevel()),
        context_class=dict,
    ).bind()
    return logger


def _processors(*, console: bool, colors: bool) -> list[Processor]:
    common: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    if console:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        )
        return [*common, show_controls, renderer]
    return [*common, _order, structlog.processors.JSONRenderer()]


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last line of defence: nothing that looks like a secret, by its key or by itself, is written."""
    return {key: MASK if SECRET_KEYS.search(key) else _masked(value, DEEPEST) for key, value in event.items()}


def _masked(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return SECRET_VALUES.sub(_veil, value)
    if isinstance(value, datetime):
        return value.isoformat()
    if depth and isinstance(value, Mapping):
        return {
            str(key): MASK if SECRET_KEYS.search(str(key)) else _masked(each, depth - 1) for key, each in value.items()
        }
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_masked(each, depth - 1) for each in value]
    return SECRET_VALUES.sub(_veil, repr(value))


def _veil(match: re.Match[str]) -> str:
    kept = match.group("key") or match.group("scheme") or match.group("url") or ""
    at = "@" if match.group(0).endswith("@") else ""
    return f"{kept}{MASK}{at}"


def show_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """For a console: no value can start a line of its own or move the cursor; only a traceback has lines, and is indented."""
    return {key: _indented(value) if key == "exception" else _shown(value) for key, value in event.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return CONTROL.sub(lambda found: found.group(0).encode("unicode_escape").decode(), value)
    if isinstance(value, dict):
        return {_shown(key): _shown(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return value


def _indented(trace: Any) -> str:
    return "\n".join(f"    | {_shown(line)}" for line in str(trace).rstrip("\n").split("\n"))


def _order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """When, how bad, what: first in every line."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return {**first, **event}
