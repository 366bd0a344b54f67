"""From what was given to the frozen tree, or to every problem there is."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from watcher.core.addresses import Network
from watcher.core.spans import span_text
from watcher.settings.database import Database
from watcher.settings.keys import (
    Key,
    KeyPath,
    all_variables,
    dotted,
    key_at,
    keys,
    named_sections,
    nearest,
    variable,
    variables,
)
from watcher.settings.model import Http, Settings
from watcher.settings.problems import BadSettings, Problem
from watcher.settings.section import Section
from watcher.settings.showing import text_of
from watcher.settings.sources import WHOLE, Gathered, gather
from watcher.settings.values import networks

OneSection = TypeVar("OneSection", bound=Section)

EVERYWHERE: Final[Sequence[Network]] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def load(config: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings in force: `environ` over the file `config` (else the one WATCHER_CONFIG names, else config/watcher.toml
    where it exists). Raises BadSettings with everything that is wrong."""
    gathered = gather(config, environ)
    if WHOLE in gathered.unread:
        raise BadSettings(gathered.problems)
    tree = gathered.tree()
    accounts = tree.get("accounts")
    context = {
        "accounts": list(accounts) if isinstance(accounts, dict) else [],
        "networks": _networks(tree.get("webhooks")),
        "origins": {dotted(path): given.origin for path, given in gathered.given.items()},
        "warnings": tuple(gathered.warnings),
    }
    try:
        settings = Settings.model_validate(tree, context=context)
    except ValidationError as error:
        raise BadSettings([*gathered.problems, *_problems(error, gathered)]) from None
    if gathered.problems:
        raise BadSettings(gathered.problems)
    return settings


def _networks(webhooks: object) -> Sequence[Network]:
    """Where endpoints may be, also where another setting is wrong. Networks that are wrong are told as that, and are no reason
    to refuse an endpoint too."""
    try:
        return networks(webhooks.get("allow_networks", ()) if isinstance(webhooks, dict) else ())
    except PydanticCustomError:
        return EVERYWHERE


def load_http(config: Path | None, environ: Mapping[str, str]) -> Http:
    """The section [http] alone: what it takes to talk to the daemon, for those who may not read its other secrets."""
    return _load_section("http", Http, config, environ)


def load_database(config: Path | None, environ: Mapping[str, str]) -> Database:
    """The section [database] alone: what a backup needs, which may not be allowed to read the logins of accounts."""
    return _load_section("database", Database, config, environ)


def _load_section(name: str, model: type[OneSection], config: Path | None, environ: Mapping[str, str]) -> OneSection:
    gathered = gather(config, environ, section=name)
    if WHOLE in gathered.unread:
        raise BadSettings(gathered.problems)
    try:
        section = model.model_validate(gathered.tree().get(name, {}))
    except ValidationError as error:
        raise BadSettings([*gathered.problems, *_problems(error, gathered, (name,))]) from None
    if gathered.problems:
        raise BadSettings(gathered.problems)
    return section


def _problems(error: ValidationError, gathered: Gathered, at: KeyPath = ()) -> list[Problem]:
    found = []
    for details in error.errors(include_url=False):
        path = (*at, *(str(part) for part in details["loc"] if part != "[key]"))
        if key := details.get("ctx", {}).get("key"):
            path = (*path, key)
        path = _settable(path)
        if path not in gathered.unread:
            found.append(_problem(path, details, gathered))
    return found


def _problem(path: KeyPath, details: ErrorDetails, gathered: Gathered) -> Problem:
    place, context = _place(path, gathered), details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return Problem(place=place, what="is not known", remedy=_meant(path, place))
        case "missing":
            cause = next(
                (given.place for other, given in gathered.given.items() if other[: len(path) - 1] == path[:-1]), ""
            )
            because = f" ({cause} asks for it)" if cause else ""
            return Problem(place=place, what="is missing" + because, remedy=_set(path))
        case "refused":
            what = str(context["what"])
            if path == ("accounts",):
                place = "settings"
            return Problem(place=place, what=what, remedy=str(context["remedy"]))
        case "model_type" | "dict_type" | "mapping_type":
            return Problem(
                place=place, what="is a value, and should be a table", remedy=f"write [{dotted(path)}] on a line"
            )
    return Problem(place=place, what=_wrong(details) + _quoted(path, details["input"]), remedy=_example(path, place))


def _wrong(details: ErrorDetails) -> str:
    """What the model says is wrong, in few words."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "greater_than_equal":
        return f"must be at least {_bound(context['ge'])}"
    if kind == "less_than_equal":
        return f"must be at most {_bound(context['le'])}"
    if kind.startswith("bool"):
        return "must be true or false"
    return re.sub(r"^Input should be", "must be", details["msg"]).split(", unable to parse")[0]


def _bound(value: object) -> str:
    return span_text(value) if isinstance(value, timedelta) else str(value)


def _place(path: KeyPath, gathered: Gathered) -> str:
    """Where the key was given; where its table was; else its name, for a key that nobody gave."""
    if path in gathered.given:
        return gathered.given[path].place
    within = [given.place for other, given in gathered.given.items() if other[: len(path)] == path]
    if within:
        return within[0] if within[0].startswith("env") else f"{gathered.file}:{dotted(path)}"
    return dotted(path)


def _meant(path: KeyPath, place: str) -> str:
    """The known key that is nearest to one that is not known."""
    in_file = not place.startswith("env")
    if len(path) == 1 and not in_file:
        near = nearest(place.rpartition(" ")[2], all_variables())
        return f"did you mean {near}?" if near else "unset it"
    siblings = list(dict.fromkeys(key.path[len(path) - 1] for key in keys() if _alike(key.path, path)))
    if siblings and (near := nearest(path[-1], siblings)):
        meant = (*path[:-1], near)
        return f"did you mean {dotted(meant) if in_file else variable(meant)}?"
    known = f"known here: {', '.join(siblings)}" if siblings else "there is nothing of that kind"
    return f"take it out ({known})"


def _alike(known: KeyPath, path: KeyPath) -> bool:
    """Whether the known key lies in the table of the unknown one."""
    if len(known) < len(path):
        return False
    general = [
        part if place != 1 or path[0] not in named_sections() else "NAME" for place, part in enumerate(path[:-1])
    ]
    return list(known[: len(path) - 1]) == general


def _settable(path: KeyPath) -> KeyPath:
    """The key itself, where the error lies within its value (an item of a list, a branch of a union)."""
    return next((path[:end] for end in range(len(path), 0, -1) if key_at(path[:end])), path)


def _set(path: KeyPath) -> str:
    key = key_at(path)
    names = variables(path)
    files = f" (or {names[0]}_FILE)" if key is not None and key.or_file else ""
    return f"set {names[0]}{files}, or {path[-1]} in [{dotted(path[:-1])}] of the settings file"


def _quoted(path: KeyPath, value: object) -> str:
    """What was given, where it can be no secret: only numbers, durations, switches and choices are quoted."""
    key = key_at(path)
    if key is None or key.or_file or not isinstance(value, str | int | float):
        return ""
    text = repr(value) if len(str(value)) <= 40 else repr(str(value)[:40] + "…")
    return f", not {text}"


def _example(path: KeyPath, place: str) -> str:
    key = key_at(path)
    value = "" if key is None or key.field.is_required() else text_of(key, key.default)
    if key is None or not value:
        return "`watcher check --reference` tells what goes there"
    if place.startswith("env"):
        return f"for example {place.rpartition(' ')[2]}={value}"
    return f"for example {path[-1]} = {toml_text(key)}"


def toml_text(key: Key) -> str:
    """The default of a key as the settings file would have it."""
    value = key.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    return f'"{text_of(key, value)}"'
