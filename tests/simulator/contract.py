"""The seed's description of CallFire, completed so that a library can judge answers by it, and a simulator for such a library.

The seed names paths, parameters, the code 200 and the content type; it has no types, no shapes of answers, no errors, no
definition of the body that its POST refers to, no PUT and no texts. What is filled in is what callfire-api.md gathers from
CallFire's newer documents. Nothing that the seed does say is changed: `fill` refuses to.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Final

import requests
import schemathesis
from schemathesis import APIOperation, Case, Response
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.simulator.house import ACCOUNTS, PATIENCE, Hand, authorization
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.server import serve

AnyOperation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]

SEED: Final = Path(__file__).parents[1] / "data" / "callfire-batches.swagger.yaml"
PAGES: Final = "/calls/broadcasts/{id}/batches"
TEXT_PAGES: Final = "/texts/broadcasts/{id}/batches"
BATCH: Final = "/campaigns/batches/{id}"

INT64: Final = {"type": "integer", "format": "int64"}
ID: Final = {**INT64, "minimum": 1, "maximum": 2**63 - 1}
INT32: Final = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 2**31 - 1}
PARAMETERS: Final[Mapping[str, Mapping[str, object]]] = {
    "fields": {"type": "string"},
    "limit": INT32,
    "offset": INT32,
    "strictValidation": {"type": "boolean"},
}
SHAPES: Final[Mapping[str, Any]] = {
    "batch": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "id": INT64,
            "name": {"type": "string"},
            "status": {"type": "string", "enum": ["NEW", "VALIDATING", "ACTIVE", "ERRORS", "SOURCE_ERROR"]},
            "broadcastId": INT64,
            "created": INT64,
            "size": INT32,
            "remaining": INT32,
            "enabled": {"type": "boolean"},
        },
    },
    "page": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/definitions/batch"}},
            "limit": INT64,
            "offset": INT64,
            "totalCount": INT64,
        },
    },
    "added": {"type": "object", "additionalProperties": False, "required": ["id"], "properties": {"id": INT64}},
    "error": {
        "type": "object",
        "additionalProperties": False,
        "required": ["httpStatusCode", "message"],
        "properties": {
            "httpStatusCode": {"type": "integer", "minimum": 400, "maximum": 599},
            "internalCode": {"type": ["integer", "string"]},
            "message": {"type": "string", "minLength": 1},
            "developerMessage": {"type": "string"},
            "helpLink": {"type": "string"},
        },
    },
    "enabling": {
        "type": "object",
        "additionalProperties": False,
        "required": ["enabled"],
        "properties": {"enabled": {"type": "boolean"}},
    },
    "holder": {
        "type": "object",
        "additionalProperties": False,
        "oneOf": [{"required": ["contactListId"]}, {"required": ["recipients"]}],
        "properties": {
            "name": {"type": "string"},
            "contactListId": ID,
            "recipients": {
                "type": "array",
                "minItems": 1,
                "maxItems": 3,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "oneOf": [{"required": ["phoneNumber"]}, {"required": ["contactId"]}],
                    "properties": {
                        "phoneNumber": {"type": "string", "pattern": "^1[0-9]{10}$", "maxLength": 11},
                        "contactId": ID,
                        "attributes": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                },
            },
            "scrubDuplicates": {"type": "boolean"},
        },
    },
}
WHOLE: Final = {"batch": list(SHAPES["batch"]["properties"]), "page": ["items", "limit", "offset"]}
"""What is there where no `fields` are asked for. `totalCount` is missing in some published samples."""
LIVES: Final[Sequence[Mapping[str, Any]]] = (
    {"new_for": 60, "validating_for": 60},
    {"validating_for": 60},
    {"validating_for": 0, "end": "ACTIVE"},
    {"validating_for": 0, "end": "ERRORS"},
    {"validating_for": 0, "end": "SOURCE_ERROR"},
)
"""One for every status, in the order of the shape."""
CHECKS: Final[list[CheckFunction]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
WRONG: Final = ("400", "401", "403", "404", "429", "500", "502", "503", "504")


def fill(into: dict[str, Any], **more: object) -> None:
    """Adds what was not there."""
    assert not into.keys() & more.keys()
    into.update(more)


def seed() -> dict[str, Any]:
    """What the seed says. The `---` at its end would begin another document, which loaders refuse."""
    loaded = schemathesis.openapi.from_file(SEED.read_text().rstrip().removesuffix("---"))
    return deepcopy(dict(loaded.raw_schema))


def completed(*, whole: bool, ids: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """The seed with all that it leaves open. With `whole` every field must be there, as it is where no `fields` are asked for.
    `ids` are, for each path, those that generated requests are made with, good and bad ones."""
    api = seed()
    paths, shapes = api["paths"], deepcopy(dict(SHAPES))
    for name, required in WHOLE.items() if whole else ():
        fill(shapes[name], required=required)
    fill(api, definitions=shapes)
    fill(paths, **{TEXT_PAGES: deepcopy(paths[PAGES])})
    fill(paths[BATCH], put=_enabling(paths[BATCH]["get"]))
    for path, method, operation in _operations(paths):
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                fill(parameter, required=True, **INT64, enum=list(ids[path]))
            elif parameter["in"] == "query":
                fill(parameter, **PARAMETERS[parameter["name"]])
        answers = operation["responses"]
        if method == "post":
            fill(answers, **{"201": {"description": "Created"}})
        if method != "put":
            shape = "added" if method == "post" else "batch" if path == BATCH else "page"
            for answer in answers.values():
                fill(answer, schema={"$ref": f"#/definitions/{shape}"})
        fill(answers, **{code: {"description": "Wrong", "schema": {"$ref": "#/definitions/error"}} for code in WRONG})
    return api


def _operations(paths: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, operation) for path, methods in paths.items() for method, operation in methods.items()]


def _enabling(get: Mapping[str, Any]) -> dict[str, Any]:
    """The PUT, which takes the same id."""
    number = [deepcopy(each) for each in get["parameters"] if each["in"] == "path"]
    body = {"in": "body", "name": "body", "required": True, "schema": {"$ref": "#/definitions/enabling"}}
    return {
        "operationId": "updateCampaignBatch",
        "parameters": [*number, body],
        "responses": {"200": {"description": "OK"}},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """A simulator, and what answers are judged by."""

    addresses: Addresses
    session: requests.Session
    ids: Mapping[str, Sequence[int]]
    """For each path ids of the default account, at their end one that nobody has."""

    def operation(self, method: str, path: str, *, whole: bool = True, seed_only: bool = False) -> AnyOperation:
        """An operation as it is described."""
        described = seed() if seed_only else completed(whole=whole, ids=self.ids)
        schema = schemathesis.openapi.from_dict(described)
        schema.config.update(base_url=self.addresses.api)
        operation: AnyOperation = schema[path][method]
        return operation

    def judge(
        self, case: AnyCase, *, account: str | None = "default", checks: list[CheckFunction] = CHECKS
    ) -> Response:
        """Makes the request; raises FailureGroup where the answer is not one that is described."""
        headers = {} if account is None else {"Authorization": authorization(account)}
        return case.call_and_validate(session=self.session, headers=headers, checks=checks)

    def fault(self, **fault: Any) -> None:
        """Puts a fault in force, for one request."""
        told = self.session.post(f"{self.addresses.control}/faults", json={"count": 1, **fault})
        assert told.status_code == 200, told.text


@contextmanager
def open_court(**config: Any) -> Iterator[Court]:
    """A simulator with a batch of every status in every kind of broadcast, and a client without cookies or proxies."""
    with simulator(**config) as addresses, requests.Session() as session:
        session.trust_env = False
        ids: dict[str, list[int]] = {BATCH: [], PAGES: [], TEXT_PAGES: []}
        for kind, path in (("calls", PAGES), ("texts", TEXT_PAGES)):
            for life in LIVES:
                made = session.post(f"{addresses.control}/batches", json={"kind": kind, **life}).json()
                ids[BATCH] += made["ids"]
                ids[path] += [made["broadcast_id"]]
        nobodys = 999
        yield Court(
            addresses=addresses,
            session=session,
            ids={path: [*dict.fromkeys(there), nobodys] for path, there in ids.items()},
        )


@contextmanager
def simulator(**config: Any) -> Iterator[Addresses]:
    """A simulator in a thread of its own, for a client that blocks. Its time stands still."""
    started: Future[tuple[Addresses, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        settings = SimulatorConfig(**{"accounts": ACCOUNTS, "latency": 0.0, **config})
        async with serve(settings, clock=Hand()) as addresses:
            stopped = asyncio.Event()
            started.set_result((addresses, asyncio.get_running_loop(), stopped))
            await stopped.wait()

    thread = Thread(target=asyncio.run, args=(run(),), name="simulator")
    thread.start()
    addresses, loop, stopped = started.result(timeout=PATIENCE)
    try:
        yield addresses
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
