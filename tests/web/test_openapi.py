"""The API's document: what is there is told, what is told is valid, and the committed copy is what is served."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
from aiohttp import web
from pydantic import BaseModel

import watcher
from tests.web.house import House
from watcher.core.model import EVENT_TYPES
from watcher.web.documents import written
from watcher.web.meanings import MEANINGS
from watcher.web.models import Given, HealthShown, WatchShown
from watcher.web.openapi.document import TAGS
from watcher.web.openapi.examples import EXAMPLES
from watcher.web.openapi.fields import FIELDS, LIKE
from watcher.web.openapi.links import LINKS
from watcher.web.openapi.paths import path_items, plain_path
from watcher.web.openapi.schemas import name_of, parameters_of, schemas_of
from watcher.web.openapi.webhooks import SAID
from watcher.web.operations import Operation, gives, operations_of
from watcher.web.problems import TITLES

COPY: Final = Path(__file__).parents[2] / "deploy" / "openapi.json"


async def told(house: House) -> Any:
    return (await house.ask("GET", "/openapi.json")).json


def operations(made: Any) -> list[tuple[str, str, Any]]:
    return [(method, path, each) for path, methods in made["paths"].items() for method, each in methods.items()]


async def test_the_committed_copy_is_what_is_served(house: House) -> None:
    """`make openapi` writes it anew."""
    assert COPY.read_bytes() == written(operations_of(house.app), watcher.__version__).openapi, "make openapi"


async def test_it_is_an_openapi_3_1_document_of_the_version_that_serves(house: House) -> None:
    made = await told(house)
    assert (made["openapi"], made["info"]["version"]) == ("3.1.0", "1.2.3")
    jsonschema_rs.meta.validate({"$schema": made["jsonSchemaDialect"], "$defs": made["components"]["schemas"]})


async def test_every_route_is_told_of_once_and_by_a_name_of_its_own(house: House) -> None:
    made = operations(await told(house))
    there = [(each.method.lower(), plain_path(each)) for each in operations_of(house.app)]
    assert sorted((method, path) for method, path, _ in made) == sorted(there)
    names = [each["operationId"] for _, _, each in made]
    assert len(set(names)) == len(names)


async def test_every_operation_says_what_it_does_and_who_may_ask(house: House) -> None:
    made = await told(house)
    assert {tag for _, _, each in operations(made) for tag in each["tags"]} == TAGS.keys() - {"webhooks"}
    for method, path, each in operations(made):
        assert each["summary"], (method, path)
        by_path = {part["name"] for part in each["parameters"] if part.get("in") == "path"}
        assert by_path == {part.strip("{}") for part in path.split("/") if part.startswith("{")}
        here: list[list[str]] = [[]] if path == "/metrics" else []
        assert each["security"] == [] or [list(way) for way in each["security"]] == [["token"], ["session"], *here]


async def test_every_reference_leads_somewhere(house: House) -> None:
    made = await told(house)

    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [each for value in part.values() for each in references(value)]
        return [each for value in part for each in references(value)] if isinstance(part, list) else []

    found = set(references(made))
    for reference in found:
        place: Any = made
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    there = {f"#/components/{group}/{name}" for group, named in made["components"].items() for name in named}
    assert found == {each for each in there if "/securitySchemes/" not in each}, "what nobody refers to is not there"


async def test_every_schema_of_ours_has_examples_that_are_valid(house: House) -> None:
    made = await told(house)
    schemas = made["components"]["schemas"]
    for name, schema in schemas.items():
        if name.startswith("Problem") or name.endswith("Data"):  # data have theirs in their events
            continue
        assert schema.get("examples"), f"there is no example of {name}"
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for example in schema["examples"]:
            assert [(name, error.message, error.instance_path) for error in validator.iter_errors(example)] == []
    assert EXAMPLES.keys() <= schemas.keys() | {"Attempt", "Taken"}


async def test_every_type_of_event_is_a_webhook_with_a_sample_that_is_valid_and_has_every_key(house: House) -> None:
    made = await told(house)
    assert tuple(made["webhooks"]) == EVENT_TYPES
    assert tuple(SAID) == EVENT_TYPES
    schemas = made["components"]["schemas"]
    for event_type, webhook in made["webhooks"].items():
        ref = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = schemas[ref.rpartition("/")[2]]
        (example,) = schema["examples"]
        assert example["type"] == event_type
        data = schemas[schema["properties"]["data"]["$ref"].rpartition("/")[2]]
        assert list(example["data"]) == list(data["properties"])
        assert [each["name"] for each in webhook["post"]["parameters"]] == [
            *("webhook-id", "webhook-timestamp", "webhook-signature", "traceparent")
        ]


def test_every_type_of_problem_is_explained() -> None:
    assert sorted(MEANINGS) == sorted(TITLES)


async def test_every_key_and_every_parameter_says_what_it_means(house: House) -> None:
    made = await told(house)
    unsaid = [
        f"{name}.{key}"
        for name, schema in made["components"]["schemas"].items()
        for key, each in schema.get("properties", {}).items()
        if not each.get("description")
        and not name.startswith("Problem")
        and "const" not in each
        and not (name.startswith("Event") and key == "data")
    ]
    assert unsaid == []
    for _, path, operation in operations(made):
        for parameter in operation["parameters"]:
            assert parameter.get("description") or "$ref" in parameter, (path, parameter["name"])
    owners = {*made["components"]["schemas"], "?", "Attempt"}
    assert {key.partition(".")[0] for key in FIELDS if "." in key} <= owners
    assert LIKE.keys() <= owners


async def test_every_link_leads_to_an_operation_that_takes_what_it_gives(house: House) -> None:
    made = {each["operationId"]: each for _, _, each in operations(await told(house))}
    for name, links in LINKS.items():
        assert name in made
        for link in links.values():
            taken = [part["name"] for part in made[link["operationId"]]["parameters"] if part.get("in") == "path"]
            assert sorted(link["parameters"]) == sorted(taken)


def test_two_models_may_not_be_called_the_same() -> None:
    class Watch(Given):
        """Called as what is shown of one."""

    assert name_of(Watch) == name_of(WatchShown)
    with pytest.raises(ValueError, match="two schemas would be called Watch"):
        schemas_of([(Watch, "serialization"), (WatchShown, "serialization")])


async def test_who_has_it_is_not_sent_it_again(house: House) -> None:
    first = await house.ask("GET", "/openapi.json")
    again = await house.ask("GET", "/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert json.loads(first.body)["openapi"] == "3.1.0"


async def _asked(request: web.Request) -> web.Response:
    """Does nothing. It is asked in vain."""
    raise NotImplementedError


def test_two_answers_of_one_status_are_told_apart_by_their_media_types() -> None:
    asked = Operation(
        method="GET",
        path="/",
        handler=_asked,
        scope="read",
        tag="probes",
        gives=gives(HealthShown, also={503: HealthShown}),
    )
    answers = path_items([asked])["/"]["get"]["responses"]
    assert answers["503"] == {
        "description": "See the body · The store cannot do it now (`store-unavailable`) · Too many connections are open "
        "(`too-many-connections`)",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", "Retry-After")},
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Health"}},
            "application/problem+json": {
                "schema": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/ProblemStoreUnavailable"},
                        {"$ref": "#/components/schemas/ProblemTooManyConnections"},
                    ]
                }
            },
        },
    }


def test_a_parameter_of_two_types_is_told_as_either_and_never_as_null() -> None:
    class Query(BaseModel):
        """A query."""

        at: int | str | None = None

    ((name, required, schema),) = parameters_of(Query)
    assert (name, required, schema["anyOf"]) == ("at", False, [{"type": "integer"}, {"type": "string"}])
