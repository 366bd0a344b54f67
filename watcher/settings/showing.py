"""The settings for a reader: what is in force and where it came from, and the table of all keys. Secrets stay masked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pydantic import SecretStr

from watcher.core.spans import span_text
from watcher.settings.keys import ANY, Key, dotted, keys, variables
from watcher.settings.model import Settings

MASK: Final = "********"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One key in force: its dotted name, its value as text, and where that came from."""

    key: str
    value: str
    origin: str


def shown(settings: Settings) -> Iterator[Shown]:
    """Every key in force, in the order of the model."""
    for key in keys():
        section: Any = getattr(settings, key.path[0])
        tables = section if key.path[1] == ANY else {None: section}
        for name, table in tables.items():
            path = dotted([name if part == ANY else part for part in key.path])
            value = text_of(key, getattr(table, key.path[-1]))
            yield Shown(key=path, value=value, origin=settings.origins.get(path, "default"))


def text_of(key: Key, value: object) -> str:
    """A value as one would write it; "" for none. Secrets are masked, and so is what a URL carries after `?`."""
    if value is None or value == () or value == {}:
        return ""
    if key.secret or isinstance(value, SecretStr):
        return MASK
    if isinstance(value, timedelta):
        return span_text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return ",".join(f"{name}={text}" for name, text in value.items())
    text = str(value)
    return without_query(text) if "://" in text else text


def without_query(url: str) -> str:
    """The URL with what it carries after `?` masked: many a receiver has its key there."""
    place, mark, _ = url.partition("?")
    return f"{place}?{MASK}" if mark else url


def reference() -> str:
    """The Markdown table of every key: its name in the file and in the environment, its default, what it does."""
    lines = ["| key | environment | default | what it does |", "| --- | --- | --- | --- |"]
    for key in keys():
        names = variables(("accounts", "default", key.path[-1]) if key.path[:2] == ("accounts", ANY) else key.path)
        if key.path[:2] == ("endpoints", ANY):
            names = variables(("endpoints", "default", key.path[-1]))
        shortest = f"`{names[0]}`" + (", `…_FILE`" if key.or_file else "")
        default = "" if key.field.is_required() else text_of(key, key.default)
        description = (key.field.description or "").replace("|", "\\|")
        lines.append(f"| `{dotted(key.path)}` | {shortest} | {f'`{default}`' if default else ''} | {description} |")
    return "\n".join(lines) + "\n"
