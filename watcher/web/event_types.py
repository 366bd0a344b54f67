"""The types of events that patterns in a query name."""

from collections.abc import Sequence

from watcher.core.endpoint import covers
from watcher.core.model import EVENT_TYPES
from watcher.web.problems import Problem, cut


def types_of(patterns: Sequence[str]) -> tuple[str, ...]:
    """The types, `batch.*` being all that begin so. None: all there are. A Problem with everything that names none."""
    wanted: set[str] = set()
    errors: list[dict[str, str]] = []
    for pattern in patterns:
        matching = {kind for kind in EVENT_TYPES if covers(pattern, kind)}
        if not matching:
            errors.append({"parameter": "type", "message": f"There is no event type {cut(pattern)!r}"})
        wanted |= matching
    if errors:
        detail = f"{errors[0]['message']}. There are: {', '.join(EVENT_TYPES)}."
        raise Problem(422, "bad-query", detail, errors=errors)
    return tuple(kind for kind in EVENT_TYPES if kind in wanted) if len(wanted) < len(EVENT_TYPES) else ()
