"""What each name of one scope stands for: its statements followed in order, as Python would run them; nothing is run.

What `del` removes is gone, what is bound last holds, a block for type checkers alone is left out, and where Python may
go either way a name stands for several things. Only a scope's own statements count, not those of functions in it.
"""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.contracts.python.bindings import (
    Bindings,
    Defined,
    Function,
    Imported,
    Names,
    Value,
    dotted,
    last_name,
    merged,
    union,
)
from orchestrator.contracts.python.statements import absolute, stored, truth


@dataclass(frozen=True)
class Place:
    """Where a scope's statements stand."""

    module: str
    is_package: bool
    exported: Callable[[str], Sequence[str] | None]
    """Return the names that `from <module> import *` binds, or None where they are not known."""
    outer: Mapping[str, Bindings]
    """The names of the module around it."""


class Scope(ast.NodeVisitor):
    """The names of one scope and what they may stand for at its end, or, if `ever`, at any time in it."""

    def __init__(self, place: Place, body: Iterable[ast.stmt], *, annotated: bool, ever: bool = False) -> None:
        self.names: Names = {}
        self.stars: list[str] = []
        """Modules whose names are all imported, and not known."""
        self._place, self._annotated, self._ever = place, annotated, ever
        self._read(body)

    def _read(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self.visit(statement)

    def _bind(self, name: str, bindings: Bindings) -> None:
        self.names[name] = union(self.names.get(name, ()), bindings) if self._ever else bindings

    def _either(self, before: Names, *bodies: Sequence[ast.stmt]) -> Names:
        """Read bodies of which one is run, each from what was `before`; return what holds after any of them."""
        ends: list[Names] = []
        for body in bodies:
            self.names = dict(before)
            self._read(body)
            ends.append(self.names)
        return merged(ends)

    def generic_visit(self, node: ast.AST) -> None:
        """Bind what the expressions and patterns of a statement bind, whatever it is."""
        for name in stored(node):
            self._bind(name, (Value(),))

    def visit_Import(self, node: ast.Import) -> None:
        """Bind a module, or the package that it is reached from."""
        for alias in node.names:
            first = alias.name.partition(".")[0]
            self._bind(alias.asname or first, (Imported(alias.name if alias.asname else first),))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Bind names of another module; a package that imports from itself means a module in it."""
        place = self._place
        source = absolute(node, place.module, is_package=place.is_package)
        for alias in node.names:
            if alias.name == "*":
                self._star(source)
            else:
                inside = self.names.get(alias.name, (Imported(f"{source}.{alias.name}"),))
                found = inside if source == place.module else (Imported(source, (alias.name,)),)
                self._bind(alias.asname or alias.name, found)

    def _star(self, source: str) -> None:
        exported = self._place.exported(source)
        if exported is None:
            self.stars.append(source)
            known = {name: (*bindings, Imported(source, (name,))) for name, bindings in self.names.items()}
        else:
            known = {name: (Imported(source, (name,)),) for name in exported}
        for name, bindings in known.items():
            self._bind(name, bindings)

    def _visit_definition(self, node: Function | ast.ClassDef) -> None:
        self.generic_visit(node)
        if not any(last_name(mark) == "overload" for mark in node.decorator_list):
            self._bind(node.name, (Defined(node, self._place.module),))

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _visit_definition  # noqa: N815 - ast's names

    def visit_Assign(self, node: ast.Assign) -> None:
        """Bind single names to what is assigned, and names that are unpacked to something."""
        bindings = self._given(node.value)
        self.generic_visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._bind(target.id, bindings)
            else:
                self.generic_visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Bind a name with a value; without one it is bound only where the annotation alone makes it known."""
        if not isinstance(node.target, ast.Name):
            return
        if node.value:
            self._bind(node.target.id, self._given(node.value))
        elif self._annotated and node.target.id not in self.names:
            self._bind(node.target.id, (Value(),))

    def _given(self, value: ast.expr) -> Bindings:
        """Return what an expression stands for: another name gives what that stands for now."""
        first, *rest = dotted(value) or ("",)
        bindings = () if self._ever else self.names.get(first, self._place.outer.get(first, ()))
        if bindings and all(isinstance(binding, Imported) for binding in bindings):
            return tuple(Imported(b.module, (*b.path, *rest)) for b in bindings if isinstance(b, Imported))
        return bindings if bindings and not rest else (Value(value, self._place.module),)

    def visit_Delete(self, node: ast.Delete) -> None:
        """Unbind names."""
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._bind(target.id, (None,))

    def visit_If(self, node: ast.If) -> None:
        """Read the branches that may be taken."""
        self.generic_visit(node)
        taken = truth(node.test, imported=not self._ever)
        branches = ([node.body] if taken is not False else []) + ([node.orelse] if taken is not True else [])
        self.names = self._either(self.names, *branches)

    def _visit_loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        self.generic_visit(node)
        endless = isinstance(node, ast.While) and truth(node.test, imported=False)
        self.names = self._either(self.names, node.body, *(() if endless else ((),)))
        self._read(node.orelse)

    visit_For = visit_AsyncFor = visit_While = _visit_loop  # noqa: N815 - ast's names

    def _visit_with(self, node: ast.With | ast.AsyncWith) -> None:
        self.generic_visit(node)
        calls = (item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call))
        may_end_early = any(last_name(call.func) == "suppress" for call in calls)
        self.names = self._either(self.names, node.body, *(((),) if may_end_early else ()))

    visit_With = visit_AsyncWith = _visit_with  # noqa: N815 - ast's names

    def visit_Match(self, node: ast.Match) -> None:
        """Read every case, and none."""
        self.generic_visit(node)
        for case in node.cases:
            self.generic_visit(case.pattern)
        self.names = self._either(self.names, (), *(case.body for case in node.cases))

    def _visit_try(self, node: ast.Try | ast.TryStar) -> None:
        before = dict(self.names)
        self._read(node.body)
        done = dict(self.names)
        self._read(node.orelse)
        ends, raised = [self.names], merged([before, done])
        for handler in node.handlers:
            error = {handler.name: (Value(),)} if handler.name else Names()
            end = self._either(raised | error, handler.body)
            after = _imports(before, done) if self._ever else dict.fromkeys(error, (None,))
            ends.append({**end, **after})
        self.names = merged(ends)
        self._read(node.finalbody)

    visit_Try = visit_TryStar = _visit_try  # noqa: N815 - ast's names


def _imports(before: Names, after: Names) -> Names:
    """Return the names that were imported in between: what stands in for a failed import is not what is meant."""
    new = ((name, [item for item in found if item not in before.get(name, ())]) for name, found in after.items())
    return {name: after[name] for name, found in new if any(isinstance(item, Imported) for item in found)}
