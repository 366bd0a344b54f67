"""What makes the screen like a value (dom.js), tried where it runs: in a browser."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.page.visiting import Visit

TREES: Final = (Path(__file__).parent / "trees.js").read_text("utf-8")
PAIRS: Final = 10_000
TRYING: Final = """async () => {
  const { h, render } = await import("/page/dom.js");
  const room = document.body.appendChild(document.createElement("div"));
  %s
}"""


async def tried(visit: Visit, script: str) -> Any:
    """What the script gives, that has `h`, `render` and a `room` in the document."""
    await visit.open()
    return await visit.page.evaluate(TRYING % script)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_screen_is_made_like_the_value_whatever_it_was_like_before(visit: Visit, seed: int) -> None:
    await visit.open()
    assert await visit.page.evaluate(TREES, {"pairs": PAIRS // 2, "seed": seed}) == []


async def test_what_moves_is_the_same_element_with_its_focus_and_what_was_typed_and_selected(visit: Visit) -> None:
    came = await tried(
        visit,
        """
        const row = (key) => h("li", { key }, h("input", { "aria-label": key }));
        const draw = (...keys) => render(room, h("ul", null, keys.map(row)));
        draw("a", "b", "c", "d");
        const [, b] = room.querySelectorAll("input");
        b.focus();
        b.value = "typed by somebody";
        b.setSelectionRange(3, 8);
        draw("x", "d", "b", "a");
        const kept = room.querySelectorAll("input")[2];
        const names = [...room.querySelectorAll("input")].map((each) => each.getAttribute("aria-label"));
        return [names, kept === b, document.activeElement === b, kept.value, kept.selectionStart, kept.selectionEnd];
        """,
    )
    assert came == [["x", "d", "b", "a"], True, True, "typed by somebody", 3, 8]


async def test_what_did_not_change_is_not_touched(visit: Visit) -> None:
    """Else a screen reader would read it again, and the browser lay it out anew."""
    came = await tried(
        visit,
        """
        const draw = (words) => render(room, h("section", { class: "a", vars: { "--at": "1" } }, h("p", { title: "t" }, words),
          h("svg", { viewBox: "0 0 1 1" }, h("path", { d: "M0 0" })), h("input", { type: "text", value: "v", disabled: true }),
          h("select", { value: "q" }, h("option", { value: "p" }, "p"), h("option", { value: "q" }, "q"))));
        draw("before");
        const seen = new MutationObserver(() => {});
        seen.observe(room, { subtree: true, childList: true, attributes: true, characterData: true });
        draw("before");
        const none = seen.takeRecords().length;
        draw("after");
        return [none, seen.takeRecords().map((each) => [each.type, each.target.nodeValue])];
        """,
    )
    assert came == [0, [["characterData", "after"]]]


async def test_what_is_drawn_is_drawn_as_svg_and_what_is_in_it_too(visit: Visit) -> None:
    came = await tried(
        visit,
        """
        const html = h("foreignObject", null, h("p", null, "p"));
        render(room, [h("svg", null, h("g", null, h("title", null, "t")), html), h("title", null)]);
        return [...room.querySelectorAll("*")].map((each) => [each.tagName, each.namespaceURI.split("/").pop()]);
        """,
    )
    assert came == [
        ["svg", "svg"],
        ["g", "svg"],
        ["title", "svg"],
        ["foreignObject", "svg"],
        ["P", "xhtml"],
        ["TITLE", "xhtml"],
    ]


async def test_a_choice_has_the_value_it_is_given_also_of_an_option_that_comes_with_it(visit: Visit) -> None:
    came = await tried(
        visit,
        """
        const draw = (value, ...names) => {
          render(room, h("select", { value }, names.map((name) => h("option", { key: name, value: name }, name))));
          return room.querySelector("select").value;
        };
        return [draw("b", "a", "b"), draw("c", "a", "b", "c"), draw("a", "c", "a"), draw("gone", "a")];
        """,
    )
    assert came == ["b", "c", "a", ""]


async def test_what_is_done_is_what_was_said_last(visit: Visit) -> None:
    came = await tried(
        visit,
        """
        const done = [];
        const draw = (on) => render(room, h("button", { on }, "press"));
        const press = () => room.querySelector("button").click();
        draw({ click: () => done.push("first") });
        press();
        draw({ click: () => done.push("second") });
        press();
        draw(undefined);
        press();
        draw({ click: () => done.push("third"), focus: () => done.push("focused") });
        press();
        room.querySelector("button").focus();
        return done;
        """,
    )
    assert came == ["first", "second", "third", "focused"]


async def test_what_the_browser_put_between_is_taken_out_so_that_no_old_figure_stays(visit: Visit) -> None:
    """A browser that translates puts elements of its own around every text."""
    came = await tried(
        visit,
        """
        const draw = (count) => render(room, h("p", null, "Open: ", h("b", null, String(count)), " batches"));
        draw(3);
        for (const text of [room.querySelector("b").firstChild, room.querySelector("p").firstChild]) {
          const font = document.createElement("font");
          text.replaceWith(font);
          font.append("translated");
        }
        draw(4);
        return room.innerHTML;
        """,
    )
    assert came == "<p>Open: <b>4</b> batches</p>"


async def test_no_value_becomes_code_or_leads_away_from_the_page(visit: Visit) -> None:
    """Whatever a room makes of a text from outside by mistake."""
    came = await tried(
        visit,
        r"""
        const led = ["#/batches", "/docs#webhooks", "/", "javascript:alert(1)", " javascript:alert(1)",
          "java\nscript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "//elsewhere", "/\\elsewhere",
          "/\t/elsewhere", "https://elsewhere", "\x01javascript:alert(1)"];
        render(room, led.map((href) => h("a", { href }, "link")));
        const links = [...room.querySelectorAll("a")].map((each) => each.getAttribute("href"));
        const wrong = { onclick: "alert(1)", style: "color: red", srcdoc: "<p>", title: "t" };
        render(room, h("p", wrong, "<img src=x onerror=alert(1)>"));
        return [links, room.innerHTML];
        """,
    )
    assert came == [
        ["#/batches", "/docs#webhooks", "/", *[None] * 10],
        '<p title="t">&lt;img src=x onerror=alert(1)&gt;</p>',
    ]


async def test_a_row_that_nobody_wants_becomes_another_where_it_may_but_not_under_the_focus(visit: Visit) -> None:
    found = await tried(
        visit,
        """
        const link = (key) => h("a", { href: `#/${key}` }, key);
        const draw = (reuse, ...keys) => render(room, h("ul", null, keys.map((key) => h("li", { key, reuse }, link(key)))));
        const rows = () => [...room.querySelectorAll("li")];
        draw(true, "a", "b", "c");
        const [a, b, c] = rows();
        c.firstChild.focus();
        draw(true, "d", "b", "e");
        const [d, same, e] = rows();
        draw(false, "f");
        return [d === a, same === b, e === c, rows()[0] === d, c.isConnected, d.outerHTML, e.outerHTML, rows()[0].outerHTML];
        """,
    )
    shown = [f'<li><a href="#/{key}">{key}</a></li>' for key in "def"]
    assert found == [True, True, False, False, False, *shown]
