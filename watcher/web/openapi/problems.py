"""Problems in the document: a schema for each type, and an operation's answers with them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from watcher.web.meanings import MEANINGS
from watcher.web.openapi.schemas import PLACE
from watcher.web.operations import Operation
from watcher.web.problems import TITLES

PROBLEM: Final = "application/problem+json"
SAFE: Final = ("GET", "HEAD")

ANYWHERE: Final = ("bad-request", "internal")
"""What any operation may answer."""
GUARDED: Final = (
    *("token-wanted", "token-wrong", "session-over", "too-many-attempts", "scope-missing"),
    *("local-only", "wrong-host", "store-unavailable", "too-many-connections"),
)
"""What one may that wants a scope."""
WRITING: Final = ("wrong-origin",)
READING_BODY: Final = ("bad-encoding", "body-too-slow", "body-too-large")
WITH_BODY: Final = ("bad-json", "bad-body", "bad-media-type")
WITH_QUERY: Final = ("bad-query",)
WITH_KEY: Final = ("bad-idempotency-key", "idempotency-key-reused", "idempotency-under-way", "store-unavailable")
"""What a POST may that is done once for each Idempotency-Key."""
CONDITIONAL: Final = ("precondition-failed",)
"""What a change may of what is read with an ETag."""

BEARING: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
"""The headers that answers of a status have beside."""

ERRORS: Final[dict[str, Any]] = {
    "type": "array",
    "description": "All that is wrong, each with its place: a JSON pointer into the body, or the name of a parameter.",
    "items": {
        "type": "object",
        "required": ["message"],
        "properties": {
            "pointer": {"type": "string", "description": "RFC 6901, into the body; empty for the body as a whole."},
            "parameter": {"type": "string"},
            "message": {"type": "string"},
        },
    },
}


def schema_name(kind: str) -> str:
    """What the schema of a type of problem is called."""
    return "Problem" + "".join(word.capitalize() for word in kind.split("-"))


def problem_schemas(kinds: Iterable[str]) -> dict[str, Any]:
    """What all problems have, and what each of these types is."""
    return {
        "Problem": {
            "type": "object",
            "description": "What went wrong, as RFC 9457 has it. `type` is stable; a client may branch on it.",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {
                    "type": "string",
                    "format": "uri-reference",
                    "description": "Leads to a page that explains it.",
                },
                "title": {"type": "string"},
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": {"type": "string", "description": "What is wrong this time, and what to do."},
                "errors": ERRORS,
                "request_id": {"type": "string", "description": "That of the answer's X-Request-Id."},
            },
        },
        **{schema_name(kind): _schema(kind) for kind in sorted(kinds)},
    }


def kinds_of(operation: Operation) -> list[str]:
    """All types of problem that the operation may answer with."""
    found = [*operation.problems, *ANYWHERE]
    if operation.scope is not None:
        found += GUARDED
    if operation.method not in SAFE:
        found += WRITING
    if operation.body is not None or "Idempotency-Key" in operation.headers:
        found += READING_BODY
    if operation.body is not None:
        found += WITH_BODY
    if operation.query is not None:
        found += WITH_QUERY
    if "Idempotency-Key" in operation.headers and not operation.keeps_own_key:
        found += WITH_KEY
    if "If-Match" in operation.headers:
        found += CONDITIONAL
    return sorted(set(found))


def problem_answers(operation: Operation) -> dict[int, list[str]]:
    """The types of problem that the operation may answer with, by status."""
    by_status: dict[int, list[str]] = {}
    for kind in kinds_of(operation):
        for status in MEANINGS[kind].statuses:
            by_status.setdefault(status, []).append(kind)
    return dict(sorted(by_status.items()))


def answer_name(status: int, kinds: Iterable[str]) -> str:
    """What an answer with one of these problems is called among the components: by all that it may be."""
    return ".".join([str(status), *kinds])


def answer_components(operations: Iterable[Operation]) -> dict[str, Any]:
    """All answers that are problems, to be referred to."""
    answers = [each for operation in operations for each in problem_answers(operation).items()]
    return {answer_name(*each): problem_answer(*each) for each in sorted(answers)}


def problem_answer(status: int, kinds: list[str]) -> dict[str, Any]:
    """An answer with one of these problems."""
    refs = [{"$ref": f"{PLACE}{schema_name(kind)}"} for kind in kinds]
    names = ["X-Request-Id", *BEARING.get(status, ())]
    return {
        "description": " · ".join(f"{TITLES[kind]} (`{kind}`)" for kind in kinds),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {PROBLEM: {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}},
    }


def _schema(kind: str) -> dict[str, Any]:
    meaning = MEANINGS[kind]
    return {
        "description": f"{meaning.means} {meaning.remedy}",
        "allOf": [
            {"$ref": f"{PLACE}Problem"},
            {
                "properties": {
                    "type": {"const": f"/problems/{kind}"},
                    "title": {"const": TITLES[kind]},
                    "status": {"enum": list(meaning.statuses)},
                }
            },
        ],
    }
