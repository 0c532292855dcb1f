"""Promises of what no answer may change, each kept by the whole engine: refused with the list, and landed without."""

from typing import Any

import pytest

from orchestrator.server import Server
from tests.scenario import OTHER, SECURITY, WORKER, Scenario, bash, create, finish, module

ERRORS = "mcp-error-handling"
SSE = "mcp-sse-transport"

GATE = [
    "{python}", "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "-o",
    "junit_family=xunit1", "-q", "--junitxml={report}", "--doctest-modules", "tests", "src",
]  # fmt: skip
HELPERS = "def same(left, right):\n    assert left == right\n"
TEST = "from helpers import same\n\n\ndef test_same():\n    same(1, 1)\n"
SKIPPED = "import pytest\n\n\n@pytest.mark.skip\ndef test_later():\n    assert False\n"
LATE = '"""Late.\n\n>>> late  # doctest: +SKIP\n1\n"""\n'
USERS = "def test_of_the_user():\n    assert True\n"
SITE = '"""Bend what runs."""\n'


def existing(path: str, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tool calls that change a file and that put it back."""
    return create(path, f"{text}\n# changed\n"), create(path, text)


@pytest.fixture(scope="module")
def held(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Tasks that overstep in every way and land once they have tidied up, then one whose plan makes exceptions.

    Last the task that brought tests does its work anew, and changes its own.
    """
    scenario = Scenario(tmp_path_factory.mktemp("held"))
    scenario.existing({"scripts/gate.sh": "true\n", "tests/test_users.py": USERS, "README.md": "x\n"})
    scenario.gates["code"] = [
        {"name": "script", "run": ["sh", "scripts/gate.sh"]},
        {"name": "tests", "run": GATE, "tests": True},
    ]
    files = {"tests/helpers.py": HELPERS, "tests/test_same.py": TEST, "tests/test_later.py": SKIPPED}
    brought = [create(path, text) for path, text in {**files, "src/late.py": LATE}.items()]
    scenario.work("1.1", brought, agent=WORKER)
    _bending(scenario)
    _of_others(scenario)
    _beside_tests(scenario)
    allowed = ["scripts/gate.sh", "tests/helpers.py", "tests/test_users.py", "tox.ini"]
    written = [create(path, "# anew\n") for path in allowed if not path.startswith("tests/")]
    written += [existing("tests/helpers.py", HELPERS)[0], existing("tests/test_users.py", USERS)[0]]
    scenario.work(
        "1.5", [*written, *module("five")], agent=SSE, deps=["1.2", "1.3", "1.4"], writes=allowed, paths=["src/"]
    )
    done = scenario.build("--slots", "4")
    assert done.code == 0, done.err
    scenario.tasks = [
        task if task["id"] != "1.1" else task | {"accept": ["it works better"]} for task in scenario.tasks
    ]
    again = [existing(path, text)[0] for path, text in {**files, "src/late.py": LATE}.items()]
    scenario.turns("1.1", "work", [again, [finish()]])
    scenario.write()
    done = scenario.mbo("execute", "--task-id", "1.1")
    assert done.code == 0, done.err
    return scenario


def _bending(scenario: Scenario) -> None:
    new = [".claude/agents/reviewer.md", ".circleci/config.yml", "Jenkinsfile", "a.pth", "tox.ini"]
    new += ["src/sitecustomize.py", "pytest.py"]
    script, restored = existing("scripts/gate.sh", "true\n")
    scenario.work("1.2", [*(create(path, SITE) for path in new), script, *module("two")], agent=OTHER, deps=["1.1"])
    scenario.turns("1.2", "work.gate", [[bash(f"rm -r {' '.join(new)}"), restored], [finish()]])


def _of_others(scenario: Scenario) -> None:
    changed, restored = existing("tests/test_same.py", TEST)
    late, early = existing("src/late.py", LATE)
    moved, back = bash("mv tests/test_later.py tests/test_moved.py"), bash("mv tests/test_moved.py tests/test_later.py")
    writes = ["tests/", "src/late.py"]
    scenario.work("1.3", [changed, late, moved, *module("three")], agent=SECURITY, deps=["1.1"], writes=writes)
    scenario.turns("1.3", "work.gate", [[restored, early, back], [finish()]])


def _beside_tests(scenario: Scenario) -> None:
    changed, restored = existing("tests/helpers.py", HELPERS)
    users, untouched = existing("tests/test_users.py", USERS)
    package = create("tests/helpers/__init__.py", HELPERS)
    scenario.work("1.4", [changed, users, package, *module("four")], agent=ERRORS, deps=["1.1"])
    scenario.turns("1.4", "work.gate", [[restored, untouched, bash("rm -r tests/helpers")], [finish()]])


@pytest.mark.parametrize(
    ("task", "listed"),
    [
        (
            "1.2",
            [
                ".circleci/config.yml (protected)",
                ".claude/agents/reviewer.md (protected)",
                "Jenkinsfile (protected)",
                "a.pth (protected)",
                "pytest.py (named by a gate)",
                "scripts/gate.sh (named by a gate)",
                "src/sitecustomize.py (protected)",
                "tox.ini (protected)",
            ],
        ),
        (
            "1.3",
            [
                "src/late.py (tests of 1.1)",
                "tests/test_later.py (tests of 1.1)",
                "tests/test_same.py (tests of 1.1)",
            ],
        ),
        (
            "1.4",
            [
                "tests/helpers.py (test support of 1.1)",
                "tests/helpers/__init__.py (test support of 1.1)",
                "tests/test_users.py (tests of the project)",
            ],
        ),
    ],
    ids=["what judges", "tests of another, whatever `writes` says", "what tests of others rest on"],
)
def test_what_may_not_be_changed_is_refused_with_the_whole_list(held: Scenario, task: str, listed: list[str]) -> None:
    """The answer is refused before anything of it runs, each path with its reason; the tidied one lands."""
    checks = [event["data"] for event in held.events("check", task)]

    assert (checks[0]["name"], checks[0]["problem"]) == ("rules", f"changes protected paths: {', '.join(listed)}")
    assert {check["problem"] for check in checks[1:]} == {None}
    assert held.outcome(task)[0] == "merged"
    assert f"check: rules is red: changes protected paths: {', '.join(listed[:3])}" in held.told("why", task)


def test_a_plan_makes_exceptions_for_what_is_not_another_tasks_tests(held: Scenario) -> None:
    """With `writes` the gate's script, what tests rest on and the user's tests may be changed, outside `paths` too."""
    checks = [event["data"] for event in held.events("check", "1.5")]

    assert {check["problem"] for check in checks} == {None}
    assert held.tree()["scripts/gate.sh"] == "# anew"
    assert held.tree()["tests/test_users.py"].endswith("# changed")


def test_a_task_goes_on_with_its_own_tests(held: Scenario) -> None:
    """Done anew, it changes what it brought: its tests, skipped ones too, and what others were allowed to change."""
    (first, second) = held.events("merged", "1.1")

    assert first["key"] != second["key"]
    assert {event["data"]["problem"] for event in held.events("check", "1.1")} == {None}
    assert held.tree()["tests/test_later.py"].endswith("# changed")
    assert held.tree()["src/late.py"].endswith("# changed")
