"""No text makes a regular expression of the page take longer than in proportion to its length: a file with recipients, or a name
that somebody gave a batch, is no reason for a window to stand still."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.security.regexes import EXPLODES, FEW, LONGER, NEAR, QUICK, ROOT, ROUNDS, TOO_MUCH, attacks

SCRIPT: Final = ROOT / "tests" / "page" / "regexes.js"
MODULES: Final = sorted((ROOT / "watcher" / "web").rglob("*.js"))
CLASS: Final = re.compile(r"\\p\{\w+\}")
BOUNDS: Final = {
    "few": FEW,
    "explodes": EXPLODES,
    "quick": QUICK,
    "turns": 1000,
    "longer": LONGER,
    "tooMuch": TOO_MUCH,
    "near": NEAR,
    "rounds": ROUNDS,
}
CARELESS: Final = (r"^\s+|\s+$", r"(?:a|a)*b", r"^(a+)+b", r"<[^>]*>", r"[\p{Z}]+$")


def asked(*arguments: str, given: object = None) -> Any:
    """What the script says."""
    ran = subprocess.run(
        ["node", str(SCRIPT), *arguments],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout)


def tried(expressions: Sequence[Mapping[str, str]]) -> list[str | None]:
    """Of each a text that makes it take too long, where there is one."""
    found = [
        # What texts may be hard for it is told by Python's reading of it, which knows no classes by property.
        {**each, "attacks": [attack._asdict() for attack in attacks(re.compile(CLASS.sub(r"\\s", each["source"])))]}
        for each in expressions
    ]
    slow: list[str | None] = asked("try", given={**BOUNDS, "all": found})
    return slow


def test_an_expression_of_the_page_takes_time_in_proportion_to_the_text() -> None:
    found = asked("find", *map(str, MODULES))
    places = [f"{Path(each['file']).relative_to(ROOT)}:{each['line']}" for each in found]
    assert len(found) >= 20
    assert [place for place, each in zip(places, found, strict=True) if each["source"] is None] == [], (
        "write it as an expression, so that it can be tried"
    )
    slow = zip(places, tried(found), strict=True)
    assert [(place, text) for place, text in slow if text is not None] == []


def test_one_that_is_careless_would_be_found(tmp_path: Path) -> None:
    """In a module, and slow; and one that is made while the page runs."""
    module = tmp_path / "careless.js"
    module.write_text("".join(f"x(/{each}/u);\n" for each in CARELESS) + 'new RegExp("a" + b);\nc.match("a" + b);\n')
    found = asked("find", str(module))
    assert [each["source"] for each in found] == [*CARELESS, None, None]
    # One that is slow may look quick on a busy machine, and is tried again.
    assert all(any(tried([each]) != [None] for _ in range(5)) for each in found[: len(CARELESS)])
