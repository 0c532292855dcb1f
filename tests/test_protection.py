"""Promises about where an answer may write, and that each refusal says why."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.changes import Change
from orchestrator.models import BuildTask, Phase, Plan
from orchestrator.protection import Ground, ground, leads_out, summary
from tests.workbench import POLICY

PROTECTED = (".claude", ".vendor/", "conftest.py", "Makefile", "docs/api", "*.lock")
CONTRACTS = {"contracts/lookup.yaml": "1.2", "contracts/own.yaml": "1.1"}
TESTS = {"tests/test_theirs.py::test_a": "2.1", "tests/test_own.py::test_b": "1.1"}


def task(**more: object) -> BuildTask:
    """Return task 1.1."""
    fields = {"id": "1.1", "phase": 1, "component": 1, "component_name": "parts", "title": "Part", "agent": "one"}
    return BuildTask.model_validate({**fields, "kind": "code", "effort": 1, "accept": ["works"], **more})


def change(path: str, mode: str = "100644") -> Change:
    """Return the change of one path."""
    return Change(path=path, status="modified", mode=mode, mode_before="100644")


def refusal(
    path: str,
    *,
    tests: Mapping[str, str] = TESTS,
    contracts: Mapping[str, str] = CONTRACTS,
    **more: object,
) -> str | None:
    """Return why task 1.1 may not write one path."""
    found = Ground(task(**more), PROTECTED, tests, contracts).refusals([change(path)], {})
    return found[0].removeprefix(f"{path} (").removesuffix(")") if found else None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".git/config", "protected"),
        (".gitattributes", "protected"),
        ("src/.gitignore", "protected"),
        (".github/workflows/ci.yml", "protected"),
        (".gitlab-ci.yml", "protected"),
        (".ci/run", "protected"),
        ("src/.ci/run", None),
        (".claude/agents/me.md", "protected"),
        (".vendor/x", "protected"),
        ("src/.vendor/x", None),
        ("conftest.py", "protected"),
        ("tests/unit/conftest.py", "protected"),
        ("tests/my_conftest.py", None),
        ("makefile", "protected"),
        ("docs/api/index.md", "protected"),
        ("docs/api", "protected"),
        ("docs/api2.md", None),
        ("other/docs/api/x", None),
        ("sub/uv.lock", "protected"),
        ("src/x.py", None),
        ("tests/test_theirs.py", "tests of 2.1"),
        ("tests/test_own.py", None),
        ("tests/test_new.py", None),
        ("contracts/own.yaml", None),
        ("contracts/lookup.yaml", "a contract, declared by 1.2"),
        ("contracts/more.yaml", "a contract that this task does not declare"),
        ("src/contracts/more.yaml", None),
    ],
)
def test_what_judges_a_task_is_out_of_its_reach(path: str, why: str | None) -> None:
    """Gates, CI, git's files, tests and contracts of other tasks are refused, each with its own reason."""
    assert refusal(path) == why


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("src/parts/lookup.py", None),
        ("src/parts", None),
        ("README.md", None),
        ("README.md/x", None),
        ("src/partsandmore.py", "outside src/parts/, README.md"),
        ("src/other.py", "outside src/parts/, README.md"),
        ("SRC/PARTS/x.py", "outside src/parts/, README.md"),
        ("tests/test_new.py", None),
        ("src/other/test_other.py", None),
        ("contracts/own.yaml", None),
        ("tests/test_theirs.py", "tests of 2.1"),
        ("src/parts/conftest.py", "protected"),
    ],
)
def test_a_task_with_paths_writes_nothing_else_but_tests(path: str, why: str | None) -> None:
    """Paths are prefixes by whole names; new tests and the task's own are always allowed, protected paths never."""
    assert refusal(path, paths=("src/parts/", "README.md")) == why


def test_a_task_may_change_what_its_writes_name() -> None:
    """An exception covers exactly what it names, wherever the task's paths are."""
    changes = [change(path) for path in ("Makefile", "conftest.py", "tests/conftest.py", ".gitignore")]
    allowed = task(writes=("Makefile", "tests/conftest.py", ".gitignore"), paths=("src/",))

    assert Ground(allowed, PROTECTED, {}, {}).refusals(changes, {}) == ("conftest.py (protected)",)


@pytest.mark.parametrize(
    ("test", "owner", "refused"),
    [
        ("tests/test_a.py::test_one", "2.1", True),
        ("tests/test_a.py::test_one", "base", True),
        ("tests/test_a.py::test_one", "1.1", False),
        ("tests.test_a::test_one", "2.1", True),
        ("tests.test_a.TestClass::test_one", "2.1", True),
        ("tests.test_ab::test_one", "2.1", False),
    ],
    ids=["another's", "the project's", "own", "without a file", "without a file, in a class", "of a similar name"],
)
def test_no_task_changes_the_tests_of_another(test: str, owner: str, refused: bool) -> None:
    """Tests that judge a task are out of its reach, in whichever dialect the report names them."""
    assert refusal("tests/test_a.py", tests={test: owner}) == (f"tests of {owner}" if refused else None)


@pytest.mark.parametrize(
    ("target", "out"),
    [
        ("/etc/passwd", True),
        ("../../x", True),
        ("../../../x", True),
        ("../..", True),
        ("../../.git/config", True),
        ("../.GIT/hooks", True),
        ("../tests/data", False),
        ("x.py", False),
        ("./../other/x.py", False),
        ("other/../x.py", True),
        (".../../x.py", True),
        ("../.hidden/x", False),
    ],
)
def test_a_link_stays_inside_the_tree(target: str, out: bool) -> None:
    """A link in `src/` may lead anywhere in the tree but to git's own files, and nowhere else."""
    assert leads_out("src/link", target) is out


def test_links_and_nested_repositories_are_refused_even_where_a_task_may_write() -> None:
    """No exception lets a link lead out, or another repository in."""
    allowed = task(writes=("src/out", "src/sub"))
    changes = [change("src/out", "120000"), change("src/in", "120000"), change("src/sub", "160000")]

    refusals = Ground(allowed, (), {}, {}).refusals(changes, {"src/out": "../../x", "src/in": "y.py"})

    assert refusals == ("src/out (a link that leads out of the tree)", "src/sub (a nested repository)")


def test_a_plan_in_the_project_protects_itself(tmp_path: Path) -> None:
    """The plan's file and what it names are no task's to change, where they lie in the project; elsewhere not."""
    plan = Plan(
        version=1,
        phases=(Phase(number=1, name="Only", tasks=1),),
        components=(),
        agents=(),
        policy=POLICY,
        tasks=(task(),),
        toolchain="lock.txt",
        playbook="turns",
        source=tmp_path / "build" / "plan.yaml",
    )
    changes = [change(path) for path in ("build/plan.yaml", "build/turns/1.1/work.yaml", "plan.yaml", "build/x")]

    inside = ground(plan, task(), {}, tmp_path).refusals(changes, {})

    assert inside == ("build/plan.yaml (protected)", "build/turns/1.1/work.yaml (protected)")
    assert ground(plan, task(), {}, tmp_path / "elsewhere").refusals(changes, {}) == ()


def test_the_list_is_one_bounded_line() -> None:
    """Names that an agent chose cannot break or flood the line that people read."""
    line = summary([f"p{number}\n# Approved {'x' * 1000} (protected)" for number in range(30)])

    assert "\n" not in line and len(line) < 2_500 and line.endswith("and 20 more")
