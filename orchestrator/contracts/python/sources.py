"""The Python sources of one tree: where its modules lie, and their syntax trees; read and never run."""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath


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
                self._parsed[path] = ast.parse((self.read(path) or "").removeprefix("\ufeff"))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self._parsed[path] = None
        return self._parsed[path]


def roots(import_path: str | None) -> tuple[str, ...]:
    """Return the folders of a tree in which imports are looked up, given its `PYTHONPATH`; each ends with a slash."""
    given = [PurePosixPath(part).as_posix() for part in (import_path or "").split(":") if part]
    inside = [f"{part}/" for part in given if not part.startswith(("/", "..")) and part != "."]
    return tuple(dict.fromkeys(["", *inside, "src/"]))
