"""What the interface consists of: its operations, each with who may ask it, what it takes and what it gives.

The routes and the OpenAPI document are made from them, so that neither can say what the other does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from watcher.core.tokens import Scope

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gives:
    """An answer: the model of its body (None: it has none, or one that is no JSON document), of what media type (`or_else` of one
    of those). Where there are `lines`, who accepts NDJSON gets a document of that model a line instead."""

    model: type[BaseModel] | None = None
    media: str = JSON
    or_else: Sequence[str] = ()
    lines: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. What it does in words is its handler's docstring.

    `scope` is what a token must have, None where everybody may ask. `query` and `body` are the models that the handler reads
    with, `headers` the names of those that it heeds, `gives` its answers by status, `problems` the kinds of its own; those
    that any operation may answer are not named. A POST is done once for each Idempotency-Key; one that `keeps_own_key` sees
    to its keys itself, one that `doubles` would make two things where it is done twice.
    """

    method: str
    path: str
    handler: Handler
    scope: Scope | None
    tag: str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    media: Sequence[str] = (JSON,)
    headers: Sequence[str] = ()
    gives: Mapping[int, Gives] = field(default_factory=dict)
    problems: Sequence[str] = ()
    keeps_own_key: bool = False
    doubles: bool = False


OPERATIONS: Final = web.AppKey("operations", Mapping[web.AbstractRoute, Operation])
"""All operations of an application, by their routes."""


def gives(
    model: type[BaseModel] | None = None, *, also: Mapping[int, type[BaseModel] | None] | None = None
) -> Mapping[int, Gives]:
    """Answers with 200 and this model (204 where there is none), and `also` with others."""
    first = {204: Gives()} if model is None else {200: Gives(model=model)}
    return first | {status: Gives(model=each) for status, each in (also or {}).items()}


def add_operations(app: web.Application, operations: Iterable[Operation]) -> None:
    """Makes them routes of the application. HEAD is answered where GET is."""
    routes: dict[web.AbstractRoute, Operation] = {}
    for operation in operations:
        methods = ("GET", "HEAD") if operation.method == "GET" else (operation.method,)
        for method in methods:
            routes[app.router.add_route(method, operation.path, operation.handler)] = operation
    app[OPERATIONS] = routes


def operation_of(request: web.Request) -> Operation | None:
    """What is asked for; None where there is nothing at the path, or not by this method."""
    return request.app[OPERATIONS].get(request.match_info.route)


def operations_of(app: web.Application) -> list[Operation]:
    """All of the application, each once, in the order in which they were added."""
    return list({id(operation): operation for operation in app[OPERATIONS].values()}.values())
