"""deploy/api.md says of the HTTP interface what it takes and gives."""

import json
import re
from typing import Final

import pytest
from pydantic import BaseModel

from tests.documents.reading import ROOT, blocks, rows, section
from tests.web.house import open_house
from watcher.core.tokens import SCOPES
from watcher.web.delivery_models import (
    AttemptKept,
    DeliveriesParams,
    DeliveryWhole,
    OwnDeliveriesParams,
    RecoveredShown,
    TimingsShown,
)
from watcher.web.endpoint_models import (
    BreakerShown,
    DisableBody,
    EnableBody,
    EndpointBody,
    EndpointHealth,
    EndpointPatch,
    EndpointShown,
    EndpointsParams,
    RecoverBody,
    RotateBody,
    SampleBody,
)
from watcher.web.explaining import WORDS
from watcher.web.models import EventsParams
from watcher.web.submission_models import SubmissionsParams
from watcher.web.token_models import TokensParams
from watcher.web.watch_models import BroadcastsParams, WatchesParams

DOCUMENT: Final = "deploy/api.md"
OPERATIONS: Final = section(DOCUMENT, "Operations")
ENDPOINTS: Final = section(DOCUMENT, "Endpoints and deliveries")
TABLE: Final = {key.strip("`"): values for key, values, _ in rows(ENDPOINTS)}
FORM: Final = {"/", "/docs", "/docs.css", "/openapi.json", "/page/{name}", "/problems/{kind}"}
"""For people, and for programs that read what there is: not in the document for programs."""


def test_the_operations_are_those_of_the_document_for_programs() -> None:
    document = json.loads((ROOT / "deploy" / "openapi.json").read_text())
    there = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    told = [(method.strip("`"), path.strip("`")) for method, path, _ in rows(OPERATIONS)]
    assert len(told) == len(set(told))
    assert set(told) == there | {("GET", path) for path in FORM}


def test_the_scopes_are_those_that_there_are() -> None:
    assert [scope.strip("`") for scope, _ in rows(section(DOCUMENT, "Who may ask"))] == list(SCOPES)


def test_the_reasons_of_an_explanation_are_those_that_there_are() -> None:
    (told,) = re.findall(r"`why` is one of ([^.]*)\.", " ".join(section(DOCUMENT, "What is shown").split()))
    assert re.findall(r"`(\w+)`", told) == [name for name, _ in WORDS.values()]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/watches", WatchesParams),
        ("/v1/broadcasts", BroadcastsParams),
        ("/v1/tokens", TokensParams),
        ("/v1/accounts/{account}/submissions", SubmissionsParams),
        ("/v1/events", EventsParams),
        ("/v1/endpoints", EndpointsParams),
        ("/v1/deliveries", DeliveriesParams),
        ("/v1/endpoints/{endpoint_id}/deliveries", OwnDeliveriesParams),
    ],
)
def test_the_filters_are_those_that_there_are(path: str, model: type[BaseModel]) -> None:
    (filters, following) = next(row[1:] for row in rows(section(DOCUMENT, "Lists")) if row[0] == f"`{path}`")
    named = re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", filters))
    named += ["cursor"] if following == "as with watches" else re.findall(r"^`(\w+)`", following)
    assert {*named, "limit"} == set(model.model_fields)


async def test_the_problem_is_as_it_is_answered() -> None:
    (problem,) = (json.loads(block.text) for block in blocks(DOCUMENT) if block.language == "json")
    async with open_house() as house:
        asked = await house.ask("GET", "/v1/accounts/x", headers={"X-Request-Id": problem["request_id"]})
        assert json.loads(asked.body) == problem


# Endpoints and deliveries.


def test_the_keys_of_a_new_endpoint_are_those_that_there_are() -> None:
    assert set(TABLE) == set(EndpointBody.model_fields)
    only_made = {key for key, values in TABLE.items() if "(not with PATCH" in values}
    assert set(TABLE) - only_made == set(EndpointPatch.model_fields)


@pytest.mark.parametrize(
    "model", [EndpointShown, EndpointHealth, BreakerShown, DeliveryWhole, AttemptKept, TimingsShown]
)
def test_what_is_shown_is_explained(model: type[BaseModel]) -> None:
    plain = {"id", "endpoint", "account", "batch_id", "created", "state", "in_flight", "opened", "ended"}
    named = set(re.findall(r"`(\w+)`", ENDPOINTS))
    assert set(model.model_fields) - plain <= named


@pytest.mark.parametrize("model", [EnableBody, DisableBody, RotateBody, SampleBody, RecoverBody])
def test_what_may_be_wished_is_explained(model: type[BaseModel]) -> None:
    assert set(model.model_fields) <= set(re.findall(r"`(\w+)`", OPERATIONS + ENDPOINTS))


def test_a_recovery_goes_on_with_what_its_answer_says() -> None:
    assert {"since", "until", "after"} <= set(RecoveredShown.model_fields) & set(RecoverBody.model_fields)
