"""The operations, to read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from watcher.web.docs.curl import command
from watcher.web.docs.marking import Html, joined, paragraphs, table, tag, words
from watcher.web.docs.shapes import example, name_in, type_of

Part = Mapping[str, Any]

KIND: Final = re.compile(r"\(<code>([a-z-]+)</code>\)")


def operations_of(document: Part, tag_name: str) -> Iterator[tuple[str, str, Part]]:
    """Method, path and what there is to say, of all operations of a tag."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag_name in operation["tags"]:
                yield method, path, operation


def contents(document: Part, tag_name: str) -> Html:
    """Links to them."""
    return tag(
        "ul",
        *(
            tag("li", tag("a", _method(method), " ", path, href=f"#{operation['operationId']}"))
            for method, path, operation in operations_of(document, tag_name)
        ),
    )


def shown(document: Part, tag_name: str) -> Html:
    """All of a tag, one after the other."""
    return joined(_operation(document, *each) for each in operations_of(document, tag_name))


def _operation(document: Part, method: str, path: str, operation: Part) -> Html:
    components = document["components"]
    scopes = [scope for way in operation["security"] for scope in way.get("token", ())]
    wanted = f"Wants the scope `{scopes[0]}`." if scopes else "Open to all."
    return tag(
        "article",
        tag("h3", _method(method), " ", tag("code", path)),
        paragraphs(operation["description"]),
        tag("p", words(wanted), class_="scope"),
        _parameters(operation, components),
        _body(operation),
        tag("pre", tag("code", command(method, path, operation, components))),
        _answers(operation, components),
        id=operation["operationId"],
    )


def _method(method: str) -> Html:
    return tag("span", method.upper(), class_=f"method {method}")


def _parameters(operation: Part, components: Part) -> Html:
    found = [_resolved(each, components) for each in operation["parameters"]]
    rows = [
        (
            tag("code", each["name"]),
            words(each["in"]),
            type_of(each["schema"]),
            words(each.get("description", "")),
        )
        for each in found
    ]
    return table(("parameter", "in", "type", ""), rows)


def _body(operation: Part) -> Html:
    if "requestBody" not in operation:
        return Html("")
    content = operation["requestBody"]["content"]
    kinds = joined((joined([tag("code", media), Html(": "), _content(each)]) for media, each in content.items()), "; ")
    need = "" if operation["requestBody"]["required"] else " It may be left out."
    return tag("p", Html("The body is "), kinds, ".", need)


def _answers(operation: Part, components: Part) -> Html:
    rows = []
    for status, each in operation["responses"].items():
        answer = _resolved(each, components)
        kinds = [
            joined([tag("code", media), Html(" "), _content(content)])
            for media, content in answer.get("content", {}).items()
        ]
        rows.append((tag("code", status), _linked(answer["description"]), joined(kinds, "<br>")))
    return tag("details", tag("summary", "Answers"), table(("status", "", "body"), rows))


def _content(content: Part) -> Html:
    """What a body is. Problems are named by the description already."""
    schema = content["schema"]
    if "x-item-schema" in content:
        return joined([Html("lines of "), type_of(content["x-item-schema"])])
    if "oneOf" in schema or name_in(schema.get("$ref", "")).startswith("Problem"):
        return Html("")
    return type_of(schema)


def _linked(description: str) -> Html:
    """With types of problems that lead to what they mean."""
    return Html(KIND.sub(r'(<a href="#problem-\1"><code>\1</code></a>)', words(description)))


def _resolved(part: Part, components: Part) -> Part:
    if "$ref" not in part:
        return part
    _, _, group, name = part["$ref"].split("/")
    found: Part = components[group][name]
    return found


def sample(schema: Part) -> Html:
    """The first example of a schema, where it has one."""
    return example(schema["examples"][0]) if schema.get("examples") else Html("")
