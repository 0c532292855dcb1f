"""The parameters of classes whose `__init__` Python writes from their fields: dataclasses and named tuples."""

import ast
from collections.abc import Iterator

from orchestrator.contracts.python import spelling
from orchestrator.contracts.python.bindings import Defined
from orchestrator.contracts.python.namespaces import Namespaces
from orchestrator.contracts.python.signatures import Parameter, parameter

_DATACLASS = "dataclasses.dataclass"
_NAMED_TUPLE = {"typing.NamedTuple", "typing_extensions.NamedTuple"}
_Options = dict[str, ast.expr]


def of_named_tuple(names: Namespaces, owner: Defined) -> list[Parameter] | None:
    """Return the parameters of a class that says by its parent that it is a named tuple, or None of any other."""
    bases = owner.node.bases if isinstance(owner.node, ast.ClassDef) else []
    if not any(names.origin(owner.module, base) in _NAMED_TUPLE for base in bases):
        return None
    meaning = names.meaning(owner.module)
    return [parameter(name, line.annotation, line.value, meaning) for name, line in _lines(owner)]


def of_dataclass(names: Namespaces, owner: Defined) -> list[Parameter] | None:
    """Return the parameters of a dataclass, those of its parents first.

    Return None of a class that is given no `__init__` by that, or has parents that are not in the tree.

    Raises:
        ValueError: what its mark or a field is called with cannot be read.
    """
    options, lineage = _dataclass(names, owner), names.lineage(owner)
    if options is None or not _says(options, "init", default=True) or not all(isinstance(p, Defined) for p in lineage):
        return None
    found: dict[str, Parameter] = {}
    for parent in reversed(lineage):
        marked = _dataclass(names, parent) if isinstance(parent, Defined) else None
        if isinstance(parent, Defined) and marked is not None:
            found |= {field.name: field for field in _fields(names, parent, marked)}
    return sorted(found.values(), key=lambda field: field.kind)


def _dataclass(names: Namespaces, owner: Defined) -> _Options | None:
    """Return what a class's mark as a dataclass is called with, or None where it has no such mark."""
    for mark in owner.node.decorator_list:
        if names.origin(owner.module, mark) == _DATACLASS:
            return _options(mark)
    return None


def _fields(names: Namespaces, owner: Defined, marked: _Options) -> Iterator[Parameter]:
    meaning = names.meaning(owner.module)
    by_name = _says(marked, "kw_only", default=False)
    for name, line in _lines(owner):
        kind = spelling.head(line.annotation)
        if kind == "KW_ONLY":
            by_name = True
        is_field = line.value is not None and names.origin(owner.module, line.value) == "dataclasses.field"
        options = _options(line.value) if is_field else _Options()
        if kind in {"ClassVar", "KW_ONLY"} or not _says(options, "init", default=True):
            continue
        default = spelling.of_field(line.value) if isinstance(line.value, ast.Call) and is_field else line.value
        found = parameter(name, line.annotation, default, meaning)
        only_by_name = _says(options, "kw_only", default=by_name)
        yield found.replace(kind=Parameter.KEYWORD_ONLY) if only_by_name else found


def _lines(owner: Defined) -> Iterator[tuple[str, ast.AnnAssign]]:
    for line in owner.node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id, line


def _options(call: ast.expr | None) -> _Options:
    options: _Options = {}
    for keyword in call.keywords if isinstance(call, ast.Call) else []:
        if keyword.arg is None:
            raise ValueError(f"`**{ast.unparse(keyword.value)}` may be anything")
        options[keyword.arg] = keyword.value
    return options


def _says(options: _Options, name: str, *, default: bool) -> bool:
    value = options.get(name, ast.Constant(default))
    if not isinstance(value, ast.Constant):
        raise ValueError(f"`{name}={ast.unparse(value)}` may be anything")  # noqa: TRY004 - of a text, not of a type
    return bool(value.value)
