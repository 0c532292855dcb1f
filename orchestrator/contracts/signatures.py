"""Python signatures as values: read from a contract's text or from a definition, compared and shown."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from orchestrator.errors import InputError

Function = ast.FunctionDef | ast.AsyncFunctionDef
Parameter = inspect.Parameter
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


class _Source(str):
    """Be source text that `inspect` shows as it is."""

    __slots__ = ()
    __repr__ = str.__str__


@dataclass(frozen=True)
class Signature:
    """What a call must look like; annotations and defaults are source text."""

    inputs: inspect.Signature
    waits: bool = False
    """Calls of it are awaited."""

    def shown(self, *, annotated: bool = True) -> str:
        """Return it as one writes it, on one line."""
        inputs = self.inputs
        if not annotated:
            plain = [parameter.replace(annotation=Parameter.empty) for parameter in inputs.parameters.values()]
            inputs = inspect.Signature(plain)
        return ("async " if self.waits else "") + " ".join(str(inputs).split())


def parse(text: str) -> Signature:
    """Return the signature that a contract writes, such as `async (path: str, *, fresh: bool = False) -> Answer`.

    Raises:
        InputError: it is none.
    """
    words = " ".join(text.split())
    waits = words.startswith("async ")
    inputs = words.removeprefix("async ").lstrip()
    try:
        match ast.parse(f"{'async ' * waits}def f{inputs}: ...").body:
            case [ast.FunctionDef(body=[ast.Expr()]) | ast.AsyncFunctionDef(body=[ast.Expr()]) as function]:
                return of(function)
            case _:
                pass
    except _UNREADABLE:
        pass  # said below
    raise InputError(f"`{words}` is no signature; write it as `(path: str, *, fresh: bool = False) -> Answer`")


def of(function: Function, *, bound: bool = False) -> Signature:
    """Return the signature of a definition; of a `bound` one without its first parameter."""
    parameters = list(_parameters(function.args))
    if bound and parameters and parameters[0].kind is not Parameter.VAR_POSITIONAL:
        del parameters[0]
    returns = _written(function.returns)
    return Signature(
        inspect.Signature(parameters, return_annotation=returns), isinstance(function, ast.AsyncFunctionDef)
    )


def difference(found: Signature, wanted: Signature) -> str | None:
    """Say how a definition differs from what is wanted, or None; what that leaves open may be anything."""
    if found.waits != wanted.waits:
        return "is async, where the contract is not" if found.waits else "is not async, as the contract is"
    ours, theirs = found.inputs.parameters.values(), wanted.inputs.parameters.values()
    if [_form(parameter) for parameter in ours] != [_form(parameter) for parameter in theirs]:
        return f"takes {found.shown(annotated=False)}, not {wanted.shown(annotated=False)}"
    for one, other in zip_longest(ours, theirs):
        if other.annotation not in (Parameter.empty, one.annotation):
            said = "is not annotated" if one.annotation is Parameter.empty else f"is {one.annotation}"
            return f"takes `{one.name}` that {said}, not {other.annotation}"
    result, stated = found.inputs.return_annotation, wanted.inputs.return_annotation
    if stated in (Parameter.empty, result):
        return None
    return f"does not say that it returns {stated}" if result is Parameter.empty else f"returns {result}, not {stated}"


def _form(parameter: Parameter) -> tuple[str, int, bool]:
    """Return all of a parameter that a call depends on; the name of one that is only positional is not."""
    named = parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return (parameter.name if named else "", parameter.kind, parameter.default is not Parameter.empty)


def _parameters(given: ast.arguments) -> Iterator[Parameter]:
    plain = [(argument, Parameter.POSITIONAL_ONLY) for argument in given.posonlyargs]
    plain += [(argument, Parameter.POSITIONAL_OR_KEYWORD) for argument in given.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults))
    for (argument, kind), default in zip(plain, defaults + given.defaults, strict=True):
        yield _parameter(argument, default).replace(kind=kind)
    if given.vararg:
        yield _parameter(given.vararg, None).replace(kind=Parameter.VAR_POSITIONAL)
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _parameter(argument, default).replace(kind=Parameter.KEYWORD_ONLY)
    if given.kwarg:
        yield _parameter(given.kwarg, None).replace(kind=Parameter.VAR_KEYWORD)


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    value = Parameter.empty if default is None else _Source(ast.unparse(default))
    written = _written(argument.annotation)
    return Parameter(argument.arg, Parameter.POSITIONAL_OR_KEYWORD, default=value, annotation=written)


def _written(annotation: ast.expr | None) -> object:
    """Return an annotation in its one spelling: without quotes and modules, with `| None` for `Optional`."""
    if annotation is None:
        return Parameter.empty
    return _Source(ast.unparse(_OneSpelling().visit(annotation)))


class _OneSpelling(ast.NodeTransformer):
    """Rewrite an annotation so that two that mean the same read the same, as far as their text can tell."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Take an annotation out of its quotes."""
        if not isinstance(node.value, str):
            return node
        try:
            return self.visit(ast.parse(node.value, mode="eval").body)
        except _UNREADABLE:
            return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Leave out the module that a name was reached by."""
        return ast.Name(node.attr)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Write `Optional[X]` as `X | None`; the texts in a `Literal` are values and stay."""
        name = self.visit(node.value)
        if isinstance(name, ast.Name) and name.id == "Literal":
            return ast.Subscript(name, node.slice)
        inner = self.visit(node.slice)
        if isinstance(name, ast.Name) and name.id == "Optional":
            return ast.BinOp(inner, ast.BitOr(), ast.Constant(None))
        return ast.Subscript(name, inner)
