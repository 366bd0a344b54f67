"""JSON Patches (RFC 6902): what turns a document into another, as few fields as changed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonpatch

Change = dict[str, Any]
"""One of a patch: op, path, and what belongs to it."""


def pointer(*steps: str) -> str:
    """The place that one comes to by these keys (RFC 6901)."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], place: str) -> list[Change]:
    """What makes one object into the other, which is at that place in its document."""
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    changed |= before.keys() ^ after.keys()
    if not changed:
        return []
    patch = jsonpatch.make_patch(
        {name: value for name, value in before.items() if name in changed},
        {name: value for name, value in after.items() if name in changed},
    )
    return [_placed(operation, place) for operation in patch.patch]


def written(operations: Sequence[Change]) -> bytes:
    """The patch as it is sent."""
    return json.dumps(operations, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _placed(operation: Change, place: str) -> Change:
    placed = operation | {"path": place + operation["path"]}
    return placed | {"from": place + operation["from"]} if "from" in operation else placed
