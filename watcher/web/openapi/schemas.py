"""From pydantic's models to the document's schemas: one for each model, under a name that stays."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from watcher.web.openapi.examples import EXAMPLES
from watcher.web.openapi.fields import QUERY, meaning

Mode = Literal["validation", "serialization"]
Use = tuple[type[BaseModel], Mode]
"""A model, and whether it is read (validation) or answered with (serialization)."""

PLACE: Final = "#/components/schemas/"


class Untitled(GenerateJsonSchema):
    """Without a title for each field: it would say the field's name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def name_of(model: type[BaseModel]) -> str:
    """What a model is called in the document: what is shown of a thing is called as the thing."""
    return model.__name__.removesuffix("Shown")


def ref(model: type[BaseModel]) -> dict[str, Any]:
    """A reference to the model's schema."""
    return {"$ref": f"{PLACE}{name_of(model)}"}


def schemas_of(uses: Iterable[Use]) -> dict[str, Any]:
    """The schemas of these models and of all that they are made of, by name, in the order of names. A model may be used in one
    way only, and two must not have the same name: ValueError."""
    uses = list(dict.fromkeys(uses))
    _, generated = models_json_schema(uses, ref_template=f"{PLACE}{{model}}", schema_generator=Untitled)
    found: dict[str, Any] = {}
    for key, schema in generated.get("$defs", {}).items():
        name = key.removesuffix("Shown")
        if name in found or "__" in key or name.endswith(("-Input", "-Output")):
            raise ValueError(f"two schemas would be called {name}")
        found[name] = _explained(name, _plain(schema))
        if name in EXAMPLES:
            found[name]["examples"] = list(EXAMPLES[name])
    return dict(sorted(found.items()))


def parameters_of(model: type[BaseModel]) -> list[tuple[str, bool, JsonSchemaValue]]:
    """The query's parameters: name, whether it must be there, and schema. In a query nothing is null: it is left out."""
    whole = model.model_json_schema(mode="validation", schema_generator=Untitled)
    schema = _explained(QUERY, _plain(_inlined(whole, whole.get("$defs", {}))))
    required = schema.get("required", ())
    return [(name, name in required, _without_null(each)) for name, each in schema.get("properties", {}).items()]


def _explained(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """With a line on each key that has none yet."""
    for key, each in schema.get("properties", {}).items():
        words = meaning(name, key)
        if words is not None:
            each.setdefault("description", words)
    return schema


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """With what is referred to in the place of the reference: what parameters are made of is small."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items() if key != "$defs"}
    return [_inlined(each, definitions) for each in schema] if isinstance(schema, list) else schema


def _plain(schema: Any) -> Any:
    """With names as they are here, and descriptions as running text."""
    if isinstance(schema, Mapping):
        plain = {key: _plain(value) for key, value in schema.items()}
        if isinstance(plain.get("description"), str):
            plain["description"] = " ".join(plain["description"].split())
        if isinstance(plain.get("$ref"), str):
            plain["$ref"] = plain["$ref"].removesuffix("Shown")
        if "patternProperties" in plain:
            plain.setdefault("additionalProperties", False)  # a name of another pattern is refused
        if "properties" in plain and isinstance(plain.get("title"), str):
            del plain["title"]  # that of a model, which is its name
        return plain
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema


def _without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    kept = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    choices = [each for each in kept.pop("anyOf", []) if each != {"type": "null"}]
    if len(choices) > 1:
        kept["anyOf"] = choices
    return (choices[0] if len(choices) == 1 else {}) | kept
