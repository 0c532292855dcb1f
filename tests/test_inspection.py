"""Promises of the evidence for a component review: each kind says what is there, and nothing that is missing passes."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import gate, kept, sandbox
from orchestrator.home import Home
from orchestrator.inspection import kinds, tools, words
from orchestrator.inspection.place import Place
from orchestrator.models import GateCommand, Inspection, digest
from orchestrator.toolchain import Toolchain
from tests.workbench import SLOT, bench, own_sandbox, own_toolchain

RUN = ("{python}", "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "-q")
TESTS = GateCommand(name="tests", run=(*RUN, "--junitxml={report}", "tests"), tests=True, seconds=60)
SIGN = '''"""Signs."""

import sys


def sign(number: int) -> str:
    """Return the sign of a number."""
    if number < 0:
        return "-"
    return "+"


if __name__ == "__main__":
    print(sign(int(sys.argv[1])))
'''
CALLS_IT = """import subprocess
import sys


def test_sign():
    done = subprocess.run([sys.executable, "src/sign.py", "-7"], capture_output=True, text=True)
    assert done.stdout == "-\\n"
"""


@pytest.fixture(scope="module")
def own_tools() -> Toolchain:
    """The tools that evidence is taken with, as a review prepares them."""
    return asyncio.run(tools.prepare([].append))


@pytest.fixture
def place(home: Home, own_tools: Toolchain) -> Iterator[Place]:
    """An empty tree to inspect, in a real worktree and sandbox."""
    with bench(home) as here:
        examination = gate.Examination(
            home=home,
            task="component-1",
            tree="0" * 40,
            worktree=here.worktree,
            slot=SLOT,
            sandbox=own_sandbox(),
            toolchain=own_toolchain(),
            environment={"PYTHONPATH": "src"},
            gate=digest("inspection"),
            known={},
        )
        yield Place(examination, (), (TESTS,), own_tools)


def inspected(kind: str, place: Place, files: Mapping[str, str]) -> Inspection:
    """Return one kind of evidence about a component of these files."""
    for name, text in files.items():
        path = place.examination.worktree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return asyncio.run(kinds.inspect(kind, replace(place, files=tuple(files))))


def findings(found: Inspection) -> list[tuple[str | None, int | None, str]]:
    """Return where each finding is and what it says."""
    return [(finding.path, finding.line, finding.text) for finding in found.findings]


@pytest.mark.parametrize("isolated", [True, False], ids=["sandbox", "no sandbox"])
def test_coverage_counts_child_processes_and_what_is_never_imported(place: Place, isolated: bool) -> None:
    """What a test starts is measured like the test itself, and a file that nothing imports is wholly missing."""
    level = own_sandbox() if isolated else sandbox.without()
    here = replace(place, examination=replace(place.examination, sandbox=level))
    files = {"src/sign.py": SIGN, "tests/test_sign.py": CALLS_IT, "src/lost.py": "LOST = 1\n"}

    found = inspected("coverage", here, files)

    assert found.note == ""
    assert {name: found.values[name] for name in ("lines", "branches", "passed", "failed")} == {
        "lines": 75.0,
        "branches": 50.0,
        "passed": 1,
        "failed": 0,
    }
    assert findings(found) == [
        ("src/lost.py", 1, "0 of 1 lines run; not run: 1"),
        ("src/sign.py", 8, "6 of 7 lines run; not run: 10; branches not taken from lines 8, 13"),
    ]
    assert "test_sign" in kept.load(place.examination.home, found.outputs["tests-1"])


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"README.md": "Words.\n"}, "the component has no Python files but tests"),
        ({"src/a.py": "A = 1\n"}, "tests: no test ran"),
    ],
    ids=["no code", "no tests"],
)
def test_what_cannot_be_measured_is_not_available(place: Place, files: dict[str, str], note: str) -> None:
    """No number stands in for a measurement that there is not."""
    found = inspected("coverage", place, files)

    assert (found.status, found.values) == ("not available", {})
    assert found.note.startswith(note)


def test_security_findings_have_a_place_and_silence_is_counted(place: Place) -> None:
    """Bandit's findings come worst first; what a comment silences is counted, so that nobody hides behind it."""
    code = 'import os\n\n\ndef run(name):\n    os.system("ls " + name)\n    exec(name)  # nosec\n'

    found = inspected("security", place, {"src/runs.py": code, "bandit.py": "raise SystemExit\n"})

    assert found.values == {"high": 1, "medium": 0, "low": 0, "silenced": 1}
    assert [(finding.severity, finding.path, finding.line) for finding in found.findings] == [
        ("high", "src/runs.py", 5)
    ]


def test_secrets_are_found_in_any_file_and_never_repeated(place: Place) -> None:
    """A key in a file of any kind is found, and neither the finding nor the kept output holds it."""
    key = "AKIA" + "IOSFODNN7EXAMPLQ"

    found = inspected("secrets", place, {"docs/use.md": f"Set the key {key} first.\n", "src/a.py": "A = 1\n"})

    assert found.values == {"found": 1, "files": 2}
    assert findings(found) == [("docs/use.md", 1, "looks like a secret: AWS Access Key")]
    assert key not in kept.load(place.examination.home, found.outputs["report"])


def test_complexity_names_what_is_branched(place: Place) -> None:
    """A function of many paths is named with its figures; a plain one only counts."""
    branches = "".join(f"    if number == {n}:\n        return {n}\n" for n in range(11))
    code = f"def many(number):\n{branches}    return 0\n\n\ndef one():\n    return 1\n"

    found = inspected("complexity", place, {"src/many.py": code})

    assert found.values == {"functions": 2, "average": 6.5, "worst": 12, "longest": 24}
    assert findings(found) == [("src/many.py", 1, "many: complexity 12, 24 lines of code")]


@pytest.mark.parametrize(
    ("kind", "configuration", "status", "note"),
    [
        ("lint", {"ruff.toml": 'lint.select = ["F"]\n'}, "measured", "by ruff, as the project configures it"),
        ("types", {"pyproject.toml": "[tool.mypy]\n"}, "not available", "the project configures mypy, which its"),
        ("types", {"pyproject.toml": "[tool.other\n"}, "not configured", "the project configures none of mypy,"),
    ],
    ids=["configured", "without its tool", "not configured"],
)
def test_types_and_lint_are_the_projects_own(
    place: Place, kind: str, configuration: dict[str, str], status: str, note: str
) -> None:
    """What the project configures is run with its own toolchain; what it does not, is not made up for."""
    found = inspected(kind, place, {"src/a.py": "import os\n", **configuration})

    assert found.status == status
    assert found.note.startswith(note)
    if status == "measured":
        assert [(finding.path, finding.line) for finding in found.findings] == [("src/a.py", 1)]


def test_values_are_told_beside_what_they_were() -> None:
    """A value that changed since the last review says from what; one that did not stands alone."""
    found = Inspection(kind="security", values={"high": 1, "medium": 0, "low": 2, "silenced": 0})

    told = words.told(found, {"high": 0, "medium": 0, "low": 2, "silenced": 1}, 3)

    assert told == "high 1 (was 0 at review 3), medium 0, low 2, silenced by comments 0 (was 1 at review 3)"


@pytest.mark.parametrize("left", ["link", "pipe", "nothing"])
def test_a_tools_output_is_never_what_a_link_leads_to(tmp_path: Path, left: str) -> None:
    """What stands in the scratch folder may have been put there by the code that was inspected."""
    from orchestrator import leavings

    path = tmp_path / "output.json"
    if left == "link":
        path.symlink_to("/etc/hostname")
    elif left == "pipe":
        import os

        os.mkfifo(path)

    with pytest.raises(leavings.LeavingsError):
        leavings.read(path, "output")
