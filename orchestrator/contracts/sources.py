"""The Python sources of one tree, read and never run: its modules, and where a name of one is defined."""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from orchestrator.contracts.signatures import Function

Definition = Function | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Sources:
    """One tree: its files, how to read one, and the folders in which imports are looked up, first come first served."""

    files: frozenset[str]
    read: Callable[[str], str | None]
    roots: Sequence[str]
    _parsed: dict[str, ast.Module | None] = field(default_factory=dict[str, ast.Module | None], repr=False)

    def file(self, module: str) -> str | None:
        """Return the file that an import of `module` finds: a package goes before a module of its name."""
        return next((path for path in self.places(module) if path in self.files), None)

    def places(self, module: str) -> Iterator[str]:
        """Yield the paths at which `module` may lie, in the order in which Python looks."""
        path = module.replace(".", "/")
        for root in self.roots:
            yield from (f"{root}{path}/__init__.py", f"{root}{path}.py")

    def module(self, path: str) -> str:
        """Return the name that the file at `path` is imported by."""
        root = max((root for root in self.roots if path.startswith(root)), key=len, default="")
        return path.removeprefix(root).removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def parsed(self, path: str) -> ast.Module | None:
        """Return the syntax tree of a file, or None where it has none: the gate says better why."""
        if path not in self._parsed:
            try:
                self._parsed[path] = ast.parse(self.read(path) or "")
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self._parsed[path] = None
        return self._parsed[path]

    def find(self, module: str, name: str) -> Definition | None:
        """Return what `name` is in `module`, through re-exports and inherited members; None where it is not found."""
        found = _find(self, module, name, set())
        return found[0] if found else None


def roots(import_path: str | None) -> tuple[str, ...]:
    """Return the folders of a tree in which imports are looked up, given its `PYTHONPATH`; each ends with a slash."""
    given = [PurePosixPath(part).as_posix() for part in (import_path or "").split(":") if part]
    inside = [f"{part}/" for part in given if not part.startswith(("/", "..")) and part != "."]
    return tuple(dict.fromkeys(["", *inside, "src/"]))


def absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """Return the module that a `from … import` in `module` names."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


_Found = tuple[Definition, str]
"""A definition and the module that it stands in."""
_Seen = set[tuple[str, str]]
"""The modules and names that one search has been at; it goes nowhere twice."""


def _find(sources: Sources, module: str, name: str, seen: _Seen) -> _Found | None:
    head, _, rest = name.partition(".")
    found = _in_module(sources, module, head, seen)
    while rest and found:
        head, _, rest = rest.partition(".")
        found = _in_class(sources, found, head, seen) if isinstance(found[0], ast.ClassDef) else None
    return found


def _in_module(sources: Sources, module: str, name: str, seen: _Seen) -> _Found | None:
    path = sources.file(module)
    tree = sources.parsed(path) if path else None
    if not path or tree is None or (module, name) in seen:
        return None
    seen.add((module, name))
    found: _Found | None = None
    for statement in flat(tree.body):  # the last one that binds the name holds
        if isinstance(statement, ast.ImportFrom):
            target = absolute(statement, module, is_package=path.endswith("/__init__.py"))
            originals = [alias.name for alias in statement.names if name == (alias.asname or alias.name)]
            originals += [name for alias in statement.names if alias.name == "*" and not name.startswith("_")]
            for original in originals:
                found = _in_module(sources, target, original, seen) or found
        elif isinstance(statement, Definition) and name in _bound(statement):
            value = None if isinstance(statement, Function | ast.ClassDef) else statement.value
            renamed = value.id if isinstance(value, ast.Name) and value.id != name else None
            other = _in_module(sources, module, renamed, seen) if renamed else None
            found = other or (statement, module)
    return found


def _in_class(sources: Sources, owner: _Found, name: str, seen: _Seen) -> _Found | None:
    definition, module = owner
    if not isinstance(definition, ast.ClassDef):
        return None
    own = [node for node in flat(definition.body) if isinstance(node, Definition) and name in _bound(node)]
    if own:
        return own[-1], module
    for parent in definition.bases:
        found = _in_module(sources, module, parent.id, seen) if isinstance(parent, ast.Name) else None
        inherited = _in_class(sources, found, name, seen) if found else None
        if inherited:
            return inherited
    return None


def flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements in order, those of `if`, `try` and `with` among them, without what only declares an overload."""
    for statement in body:
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from flat(getattr(statement, part, ()))
        elif isinstance(statement, ast.ExceptHandler):
            yield from flat(statement.body)
        elif not (isinstance(statement, Function) and any(map(_is_overload, statement.decorator_list))):
            yield statement


def _bound(statement: Definition) -> set[str]:
    if isinstance(statement, Function | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    names = (node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _is_overload(mark: ast.expr) -> bool:
    return (mark.attr if isinstance(mark, ast.Attribute) else getattr(mark, "id", "")) == "overload"
