"""The regular expressions of the program, found in its source, and texts that would make a careless one take long."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from math import inf
from pathlib import Path
from time import process_time
from typing import Any, Final, NamedTuple

kinds: Any = import_module("re._constants")
parser: Any = import_module("re._parser")
"""How a pattern is taken apart: the library's own way."""

ROOT: Final = Path(__file__).parents[2]
CALLS: Final = frozenset({"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"})
FROM_ANYWHERE: Final = re.compile(r"\.(?:search|subn?|split|findall|finditer)\b")
MANY: Final = 64
"""How often something may be repeated before that is called a loop: what is bounded by less costs no more than that."""
POISON: Final = ("", "\x00", "\n", "!", "~", "é", " ", "<", "@", "0", "x")
"""What may follow a loop so that all of it was in vain."""
LONGER: Final = 8
TOO_MUCH: Final = LONGER**1.5
"""Times as long as for a text of an eighth. A linear expression takes 8 times as long, a quadratic one 64 times: this is as far
from either."""
ROUNDS: Final = (3, 20)
"""At least, and at most where the answer lies nearer to the bound than to either side: the clock of a busy machine goes by
jumps, and the least of many times is what the expression itself took."""
NEAR: Final = LONGER**0.25
"""Times the bound, or that part of it: so far the answer must lie from it to be clear. Half of the way to either side."""
FEW: Final = (8, 12, 16)
EXPLODES: Final = 4.0
"""Times as long as for four turns less: one that doubles with each turn would take sixteen times as long, and never end with
thousands of them."""
QUICK: Final = 20e-6
"""Seconds below which nothing can be told by the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One of them. `anywhere`: it is looked for in a text, and not only held against all of it."""

    where: str
    pattern: re.Pattern[str]
    anywhere: bool


def expressions() -> list[Expression]:
    """All of `watcher`. An AssertionError for one whose text is only known while the program runs."""
    return [each for file in sorted((ROOT / "watcher").rglob("*.py")) for each in _of(file)]


def _of(file: Path) -> Iterator[Expression]:
    text = file.read_text("utf-8")
    if "re." not in text:
        return
    place = file.relative_to(ROOT).as_posix()
    nodes = list(ast.walk(ast.parse(text)))
    named = {node.value: _name(node) for node in nodes if isinstance(node, ast.AnnAssign) and node.value}
    for node in nodes:
        if not _is_call(node):
            continue
        assert isinstance(node, ast.Call)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        where = f"{place}:{node.lineno}"
        constant = named.get(node)
        if name == "compile" and constant is not None:
            found = getattr(import_module(place.removesuffix(".py").replace("/", ".")), constant)
            yield Expression(where=f"{where} {constant}", pattern=found, anywhere=_is_sought(constant))
        elif isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            yield Expression(
                where=where, pattern=re.compile(node.args[0].value), anywhere=name not in ("match", "fullmatch")
            )
        else:
            # One that is made of names: those are others' words, and `re.escape` or a closed set must stand for them.
            raise AssertionError(f"{where}: give it a name at the level of the module, so that it can be tried")


def _is_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in CALLS
    )


def _name(node: ast.AnnAssign) -> str:
    return node.target.id if isinstance(node.target, ast.Name) else ""


def _is_sought(constant: str) -> bool:
    """Whether the constant of that name is used so anywhere."""
    return any(
        re.search(rf"\b{constant}{FROM_ANYWHERE.pattern}", file.read_text("utf-8"))
        for file in (ROOT / "watcher").rglob("*.py")
    )


# What such a text looks like: the way up to a loop, many turns of it (or of two loops, or one within another), and then poison.


class Attack(NamedTuple):
    """A text, of any number of turns."""

    way: str
    turn: str
    loops: int
    poison: str

    def text(self, turns: int) -> str:
        """Of about so many turns: where one goes through several loops, of so many fewer."""
        return self.way + self.turn * (turns // self.loops) + self.poison


def attacks(pattern: re.Pattern[str]) -> Iterator[Attack]:
    """What may take long."""
    for way, bodies in _loops(parser.parse(pattern.pattern, pattern.flags), ""):
        for body in bodies:
            for poison in POISON:
                yield Attack(way, body, 1, poison)
            yield Attack(f"!{way}", body, 1, "!")  # where another branch takes it at the beginning of a text
        mixed = "".join(bodies)
        for poison in POISON[:3]:
            yield Attack(way, mixed, max(1, len(bodies)), poison)
    for letter in ("a", " ", "0", "<", "a:", "://", "-", "_", "`", "**"):
        yield Attack("", letter, 1, "\x00")


def _loops(tree: Any, before: str) -> Iterator[tuple[str, Sequence[str]]]:
    """The ways to each loop, and what one turn of it may be."""
    way = before
    for kind, what in tree:
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            least, most, body = what
            if most >= MANY:
                yield way, _letters(body)
            yield from _loops(body, way)
            way += _shortest(body) * least
            continue
        for inner in _inside(kind, what):
            yield from _loops(inner, way)
        way += _shortest([(kind, what)])


def _inside(kind: Any, what: Any) -> list[Any]:
    if kind == kinds.SUBPATTERN:
        return [what[-1]]
    if kind == kinds.BRANCH:
        return list(what[1])
    if kind in (kinds.ASSERT, kinds.ASSERT_NOT):
        return [what[1]]
    return [what] if kind == kinds.ATOMIC_GROUP else []


def _letters(body: Any) -> list[str]:
    """Several texts that the body takes."""
    one = _shortest(body)
    nodes = list(body)
    if len(nodes) == 1 and nodes[0][0] == kinds.IN:
        return [letter for letter in "a0 -:.,=Z\t/%x" if _takes(nodes[0][1], letter)][:4] or [one]
    return [one] if one else ["a"]


def _shortest(tree: Any) -> str:
    """The shortest text that it takes, nearly."""
    said = ""
    for kind, what in tree:
        if kind == kinds.LITERAL:
            said += chr(what)
        elif kind == kinds.NOT_LITERAL:
            said += "a" if what != ord("a") else "b"
        elif kind == kinds.ANY:
            said += "a"
        elif kind == kinds.IN:
            said += next((letter for letter in "a0 -:.,=Z/\"'<\tTz+" if _takes(what, letter)), "a")
        elif kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            said += _shortest(what[2]) * what[0]
        elif kind in (kinds.SUBPATTERN, kinds.BRANCH, kinds.ATOMIC_GROUP):
            said += _shortest(_inside(kind, what)[0])
    return said


def _takes(items: Any, letter: str) -> bool:
    """Whether a set of letters has this one."""
    turned = bool(items) and items[0][0] == kinds.NEGATE
    code, found = ord(letter), False
    for kind, what in items:
        if kind == kinds.LITERAL:
            found = found or code == what
        elif kind == kinds.RANGE:
            found = found or what[0] <= code <= what[1]
        elif kind == kinds.CATEGORY:
            found = found or _is_of(what, letter)
    return found is not turned


def _is_of(category: Any, letter: str) -> bool:
    known = {
        kinds.CATEGORY_DIGIT: letter.isdigit(),
        kinds.CATEGORY_SPACE: letter.isspace(),
        kinds.CATEGORY_WORD: letter.isalnum() or letter == "_",
    }
    opposite = {
        kinds.CATEGORY_NOT_DIGIT: kinds.CATEGORY_DIGIT,
        kinds.CATEGORY_NOT_SPACE: kinds.CATEGORY_SPACE,
        kinds.CATEGORY_NOT_WORD: kinds.CATEGORY_WORD,
    }
    return known[category] if category in known else not known[opposite[category]]


# How long it takes.


def worse_than_linear(pattern: re.Pattern[str], *, anywhere: bool, turns: int = 1000) -> str | None:
    """A text for which it takes more than its length's due, cut short; None where there is none."""
    for attack in attacks(pattern):
        taken = _least(pattern, [attack.text(few) for few in FEW], anywhere=anywhere, enough=lambda _: True)
        if taken[-1] > QUICK and all(second > EXPLODES * first for first, second in pairwise(taken)):
            return f"{attack.text(FEW[-1])!r}, and each letter more"
    for attack in attacks(pattern):
        texts = [attack.text(many * turns) for many in (1, LONGER)]
        short, long = _least(pattern, texts, anywhere=anywhere, enough=_is_clear)
        if long > QUICK and long > TOO_MUCH * short:
            return f"{attack.text(40)[:40]!r}… {attack.poison!r}"
    return None


def _is_clear(taken: Sequence[float]) -> bool:
    short, long = taken
    return long < QUICK or not TOO_MUCH / NEAR < long / short < TOO_MUCH * NEAR


def _least(
    pattern: re.Pattern[str], texts: Sequence[str], *, anywhere: bool, enough: Callable[[Sequence[float]], bool]
) -> list[float]:
    """What it takes for each of them, the least of several rounds through all: ROUNDS."""
    least = [inf] * len(texts)
    fewest, most = ROUNDS
    for already in range(most):
        if already >= fewest and enough(least):
            break
        least = [min(one, _seconds(pattern, text, anywhere=anywhere)) for one, text in zip(least, texts, strict=True)]
    return least


def _seconds(pattern: re.Pattern[str], text: str, *, anywhere: bool) -> float:
    began = process_time()
    pattern.fullmatch(text)
    pattern.match(text)
    if anywhere:
        for _ in pattern.finditer(text):
            pass
    return process_time() - began
