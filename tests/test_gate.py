"""Promises of the gate: only what ran in the sandbox and passed is green, whatever the judged code leaves behind."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator import kept
from orchestrator.gate import REPORT_LIMIT, Examination, examine, rules
from orchestrator.home import Home
from orchestrator.models import Check, GateCommand
from orchestrator.sandbox import Sandbox
from tests.workbench import own_sandbox, own_toolchain

TREE = "c" * 40
SLOT = 2
PYTEST = GateCommand(
    name="tests",
    run=(
        "{python}", "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "-q",
        "-o", "junit_family=xunit1", "--junitxml={report}", "tests",
    ),
    tests=True,
    seconds=60,
)  # fmt: skip
CASE = '<testcase file="tests/test_a.py" classname="tests.test_a" name="test_one"/>'
GREEN = f"<testsuite>{CASE}</testsuite>"


@pytest.fixture
def place() -> Sandbox:
    """Return this machine's sandbox."""
    return own_sandbox()


@pytest.fixture
def worktree(tmp_path: Path, home: Home) -> Iterator[Path]:
    """Return a checkout to examine."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)  # the sandbox's own user must come through
    folder = tmp_path / "worktree"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    assert not (home.root / "escaped").exists()


def put(worktree: Path, files: dict[str, str]) -> None:
    """Write files into the checkout."""
    for name, text in files.items():
        (worktree / name).parent.mkdir(parents=True, exist_ok=True)
        (worktree / name).write_text(text)


def judge(
    home: Home, place: Sandbox, worktree: Path, command: GateCommand, known: dict[str, str] | None = None
) -> Check:
    """Return the Check of one command for task 1.1."""
    examination = Examination(
        home=home,
        task="1.1",
        tree=TREE,
        worktree=worktree,
        slot=SLOT,
        sandbox=place,
        toolchain=own_toolchain(),
        environment={"PYTHONPATH": "src"},
        gate="d" * 64,
        known=known or {},
    )
    return asyncio.run(examine(command, examination))


def shell(script: str, **more: Any) -> GateCommand:
    """Return a gate command that is a shell script."""
    return GateCommand.model_validate({"name": "script", "run": ("bash", "-c", script), "seconds": 20} | more)


def reporting(script: str) -> GateCommand:
    """Return a gate command that runs a script as its tests."""
    return shell(script.replace("REPORT", "{report}"), tests=True)


def test_green_tests_make_a_green_check_with_all_that_was_measured(home: Home, place: Sandbox, worktree: Path) -> None:
    """The check holds command, tree, counts, and references to the output and the tests that passed or were skipped."""
    put(worktree, {
        "src/a.py": "def one(): return 1\n",
        "tests/test_a.py": "from a import one\ndef test_one(): assert one() == 1\ndef test_two(): assert True\n",
        "tests/test_b.py": "import pytest\n@pytest.mark.skip\ndef test_three(): pass\n",
    })  # fmt: skip

    check = judge(home, place, worktree, PYTEST, {"tests/test_a.py::test_one": "2.1"})

    assert (check.passed, check.problem, check.exit_code, check.tree, check.gate) == (True, None, 0, TREE, "d" * 64)
    assert (check.tests_expected, check.tests_ran, check.tests_passed) == (1, 2, 2)
    assert check.command.startswith("{python} -m pytest") and check.seconds > 0
    assert check.output and "2 passed" in kept.load(home, check.output)
    assert check.tests and check.skipped
    assert json.loads(kept.load(home, check.skipped)) == ["tests/test_b.py::test_three"]
    assert json.loads(kept.load(home, check.tests)) == ["tests/test_a.py::test_one", "tests/test_a.py::test_two"]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"tests/test_a.py": "def test_one(): assert 0\n"}, "1 of 1 tests failed: tests/test_a.py::test_one"),
        ({"tests/test_a.py": "import nothing\n"}, "1 of 1 tests failed: tests/test_a.py::tests.test_a"),
        ({"tests/a.py": ""}, "no test ran (exit code 5)"),
        ({"src/a.py": ""}, "no test ran (exit code 4)"),
        ({"tests/test_a.py": "import os\ndef test_one(): os._exit(0)\n"}, "no test report was written (exit code 0)"),
    ],
    ids=["a failure", "a broken module", "no test", "no folder", "a test that ends everything"],
)
def test_red_tests_say_why(home: Home, place: Sandbox, worktree: Path, files: dict[str, str], problem: str) -> None:
    """Each way to be red has its words; an exit code of 0 alone proves nothing."""
    put(worktree, files)

    assert judge(home, place, worktree, PYTEST).problem == problem


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("true", None),
        ("exit 3", "ended with exit code 3"),
        ("kill -9 $$", "ended with exit code 137"),
        ("no-such-program", "ended with exit code 127"),
    ],
    ids=["zero", "three", "killed", "not found"],
)
def test_a_command_without_tests_is_judged_by_its_exit_code(
    home: Home, place: Sandbox, worktree: Path, script: str, problem: str | None
) -> None:
    """A compiler or a linter says all it has to say by its end."""
    check = judge(home, place, worktree, shell(script))

    assert (check.problem, check.tests, check.tests_ran, check.tests_expected) == (problem, None, 0, 0)


def test_a_command_that_does_not_end_is_red(home: Home, place: Sandbox, worktree: Path) -> None:
    """No answer in time is no evidence, even with a green report; what was printed is kept."""
    command = reporting(f"echo '{GREEN}' > REPORT; echo begun; sleep 300").model_copy(update={"seconds": 1})

    check = judge(home, place, worktree, command)

    assert check.problem == "ended after 1 s without an answer"
    assert check.output and kept.load(home, check.output) == "begun\n"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (f"echo '{GREEN}' > REPORT", None),
        ("true", "no test report was written (exit code 0)"),
        ("ln -s OTHER REPORT", "no test report was written (exit code 0)"),
        ("mkfifo REPORT", "the test report is no plain file of at most 64 MiB (exit code 0)"),
        ("mkdir REPORT", "the test report is no plain file of at most 64 MiB (exit code 0)"),
        (
            f"truncate -s {REPORT_LIMIT + 1} REPORT",
            "the test report is no plain file of at most 64 MiB (exit code 0)",
        ),
        (f"echo '{GREEN}' > REPORT; chmod 0 REPORT; chmod 0 /scratch", None),
        (f"echo '{GREEN}' > REPORT; exit 1", "the tests passed but the command ended with exit code 1"),
    ],
    ids=["a report", "none", "a link", "a pipe", "a folder", "a huge file", "closed", "exit code 1"],
)
def test_a_report_is_a_plain_file_and_nothing_else(
    home: Home, place: Sandbox, worktree: Path, script: str, problem: str | None
) -> None:
    """A link to another's green report, a pipe that nobody writes to, or a file without end is no report."""
    other = worktree.parent / "other.xml"
    other.write_text(GREEN)
    other.chmod(0o644)

    check = judge(home, place, worktree, reporting(script.replace("OTHER", str(other))))

    if "chmod 0" in script and place.owner(SLOT) is None:
        problem = "no test report was written (exit code 0)"  # only root reads what its owner closed
    assert check.problem == problem


def test_an_earlier_commands_report_does_not_count_again(home: Home, place: Sandbox, worktree: Path) -> None:
    """Every command begins with an empty scratch folder, whatever the one before left in it."""
    leave = "mkdir -p /scratch/a/b && touch /scratch/a/b/c && chmod 0 /scratch/a/b /scratch/a"

    first = judge(home, place, worktree, reporting(f"echo '{GREEN}' > REPORT; {leave}"))
    second = judge(home, place, worktree, reporting("ls -A /scratch"))

    assert (first.problem, second.problem) == (None, "no test report was written (exit code 0)")
    assert second.output and kept.load(home, second.output) == ""


def test_a_gate_runs_confined(home: Home, place: Sandbox, worktree: Path) -> None:
    """Judged code sees no home, no network and no secret, and may write its checkout alone."""
    home.root.mkdir()
    script = (
        f"touch {home.root}/escaped; ls {home.root}; cat /etc/shadow; "
        "(echo > /dev/tcp/1.1.1.1/53) 2>/dev/null && echo online; touch made; env | grep -i key; echo $PYTHONPATH"
    )

    check = judge(home, place, worktree, shell(script))

    assert check.output
    said = kept.load(home, check.output)
    assert "online" not in said and "root:" not in said and said.endswith("src\n")
    assert (worktree / "made").exists()


def test_a_long_output_is_kept_by_its_ends(home: Home, place: Sandbox, worktree: Path) -> None:
    """A gate that floods its output fills neither memory nor disk."""
    check = judge(home, place, worktree, shell("echo first; yes | head -c 5000000; echo last"))

    assert check.output
    said = kept.load(home, check.output)
    assert said.startswith("first") and said.endswith("last\n") and len(said) < 250_000


def test_rules_are_a_check_like_any_other() -> None:
    """The rules for every change are green without a problem and red with one."""
    green, red = rules(TREE, None), rules(TREE, "the change is empty")

    assert (green.passed, green.exit_code, green.tree) == (True, 0, TREE)
    assert (red.passed, red.exit_code, red.problem) == (False, 1, "the change is empty")
    assert green.gate == red.gate and green.name == "rules"
