"""What each key is called: in the file, in the environment, and as the path of a file that holds its value."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from watcher.settings.model import Settings

KeyPath = tuple[str, ...]
"""A key as its parts: ("accounts", "default", "rate")."""

ANY: Final = "NAME"
"""Stands for the name of an account or endpoint."""

SHORT: Final[Mapping[str, KeyPath]] = {
    "CALLFIRE_LOGIN": ("accounts", "default", "login"),
    "CALLFIRE_PASSWORD": ("accounts", "default", "password"),
    "CALLFIRE_BASE_URL": ("accounts", "default", "base_url"),
    "CALLFIRE_RATE": ("accounts", "default", "rate"),
    "WATCHER_DATABASE_URL": ("database", "url"),
    "WATCHER_LISTEN": ("http", "listen"),
    "WATCHER_API_TOKEN": ("http", "token"),
    "WATCHER_WEBHOOK_URL": ("endpoints", "default", "url"),
    "WATCHER_WEBHOOK_SECRET": ("endpoints", "default", "secret"),
    "WATCHER_LOG": ("log", "format"),
}
"""The variables that have a name of their own. Those of secrets may also end in _FILE."""

NOT_SETTINGS: Final = frozenset({"WATCHER_CONFIG", "WATCHER_DEBUG", "WATCHER_URL"})
"""Read by the commands: where the settings file is, where the daemon is, and whether mistakes of ours show their place."""

KUBERNETES: Final = re.compile(r"WATCHER_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)")
"""What Kubernetes puts into every container beside a Service called watcher: not meant for us."""

FILE: Final = "_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the model. `section` is the class that holds it."""

    path: KeyPath
    field: FieldInfo
    section: type[BaseModel]

    @property
    def secret(self) -> bool:
        """Whether its value is never shown."""
        return _holds_secret(self.field.annotation)

    @property
    def default(self) -> object:
        """The value of one that nobody gives; None also where it must be given."""
        return (
            None if self.field.is_required() else self.field.get_default(call_default_factory=True, validated_data={})
        )

    @property
    def table(self) -> bool:
        """Whether its value is a table of its own: labels, headers."""
        return get_origin(self.field.annotation) is Mapping

    @property
    def or_file(self) -> bool:
        """Whether a file may hold its value."""
        return isinstance(self.field.json_schema_extra, dict) and "or_file" in self.field.json_schema_extra


def dotted(path: Sequence[object]) -> str:
    return ".".join(map(str, path))


def keys() -> Iterator[Key]:
    """Every key of the model, in its order; NAME stands for that of an account or endpoint."""
    for section, field in Settings.model_fields.items():
        model = _model(field)
        path: KeyPath = (section, ANY) if _named(field) else (section,)
        for key, inner in model.model_fields.items():
            yield Key(path=(*path, key), field=inner, section=model)


def key_at(path: KeyPath) -> Key | None:
    """The key that the path leads to, if there is one."""
    general = (path[0], ANY, path[2]) if len(path) == 3 else path
    return next((key for key in keys() if key.path == general), None)


def named_sections() -> frozenset[str]:
    """The sections that hold one table for each name."""
    return frozenset(section for section, field in Settings.model_fields.items() if _named(field))


def variable(path: KeyPath) -> str:
    """The long name of a key in the environment: WATCHER_SECTION__KEY."""
    return "WATCHER_" + "__".join(part.upper().replace("-", "_") for part in path)


def variables(path: KeyPath) -> list[str]:
    """All names of a key in the environment, the short one first."""
    return [*(name for name, key in SHORT.items() if key == path), variable(path)]


def path_of(variable_name: str, names: Mapping[str, Sequence[str]]) -> KeyPath | None:
    """The key that a variable stands for, whether or not the model has it; None where it can be none.

    `names` are those that the file has in each named section: a variable is in capitals and knows no "-", so it means
    the one that matches it; a name that the file does not have is taken in lower case.
    """
    stem = variable_name.removesuffix("_FILE")
    if variable_name in SHORT:
        return SHORT[variable_name]
    if stem in SHORT:
        return (*SHORT[stem][:-1], SHORT[stem][-1] + FILE)
    parts = variable_name.removeprefix("WATCHER_").split("__")
    section, last = parts[0].lower(), parts[-1].lower()
    if section in named_sections():
        middle = "__".join(parts[1:-1])
        if not middle:
            return None
        meant = [name for name in names.get(section, ()) if name.upper().replace("-", "_") == middle.upper()]
        return (section, meant[0] if meant else middle.lower(), last)
    return (section, last) if len(parts) == 2 and last else None


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that was probably meant."""
    near = difflib.get_close_matches(word, known, 1, cutoff=0.7)
    return near[0] if near else None


def all_variables() -> list[str]:
    """Every variable there is, for finding the one that was meant."""
    files = [name + "_FILE" for name, path in SHORT.items() if (key := key_at(path)) and key.or_file]
    return [*SHORT, *files, *sorted(NOT_SETTINGS), *(variable(key.path) for key in keys())]


def _holds_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def _named(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is not None


def _model(field: FieldInfo) -> type[BaseModel]:
    annotation = get_args(field.annotation)[1] if _named(field) else field.annotation
    assert isinstance(annotation, type)  # noqa: S101 -- every field of Settings is a section, or a mapping to one
    assert issubclass(annotation, BaseModel)  # noqa: S101
    return annotation
