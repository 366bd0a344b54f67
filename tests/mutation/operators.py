"""What may be changed in a module to see whether a test notices: the usual operators of mutation testing.

Left out is what no test should hold: docstrings, annotations and type aliases, blocks for the type checker, decorators (how data
is laid out), assertions (they say what types cannot), and the words of errors that are raised.
"""

import ast
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from tests.mutation.opposites import ALIKE, ARITHMETIC, COMPARISONS, OPPOSITES, TYPES, UNSEEN

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Change(NamedTuple):
    """A replacement of the bytes from `begin` to `end`. `function` is the outermost function it is in, `line` where that begins;
    both are empty for what runs when the module is imported. `lines` are those of the statement, first and last."""

    begin: int
    end: int
    text: str
    function: str
    line: int
    lines: tuple[int, int]
    names: frozenset[str]


class Operators:
    """All changes of one module, in the order of its text."""

    def __init__(self, source: str) -> None:
        self._bytes = source.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._scope: list[str] = []
        self._function = ("", 0)
        self._lines = (1, 1)
        self._names: frozenset[str] = frozenset()
        self._raising = False
        self._found: dict[tuple[int, int, str], Change] = {}
        self._block(ast.parse(source).body)

    def changes(self) -> list[Change]:
        return sorted(self._found.values(), key=lambda change: (change.begin, change.end, change.text))

    def line(self, offset: int) -> int:
        """The number, from 1, of the line that a byte is in."""
        return bisect_right(self._starts, offset)

    # Places

    def _begin(self, node: ast.AST) -> int:
        return self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined, no-any-return]

    def _end(self, node: ast.AST) -> int:
        return self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined, no-any-return]

    def _text(self, node: ast.AST) -> str:
        return self._bytes[self._begin(node) : self._end(node)].decode()

    def _change(self, begin: int, end: int, text: str) -> None:
        if self._bytes[begin:end].decode() != text:
            change = Change(begin, end, text, *self._function, self._lines, self._names)
            self._found.setdefault((begin, end, text), change)

    def _instead(self, node: ast.AST, text: str) -> None:
        self._change(self._begin(node), self._end(node), text)

    def _between(self, before: ast.AST, after: ast.AST, written: str, text: str) -> None:
        """Another operator in the gap between two operands."""
        begin, end = self._end(before), self._begin(after)
        gap = self._bytes[begin:end].decode()
        found = re.search(written, gap)
        if found is not None:
            self._change(begin, end, gap[: found.start()] + text + gap[found.end() :])

    # Statements

    def _block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            body = getattr(statement, "body", None) or getattr(statement, "cases", None)
            last = statement.end_lineno or statement.lineno
            if isinstance(body, list) and not isinstance(body[0], ast.match_case):
                last = max(statement.lineno, body[0].lineno - 1)
            self._lines = (statement.lineno, last)
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(statement)
            case ast.ClassDef():
                self._names |= {statement.name}
                self._within(statement)
                self._names -= {statement.name}
            case ast.Assert() | ast.Import() | ast.ImportFrom() | ast.Pass():
                pass
            case ast.If(test=test) if "TYPE_CHECKING" in ast.unparse(test):
                pass
            case ast.Expr(value=ast.Constant() | ast.Await(value=ast.Constant())):
                pass
            case ast.Match():
                self._match(statement)
            case _:
                self._replaced(statement)
                self._raising = isinstance(statement, ast.Raise)
                self._inside(statement)
                self._raising = False

    def _define(self, function: Function) -> None:
        importing = not self._function[0]
        defaults = [*function.args.defaults, *filter(None, function.args.kw_defaults)]
        self._names |= {function.name}
        for default in defaults:
            self._lines = (default.lineno, default.end_lineno or default.lineno)
            self._expression(default)
        self._names -= {function.name}
        if importing:
            first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
            self._function = (".".join([*self._scope, function.name]), first)
        self._within(function)
        if importing:
            self._function = ("", 0)

    def _within(self, definition: Definition) -> None:
        self._scope.append(definition.name)
        self._block(definition.body)
        self._scope.pop()

    def _replaced(self, statement: ast.stmt) -> None:
        """What becomes of the statement as a whole."""
        inside = bool(self._function[0])
        match statement:
            case ast.Return(value=ast.expr() as value) if self._text(value) not in ("None", "True", "False"):
                self._instead(value, "None")
            case (
                ast.Assign(targets=[ast.Name()], value=value)
                | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
            ) if inside:
                self._instead(value, '""' if self._text(value) == "None" else "None")
            case ast.Assign() | ast.AugAssign() | ast.Raise() | ast.Delete() if inside:
                self._instead(statement, "pass")
            case ast.AnnAssign(target=ast.Attribute() | ast.Subscript()) if inside:
                self._instead(statement, "pass")
            case ast.Expr(value=ast.Yield(value=ast.expr() as value)):
                self._instead(value, "None")
            case ast.Expr() if inside:
                self._instead(statement, "pass")
            case ast.Break():
                self._instead(statement, "pass")
            case ast.Continue():
                self._instead(statement, "break")
            case ast.If(test=test) | ast.While(test=test):
                self._negated(test)
            case _:
                pass

    def _match(self, statement: ast.Match) -> None:
        header = self._lines
        self._lines = (statement.lineno, statement.cases[0].pattern.lineno - 1)
        self._expression(statement.subject)
        for case in statement.cases:
            self._lines = (header[0], case.body[0].lineno - 1)
            if isinstance(case.pattern, ast.MatchAs) and case.pattern.name == "never":
                continue
            if case.guard is None:
                self._change(self._end(case.pattern), self._end(case.pattern), " if False")
            else:
                self._instead(case.guard, "False")
                self._negated(case.guard)
                self._expression(case.guard)
            self._inside(case.pattern)
            self._block(case.body)

    def _inside(self, node: ast.AST) -> None:
        """All that a node is made of; a block of statements has lines of its own."""
        if isinstance(node, ast.Assign | ast.AnnAssign) and self._unseen(node):
            return
        header, names = self._lines, self._names
        if not self._function[0] and isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            self._names |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
        for name, value in ast.iter_fields(node):
            if name == "annotation":
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.stmt):
                    self._block([child])
                elif isinstance(child, ast.ExceptHandler):
                    self._block(child.body)
                elif isinstance(child, ast.expr):
                    self._lines = header
                    self._expression(child)
                elif isinstance(child, ast.AST):
                    self._inside(child)
        self._lines, self._names = header, names

    def _unseen(self, statement: ast.Assign | ast.AnnAssign) -> bool:
        """Whether it says something to Python's layout of a class or to the type checker only."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if any(isinstance(target, ast.Name) and target.id in UNSEEN for target in targets):
            return True
        value = statement.value
        return not self._function[0] and not self._scope and value is not None and _is_type(value)

    # Expressions

    def _expression(self, node: ast.expr) -> None:
        match node:
            case ast.Constant():
                self._constant(node)
                return
            case ast.JoinedStr():
                if not self._raising:
                    self._instead(node, '"XX"')
                return
            case ast.IfExp(test=test):
                self._negated(test)
            case ast.Lambda(body=body):
                self._instead(body, "0" if self._text(body) == "None" else "None")
            case ast.Call():
                self._call(node)
                return
            case ast.Subscript(value=ast.Name(id=name)) if name in TYPES:
                return
            case ast.Compare() | ast.BoolOp() | ast.BinOp() | ast.UnaryOp():
                self._operated(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for test in (test for generator in node.generators for test in generator.ifs):
                    self._negated(test)
            case _:
                pass
        self._inside(node)

    def _operated(self, node: ast.Compare | ast.BoolOp | ast.BinOp | ast.UnaryOp) -> None:
        match node:
            case ast.Compare():
                for operator, (before, after) in zip(node.ops, pairwise([node.left, *node.comparators]), strict=True):
                    written, others = COMPARISONS[type(operator)]
                    for other in others:
                        self._between(before, after, written, other)
            case ast.BoolOp(op=operator, values=values):
                written, other = ("and", "or") if isinstance(operator, ast.And) else ("or", "and")
                for before, after in pairwise(values):
                    self._between(before, after, rf"\b{written}\b", other)
            case ast.BinOp(left=left, op=operator, right=right):
                written, other = ARITHMETIC[type(operator)]
                self._between(left, right, re.escape(written), other)
            case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
                self._instead(node, f"({self._text(operand)})")
            case _:
                pass

    def _constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self._instead(node, str(not node.value))
            case int() | float():
                self._instead(node, repr(node.value + 1))
            case str() if not self._raising:
                self._instead(node, repr(f"XX{node.value}XX") if node.value else '"XX"')
            case _:
                pass

    def _negated(self, test: ast.expr) -> None:
        """The opposite of a condition; one comparison and `not` have their opposites already."""
        alone = isinstance(test, ast.Compare) and len(test.ops) == 1
        if not alone and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
            self._instead(test, f"not ({self._text(test)})")

    def _call(self, call: ast.Call) -> None:
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if name in TYPES:
            return
        if name in OPPOSITES:
            end = self._end(call.func)
            self._change(end - len(name.encode()), end, OPPOSITES[name])
        plain = not any(isinstance(argument, ast.Starred | ast.GeneratorExp) for argument in call.args)
        if plain and name not in ALIKE:
            for first, second in pairwise(call.args):
                between = self._bytes[self._end(first) : self._begin(second)].decode()
                self._change(self._begin(first), self._end(second), self._text(second) + between + self._text(first))
        for argument, (before, after) in self._keywords(call):
            if argument.arg is not None and not self._raising:
                self._change(before, after, "")
        for each in call.args[name == "cast" :]:
            self._expression(each)
        self._expression(call.func)
        for keyword in call.keywords:
            self._expression(keyword.value)

    def _keywords(self, call: ast.Call) -> Iterator[tuple[ast.keyword, tuple[int, int]]]:
        """Each argument by name, and what goes with it where it is left out."""
        arguments = sorted([*call.args, *call.keywords], key=self._begin)
        for place, argument in enumerate(arguments):
            if isinstance(argument, ast.keyword):
                before = self._end(arguments[place - 1]) if place else self._begin(argument)
                after = self._begin(arguments[1]) if place == 0 and len(arguments) > 1 else self._end(argument)
                yield argument, (before, after)


def _is_type(value: ast.expr) -> bool:
    """Whether it is made of names and `|` only, as an alias of types is, and not of one name alone."""
    match value:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _is_type(left) and _is_type(right)
        case ast.Subscript(value=ast.Name() | ast.Attribute()):
            return True
        case ast.Constant(value=None) | ast.Name() | ast.Attribute():
            return True
        case _:
            return False
