"""The pages to read: everything is on them, they load nothing from elsewhere, and nothing in them is taken for HTML."""

from html.parser import HTMLParser
from typing import Any

import pytest

from tests.web.house import House, open_house
from watcher.core.model import EVENT_TYPES
from watcher.web.docs.marking import Html, paragraphs, tag, words
from watcher.web.docs.shapes import type_of
from watcher.web.meanings import MEANINGS


class Reader(HTMLParser):
    """What a browser would make of a page."""

    EMPTY = frozenset({"meta", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= given.keys()
        if tag not in self.EMPTY:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given["href"]))
        elif "href" in given or "src" in given:
            self.loaded.append(str(given.get("href") or given.get("src")))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def read(house: House, path: str) -> Reader:
    answer = await house.ask("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return Reader(answer.body.decode())


async def test_everything_of_the_document_is_on_the_page(house: House) -> None:
    made: Any = (await house.ask("GET", "/openapi.json")).json
    page = await read(house, "/docs")
    wanted = {each["operationId"] for methods in made["paths"].values() for each in methods.values()}
    wanted |= {f"event-{event_type}" for event_type in EVENT_TYPES} | {f"problem-{kind}" for kind in MEANINGS}
    assert wanted <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.open == []


async def test_who_is_new_is_led_from_the_first_batch_to_the_first_delivery(house: House) -> None:
    links = (await read(house, "/docs")).links
    steps = ["#watches_follow", "#watches_read", "#endpoints_make", "#endpoints_test"]
    first = links.index("/openapi.json") + 1
    assert links[first : first + 6] == [*steps, "#deliveries_of_endpoint", "#deliveries_resend"]


async def test_every_anchor_that_is_linked_to_is_there(house: House) -> None:
    page = await read(house, "/docs")
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    for link in {link for link in page.links if not link.startswith("#")}:
        assert (await house.ask("GET", link)).status == 200


@pytest.mark.parametrize("path", ["/docs", "/problems/not-followed"])
async def test_a_page_loads_our_style_and_nothing_else(house: House, path: str) -> None:
    page = await read(house, path)
    assert page.loaded == ["/docs.css"]
    assert page.tags.isdisjoint({"script", "style", "img", "iframe", "form"})
    assert not {name for name in page.attributes if name == "style" or name.startswith("on")}
    answer = await house.ask("GET", path)
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    style = await house.ask("GET", "/docs.css")
    assert (style.status, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "url(" not in style.body.decode()
    assert "@import" not in style.body.decode()


async def test_each_operation_has_a_command_to_copy(house: House) -> None:
    text = (await house.ask("GET", "/docs")).body.decode()
    assert text.count("<code>curl -s") == sum(
        len(methods) for methods in (await house.ask("GET", "/openapi.json")).json["paths"].values()
    )
    assert "$WATCHER_URL/v1/accounts/default/batches/13" in text


@pytest.mark.parametrize("kind", sorted(MEANINGS))
async def test_the_type_of_every_problem_leads_to_what_helps(house: House, kind: str) -> None:
    answer = await house.ask("GET", f"/problems/{kind}")
    assert answer.status == 200
    assert str(words(MEANINGS[kind].remedy)) in answer.body.decode()


async def test_what_is_no_type_of_problem_is_told_to_be_none(house: House) -> None:
    answer = await house.ask("GET", "/problems/<b>")
    assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-path")


async def test_the_documents_are_open_to_all_where_a_token_is_wanted() -> None:
    async with open_house(token="secret") as house:
        for path in ("/openapi.json", "/docs", "/docs.css", "/problems/internal"):
            assert (await house.ask("GET", path)).status == 200


def test_what_is_in_a_text_stays_text() -> None:
    assert tag("p", "<script>", Html("<br>"), class_='"') == '<p class="&quot;">&lt;script&gt;<br></p>'
    assert paragraphs("**a** `<b>`\nc\n\n<i>") == "<p><strong>a</strong> <code>&lt;b&gt;</code> c</p><p>&lt;i&gt;</p>"


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, 1 to 9"),
        ({"type": "number", "minimum": 0}, "number, from 0"),
        ({"type": "string", "maxLength": 5}, "string, up to 5"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "names with string"),
        ({"anyOf": [{"const": 1}, {"type": "null"}]}, "<code>1</code> or null"),
        ({"$ref": "#/components/schemas/Watch"}, '<a href="#schema-Watch">Watch</a>'),
        ({}, "anything"),
    ],
)
def test_a_type_is_told_in_a_few_words(schema: Any, told: str) -> None:
    assert type_of(schema) == told
