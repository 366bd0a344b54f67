"""Whether an answer is one that the document tells of: every test that asks the interface is a test of its document too."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from watcher.web.openapi.document import document
from watcher.web.openapi.paths import plain_path
from watcher.web.openapi.problems import GUARDED
from watcher.web.operations import OPERATIONS, operations_of

BODILESS: Final = frozenset({204, 304})
NOWHERE: Final = frozenset(
    f"/problems/{kind}" for kind in ("unknown-path", "method-not-allowed", "bad-request", "wrong-origin", *GUARDED)
)
"""What is answered where there is no operation."""


class Undocumented(AssertionError):
    """The answer is not one that the document tells of: name its problem, or its model, in the operation."""


async def check(
    app: web.Application, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    """Returns where the document tells of the answer."""
    match = await app.router.resolve(make_mocked_request(method, path))
    operation = app[OPERATIONS].get(match.route)
    media = headers.get("Content-Type", "").partition(";")[0]
    where = f"{method} {path} answered {status} {media}"
    if operation is None:
        if media != "application/problem+json" or json.loads(body)["type"] not in NOWHERE:
            raise Undocumented(f"{where}, and there is no such operation")
        return
    made = described(app)
    answers = made["paths"][plain_path(operation)][operation.method.lower()]["responses"]
    if str(status) not in answers:
        raise Undocumented(f"{where}, and is to answer one of {', '.join(answers)}")
    answer = _resolved(made, answers[str(status)])
    for name in answer.get("headers", {}):
        absent = name == "ETag" and status == 412  # nothing that is not there has a tag
        if name in ("X-Request-Id", "ETag", "Location") and name not in headers and not absent:
            raise Undocumented(f"{where} without the header {name}")
    if method == "HEAD" or status in BODILESS:
        return
    if media not in answer["content"]:
        raise Undocumented(f"{where}, and is to answer one of {', '.join(answer['content'])}")
    if not media.endswith("json"):
        return
    content = answer["content"][media]
    documents = body.splitlines() if "x-item-schema" in content else [body]
    found = [
        f"{error.message[:300]} at {list(error.instance_path)}"
        for each in documents
        for error in validator(app, content.get("x-item-schema", content["schema"])).iter_errors(json.loads(each))
    ]
    if found:
        raise Undocumented(f"{where}: {'; '.join(found)}: {body[:500]!r}")


def described(app: web.Application) -> dict[str, Any]:
    """The document of the application. Those of all applications that have the same operations are the same."""
    operations = operations_of(app)
    key = tuple(f"{operation.method} {operation.path}" for operation in operations)
    if key not in _DOCUMENTS:
        _DOCUMENTS[key] = document(operations, "1.2.3")
    return _DOCUMENTS[key]


def validator(app: web.Application, schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """What validates by a schema of the document. Answers have no keys but those it names, problems aside: a client should not
    mind new ones, but we should know of them."""
    made = described(app)
    return _validator(id(made), json.dumps(schema), json.dumps(made["components"]["schemas"]))


@lru_cache(500)
def _validator(_: int, schema: str, schemas: str) -> jsonschema_rs.Draft202012Validator:
    closed = {name: each if name.startswith("Problem") else _closed(each) for name, each in json.loads(schemas).items()}
    whole = {**json.loads(schema), "components": {"schemas": closed}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _closed(schema: Any) -> Any:
    if isinstance(schema, dict):
        inner = {key: _closed(value) for key, value in schema.items()}
        return {"additionalProperties": False, **inner} if isinstance(schema.get("properties"), dict) else inner
    return [_closed(each) for each in schema] if isinstance(schema, list) else schema


def _resolved(made: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in answer:
        return answer
    found: Mapping[str, Any] = made["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return found


_DOCUMENTS: Final[dict[tuple[str, ...], dict[str, Any]]] = {}
