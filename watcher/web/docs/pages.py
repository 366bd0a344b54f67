"""The page of the whole document, and that of a type of problem."""

from collections.abc import Mapping
from typing import Any, Final

from watcher.web.docs import operations
from watcher.web.docs.marking import Html, joined, page, paragraphs, tag, words
from watcher.web.docs.shapes import fields, name_in
from watcher.web.meanings import MEANINGS
from watcher.web.problems import TITLES

Part = Mapping[str, Any]

TRYING: Final = "export WATCHER_URL=http://127.0.0.1:8080 WATCHER_API_TOKEN=…"
FIRST_STEPS: Final = (
    ("watches_follow", "Follow a batch", "by CallFire's id of it."),
    ("watches_read", "Wait for it", "with the header `Prefer: wait=30`, until it is `final`."),
    ("endpoints_make", "Subscribe a receiver", "and keep its `secrets`, which verify what it gets."),
    ("endpoints_test", "Try the receiver", "with a signed sample; the answer says what came of it."),
    ("deliveries_of_endpoint", "See what it was sent", "and each attempt of a delivery by its id."),
    ("deliveries_resend", "Send a delivery again", "whatever became of it."),
)
"""The way of somebody who is new here: an operation each."""


def whole(document: Part) -> str:
    """All of it on one page, with a list of contents."""
    info, schemas = document["info"], document["components"]["schemas"]
    kinds = sorted(MEANINGS)
    tags = [each for each in document["tags"] if each["name"] != "webhooks"]
    return page(
        f"{info['title']} {info['version']}",
        _contents(document, tags, kinds),
        tag(
            "main",
            tag("h1", f"{info['title']} {info['version']}"),
            paragraphs(info["summary"]),
            paragraphs(info["description"]),
            tag("p", tag("a", "/openapi.json", href="/openapi.json"), " is the same for programs (OpenAPI 3.1)."),
            tag("p", "The commands below can be copied after this one; without a token leave the header out:"),
            tag("pre", tag("code", TRYING)),
            tag("p", "The way from the first batch to the first delivery:"),
            _first_steps(),
            *(_section(document, each) for each in tags),
            _events(document),
            _problems(kinds),
            _schemas(schemas),
        ),
    )


def of_problem(kind: str) -> str:
    """What a problem of that type means, and what to do."""
    meaning = MEANINGS[kind]
    statuses = " or ".join(str(each) for each in meaning.statuses)
    return page(
        TITLES[kind],
        tag(
            "main",
            tag("h1", TITLES[kind]),
            tag("p", tag("code", f"/problems/{kind}"), f", answered with {statuses}."),
            paragraphs(meaning.means),
            tag("p", tag("strong", "What to do: "), words(meaning.remedy)),
            tag("p", tag("a", "All types of problem", href="/docs#problems")),
        ),
    )


def _first_steps() -> Html:
    steps = (joined([tag("a", what, href=f"#{name}"), Html(" "), words(how)]) for name, what, how in FIRST_STEPS)
    return tag("ol", *(tag("li", step) for step in steps))


def _contents(document: Part, tags: list[Part], kinds: list[str]) -> Html:
    return tag(
        "nav",
        *(
            tag(
                "details",
                tag("summary", tag("a", each["name"], href=f"#{each['name']}")),
                operations.contents(document, each["name"]),
                open="",
            )
            for each in tags
        ),
        tag(
            "details",
            tag("summary", tag("a", "webhooks", href="#webhooks")),
            tag("ul", *(tag("li", tag("a", each, href=f"#event-{each}")) for each in document["webhooks"])),
        ),
        tag(
            "details",
            tag("summary", tag("a", "problems", href="#problems")),
            tag("ul", *(tag("li", tag("a", kind, href=f"#problem-{kind}")) for kind in kinds)),
        ),
        tag("p", tag("a", "schemas", href="#schemas")),
    )


def _section(document: Part, described: Part) -> Html:
    name = described["name"]
    return tag(
        "section", tag("h2", name), tag("p", described["description"]), operations.shown(document, name), id=name
    )


def _events(document: Part) -> Html:
    schemas = document["components"]["schemas"]
    events = [(name, each["post"]) for name, each in document["webhooks"].items()]
    _, first = events[0]
    bearing = tag(
        "ul",
        *(tag("li", tag("code", each["name"]), " ", words(each["description"])) for each in first["parameters"]),
    )
    answers = tag(
        "ul",
        *(
            tag("li", tag("code", status), " ", words(each["description"]))
            for status, each in first["responses"].items()
        ),
    )
    return tag(
        "section",
        tag("h2", "webhooks"),
        tag("p", "Every event is posted to the endpoints that want it, with these headers:"),
        bearing,
        tag("p", "What the receiver's answer brings about:"),
        answers,
        *(
            _event(name, schemas[name_in(each["requestBody"]["content"]["application/json"]["schema"]["$ref"])])
            for name, each in events
        ),
        id="webhooks",
    )


def _event(name: str, schema: Part) -> Html:
    data = name_in(schema["properties"]["data"]["$ref"])
    return tag(
        "article",
        tag("h3", tag("code", name)),
        paragraphs(schema["description"]),
        tag("p", "Its data is ", tag("a", data, href=f"#schema-{data}"), "."),
        tag("details", tag("summary", "Example"), operations.sample(schema)),
        id=f"event-{name}",
    )


def _problems(kinds: list[str]) -> Html:
    return tag(
        "section",
        tag("h2", "problems"),
        *(
            tag(
                "article",
                tag("h3", tag("a", kind, href=f"/problems/{kind}"), f": {TITLES[kind]}"),
                tag("p", words(f"{MEANINGS[kind].means} {MEANINGS[kind].remedy}")),
                id=f"problem-{kind}",
            )
            for kind in kinds
        ),
        id="problems",
    )


def _schemas(schemas: Part) -> Html:
    named = {name: each for name, each in schemas.items() if not name.startswith("Problem") or name == "Problem"}
    return tag(
        "section",
        tag("h2", "schemas"),
        joined(
            tag(
                "article",
                tag("h3", name),
                paragraphs(each.get("description", "")),
                fields(each),
                tag("details", tag("summary", "Example"), operations.sample(each))
                if each.get("examples")
                else Html(""),
                id=f"schema-{name}",
            )
            for name, each in named.items()
        ),
        id="schemas",
    )
