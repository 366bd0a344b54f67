"""The words with which a batch is added to a broadcast, or switched on or off, and what CallFire's answers to them say. Without
the exchange, as in `wire`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from watcher.callfire.bodies import Nonsense, added_batch, complaint, explained, tidy
from watcher.callfire.wire import Access, Request, kind_of, unanswered_kind
from watcher.core.answers import Kind, SubmitAnswer, SwitchAnswer
from watcher.core.retry_after import retry_after
from watcher.core.submissions import Order

JSON: Final = {"Content-Type": "application/json"}
KEYS: Final = {"contact_list_id": "contactListId", "scrub_duplicates": "scrubDuplicates"}
RECIPIENT_KEYS: Final = {"phone_number": "phoneNumber", "contact_id": "contactId", "attributes": "attributes"}
"""Our names and CallFire's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a request: an answer, or a `failure` by its kind (timeout, reset, …), with `departed` False where not a byte
    of it left."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False
    failure: str = ""
    detail: str = ""
    departed: bool = True


def body_of(order: Order) -> bytes:
    """The BatchRequest. It does not say that duplicates are to be scrubbed where they are not."""
    content: dict[str, Any] = json.loads(order.request)
    body: dict[str, Any] = {"name": order.name}
    body |= {KEYS[key]: value for key, value in content.items() if key in KEYS and value not in (None, False)}
    if content.get("recipients") is not None:
        body["recipients"] = [
            {RECIPIENT_KEYS[key]: value for key, value in each.items()} for each in content["recipients"]
        ]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def submit_request(account: Access, order: Order, body: bytes) -> Request:
    """addCallBroadcastBatch, or the same for a text broadcast."""
    broadcasts = account.broadcasts[order.kind]
    url = broadcasts.with_path(f"{broadcasts.raw_path}/{order.broadcast_id}/batches", encoded=True)
    if order.strict:
        url = url.with_query(strictValidation="true")
    return Request(method="POST", target=url.raw_path_qs, headers=JSON, body=body)


def switch_request(account: Access, batch_id: int, *, enabled: bool) -> Request:
    """updateCampaignBatch."""
    url = account.batches.with_path(f"{account.batches.raw_path}/{batch_id}", encoded=True)
    body = json.dumps({"enabled": enabled}).encode()
    return Request(method="PUT", target=url.raw_path_qs, headers=JSON, body=body)


def decipher_submit(sent: Sent, *, asked: datetime, answered: datetime) -> SubmitAnswer:
    """What came of the request to add a batch; whatever came gives an answer."""
    if sent.failure:
        return SubmitAnswer(
            asked=asked,
            answered=answered,
            kind=unanswered_kind(sent.failure),
            outcome=sent.failure,
            departed=sent.departed,
            detail=tidy(sent.detail),
        )
    kind, batch_id = kind_of(sent.status), None
    detail = complaint(sent.headers, sent.body)
    if 200 <= sent.status < 300:
        try:
            batch_id = added_batch(sent.headers, sent.body, truncated=sent.truncated)
            kind, detail = Kind.SEEN, None
        except Nonsense as nonsense:
            kind, detail = Kind.GARBAGE, str(nonsense)
    return SubmitAnswer(
        asked=asked,
        answered=answered,
        kind=kind,
        outcome=str(sent.status),
        batch_id=batch_id,
        explained=explained(sent.headers, sent.body),
        retry_after=retry_after(sent.headers.get("Retry-After"), answered, sent.headers.get("Date")),
        detail=detail,
        size=len(sent.body),
    )


def decipher_switch(batch_id: int, sent: Sent, *, asked: datetime, answered: datetime) -> SwitchAnswer:
    """What came of the request to switch a batch on or off."""
    if sent.failure:
        return SwitchAnswer(
            batch_id=batch_id,
            asked=asked,
            answered=answered,
            kind=unanswered_kind(sent.failure),
            outcome=sent.failure,
            detail=tidy(sent.detail),
        )
    done = 200 <= sent.status < 300
    return SwitchAnswer(
        batch_id=batch_id,
        asked=asked,
        answered=answered,
        kind=Kind.SEEN if done else kind_of(sent.status),
        outcome=str(sent.status),
        done=done,
        retry_after=retry_after(sent.headers.get("Retry-After"), answered, sent.headers.get("Date")),
        detail=None if done else complaint(sent.headers, sent.body),
        size=len(sent.body),
    )
