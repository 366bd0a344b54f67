"""What stands in for what: the tables of the operators."""

import ast
from typing import Final

COMPARISONS: Final = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: (r"is\s+not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: (r"not\s+in", ("in",)),
}
"""How each is written, as an expression, and what stands in for it: the other side of the boundary, and the opposite."""
ARITHMETIC: Final = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "&"),
}
OPPOSITES: Final = {
    name: other
    for pair in (
        ("min", "max"),
        ("any", "all"),
        ("floor", "ceil"),
        ("lower", "upper"),
        ("startswith", "endswith"),
        ("bisect_left", "bisect_right"),
        ("popleft", "pop"),
        ("partition", "rpartition"),
        ("removeprefix", "removesuffix"),
        ("lstrip", "rstrip"),
    )
    for name, other in (pair, pair[::-1])
}
ALIKE: Final = frozenset({"min", "max", "minimum", "maximum", "isinstance", "issubclass", "cast", "assert_never"})
"""Functions whose arguments are not swapped: it makes no difference, or only one to the type checker."""
TYPES: Final = frozenset({"TypeVar", "NewType", "ParamSpec", "Literal", "TypeAliasType"})
"""What is called or subscripted with these says something to the type checker only."""
UNSEEN: Final = frozenset({"__slots__", "__all__", "__match_args__"})
