"""What the README says of endpoints and deliveries is what the interface takes and gives."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

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

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README[README.index("### Endpoints and deliveries") : README.index("Errors are `application/problem+json`")]
INTERFACE = README[README.index("## The HTTP interface") : README.index("Errors are `application/problem+json`")]
TABLE = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| (.*) \| (.*)\|$", SECTION, re.MULTILINE)}


def test_the_keys_of_a_new_endpoint_are_those_that_there_are() -> None:
    assert set(TABLE) == set(EndpointBody.model_fields)
    only_made = {key for key, (values, _) in TABLE.items() if "(not with PATCH" in values}
    assert set(TABLE) - only_made == set(EndpointPatch.model_fields)


@pytest.mark.parametrize(
    "model", [EndpointShown, EndpointHealth, BreakerShown, DeliveryWhole, AttemptKept, TimingsShown]
)
def test_what_is_shown_is_explained(model: type[BaseModel]) -> None:
    plain = {"id", "endpoint", "account", "batch_id", "created", "state", "in_flight", "opened", "ended"}
    named = set(re.findall(r"`(\w+)`", SECTION))
    assert set(model.model_fields) - plain <= named


@pytest.mark.parametrize("model", [EnableBody, DisableBody, RotateBody, SampleBody, RecoverBody])
def test_what_may_be_wished_is_explained(model: type[BaseModel]) -> None:
    assert set(model.model_fields) <= set(re.findall(r"`(\w+)`", INTERFACE))


def test_a_recovery_goes_on_with_what_its_answer_says() -> None:
    assert {"since", "until", "after"} <= set(RecoveredShown.model_fields) & set(RecoverBody.model_fields)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/endpoints", EndpointsParams),
        ("/v1/deliveries", DeliveriesParams),
        ("/v1/endpoints/{endpoint_id}/deliveries", OwnDeliveriesParams),
    ],
)
def test_the_filters_are_those_that_there_are(path: str, model: type[BaseModel]) -> None:
    lists = INTERFACE[INTERFACE.index("| list |") :]
    (filters,) = re.findall(rf"^\| `{re.escape(path)}` \| (.*?) \| as with watches \|$", lists, re.MULTILINE)
    named: set[Any] = set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", filters)))
    assert {*named, "cursor", "limit"} == set(model.model_fields)
