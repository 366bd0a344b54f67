"""Schemas to read: a type in a few words, and a table of what an object has."""

import json
from collections.abc import Mapping
from typing import Any

from watcher.web.docs.marking import Html, joined, table, tag, words

Schema = Mapping[str, Any]


def name_in(ref: str) -> str:
    """What a reference refers to."""
    return ref.rpartition("/")[2]


def type_of(schema: Schema) -> Html:
    """The type, with links to those that have a name."""
    if "$ref" in schema:
        name = name_in(schema["$ref"])
        return tag("a", name, href=f"#schema-{name}")
    if "const" in schema:
        return tag("code", json.dumps(schema["const"], ensure_ascii=False))
    if "enum" in schema:
        return joined((tag("code", json.dumps(each, ensure_ascii=False)) for each in schema["enum"]), " · ")
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return joined((type_of(each) for each in schema[several]), " or ")
    if schema.get("type") == "array":
        return joined([Html("list of "), type_of(schema.get("items", {}))])
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return joined([Html("names with "), type_of(schema["additionalProperties"])])
    kind = schema.get("format", schema.get("type", "anything"))
    return Html(f"{words(str(kind))}{_bounds(schema)}")


def fields(schema: Schema) -> Html:
    """A table of an object's keys."""
    required = schema.get("required", ())
    rows = [
        (
            tag("code", name),
            type_of(each),
            words("yes" if name in required else _usual(each)),
            words(each.get("description", "")),
        )
        for name, each in schema.get("properties", {}).items()
    ]
    return table(("key", "type", "always", ""), rows)


def example(value: object) -> Html:
    """A value as JSON to read."""
    return tag("pre", tag("code", json.dumps(value, indent=2, ensure_ascii=False)))


def _usual(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default is None else f"else `{json.dumps(default)}`"


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    if least is not None:
        return f", from {least}"
    longest = schema.get("maxLength", schema.get("maxItems"))
    return "" if longest is None else f", up to {longest}"
