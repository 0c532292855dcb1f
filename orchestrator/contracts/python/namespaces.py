"""What names mean in a tree of sources: through imports, re-exports, classes and their parents; nothing is run."""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.contracts.python.bindings import Bindings, Defined, Imported, Names, Value, dotted
from orchestrator.contracts.python.lineage import Class, lineage
from orchestrator.contracts.python.scopes import Place, Scope
from orchestrator.contracts.python.sources import Sources
from orchestrator.contracts.python.spelling import Meaning

_PLAIN = {"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"}
"""Parents from elsewhere that give a class no member to call and no parameter."""


@dataclass(frozen=True)
class Found:
    """One thing that a name may be: None where it is not there, `Imported` where it leads out of the tree."""

    binding: Imported | Defined | Value | None
    of_class: bool = False


class Namespaces:
    """The modules of one tree, each read when it is first asked for."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._modules: dict[str, Scope | None] = {}
        self._bodies: dict[Defined, Names] = {}

    def place(self, module: str) -> Place:
        """Return where the statements of a module stand."""
        is_package = (self.sources.file(module) or "").endswith("/__init__.py")
        return Place(module, is_package, self.exported, {})

    def module(self, module: str) -> Scope | None:
        """Return the names of a module once it is imported; None if it is not in the tree."""
        if module not in self._modules:
            path = self.sources.file(module)
            tree = self.sources.parsed(path) if path else None
            self._modules[module] = Scope(self.place(module), (), annotated=False) if path else None  # for a ring
            if tree:
                self._modules[module] = Scope(self.place(module), tree.body, annotated=False)
        return self._modules[module]

    def body(self, owner: Defined) -> Names:
        """Return the names of a class's own body."""
        if owner not in self._bodies:
            around = self.module(owner.module)
            place = replace(self.place(owner.module), outer=around.names if around else {})
            self._bodies[owner] = Scope(place, owner.node.body, annotated=True).names
        return self._bodies[owner]

    def bound(self, module: str, name: str) -> Bindings:
        """Return what a name of a module may stand for; nothing where the module is not in the tree."""
        scope, inside = self.module(module), f"{module}.{name}"
        if scope and name in scope.names:
            return scope.names[name]
        if self.sources.file(inside):
            return (Imported(inside),)
        if scope is None:
            return ()
        elsewhere = tuple(Imported(star, (name,)) for star in scope.stars)
        return elsewhere or ((Value(),) if "__getattr__" in scope.names else (None,))

    def exported(self, module: str) -> list[str] | None:
        """Return the names that `from <module> import *` binds, or None where they are not known."""
        scope = self.module(module)
        if scope is None or scope.stars:
            return None
        match scope.names.get("__all__"):
            case (Value(ast.List(elements) | ast.Tuple(elements)),):
                values = [element.value for element in elements if isinstance(element, ast.Constant)]
                return [value for value in values if isinstance(value, str)]
            case _:
                return [name for name in scope.names if not name.startswith("_")]

    def find(self, module: str, path: tuple[str, ...]) -> list[Found]:
        """Return all that a path of names in a module may be at run time, each thing once."""
        return list(dict.fromkeys(self._find(module, path, set())))

    def meant(self, module: str, expression: ast.expr) -> list[Found]:
        """Return all that a dotted name may be where it is written in a module; nothing for any other expression."""
        names, scope = dotted(expression), self.module(module)
        if names and hasattr(builtins, names[0]) and not (scope and names[0] in scope.names):
            return [Found(Imported("builtins", names))]
        return self.find(module, names) if names else []

    def origin(self, module: str, mark: ast.expr) -> str:
        """Return the dotted name of what a decorator, a parent or a called name is, called, subscripted or not."""
        while isinstance(mark, ast.Call | ast.Subscript):
            mark = mark.func if isinstance(mark, ast.Call) else mark.value
        for found in self.meant(module, mark):
            if isinstance(found.binding, Imported):
                return str(found.binding)
        return ""

    def route(self, place: Imported) -> Iterator[str]:
        """Yield the dotted names by which something is reached, from one re-export of it to the next."""
        seen: set[Imported] = set()
        while place not in seen:
            seen.add(place)
            yield str(place)
            bindings = self.bound(place.module, place.path[0]) if place.path else ()
            match [binding for binding in bindings if binding]:
                case [Imported(module, path)]:
                    place = Imported(module, (*path, *place.path[1:]))
                case _:
                    pass  # it is defined here, or cannot be told

    def meaning(self, module: str) -> Meaning:
        """Return how to look up what a name in a module stands for: its own name, or the value of a constant."""

        def look(expression: ast.expr) -> ast.expr | None:
            match self.meant(module, expression):
                case [Found(Defined(node))]:
                    return ast.Name(node.name)
                case [Found(Imported(path=(*_, name)))]:
                    return ast.Name(name)
                case [Found(Value(ast.expr() as value), of_class=False)]:
                    return value
                case _:
                    return None

        return look

    def lineage(self, owner: Defined) -> list[Class]:
        """Return a class and its parents in the order in which Python looks."""
        return lineage(owner, self._parents)

    def _parents(self, owner: Class) -> list[Class]:
        if isinstance(owner, Imported) or not isinstance(owner.node, ast.ClassDef):
            return []
        found = [self._parent(owner.module, base) for base in owner.node.bases]
        return [parent for parent in found if str(parent) not in _PLAIN]

    def _parent(self, module: str, base: ast.expr) -> Class:
        name = base.value if isinstance(base, ast.Subscript) else base
        bindings = [found.binding for found in self.meant(module, name)]
        classes = [one for one in bindings if isinstance(one, Defined) and isinstance(one.node, ast.ClassDef)]
        elsewhere = [one for one in bindings if isinstance(one, Imported)]
        return [*classes, *elsewhere, Imported(ast.unparse(base))][0]

    def _find(self, module: str, path: tuple[str, ...], seen: set[Imported]) -> Iterator[Found]:
        here = Imported(module, path)
        if here in seen:  # it goes nowhere twice, so that no ring holds it
            return
        seen.add(here)
        if not path:
            yield Found(Value() if self.module(module) else here)
            return
        bindings = self.bound(module, path[0])
        if not bindings:
            yield Found(here)
        for binding in bindings:
            yield from self._beyond(Found(binding), path[1:], seen)

    def _beyond(self, found: Found, path: tuple[str, ...], seen: set[Imported]) -> Iterator[Found]:
        """Yield what lies at a path of names from something on."""
        match found.binding:
            case Imported() as away:
                yield from self._find(away.module, (*away.path, *path), seen)
            case Defined(ast.ClassDef()) as owner if path:
                for member in self._members(owner, path[0]):
                    yield from self._beyond(member, path[1:], seen)
            case Value() if path:
                yield Found(Value())
            case _:
                yield Found(None) if path else found

    def _members(self, owner: Defined, name: str) -> list[Found]:
        for parent in self.lineage(owner):
            if isinstance(parent, Imported):
                return [Found(Imported(parent.module, (*parent.path, name)))]
            names = self.body(parent)
            bindings = [binding for binding in names.get(name, ()) if binding]
            if bindings:
                return [Found(binding, of_class=True) for binding in bindings]
            if "__getattr__" in names or name in _attributes(names.get("__init__", ())):
                return [Found(Value())]
        return [Found(None)]


def _attributes(initialisers: Bindings) -> set[str]:
    """Return the names that an `__init__` sets on the object that it makes."""
    found: set[str] = set()
    for binding in initialisers:
        match binding:
            case Defined(ast.FunctionDef(args=ast.arguments(args=[ast.arg(arg=own), *_])) as function):
                attributes = (node for node in ast.walk(function) if isinstance(node, ast.Attribute))
                stored = (node for node in attributes if isinstance(node.ctx, ast.Store))
                found |= {node.attr for node in stored if dotted(node.value) == (own,)}
            case _:
                pass
    return found
