"""An operation as a command that can be copied."""

import json
from collections.abc import Mapping
from shlex import quote
from typing import Any, Final

Part = Mapping[str, Any]

STREAM: Final = "text/event-stream"


def command(method: str, path: str, operation: Part, components: Part) -> str:
    """curl with the examples of the document."""
    streams = STREAM in operation["responses"].get("200", {}).get("content", {})
    silent = "curl -sN" if streams else "curl -s"
    asked = [silent] if method == "get" else [f"{silent} -X {method.upper()}"]
    if operation["security"]:
        asked.append('-H "Authorization: Bearer $WATCHER_API_TOKEN"')
    for parameter in operation["parameters"]:
        if parameter.get("in") == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    body = operation.get("requestBody")
    if body is not None:
        media, content = next(iter(body["content"].items()))
        asked += [f"-H 'Content-Type: {media}'", f"-d {quote(json.dumps(_example(content['schema'], components)))}"]
    return " \\\n  ".join([*asked, f'"$WATCHER_URL{path}"'])


def _example(schema: Part, components: Part) -> Any:
    if "$ref" in schema:
        return components["schemas"][schema["$ref"].rpartition("/")[2]].get("examples", [{}])[0]
    return [_example(schema["items"], components)]
