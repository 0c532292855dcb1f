"""The one spelling of annotations and defaults, so that two that mean the same read the same."""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Self

from orchestrator.contracts.python.bindings import dotted

Meaning = Callable[[ast.expr], ast.expr | None]
"""Return the expression that a name stands for where it is written, or None where that cannot be read."""
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `ast.parse` raises for a text that is no Python."""
_MODERN = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "Deque": "deque",
    "DefaultDict": "defaultdict",
    "Text": "str",
    "ContextManager": "AbstractContextManager",
    "AsyncContextManager": "AbstractAsyncContextManager",
}
_EMPTY = {"list()": "[]", "dict()": "{}", "tuple()": "()", "str()": "''"}


class Written(str):
    """Be source text that `inspect` shows as it is, with the other spellings that mean the same."""

    __slots__ = ("spellings",)
    __repr__ = str.__str__
    spellings: frozenset[str]

    def __new__(cls, text: str, others: Iterable[str] = ()) -> Self:
        """Return a text that is also each of the others."""
        written = super().__new__(cls, text)
        written.spellings = frozenset((text, *others))
        return written


def unknown(_: ast.expr) -> None:
    """Stand for names that are written where nothing is known of them, as in a contract."""


def annotation(written: ast.expr | None, meaning: Meaning) -> Written | type[inspect.Parameter.empty]:
    """Return an annotation without quotes and modules, unions in one order, and as it reads with names looked up."""
    if written is None:
        return inspect.Parameter.empty
    plain, expanded = (_OneSpelling(look).visit(deepcopy(written)) for look in (unknown, meaning))
    return Written(ast.unparse(plain), [ast.unparse(expanded)])


def default(written: ast.expr, meaning: Meaning) -> Written:
    """Return a default; a constant by its name, with or without its module, and by its value."""
    if isinstance(written, ast.Call) and head(written.func) == "field":
        written = of_field(written) or written
    text, names, value = ast.unparse(written), dotted(written) or (), meaning(written)
    shorter = [".".join(names[start:]) for start in range(1, len(names))]
    return Written(_EMPTY.get(text, text), [*shorter, *([ast.unparse(value)] if value else [])])


def of_field(call: ast.Call) -> ast.expr | None:
    """Return the default that a dataclass's `field(...)` gives, one that is made anew as the call that makes it."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    factory = given.get("default_factory")
    if isinstance(factory, ast.Lambda):
        return factory.body
    return ast.Call(factory, [], []) if factory else given.get("default")


def head(written: ast.expr) -> str:
    """Return the name of an annotation that `X[...]` begins with, in quotes or not, without its module."""
    plain = _unquoted(written)
    return (dotted(plain.value if isinstance(plain, ast.Subscript) else plain) or ("",))[-1]


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except UNREADABLE:
            pass  # a text that is no annotation stays one
    return node


class _OneSpelling(ast.NodeTransformer):
    """Rewrite an annotation so that two that mean the same read the same, as far as can be told without running it."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Take an annotation out of its quotes."""
        plain = _unquoted(node)
        return node if plain is node else self.visit(plain)

    def visit_Name(self, node: ast.Name | ast.Attribute) -> ast.expr:
        """Leave out the module that a name was reached by, and write what a name stands for instead of it."""
        meant = self._meaning(node)
        if meant is not None:
            return _OneSpelling(unknown).visit(deepcopy(meant))
        name = node.id if isinstance(node, ast.Name) else node.attr
        return ast.Name(_MODERN.get(name, name))

    visit_Attribute = visit_Name  # noqa: N815 - ast's name

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Put the parts of a union in one order."""
        if not isinstance(node.op, ast.BitOr):
            return node
        return _union([self.visit(node.left), self.visit(node.right)])

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Write `Optional` and `Union` as unions, leave out what is only noted; texts in a `Literal` are values."""
        name = self.visit(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        match name:
            case ast.Name(id="Literal"):
                values = sorted(parts, key=ast.unparse)
                return ast.Subscript(name, ast.Tuple(values) if len(values) > 1 else values[0])
            case ast.Name(id="Annotated" | "InitVar" | "Final" | "ClassVar"):
                return self.visit(parts[0])
            case ast.Name(id="Optional"):
                return _union([self.visit(node.slice), ast.Constant(None)])
            case ast.Name(id="Union"):
                return _union([self.visit(part) for part in parts])
            case _:
                return ast.Subscript(name, self.visit(node.slice))


def _union(parts: Iterable[ast.expr]) -> ast.expr:
    """Return a union of its parts, each once, in the order of the alphabet and `None` last."""
    texts = {ast.unparse(part) for part in _parts(parts)}
    return ast.parse(" | ".join(sorted(texts, key=lambda text: (text == "None", text))), mode="eval").body


def _parts(parts: Iterable[ast.expr]) -> Iterator[ast.expr]:
    for part in parts:
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
            yield from _parts((part.left, part.right))
        else:
            yield part
