"""Which calls stand in a file, and what each of them calls, as far as the scopes around it tell."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.contracts.python.bindings import Bindings, Imported, Names, Value, dotted
from orchestrator.contracts.python.namespaces import Namespaces
from orchestrator.contracts.python.scopes import Place, Scope

_ALIASES = 5
"""So many names in a row that stand for one another are followed."""


@dataclass(frozen=True)
class Use:
    """One call, or the part of one that `functools.partial` keeps, and all that it may call; that is at least one."""

    line: int
    arguments: Sequence[ast.expr]
    keywords: Sequence[ast.keyword]
    called: Sequence[Imported]
    partial: bool = False


@dataclass(frozen=True)
class _Around:
    """The scopes around an expression, the innermost last."""

    scopes: tuple[Names, ...]
    in_class: bool = False
    """The innermost is a class's, which the scopes in it do not see."""

    def within(self, names: Names, *, in_class: bool = False) -> "_Around":
        """Return what is around an expression one scope further in."""
        return _Around((*(self.scopes[:-1] if self.in_class else self.scopes), names), in_class)

    def find(self, name: str) -> tuple[Bindings, "_Around"]:
        """Return what a name may stand for, and what is around the place where it is bound."""
        for depth in range(len(self.scopes), 0, -1):
            if name in self.scopes[depth - 1]:
                scopes = self.scopes[:depth]
                return scopes[-1][name], _Around(scopes, self.in_class and depth == len(self.scopes))
        return (), self


def uses(namespaces: Namespaces, path: str) -> list[Use]:
    """Return the calls in the file at `path` of which it can be told what they call."""
    tree = namespaces.sources.parsed(path)
    if tree is None:
        return []
    place = Place(namespaces.sources.module(path), path.endswith("/__init__.py"), namespaces.exported, {})
    return sorted(_Reader(place, tree).uses(), key=lambda use: use.line)


class _Reader:
    """One file, whose names are known by scope."""

    def __init__(self, place: Place, tree: ast.Module) -> None:
        self._place, self._tree = place, tree
        self._module = Scope(place, tree.body, annotated=False, ever=True)
        self._from_within: set[str] = set()
        """Names that functions bind in the scopes around them, at any time."""

    def uses(self) -> Iterator[Use]:
        for call, around in [*self._calls()]:  # all of the file is looked at before anything is told from it
            called = self._called(call.func, around)
            if called:
                yield Use(call.lineno, call.args, call.keywords, called)
            if [str(one) for one in called] == ["functools.partial"] and call.args:
                kept = self._called(call.args[0], around)
                if kept:
                    yield Use(call.lineno, call.args[1:], call.keywords, kept, partial=True)

    def _calls(self) -> Iterator[tuple[ast.Call, _Around]]:
        left: list[tuple[ast.AST, _Around]] = [(self._tree, _Around((self._module.names,)))]
        while left:
            node, around = left.pop()
            if isinstance(node, ast.Call):
                yield node, around
            elif isinstance(node, ast.Global | ast.Nonlocal):
                self._from_within.update(node.names)
            outer, inside = _parts(node)
            left += ((part, around) for part in outer)
            if inside:
                inner = self._inner(node, around)
                left += ((part, inner) for part in inside)

    def _inner(self, node: ast.AST, around: _Around) -> _Around:
        """Return what is around the parts of a node that stand in a scope of their own."""
        match node:
            case ast.ClassDef():
                scope = Scope(self._place, node.body, annotated=False, ever=True)
                return around.within(scope.names, in_class=True)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                scope = Scope(self._place, node.body, annotated=True, ever=True)
                given = {name: (Value(), *scope.names.get(name, ())) for name in _parameters(node.args)}
                return around.within({**scope.names, **given})
            case ast.Lambda():
                return around.within(dict.fromkeys(_parameters(node.args), (Value(),)))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                targets = (part for one in node.generators for part in ast.walk(one.target))
                return around.within({part.id: (Value(),) for part in targets if isinstance(part, ast.Name)})
            case _:
                return around

    def _called(self, function: ast.expr, around: _Around, aliases: int = _ALIASES) -> list[Imported]:
        """Return all that an expression may stand for, or nothing where one of these things cannot be told."""
        first, *rest = dotted(function) or ("",)
        bindings, there = around.find(first)
        if not bindings:
            bindings = tuple(Imported(star, (first,)) for star in self._module.stars)
        found: list[Imported] = []
        for binding in bindings if first not in self._from_within else ():
            match binding:
                case None | Value(ast.Constant(None)):
                    continue  # nothing that could be called
                case Imported():
                    meant = [binding]
                case Value(ast.expr() as value) if aliases:
                    meant = self._called(value, there, aliases - 1)
                case _:
                    meant = []
            if not meant:
                return []
            found += [Imported(one.module, (*one.path, *rest)) for one in meant]
        return found


def _parts(node: ast.AST) -> tuple[list[ast.AST], list[ast.AST]]:
    """Return the parts of a node to judge that stand in the scope around it, and those in a scope of its own."""
    parts = list(ast.iter_child_nodes(node))
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [part for part in parts if not isinstance(part, ast.stmt)], [*node.body]
        case ast.Lambda():
            return [node.args], [node.body]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            first = node.generators[0].iter
            clauses = [part for one in node.generators for part in ast.iter_child_nodes(one) if part is not first]
            return [first], [*clauses, *(part for part in parts if not isinstance(part, ast.comprehension))]
        case ast.With() | ast.AsyncWith() if any(_expects_misuse(item) for item in node.items):
            return [*node.items], []
        case _:
            return parts, []


def _expects_misuse(item: ast.withitem) -> bool:
    """Say whether calls are there to fail, as `with pytest.raises(TypeError)` says of one that must not fit."""
    return any(isinstance(part, ast.Name) and part.id == "TypeError" for part in ast.walk(item.context_expr))


def _parameters(given: ast.arguments) -> list[str]:
    return [node.arg for node in ast.walk(given) if isinstance(node, ast.arg)]
