"""Python signatures as values: read from a contract's text or from a definition, compared and shown."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from orchestrator.contracts.python import spelling
from orchestrator.contracts.python.bindings import Function
from orchestrator.contracts.python.spelling import Meaning, Written
from orchestrator.errors import InputError

Parameter = inspect.Parameter
Kind = Literal["", "staticmethod", "classmethod"]
_KINDS: dict[str, Kind] = {"@staticmethod": "staticmethod", "@classmethod": "classmethod"}
ANY = "..."
"""What a contract writes for a default that may be any."""


@dataclass(frozen=True)
class Signature:
    """What a call must look like; annotations and defaults are source text."""

    inputs: inspect.Signature
    waits: bool = False
    """Calls of it are awaited."""
    kind: Kind = ""
    """How a method is marked that can be called on its class."""

    def shown(self, *, annotated: bool = True) -> str:
        """Return it as one writes it, on one line."""
        inputs = self.inputs
        if not annotated:
            plain = [parameter.replace(annotation=Parameter.empty) for parameter in inputs.parameters.values()]
            inputs = inspect.Signature(plain)
        return ("async " if self.waits else "") + " ".join(str(inputs).split())


def parse(text: str) -> Signature:
    """Return the signature that a contract writes, such as `async (path: str, *, fresh: bool = False) -> Answer`.

    One of a method may begin with `@staticmethod` or `@classmethod`; its first parameter is left out in any case.

    Raises:
        InputError: it is none.
    """
    words = " ".join(text.split())
    mark, _, rest = words.partition(" ")
    kind = _KINDS.get(mark, "")
    inputs = rest if kind else words
    waits = inputs.startswith("async ")
    try:
        match ast.parse(f"{'async ' * waits}def f{inputs.removeprefix('async ')}: ...").body:
            case [ast.FunctionDef(body=[ast.Expr()]) | ast.AsyncFunctionDef(body=[ast.Expr()]) as function]:
                return Signature(of(function).inputs, waits, kind)
            case _:
                pass
    except spelling.UNREADABLE:
        pass  # said below
    raise InputError(f"`{words}` is no signature; write it as `(path: str, *, fresh: bool = False) -> Answer`")


def of(function: Function, *, bound: bool = False, meaning: Meaning = spelling.unknown) -> Signature:
    """Return the signature of a definition; of a `bound` one without its first parameter."""
    parameters = list(_parameters(function.args, meaning))
    if bound and parameters and parameters[0].kind is not Parameter.VAR_POSITIONAL:
        del parameters[0]
    returns = spelling.annotation(function.returns, meaning)
    waits = isinstance(function, ast.AsyncFunctionDef) and not any(map(_yields, function.body))
    return Signature(inspect.Signature(parameters, return_annotation=returns), waits)


def difference(found: Signature, wanted: Signature) -> str | None:
    """Say how a definition differs from what is wanted, or None; what that leaves open may be anything."""
    if found.kind != wanted.kind:
        said = f"is no @{wanted.kind}, as the contract says"
        return said if wanted.kind else f"is a @{found.kind}, which the contract does not say"
    if found.waits != wanted.waits:
        return "is async, where the contract is not" if found.waits else "is not async, as the contract is"
    ours, theirs = _in_order(found), _in_order(wanted)
    if [_form(parameter) for parameter in ours] != [_form(parameter) for parameter in theirs]:
        return f"takes {found.shown(annotated=False)}, not {wanted.shown(annotated=False)}"
    for one, other in zip(ours, theirs, strict=True):
        if not _is_spelled(one.annotation, other.annotation):
            said = "is not annotated" if one.annotation is Parameter.empty else f"is {one.annotation}"
            return f"takes `{one.name}` that {said}, not {other.annotation}"
        if other.default != ANY and not _is_spelled(one.default, other.default):
            return f"takes `{one.name}` that is {one.default} by default, not {other.default}"
    result, stated = found.inputs.return_annotation, wanted.inputs.return_annotation
    if _is_spelled(result, stated):
        return None
    return f"does not say that it returns {stated}" if result is Parameter.empty else f"returns {result}, not {stated}"


def _is_spelled(found: object, wanted: object) -> bool:
    return wanted is Parameter.empty or (isinstance(found, Written) and wanted in found.spellings)


def _in_order(signature: Signature) -> list[Parameter]:
    """Return parameters so that those that mean the same stand at the same place: keyword-only ones by name."""
    named = Parameter.KEYWORD_ONLY
    given = signature.inputs.parameters.values()
    return sorted(given, key=lambda one: (one.kind, one.name if one.kind is named else ""))


def _form(parameter: Parameter) -> tuple[str, int, bool]:
    """Return all of a parameter that a call depends on; the name of one that is only positional is not."""
    named = parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return (parameter.name if named else "", parameter.kind, parameter.default is not Parameter.empty)


def _parameters(given: ast.arguments, meaning: Meaning) -> Iterator[Parameter]:
    plain = [(argument, Parameter.POSITIONAL_ONLY) for argument in given.posonlyargs]
    plain += [(argument, Parameter.POSITIONAL_OR_KEYWORD) for argument in given.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults))
    for (argument, kind), default in zip(plain, defaults + given.defaults, strict=True):
        yield parameter(argument.arg, argument.annotation, default, meaning).replace(kind=kind)
    if given.vararg:
        yield parameter(given.vararg.arg, given.vararg.annotation, None, meaning).replace(kind=Parameter.VAR_POSITIONAL)
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield parameter(argument.arg, argument.annotation, default, meaning).replace(kind=Parameter.KEYWORD_ONLY)
    if given.kwarg:
        yield parameter(given.kwarg.arg, given.kwarg.annotation, None, meaning).replace(kind=Parameter.VAR_KEYWORD)


def parameter(name: str, annotation: ast.expr | None, default: ast.expr | None, meaning: Meaning) -> Parameter:
    """Return a parameter that may be given by place and by name, annotation and default in their one spelling."""
    value = Parameter.empty if default is None else spelling.default(default, meaning)
    written = spelling.annotation(annotation, meaning)
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=value, annotation=written)


def _yields(node: ast.AST) -> bool:
    """Say whether a statement makes the function around it a generator, which is not awaited."""
    if isinstance(node, ast.Yield | ast.YieldFrom):
        return True
    inner = isinstance(node, Function | ast.ClassDef | ast.Lambda)
    return not inner and any(map(_yields, ast.iter_child_nodes(node)))
