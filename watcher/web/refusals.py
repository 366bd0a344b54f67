"""What delivery refuses, as problems: each kind with its status, the place in the body, and the attempt that failed."""

from collections.abc import Mapping
from typing import Final, TypeVar

from watcher.ports import RefusalKind, Refused
from watcher.web.endpoint_shown import attempt_shown
from watcher.web.problems import Problem

STATUSES: Final[Mapping[RefusalKind, int]] = {
    "unknown-endpoint": 404,
    "unknown-delivery": 404,
    "endpoint-exists": 409,
    "kept-by-settings": 409,
    "changed-meanwhile": 409,
    "not-active": 409,
    "in-flight": 409,
    "too-many-secrets": 409,
    "bad-endpoint": 422,
    "not-verified": 422,
}

Granted = TypeVar("Granted")


def granted(answer: Granted | Refused) -> Granted:
    """What was asked for, or the Problem that says why not."""
    if isinstance(answer, Refused):
        raise problem_of(answer)
    return answer


def problem_of(refused: Refused) -> Problem:
    """The refusal as the interface tells it."""
    detail = refused.detail[:1].upper() + refused.detail[1:].removesuffix(".")
    errors = [] if refused.pointer is None else [{"pointer": refused.pointer, "message": detail}]
    more = {} if refused.attempt is None else {"attempt": attempt_shown(refused.attempt).model_dump(mode="json")}
    return Problem(STATUSES[refused.kind], refused.kind, f"{detail}.", errors=errors, **more)
