"""What is posted for an event, in each form: the bytes, and the headers that say what they are."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import NOON
from tests.sockets import http, listening
from tests.webhooks.house import DELIVERY, KEY, answered, endpoint, sending
from watcher.core.endpoint import Delivery
from watcher.webhooks.forms import message_of
from watcher.webhooks.signing import sign

PLAIN = {"Content-Type": "application/json"}


def of(event_type: str, data: dict[str, Any]) -> Delivery:
    """A delivery of an event with that data."""
    body = json.dumps({"type": event_type, "timestamp": "2026-11-23T12:00:00.000Z", "data": data}).encode()
    return replace(DELIVERY, event_type=event_type, body=body)


def test_the_plain_form_is_the_stored_body_to_the_byte() -> None:
    odd = replace(DELIVERY, body=b'{ "not": "even ours" }')
    message = message_of(odd, "plain")
    assert (message.body, message.headers) == (odd.body, PLAIN)


def test_a_structured_cloud_event() -> None:
    message = message_of(DELIVERY, "cloudevents")
    assert message.headers == {"Content-Type": "application/cloudevents+json"}
    assert message.body.decode() == (
        '{"specversion":"1.0","id":"evt_ab_default_13_3","source":"/watcher/accounts/default","type":"batch.active",'
        '"subject":"batches/13","time":"2026-11-23T12:00:00.000Z","datacontenttype":"application/json",'
        '"data":{"account":"default","batch_id":13,"name":"Zoë"}}'
    )


def test_a_binary_cloud_event() -> None:
    message = message_of(DELIVERY, "cloudevents-binary")
    assert message.body.decode() == '{"account":"default","batch_id":13,"name":"Zoë"}'
    assert message.headers == {
        "Content-Type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "evt_ab_default_13_3",
        "ce-source": "/watcher/accounts/default",
        "ce-type": "batch.active",
        "ce-subject": "batches/13",
        "ce-time": "2026-11-23T12:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("delivery", "source", "subject"),
    [
        (of("batch.active", {"account": "eu-1", "batch_id": 7}), "/watcher/accounts/eu-1", "batches/7"),
        (of("account.refused", {"account": "eu-1", "batch_id": None}), "/watcher/accounts/eu-1", None),
        (of("endpoint.failing", {"endpoint": "crm_2", "number": 1}), "/watcher", "endpoints/crm_2"),
        (of("ping", {"text": "hello"}), "/watcher", None),
    ],
)
def test_where_it_happened_and_to_what(delivery: Delivery, source: str, subject: str | None) -> None:
    structured = json.loads(message_of(delivery, "cloudevents").body)
    assert (structured["source"], structured.get("subject")) == (source, subject)
    headers = message_of(delivery, "cloudevents-binary").headers
    assert (headers["ce-source"], headers.get("ce-subject")) == (source, subject)


def test_headers_hold_nothing_but_visible_ascii() -> None:
    """As CloudEvents' HTTP protocol binding says: quotes, per cent and spaces are encoded, other ASCII is not."""
    odd = replace(DELIVERY, event_id='a "quoted" 100% Zoë/ü~!\x7f')
    assert message_of(odd, "cloudevents-binary").headers["ce-id"] == "a%20%22quoted%22%20100%25%20Zo%C3%AB/%C3%BC~!%7F"


async def test_the_signature_is_of_the_bytes_that_are_sent() -> None:
    now = int(NOON.timestamp())
    async with listening(http(200)) as receiver, sending() as sender:
        for form in ("plain", "cloudevents", "cloudevents-binary"):
            attempt = await sender.send(endpoint(receiver.url, form=form), DELIVERY)
            assert attempt == answered(200, timings=attempt.timings)
    plain, structured, binary = receiver.heard
    assert (plain.body, plain.headers["content-type"]) == (DELIVERY.body, "application/json")
    assert structured.body == message_of(DELIVERY, "cloudevents").body
    assert structured.headers["content-type"] == "application/cloudevents+json"
    assert (binary.headers["ce-id"], binary.headers["ce-type"]) == (DELIVERY.event_id, "batch.active")
    for heard in receiver.heard:
        assert heard.headers["webhook-id"] == DELIVERY.event_id
        assert heard.headers["webhook-signature"] == sign(DELIVERY.event_id, now, heard.body, [KEY])
