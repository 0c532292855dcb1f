"""The Python side of contracts: whether a tree's sources define what a contract states."""

import ast

from orchestrator.contracts.signatures import Function, Signature, difference, of, parse
from orchestrator.contracts.sources import Definition, Sources
from orchestrator.models import PythonInterface


def fault(sources: Sources, interface: PythonInterface) -> str | None:
    """Say in one clause how a tree falls short of an interface, or None where it fulfils it."""
    if sources.file(interface.module) is None:
        places = [path for path in sources.places(interface.module) if path.endswith(".py")]
        return f"there is no module {interface.module} (at {places[-1]} or elsewhere)"
    whole = f"{interface.module}.{interface.name}"
    found = sources.find(interface.module, interface.name)
    if found is None:
        return f"{whole} is not there"
    if interface.signature is None:
        return None
    signature = _signature(sources, interface, found)
    if signature is None:
        return f"{whole} is no function whose parameters can be read"
    differs = difference(signature, parse(interface.signature))
    return f"{whole} {differs}" if differs else None


def _signature(sources: Sources, interface: PythonInterface, found: Definition) -> Signature | None:
    if isinstance(found, ast.ClassDef):
        made_by = sources.find(interface.module, f"{interface.name}.__init__")
        return _made(made_by) if isinstance(made_by, Function) else None
    if not isinstance(found, Function):
        return None
    return of(found, bound="." in interface.name and not _is_static(found))


def _made(initialiser: Function) -> Signature:
    """Return the signature of a class; what it returns is the class, whatever stands there."""
    read = of(initialiser, bound=True)
    return Signature(read.inputs.replace(return_annotation=read.inputs.empty))


def _is_static(function: Function) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list)
