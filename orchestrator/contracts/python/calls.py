"""The user's side of Python contracts: whether the calls in a file fit the signatures that contracts state.

A call counts where its name leads to the stated one by imports, re-exports and other names for it, and nothing else in
its scope may have been bound to that name. Methods are judged where they are called on their class, and those of
objects not: what an object is cannot be read off the text.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.contracts.python.namespaces import Namespaces
from orchestrator.contracts.python.signatures import Signature, parse
from orchestrator.contracts.python.usage import Use
from orchestrator.models import PythonInterface

Wanted = Mapping[str, Signature]
"""Signatures by the dotted name of what has them."""


def wanted(interfaces: Iterable[PythonInterface]) -> Wanted:
    """Return the signatures of what can be called without an object."""
    stated = {f"{one.module}.{one.name}": (one, parse(one.signature)) for one in interfaces if one.signature}
    return {name: signature for name, (one, signature) in stated.items() if signature.kind or "." not in one.name}


def faults(names: Namespaces, path: str, uses: Iterable[Use], wanted: Wanted) -> Iterator[str]:
    """Yield one clause for each use in the file at `path` that does not fit what is wanted of it, with its line."""
    for use in uses:
        stated = {next((name for name in names.route(one) if name in wanted), None) for one in use.called}
        called = stated.pop()
        misfit = _misfit(use, wanted[called]) if called and not stated else None
        if called and misfit:
            plain = wanted[called].shown(annotated=False)
            yield f"{path}:{use.line} calls {called}, which takes {plain}: {misfit}"


def _misfit(use: Use, signature: Signature) -> str | None:
    """Say why a call does not bind; what is unpacked or added later may be anything, so then only the rest must fit."""
    unpacks = any(isinstance(argument, ast.Starred) for argument in use.arguments)
    open_ended = use.partial or unpacks or any(keyword.arg is None for keyword in use.keywords)
    keywords: dict[str, Any] = {keyword.arg: None for keyword in use.keywords if keyword.arg}
    positional = [None for argument in use.arguments if not isinstance(argument, ast.Starred)]
    bind = signature.inputs.bind_partial if open_ended else signature.inputs.bind
    try:
        bind(*positional, **keywords)
    except TypeError as error:
        return str(error)
    return None
