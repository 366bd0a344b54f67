"""Where an answer leads: the operations that its ids are for."""

from collections.abc import Mapping
from typing import Any, Final


def _link(operation: str, **parameters: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": parameters}


ENDPOINT: Final = {"endpoint_id": "$response.body#/id"}
WATCH: Final = {"account": "$response.body#/account", "batch_id": "$response.body#/batch_id"}
BROADCAST: Final = {"account": "$response.body#/account", "broadcast_id": "$response.body#/broadcast_id"}
SUBMISSION: Final = {"account": "$response.body#/account", "submission_id": "$response.body#/id"}
TOKEN: Final = {"token_id": "$response.body#/id"}

LINKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "endpoints_make": {
        name: _link(f"endpoints_{name}", **ENDPOINT)
        for name in ("read", "change", "disable", "enable", "rotate", "test", "recover", "remove")
    }
    | {"deliveries": _link("deliveries_of_endpoint", **ENDPOINT)},
    "watches_follow": {name: _link(f"watches_{name}", **WATCH) for name in ("read", "change", "refresh", "stop")}
    | {"explanation": _link("explanations_read", **WATCH), "looks": _link("looks_read", **WATCH)},
    "broadcasts_follow": {name: _link(f"broadcasts_{name}", **BROADCAST) for name in ("read", "change", "stop")},
    "submissions_submit": {name: _link(f"submissions_{name}", **SUBMISSION) for name in ("read", "withdraw")},
    "token_make": {name: _link(f"token_{name}", **TOKEN) for name in ("read", "remove")},
}
"""By the operation that answers."""
