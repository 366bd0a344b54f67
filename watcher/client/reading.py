"""From documents to dataclasses. What this version does not know is passed over, so that a newer watcher can be asked too."""

import types
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")


def read(kind: type[Kind], document: Mapping[str, Any]) -> Kind:
    """The document as a dataclass of that kind; its field `document`, where it has one, is the document itself."""
    hints = _hints(cast("Hashable", kind))
    values = {name: _value(hint, document[name]) for name, hint in hints.items() if name in document}
    if "document" in hints:
        values["document"] = document
    return kind(**values)


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _value(hint: Any, value: Any) -> Any:
    """The value as the hint has it: times from RFC 3339, objects as dataclasses, lists as tuples; the rest as it is."""
    if value is None:
        return None
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if hint is datetime:
        return datetime.fromisoformat(value)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], each) for each in value)
    return read(hint, value) if is_dataclass(hint) and isinstance(hint, type) else value
