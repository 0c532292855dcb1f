"""The user's side of Python contracts: whether the calls in a file fit the signatures that contracts state.

A call counts where its name comes from the declared module by an import and nothing else in the file binds that name.
Calls of methods are not judged: what an object is cannot be read off the text.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.contracts.signatures import Function, Signature, parse
from orchestrator.contracts.sources import Sources, absolute
from orchestrator.models import PythonInterface


def faults(sources: Sources, path: str, interfaces: Sequence[PythonInterface]) -> Iterator[str]:
    """Yield one clause for each call in the file at `path` that fits no such signature, with its line."""
    wanted = {
        f"{interface.module}.{interface.name}": parse(interface.signature)
        for interface in interfaces
        if interface.signature and "." not in interface.name
    }
    tree = sources.parsed(path)
    if tree is None or not wanted:
        return
    names = _imported(tree, sources.module(path), is_package=path.endswith("/__init__.py"))
    for name in _bound_otherwise(tree):
        names.pop(name, None)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        called = _called(call.func, names)
        signature = wanted.get(called) if called else None
        misfit = _misfit(call, signature) if signature else None
        if signature and misfit:
            plain = signature.shown(annotated=False)
            yield f"{path}:{call.lineno} calls {called}, which takes {plain}: {misfit}"


def _imported(tree: ast.AST, module: str, *, is_package: bool) -> dict[str, str]:
    """Return what each imported name of a file stands for, as the whole dotted name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            source = absolute(node, module, is_package=is_package)
            names |= {alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
    return names


def _bound_otherwise(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, Function | ast.ClassDef):
            yield node.name


def _called(function: ast.expr, names: Mapping[str, str]) -> str | None:
    if isinstance(function, ast.Name):
        return names.get(function.id)
    owner = _called(function.value, names) if isinstance(function, ast.Attribute) else None
    return f"{owner}.{function.attr}" if owner and isinstance(function, ast.Attribute) else None


def _misfit(call: ast.Call, signature: Signature) -> str | None:
    """Say why a call does not bind; what is unpacked may be anything, so then only the rest must fit."""
    unpacks = any(isinstance(argument, ast.Starred) for argument in call.args)
    open_ended = unpacks or any(keyword.arg is None for keyword in call.keywords)
    keywords: dict[str, Any] = {keyword.arg: None for keyword in call.keywords if keyword.arg}
    positional = [None for argument in call.args if not isinstance(argument, ast.Starred)]
    bind = signature.inputs.bind_partial if open_ended else signature.inputs.bind
    try:
        bind(*positional, **keywords)
    except TypeError as error:
        return str(error)
    return None
