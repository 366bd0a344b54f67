"""How samples become a picture."""

import xml.etree.ElementTree as ET
from collections import Counter

from tests.bench.flame_graph import WIDTH, Stack, picture, share, stacks_of

RAW = """\
<module> (watcher/__main__.py);run (watcher/app/daemon.py);write (aiohttp/a&b.py) 6
<module> (watcher/__main__.py);run (watcher/app/daemon.py) 1
<module> (watcher/__main__.py);run (watcher/app/daemon.py) 1
<module> (watcher/__main__.py);parse (json/decoder.py) 2
<module> (threading.py);wait for (watcher/store/lane.py) 10
"""
MAIN, RUN = "<module> (watcher/__main__.py)", "run (watcher/app/daemon.py)"
SVG = "{http://www.w3.org/2000/svg}"

Shown = dict[str, tuple[str | None, ...]]


def shown(svg: str) -> Shown:
    """By what each box says when it is pointed at: its left, top, width, colour and text."""
    boxes = ET.fromstring(svg).findall(f"{SVG}g")
    found: Shown = {}
    for box in boxes:
        title, rect = box.find(f"{SVG}title"), box.find(f"{SVG}rect")
        assert title is not None
        assert rect is not None
        told = title.text or ""
        found[told] = (*(rect.get(name) for name in ("x", "y", "width", "fill")), box.findtext(f"{SVG}text"))
    return found


def test_samples_of_the_same_functions_are_counted_together_and_only_those_wanted() -> None:
    assert stacks_of(RAW, lambda stack: stack[0] == MAIN) == Counter(
        {(MAIN, RUN): 2, (MAIN, RUN, "write (aiohttp/a&b.py)"): 6, (MAIN, "parse (json/decoder.py)"): 2}
    )


def test_a_share_counts_a_function_wherever_it_was_under_way() -> None:
    stacks = stacks_of(RAW)
    assert [share(stacks, name) for name in ("run (", "write (aiohttp", "nothing (")] == [0.4, 0.3, 0.0]


def test_a_function_is_as_wide_as_its_time_and_stands_on_who_called_it() -> None:
    assert shown(picture(stacks_of(RAW), "a & b")) == {
        "all: 100.0 %": ("0.0", "64", "1199.6", "#d8d8d8", "all"),
        "<module> (threading.py): 50.0 %": ("0.0", "48", "599.6", "#d8d8d8", "<module>"),
        "wait for (watcher/store/lane.py): 50.0 %": ("0.0", "32", "599.6", "#f0a35e", "wait for"),
        "<module> (watcher/__main__.py): 50.0 %": ("600.0", "48", "599.6", "#f0a35e", "<module>"),
        "parse (json/decoder.py): 10.0 %": ("600.0", "32", "119.6", "#d8d8d8", "parse"),
        "run (watcher/app/daemon.py): 40.0 %": ("720.0", "32", "479.6", "#f0a35e", "run"),
        "write (aiohttp/a&b.py): 30.0 %": ("720.0", "16", "359.6", "#8fb8de", "write"),
    }


def test_what_is_narrower_than_a_pixel_is_left_out_and_a_long_name_cut() -> None:
    stacks: Counter[Stack] = Counter(
        {("a_function_with_a_long_name (x.py)",): 40, ("seldom (x.py)",): 1, ("other (x.py)",): WIDTH}
    )
    boxes = shown(picture(stacks, "narrow"))
    assert [told.partition(" ")[0] for told in boxes] == ["all:", "a_function_with_a_long_name", "other"]
    assert boxes["a_function_with_a_long_name (x.py): 3.2 %"][-1] == "a_fu…"
