"""How what a tree defines is called: the signatures of functions, methods and classes, or why one cannot be read."""

import ast
import inspect
from dataclasses import replace

from orchestrator.contracts.python import fields, signatures
from orchestrator.contracts.python.bindings import Defined, Function, Imported, dotted
from orchestrator.contracts.python.namespaces import Found, Namespaces
from orchestrator.contracts.python.signatures import Kind, Signature
from orchestrator.contracts.python.spelling import Written

_PROPERTIES = {"builtins.property", "functools.cached_property", "abc.abstractproperty"}
_ACCESSORS = {"setter", "getter", "deleter"}
_KINDS: dict[str, Kind] = {"builtins.staticmethod": "staticmethod", "builtins.classmethod": "classmethod"}
_MANAGERS = {
    "contextlib.contextmanager": "AbstractContextManager",
    "contextlib.asynccontextmanager": "AbstractAsyncContextManager",
}
_HARMLESS = {"typing.final", "typing.runtime_checkable", "functools.total_ordering", "dataclasses.dataclass"}
"""Marks of a class that leave its `__init__` alone, or were looked at before."""
_UNREAD = "is no function whose parameters can be read; define it with `def`"
_UNREAD_CLASS = "is a class whose parameters cannot be read; give it an `__init__`"


def signature(names: Namespaces, found: Found) -> Signature | str:
    """Return the signature of what was found, a method's without its first parameter, or a clause that says why not."""
    match found.binding:
        case Defined(ast.ClassDef()) as owner:
            return _made(names, owner)
        case Defined(node, module) if isinstance(node, Function):
            return _function(names, node, module, of_class=found.of_class)
        case Imported() as away:
            return f"comes from {away}, outside the tree, so that its parameters cannot be read; wrap it in a function"
        case _:
            return _UNREAD


def _function(names: Namespaces, node: Function, module: str, *, of_class: bool) -> Signature | str:
    """Return a function's signature as it is written, but for the marks that are known to change how it is called."""
    marks = [names.origin(module, mark) for mark in node.decorator_list]
    if any(mark in _PROPERTIES for mark in marks) or any(_adds_to(node.name, mark) for mark in node.decorator_list):
        return "is a property, where the contract states a call"
    kind = next((_KINDS[mark] for mark in marks if mark in _KINDS and of_class), "")
    managers = [_MANAGERS[mark] for mark in marks if mark in _MANAGERS]
    seen = _managed(node, managers[0]) if managers else node
    read = signatures.of(seen, bound=of_class and kind != "staticmethod", meaning=names.meaning(module))
    return replace(read, kind=kind)


def _managed(node: Function, manager: str) -> ast.FunctionDef:
    """Return a generator as what a mark makes of it: a plain function that returns a context manager."""
    returns = node.returns
    if isinstance(returns, ast.Subscript):
        given = returns.slice.elts[0] if isinstance(returns.slice, ast.Tuple) else returns.slice
        returns = ast.Subscript(ast.Name(manager), given)
    elif returns is not None:
        returns = ast.Name(manager)
    return ast.FunctionDef(node.name, node.args, [], [], returns)


def _made(names: Namespaces, owner: Defined) -> Signature | str:
    """Return how a class is called, by the first of its lineage that says so."""
    for parent in names.lineage(owner):
        if isinstance(parent, Imported):
            return f"takes what {parent} says, outside the tree, which cannot be read; give it an `__init__`"
        own = _written(names, parent, "__init__") or _from_fields(names, parent) or _written(names, parent, "__new__")
        if own:
            return own if isinstance(own, str) else _returning(owner, own)
        if {names.origin(parent.module, mark) for mark in parent.node.decorator_list} - _HARMLESS:
            return _UNREAD_CLASS  # it may be given an `__init__` by that
    return _returning(owner, inspect.Signature())


def _written(names: Namespaces, owner: Defined, name: str) -> inspect.Signature | str | None:
    for binding in names.body(owner).get(name, ()):
        if isinstance(binding, Defined) and isinstance(binding.node, Function):
            return signatures.of(binding.node, bound=True, meaning=names.meaning(owner.module)).inputs
        if binding is not None:
            return _UNREAD
    return None


def _from_fields(names: Namespaces, owner: Defined) -> inspect.Signature | str | None:
    try:
        of_dataclass = fields.of_dataclass(names, owner)
        found = fields.of_named_tuple(names, owner) if of_dataclass is None else of_dataclass
        return None if found is None else inspect.Signature(found)
    except ValueError as error:
        return f"has fields that its parameters cannot be read from: {error}"


def _returning(owner: Defined, inputs: inspect.Signature) -> Signature:
    """Return a class's signature: it returns the class, which some write as what `__init__` returns."""
    return Signature(inputs.replace(return_annotation=Written(owner.node.name, ["None"])))


def _adds_to(name: str, mark: ast.expr) -> bool:
    """Say whether a mark adds a setter or a deleter to the property of a name."""
    return isinstance(mark, ast.Attribute) and dotted(mark.value) == (name,) and mark.attr in _ACCESSORS
