"""An example of every body that is sent, by the name of its schema. Each is valid: a test sees to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

LABELS: Final = {"campaign": "autumn"}
SETTING_UP: Final = {
    "url": "https://crm.example/hooks/batches",
    "description": "the CRM",
    "types": ["batch.*"],
    "labels": LABELS,
    "timeout": "10s",
    "authorization": {"bearer": "a-token-of-the-receiver"},
}

TAKEN: Final[Mapping[str, Sequence[Any]]] = {
    "FollowBody": [{"labels": LABELS, "correlation_id": "order-77"}, {}],
    "RowBody": [{"batch_id": 13, "labels": LABELS, "correlation_id": "order-77"}],
    "BroadcastBody": [{"kind": "call", "labels": LABELS}, {}],
    "MarksPatch": [{"labels": {"campaign": "winter", "draft": None}}],
    "TokenBody": [{"name": "CRM", "scopes": ["read", "write"], "accounts": ["default"], "expires_in": "90d"}],
    "SessionBody": [{"token": "a-token-of-this-daemon"}, {}],
    "EndpointBody": [SETTING_UP | {"id": "crm"}],
    "EndpointPatch": [{"rate": 5.0, "ordering": "batch"}],
    "BasicBody": [{"username": "watcher", "password": "a password"}],
    "AuthorizationBody": [
        {"bearer": "a-token-of-the-receiver"},
        {"basic": {"username": "watcher", "password": "a password"}},
    ],
    "EnableBody": [{"send_held": True}],
    "DisableBody": [{"reason": "the CRM is being moved"}],
    "RotateBody": [{"grace": "24h"}],
    "SampleBody": [{"type": "batch.active"}],
    "RecoverBody": [{"since": "2026-11-22T09:00:00Z", "dry_run": True}],
    "Taken": [{}],
    "RecipientBody": [{"phone_number": "12135551122", "attributes": {"first": "Ada"}}],
    "SubmitBody": [
        {
            "name": "Autumn, north",
            "recipients": [{"phone_number": "12135551122", "attributes": {"first": "Ada"}}, {"contact_id": 42}],
            "kind": "call",
            "labels": LABELS,
            "expires_in": "12h",
        },
        {"name": "Everybody", "contact_list_id": 77, "scrub_duplicates": True},
    ],
    "EnabledBody": [{"enabled": False}],
}
"""Of each schema one or more."""
