"""Operations as the document has them: what each takes, and all that it may answer."""

import inspect
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel

from watcher.web.auth import LOCAL_PATHS
from watcher.web.bodies import NDJSON
from watcher.web.conditional import HEEDED
from watcher.web.openapi.links import LINKS
from watcher.web.openapi.parameters import IN_PATH, parameters
from watcher.web.openapi.problems import answer_name, problem_answer, problem_answers
from watcher.web.openapi.schemas import Use, name_of, ref
from watcher.web.operations import JSON, Gives, Operation

WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
SAID: Final = {
    200: "As asked",
    201: "It is new",
    202: "It was begun",
    204: "It is done, and there is nothing to say",
    304: "As you have it",
}
"""What a status means where the operation does not say it in its own words."""


def path_items(operations: Iterable[Operation]) -> dict[str, Any]:
    """All paths with their methods."""
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(plain_path(operation), {})[operation.method.lower()] = _operation(operation)
    return paths


def completed(operations: Iterable[Operation]) -> list[Operation]:
    """With the headers that all operations of a kind heed: a POST is done once for each key, and what is read with an ETag is
    changed on conditions."""
    operations = list(operations)
    tagged = {each.path for each in operations if each.method == "GET" and HEEDED in each.headers}

    def heeded(operation: Operation) -> list[str]:
        more: list[str] = []
        if operation.method == "POST" and not operation.keeps_own_key:
            more.append("Idempotency-Key")
        if operation.method != "GET" and operation.path in tagged:
            more += ["If-Match", HEEDED]
        return list(dict.fromkeys([*operation.headers, *more]))

    return [replace(each, headers=heeded(each)) for each in operations]


def plain_path(operation: Operation) -> str:
    """The path with the names of its parameters only."""
    return IN_PATH.sub(r"{\1}", operation.path)


def id_of(operation: Operation) -> str:
    """What clients that are generated call it: the room and the name of its handler."""
    room, _, name = operation.handler.__qualname__.rpartition(".")
    return f"{WORD.sub('_', room.rpartition('.')[2].removesuffix('Room')).lower()}_{name}"


def uses(operations: Iterable[Operation]) -> list[Use]:
    """All models that they read bodies with, or answer with."""
    found: list[Use] = []
    for operation in operations:
        if operation.body is not None:
            found.append((operation.body, "validation"))
        given = [model for each in operation.gives.values() for model in (each.model, each.lines)]
        found += [(model, "serialization") for model in given if model is not None]
    return found


def words_of(operation: Operation) -> tuple[str, str]:
    """The handler's docstring: its first sentence, and all of it as running text."""
    paragraphs = [" ".join(each.split()) for each in (inspect.getdoc(operation.handler) or "").split("\n\n")]
    summary = paragraphs[0].partition(". ")[0].partition(": ")[0].rstrip(".")
    return summary, "\n\n".join(paragraphs)


def _operation(operation: Operation) -> dict[str, Any]:
    summary, description = words_of(operation)
    made: dict[str, Any] = {
        "operationId": id_of(operation),
        "summary": summary,
        "description": description,
        "tags": [operation.tag],
        "parameters": parameters(operation),
    }
    if operation.body is not None:
        made["requestBody"] = _body(operation, operation.body)
    answers = {str(status): _answer(operation, status, gives) for status, gives in operation.gives.items()}
    if HEEDED in operation.headers and operation.method == "GET":
        answers["304"] = {"description": SAID[304], "headers": _headers("X-Request-Id", "ETag")}
    for status, kinds in problem_answers(operation).items():
        answers[str(status)] = (
            _either(answers[str(status)], problem_answer(status, kinds))
            if str(status) in answers
            else {"$ref": f"#/components/responses/{answer_name(status, kinds)}"}
        )
    made["responses"] = dict(sorted(answers.items()))
    made["security"] = _security(operation)
    return made


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """Where there are ways to authenticate one of them is wanted; an empty one stands for none."""
    if operation.scope is None:
        return []
    ways: list[dict[str, list[str]]] = [{"token": [operation.scope]}, {"session": [operation.scope]}]
    return [*ways, {}] if operation.path in LOCAL_PATHS else ways


def _body(operation: Operation, model: type[BaseModel]) -> dict[str, Any]:
    rows = NDJSON in operation.media
    whole = {"schema": {"type": "array", "items": ref(model)} if rows else ref(model)}
    content = {media: _lines(model) if media == NDJSON else whole for media in operation.media}
    return {"required": rows or any(each.is_required() for each in model.model_fields.values()), "content": content}


def _lines(model: type[BaseModel]) -> dict[str, Any]:
    """A document of the model a line, for which OpenAPI 3.1 has no word of its own."""
    words = f"A line for each: `{name_of(model)}`, as JSON."
    return {"schema": {"type": "string", "description": words}, "x-item-schema": ref(model)}


def _answer(operation: Operation, status: int, gives: Gives) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if status == 201:
        names.append("Location")
    if operation.method == "GET" and HEEDED in operation.headers:
        names.append("ETag")
    if "Prefer" in operation.headers:
        names.append("Preference-Applied")
    if operation.query is not None and "limit" in operation.query.model_fields:
        names.append("Link")
    if "Idempotency-Key" in operation.headers and not operation.keeps_own_key:
        names.append("Idempotency-Replayed")
    answer: dict[str, Any] = {"description": SAID.get(status, "See the body"), "headers": _headers(*names)}
    if gives.model is not None:
        answer["content"] = {gives.media: {"schema": ref(gives.model)}}
    elif status != 204:
        kinds = (gives.media, *gives.or_else)
        answer["content"] = {each: {"schema": {"type": "object" if each == JSON else "string"}} for each in kinds}
    if gives.lines is not None:
        answer["content"][NDJSON] = _lines(gives.lines)
    links = LINKS.get(id_of(operation), {})
    if links and 200 <= status < 300:
        answer["links"] = links
    return answer


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two answers of one status, told apart by their media types."""
    return {
        "description": f"{one['description']} · {other['description']}",
        "headers": one["headers"] | other["headers"],
        "content": one.get("content", {}) | other["content"],
    }
