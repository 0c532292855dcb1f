"""What a name may be bound to, as values."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Imported:
    """What another module holds at a path of names, or that module itself where there is none."""

    module: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.module, *self.path))


@dataclass(frozen=True)
class Defined:
    """A function or a class, and the module that it stands in."""

    node: Function | ast.ClassDef
    module: str


@dataclass(frozen=True)
class Value:
    """Whatever else a name is bound to: its expression where an assignment gives it, and the module of that."""

    node: ast.expr | None = None
    module: str = ""


Bindings = tuple[Imported | Defined | Value | None, ...]
"""All that a name may stand for; None where it may be unbound."""
Names = dict[str, Bindings]


def union(*several: Bindings) -> Bindings:
    """Return all that a name may stand for by any of several, each thing once."""
    return tuple(dict.fromkeys(chain.from_iterable(several)))


def merged(ends: Sequence[Names]) -> Names:
    """Return what names may stand for after one of several ways through a scope."""
    names = dict.fromkeys(chain.from_iterable(ends))
    return {name: union(*(end.get(name, (None,)) for end in ends)) for name in names}


def dotted(expression: ast.expr) -> tuple[str, ...] | None:
    """Return the names of `a.b.c`, or None where an expression is anything else."""
    match expression:
        case ast.Name():
            return (expression.id,)
        case ast.Attribute():
            owner = dotted(expression.value)
            return (*owner, expression.attr) if owner else None
        case _:
            return None


def last_name(expression: ast.expr) -> str:
    """Return the last name of `a.b.c`."""
    return (dotted(expression) or ("",))[-1]
