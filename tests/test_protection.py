"""Promises about where an answer may write, and that each refusal says why."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.changes import Change
from orchestrator.models import BuildTask, Phase, Plan
from orchestrator.protection import Ground, ground, leads_out, needs_exception, summary
from orchestrator.protection.gatefiles import GateFiles
from orchestrator.protection.testfiles import Known, Tests
from tests.workbench import POLICY

PROTECTED = (".vendor/", "conftest.py", "Makefile", "docs/api", "*.lock")
CONTRACTS = {"contracts/lookup.yaml": "1.2", "contracts/own.yaml": "1.1"}
OWNERS = {
    "tests/test_theirs.py": "2.1",
    "tests/deep/part_test.py": "2.1",
    "tests/helpers.py": "2.1",
    "tests/data/theirs.json": "2.1",
    "src/examples.py": "2.1",
    "src/waiting.py": "2.1",
    "src/plain.py": "2.1",
    "tests/test_own.py": "1.1",
    "tests/own.json": "1.1",
    "tests/test_users.py": "base",
    "tests/users.json": "base",
}
KNOWN = Known(passed={"src.examples::one": "2.1"}, skipped=("src/waiting.py::two",))
GATES = GateFiles(frozenset({"scripts/gate.sh"}), frozenset({"tools/check"}))


def task(**more: object) -> BuildTask:
    """Return task 1.1."""
    fields = {"id": "1.1", "phase": 1, "component": 1, "component_name": "parts", "title": "Part", "agent": "one"}
    return BuildTask.model_validate({**fields, "kind": "code", "effort": 1, "accept": ["works"], **more})


def change(path: str, mode: str = "100644") -> Change:
    """Return the change of one path."""
    return Change(path=path, status="modified", mode=mode, mode_before="100644")


def on(writer: BuildTask, *, owners: Mapping[str, str] = OWNERS, known: Known = KNOWN) -> Ground:
    """Return the ground that an answer to a task stands on."""
    return Ground(writer, PROTECTED, GATES, Tests(owners, known), CONTRACTS)


def refusal(path: str, **more: object) -> str | None:
    """Return why task 1.1 may not write one path."""
    found = on(task(**more)).refusals([change(path)], {})
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
        (".Claude/agents/me.md", "protected"),
        ("tests/data/.claude/agents/me.md", None),
        (".circleci/config.yml", "protected"),
        (".travis.yml", "protected"),
        ("deploy/Jenkinsfile", "protected"),
        ("azure-pipelines-nightly.yml", "protected"),
        ("bitbucket-pipelines.yml", "protected"),
        (".woodpecker/test.yaml", "protected"),
        (".drone.yml", "protected"),
        (".buildkite/pipeline.yml", "protected"),
        ("appveyor.yml", "protected"),
        (".teamcity/settings.kts", "protected"),
        (".cirrus.star", "protected"),
        ("src/sitecustomize.py", "protected"),
        ("src/sitecustomize/__init__.py", "protected"),
        ("usercustomize.abi3.so", "protected"),
        ("src/site.py", None),
        ("lib/a.pth", "protected"),
        ("pytest.ini", "protected"),
        ("src/.pytest.ini", "protected"),
        ("tox.ini", "protected"),
        ("tests/setup.cfg", "protected"),
        (".coveragerc", "protected"),
        ("pyproject.toml", None),
        ("scripts/gate.sh", "named by a gate"),
        ("Scripts/Gate.sh", "named by a gate"),
        ("scripts/other.sh", None),
        ("tools/check.py", "named by a gate"),
        ("tools/check/__init__.py", "named by a gate"),
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
        ("tests/deep/part_test.py", "tests of 2.1"),
        ("src/examples.py", "tests of 2.1"),
        ("src/waiting.py", "tests of 2.1"),
        ("src/plain.py", None),
        ("tests/helpers.py", "test support of 2.1"),
        ("tests/helpers/__init__.py", "test support of 2.1"),
        ("tests/helpers.cpython-311-x86_64-linux-gnu.so", "test support of 2.1"),
        ("tests/data/theirs.json", "test support of 2.1"),
        ("tests/data/new.json", None),
        ("tests/test_users.py", "tests of the project"),
        ("tests/users.json", "test support of the project"),
        ("tests/test_own.py", None),
        ("tests/own.json", None),
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


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("Makefile", None),
        ("tests/conftest.py", None),
        ("conftest.py", "protected"),
        (".gitignore", None),
        (".gitattributes", "protected"),
        ("scripts/gate.sh", None),
        ("tests/helpers.py", None),
        ("tests/test_users.py", None),
        ("tests/users.json", None),
        ("tests/test_theirs.py", "tests of 2.1"),
        ("src/waiting.py", "tests of 2.1"),
        ("contracts/lookup.yaml", "a contract, declared by 1.2"),
        ("contracts/more.yaml", "a contract that this task does not declare"),
        ("src/other.py", "outside src/parts/"),
    ],
)
def test_writes_open_what_is_protected_and_nothing_of_others(path: str, why: str | None) -> None:
    """An exception covers what it names, wherever the task's paths are, but no test and no contract of another task."""
    writes = ("Makefile", "tests/", ".gitignore", "scripts/gate.sh", "src/waiting.py", "contracts/")

    assert refusal(path, writes=writes, paths=("src/parts/",)) == why


def test_examples_of_several_tasks_in_one_file_are_each_ones_to_change() -> None:
    """Where a report finds tests of this task too in a file that another added, both may go on with it; no third."""
    forged = {"tests/test_theirs.py::forged": "1.1", "tests.helpers::forged": "1.1"}
    shared = {"src.examples::one": "2.1", "src.examples::two": "1.1", **forged}
    paths = [change(path) for path in ("src/examples.py", "tests/helpers.py", "tests/test_theirs.py")]

    own = on(task(), known=Known(passed=shared)).refusals(paths, {})
    third = on(task(id="3.1", component=3), known=Known(passed=shared)).refusals(paths, {})

    assert own == ("tests/helpers.py (tests of 2.1)", "tests/test_theirs.py (tests of 2.1)")
    assert third == ("src/examples.py (tests of 2.1)", *own)


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

    refusals = on(allowed).refusals(changes, {"src/out": "../../x", "src/in": "y.py"})

    assert refusals == ("src/out (a link that leads out of the tree)", "src/sub (a nested repository)")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Return a plan in the folder `build` of a project."""
    return Plan(
        version=1,
        phases=(Phase(number=1, name="Only", tasks=1),),
        components=(),
        agents=(),
        policy=POLICY,
        tasks=(task(), task(id="1.2")),
        toolchain="lock.txt",
        playbook="turns",
        source=tmp_path / "build" / "plan.yaml",
    )


def test_a_plan_in_the_project_protects_itself(plan: Plan, tmp_path: Path) -> None:
    """The plan's file and what it names are no task's to change, where they lie in the project; elsewhere not."""
    changes = [change(path) for path in ("build/plan.yaml", "build/turns/1.1/work.yaml", "plan.yaml", "build/x")]

    inside = ground(plan, task(), {}, Known(), tmp_path).refusals(changes, {})

    assert inside == ("build/plan.yaml (protected)", "build/turns/1.1/work.yaml (protected)")
    assert ground(plan, task(), {}, Known(), tmp_path / "elsewhere").refusals(changes, {}) == ()


def test_tests_of_a_task_that_left_the_plan_are_the_projects(plan: Plan) -> None:
    """Nobody could mend them any more, so that `writes` opens them as it does what the user brought."""
    changes = [change(path) for path in ("tests/test_a.py", "tests/test_b.py")]
    owners = {"tests/test_a.py": "7.1", "tests/test_b.py": "1.2"}

    closed = ground(plan, task(), owners, Known(), None).refusals(changes, {})
    opened = ground(plan, task(writes=("tests/",)), owners, Known(), None).refusals(changes, {})

    assert closed == ("tests/test_a.py (tests of the project)", "tests/test_b.py (tests of 1.2)")
    assert opened == ("tests/test_b.py (tests of 1.2)",)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        (".claude/agents/me.md", True),
        ("Makefile", True),
        ("tests/fixtures/a.json", True),
        ("tests/test_a.py", False),
        ("src/a.py", False),
    ],
)
def test_a_plan_from_elsewhere_makes_the_exceptions_that_its_tasks_need(path: str, needed: bool) -> None:
    """A file that a foreign task names may need `writes`, unless it is plain code or a test, which is its own."""
    assert needs_exception(path, PROTECTED) is needed


def test_the_list_is_one_bounded_line() -> None:
    """Names that an agent chose cannot break or flood the line that people read."""
    line = summary([f"p{number}\n# Approved {'x' * 1000} (protected)" for number in range(30)])

    assert "\n" not in line and len(line) < 2_500 and line.endswith("and 20 more")
