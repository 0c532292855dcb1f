"""What counts as done: reading test reports, and finding what makes an answer unacceptable whatever a gate says."""

import ast
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

from orchestrator.models import BuildTask

NAMED_AT_MOST = 5


@dataclass(frozen=True)
class TestRun:
    """The ids of the tests that a report names, by how they ended."""

    __test__ = False

    passed: frozenset[str]
    failed: frozenset[str]
    skipped: frozenset[str]

    @property
    def ran(self) -> int:
        """Return how many tests ran: passed or failed, not skipped."""
        return len(self.passed) + len(self.failed)


def read_report(xml: str) -> TestRun:
    """Return the tests of a JUnit report; an id is `file::class::name`, as the report has them.

    A test that is named twice has passed only if it passed each time. Text that is no report names no test.
    """
    passed: set[str] = set()
    failed: set[str] = set()
    skipped: set[str] = set()
    try:
        cases = list(ElementTree.fromstring(xml).iter("testcase"))
    except ElementTree.ParseError:
        cases = []
    for case in cases:
        ended = {child.tag for child in case}
        where = failed if ended & {"failure", "error"} else skipped if "skipped" in ended else passed
        where.add(_test_id(case))
    return TestRun(frozenset(passed - failed - skipped), frozenset(failed), frozenset(skipped - failed))


def file_of(test_id: str) -> str:
    """Return the file that a test id names."""
    return test_id.partition("::")[0]


def judge_tests(run: TestRun, exit_code: int, known: Mapping[str, str], task: str) -> str | None:
    """Say in one line why a test run is no evidence for `task`, or None where it is.

    `known` maps each test id that passed on the base to the task that brought it. Those of other tasks must still
    pass; and the task must have brought at least one test of its own that passes.
    """
    if run.failed:
        return f"{len(run.failed)} of {run.ran} tests failed: {_some(run.failed)}"
    if exit_code != 0 and run.ran:
        return f"the tests passed but the command ended with exit code {exit_code}"
    if not run.ran:
        return "no test ran"
    missing = {test for test, owner in known.items() if owner != task} - run.passed
    if missing:
        return f"{len(missing)} tests that passed before did not run or were skipped: {_some(missing)}"
    if not any(known.get(test, task) == task for test in run.passed):
        return f"task {task} brought no test of its own"
    return None


def forbidden(
    changed: Iterable[str], task: BuildTask, protected: Sequence[str], known: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the changed paths that the task may not change: protected ones, and tests that other tasks brought."""
    others = {file_of(test) for test, owner in known.items() if owner != task.id}
    own = {file_of(test) for test, owner in known.items() if owner == task.id}
    return tuple(
        path
        for path in changed
        if not _matches(path, task.writes) and (_matches(path, protected) or path in others - own)
    )


def stubs(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield `path:line name` of every function that does nothing, in Python sources that are not tests.

    Doing nothing is a body of `pass`, `...` or `raise NotImplementedError`. Protocols, overloads and abstract methods
    declare, so they may.
    """
    for path, text in sources.items():
        if PurePosixPath(path).suffix != ".py" or PurePosixPath(path).parts[0] == "tests":
            continue
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue  # the gate runs the code and says so better
        for function in _functions(tree, declares=False):
            if _does_nothing(function):
                yield f"{path}:{function.lineno} {function.name}"


def conflict_markers(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield `path:line` of every merge conflict marker left in a file."""
    for path, text in sources.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if line.startswith(("<<<<<<< ", ">>>>>>> ")):
                yield f"{path}:{number}"


def _test_id(case: ElementTree.Element) -> str:
    name, classname, file = (case.get(field, "") for field in ("name", "classname", "file"))
    if not file:
        return f"{classname}::{name}"
    inner = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join(part for part in (file, inner, name) if part)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(path == p or path.startswith(p if p.endswith("/") else p + "/") or fnmatch(path, p) for p in patterns)


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - NAMED_AT_MOST
    return ", ".join(ordered[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(node: ast.AST, *, declares: bool) -> Iterator[_Function]:
    for child in ast.iter_child_nodes(node):
        inside = declares
        if isinstance(child, ast.ClassDef):
            inside = any("Protocol" in ast.unparse(parent) for parent in child.bases)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = {ast.unparse(mark).rpartition(".")[2] for mark in child.decorator_list}
            if not declares and not marks & {"abstractmethod", "overload"}:
                yield child
        yield from _functions(child, declares=inside)


def _does_nothing(function: _Function) -> bool:
    """Tell whether nothing stands in the body; a docstring alone says that nothing is meant, and passes."""
    body = [statement for statement in function.body if not _is_docstring(statement)]
    return bool(body) and all(_is_empty(statement) for statement in body)


def _is_docstring(statement: ast.stmt) -> bool:
    return _constant(statement, str)


def _is_empty(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return isinstance(statement, ast.Pass) or _constant(statement, type(...))


def _constant(statement: ast.stmt, kind: type) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, kind)
