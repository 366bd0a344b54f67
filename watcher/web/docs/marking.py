"""HTML, put together so that whatever is in a text stays text."""

import re
from collections.abc import Iterable
from html import escape
from typing import Final

CODE: Final = re.compile(r"`([^`]+)`")
STRONG: Final = re.compile(r"\*\*([^*]+)\*\*")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *content: str, **attributes: str) -> Html:
    """An element. What of its content is not HTML yet is escaped; `class_` stands for class."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Html(
        f"<{name}{given}>{''.join(each if isinstance(each, Html) else escape(each) for each in content)}</{name}>"
    )


def joined(parts: Iterable[Html], between: str = "") -> Html:
    """Several elements as one piece."""
    return Html(between.join(parts))


def words(text: str) -> Html:
    """Running text, with `code` and **strong** in it."""
    return Html(STRONG.sub(r"<strong>\1</strong>", CODE.sub(r"<code>\1</code>", escape(text))))


def paragraphs(text: str) -> Html:
    """A paragraph for each that an empty line ends."""
    return joined(tag("p", words(" ".join(each.split()))) for each in text.strip().split("\n\n"))


def table(heads: Iterable[str], rows: Iterable[Iterable[Html]]) -> Html:
    """A table; nothing where it would have no rows."""
    lines = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    if not lines:
        return Html("")
    head = tag("tr", *(tag("th", each) for each in heads))
    return tag("div", tag("table", tag("thead", head), tag("tbody", *lines)), class_="wide")


def page(title: str, *content: Html) -> str:
    """A whole page."""
    head = tag(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", title),
        Html('<link rel="stylesheet" href="/docs.css">'),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *content), lang='en')}\n"
