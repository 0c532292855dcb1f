"""What counts as done: judging test runs, and finding what makes an answer unacceptable whatever a gate says."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from orchestrator.junit import TestRun
from orchestrator.protection.testfiles import is_test

NAMED_AT_MOST = 5
_NAME_LIMIT = 200
_DECLARING = frozenset({"abstractmethod", "abstractproperty", "overload", "group", "callback"})
"""Decorators of functions that may do nothing: the two last make command groups, whose commands do the work."""


def judge_tests(run: TestRun, exit_code: int, known: Mapping[str, str], task: str) -> str | None:
    """Say in one line why a test run is no evidence for `task`, or None where it is.

    `known` maps each test id that passed on the base to the task that brought it. Those of other tasks must still
    pass; and the task must have brought at least one test of its own that passes.
    """
    if run.failed:
        return f"{len(run.failed)} of {run.ran} tests failed: {_some(run.failed)}"
    if not run.ran:
        return f"{run.fault or 'no test ran'} (exit code {exit_code})"
    if exit_code != 0:
        return f"the tests passed but the command ended with exit code {exit_code}"
    missing = {test for test, owner in known.items() if owner != task} - run.passed
    if missing:
        return f"{len(missing)} tests that passed before did not run or were skipped: {_some(missing)}"
    if not any(known.get(test, task) == task for test in run.passed):
        return f"task {task} brought no test of its own"
    return None


def stubs(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield `path:line name` of every function that does nothing, in Python sources that are not tests.

    Doing nothing is a body of `pass`, `...` or `raise NotImplementedError`. Protocols, overloads, abstract methods and
    command groups declare, so they may; so may functions inside functions. A docstring alone says that none is meant.
    """
    for path, text in sources.items():
        if PurePosixPath(path).suffix != ".py" or is_test(path):
            continue
        try:
            found = list(_stubs(ast.parse(text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # the gate runs the code and says better what is wrong with it
        for function in found:
            yield f"{path}:{function.lineno} {function.name}"


def conflict_markers(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield `path:line` of every merge conflict marker left in a file; none in Python that holds them as text."""
    for path, text in sources.items():
        lines = enumerate(text.splitlines(), start=1)
        marked = [number for number, line in lines if line.startswith(("<<<<<<< ", ">>>>>>> "))]
        if marked and not (path.endswith((".py", ".pyi")) and _is_python(text)):
            yield from (f"{path}:{number}" for number in marked)


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    shown = [" ".join(name.split())[:_NAME_LIMIT] for name in ordered[:NAMED_AT_MOST]]
    more = len(ordered) - NAMED_AT_MOST
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _stubs(node: ast.AST, *, declares: bool = False) -> Iterator[_Function]:
    """Yield the stubs among the functions of a module or class; `declares` where it is a protocol."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            declared = declares or any(_last_name(mark) in _DECLARING for mark in child.decorator_list)
            if not declared and _does_nothing(child):
                yield child
        elif isinstance(child, ast.ClassDef):
            yield from _stubs(child, declares=any(_last_name(parent) == "Protocol" for parent in child.bases))
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _stubs(child, declares=declares)


def _last_name(node: ast.expr) -> str:
    """Return the last name of what a decorator or a parent class is made from, such as `group` of `@click.group()`."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _does_nothing(function: _Function) -> bool:
    """Tell whether nothing stands in the body; a docstring alone says that nothing is meant, and passes."""
    body = [statement for statement in function.body if not _constant(statement, str)]
    return bool(body) and all(_is_empty(statement) for statement in body)


def _is_empty(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return isinstance(statement, ast.Pass) or _constant(statement, type(...))


def _constant(statement: ast.stmt, kind: type) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, kind)
