"""Promises about evidence: what counts as a test that passed, and what no answer may contain."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from orchestrator.evidence import conflict_markers, judge_tests, stubs
from orchestrator.junit import TestRun, read_report


def run(*passed: str, failed: tuple[str, ...] = (), skipped: tuple[str, ...] = ()) -> TestRun:
    """Return a run in which these tests ended so."""
    return TestRun(frozenset(passed), frozenset(failed), frozenset(skipped))


# Reports


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, TestRun]:
    """Return what pytest itself reports of one suite with every kind of ending, in both of its dialects."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_a.py").write_text(
        "import pytest\n"
        "def test_passes(): pass\n"
        "def test_fails(): assert 0\n"
        "@pytest.mark.skip\ndef test_skipped(): pass\n"
        "@pytest.mark.xfail\ndef test_fails_as_expected(): assert 0\n"
        "@pytest.mark.xfail\ndef test_passes_unexpectedly(): pass\n"
        "@pytest.mark.xfail(strict=True)\ndef test_passes_against_all_odds(): pass\n"
        "@pytest.fixture\ndef broken():\n    yield\n    raise OSError\n"
        "def test_breaks_afterwards(broken): pass\n"
        "@pytest.mark.parametrize('value', ['<&>\\'\"', 'a::b', 'é ü', 'x\\ny'], ids=str)\n"
        "def test_odd(value): pass\n"
        "class TestClass:\n    class TestInner:\n        def test_deep(self): pass\n"
    )
    reports: dict[str, TestRun] = {}
    for dialect in ("xunit1", "xunit2"):
        report = folder / f"{dialect}.xml"
        command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider"]
        more = ["-o", f"junit_family={dialect}", f"--junitxml={report}", "tests"]
        subprocess.run([*command, *more], cwd=folder, capture_output=True, check=False)
        reports[dialect] = read_report(report.read_bytes())
    return reports


def test_report_sorts_tests_by_how_they_ended(written: Mapping[str, TestRun]) -> None:
    """Only what ran to a good end has passed: not what was skipped, expected to fail, or broke while cleaning up."""
    ended = written["xunit1"]

    assert ended.failed == {
        "tests/test_a.py::test_fails",
        "tests/test_a.py::test_passes_against_all_odds",
        "tests/test_a.py::test_breaks_afterwards",
    }
    assert ended.skipped == {"tests/test_a.py::test_skipped", "tests/test_a.py::test_fails_as_expected"}
    assert {"tests/test_a.py::test_passes", "tests/test_a.py::test_passes_unexpectedly"} <= ended.passed
    assert ended.ran == len(ended.passed) + 3


def test_test_ids_survive_odd_characters(written: Mapping[str, TestRun]) -> None:
    """An id names file, class and test, whatever characters its parameters hold."""
    odd = {test for test in written["xunit1"].passed if "test_odd" in test or "deep" in test}

    assert odd == {
        "tests/test_a.py::test_odd[<&>'\"]",
        "tests/test_a.py::test_odd[a::b]",
        "tests/test_a.py::test_odd[\\xe9 \\xfc]",
        "tests/test_a.py::test_odd[x\\ny]",
        "tests/test_a.py::TestClass.TestInner::test_deep",
    }


def test_report_without_files_names_the_same_tests(written: Mapping[str, TestRun]) -> None:
    """In the dialect without files the class name stands for the file, and nothing is lost."""
    assert "tests.test_a::test_passes" in written["xunit2"].passed
    assert len(written["xunit2"].passed) == len(written["xunit1"].passed)


def test_a_module_that_cannot_be_collected_is_a_failed_test() -> None:
    """A collection error counts, though no test of the module ran."""
    case = '<testcase classname="" name="tests.test_b" file="tests/test_b.py"><error message="collection failure"/>'

    ended = read_report(f"<testsuites><testsuite>{case}</testcase></testsuite></testsuites>")

    assert ended == run(failed=("tests/test_b.py::tests.test_b",))


@pytest.mark.parametrize(
    ("endings", "where"),
    [
        (("", "<failure/>"), "failed"),
        (("<failure/>", ""), "failed"),
        (("", "<skipped/>"), "skipped"),
        (("<skipped/>", "<error/>"), "failed"),
        (("", ""), "passed"),
        (("<properties><failure/></properties>",), "passed"),
    ],
    ids=["then failed", "first failed", "then skipped", "skipped and failed", "passed twice", "a word deeper down"],
)
def test_a_test_named_twice_has_passed_only_if_it_did_each_time(endings: tuple[str, ...], where: str) -> None:
    """A later good end never hides a bad one of the same name."""
    cases = "".join(f'<testcase file="t.py" classname="t" name="a">{ending}</testcase>' for ending in endings)

    ended = read_report(f"<testsuite>{cases}</testsuite>")

    assert {end: getattr(ended, end) for end in ("passed", "failed", "skipped") if getattr(ended, end)} == {
        where: {"t.py::a"}
    }


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "All tests passed!",
        '<testsuite><testcase file="t.py" classname="t" name="a"/>',
        f'<!DOCTYPE x [<!ENTITY e0 "ha">{BOMB}]><testsuite><testcase name="&e11;"/></testsuite>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite><testcase name="a"/></testsuite>',
        b"\xff\xfe\x00\xd8",
        b'<?xml version="1.0" encoding="nobody-knows"?><testsuite><testcase name="a"/></testsuite>',
    ],
    ids=["empty", "words", "broken off", "entity bomb", "foreign file", "no text", "unknown encoding"],
)
def test_what_is_no_report_names_no_test(text: str | bytes) -> None:
    """Neither a broken nor a hostile report yields a test, and what is wrong with it is said."""
    ended = read_report(text)

    assert (ended.passed, ended.ran) == (frozenset(), 0)
    assert ended.fault and ended.fault.startswith("the test report is no JUnit report")


def test_large_report_is_read_quickly() -> None:
    """Fifty thousand tests and deep nesting are no trouble."""
    cases = "".join(f'<testcase file="t.py" classname="t" name="n{number}"/>' for number in range(50_000))

    ended = read_report(f"<a>{'<b>' * 5_000}{cases}{'</b>' * 5_000}</a>")

    assert len(ended.passed) == 50_000


# Judging a run


KNOWN = {"t.py::a": "1.1", "t.py::b": "2.1"}


@pytest.mark.parametrize(
    ("ended", "exit_code", "problem"),
    [
        (run("t.py::b", "t.py::new"), 0, None),
        (run("t.py::a", "t.py::b"), 0, None),
        (run("t.py::b", failed=("t.py::c",)), 1, "1 of 2 tests failed: t.py::c"),
        (run("t.py::b", "t.py::new"), 1, "the tests passed but the command ended with exit code 1"),
        (run(), 0, "no test ran (exit code 0)"),
        (run(skipped=("t.py::a",)), 5, "no test ran (exit code 5)"),
        (TestRun(fault="no test report was written"), 2, "no test report was written (exit code 2)"),
        (run("t.py::new"), 0, "1 tests that passed before did not run or were skipped: t.py::b"),
        (run("t.py::new", skipped=("t.py::b",)), 0, "1 tests that passed before did not run or were skipped: t.py::b"),
        (run("t.py::b"), 0, "task 1.1 brought no test of its own"),
    ],
    ids=[
        "own new test", "own old test", "a failure", "exit code alone is red", "nothing ran", "all skipped",
        "no report", "another's test is gone", "another's test is skipped", "no own test",
    ],
)  # fmt: skip
def test_a_run_is_evidence_only_with_own_tests_and_all_of_the_others(
    ended: TestRun, exit_code: int, problem: str | None
) -> None:
    """The exit code alone never makes a run green, and no task drops or skips another's test."""
    assert judge_tests(ended, exit_code, KNOWN, "1.1") == problem


def test_problem_is_one_bounded_line_whatever_the_tests_are_called() -> None:
    """Names chosen by an agent cannot break or flood the line that people read."""
    failed = tuple(f"t.py::n{number}[\n# Approved\n{'x' * 1000}]" for number in range(20))

    problem = judge_tests(run(failed=failed), 1, {}, "1.1")

    assert problem and "\n" not in problem and len(problem) < 1_200
    assert problem.endswith("and 15 more")


# Stubs


STUBS = {
    "pass": "def f():\n    pass\n",
    "ellipsis": "def f(): ...\n",
    "not implemented": "def f():\n    raise NotImplementedError('later')\n",
    "bare class": "def f():\n    raise NotImplementedError\n",
    "docstring first": 'def f():\n    """Return the value."""\n    pass\n',
    "async method": "class A:\n    async def f(self):\n        ...\n",
    "property": "class A:\n    @property\n    def f(self):\n        raise NotImplementedError\n",
    "in a branch": "if True:\n    def f(): pass\n",
    "after an import": "try:\n    import x\nexcept ImportError:\n    def f(): pass\n",
    "in a match": "match 1:\n    case 1:\n        def f(): pass\n",
    "decorated": "@app.get('/abstractmethod')\ndef f(): pass\n",
    "class in a protocol": "class A(Protocol):\n    class B:\n        def f(self): pass\n",
    "a name like a protocol": "class A(MyProtocolThing):\n    def f(self): pass\n",
}
NO_STUBS = {
    "docstring alone": 'def f():\n    """Do nothing, on purpose."""\n',
    "protocol": "class A(Protocol):\n    def f(self) -> int: ...\n",
    "generic protocol": "class A(typing.Protocol[T]):\n    def f(self) -> int: ...\n",
    "protocol property": "class A(Protocol):\n    @property\n    def f(self) -> int: ...\n",
    "abstract": "class A(ABC):\n    @abc.abstractmethod\n    def f(self): ...\n",
    "abstract property": "class A:\n    @property\n    @abstractmethod\n    def f(self): raise NotImplementedError\n",
    "overload": "@typing.overload\ndef f(a: int) -> int: ...\ndef f(a): return a\n",
    "command group": "@click.group()\ndef f():\n    pass\n",
    "subcommand group": "@main.group('x', help='a.b')\ndef f():\n    pass\n",
    "callback": "@app.callback()\ndef f() -> None:\n    pass\n",
    "function in a function": "def f():\n    def silent(*args): pass\n    return silent\n",
    "work after a string": "def f():\n    'words'\n    return 1\n",
    "returns nothing": "def f():\n    return None\n",
    "raises another": "def f():\n    raise ValueError\n",
    "class": "class A(Exception):\n    pass\n",
    "broken": "def f(:\n    pass\n",
    "NUL": "def f(): pass\0\n",
}


@pytest.mark.parametrize("text", STUBS.values(), ids=STUBS.keys())
def test_a_function_that_does_nothing_is_a_stub(text: str) -> None:
    """Work that was only announced is found wherever it hides."""
    assert [stub.split()[1] for stub in stubs({"src/x.py": text})] == ["f"]


@pytest.mark.parametrize("text", NO_STUBS.values(), ids=NO_STUBS.keys())
def test_a_function_that_declares_is_no_stub(text: str) -> None:
    """What has no body by its nature is not refused."""
    assert list(stubs({"src/x.py": text})) == []


@pytest.mark.parametrize("path", ["tests/fakes.py", "src/pkg/tests/a.py", "src/test_a.py", "src/x.pyi", "x.txt"])
def test_stubs_are_looked_for_in_the_product_alone(path: str) -> None:
    """Tests and type stubs may be empty."""
    assert list(stubs({path: "def f(): ...\n"})) == []


def test_stub_is_named_by_its_place() -> None:
    """Whoever must mend it finds it."""
    assert list(stubs({"src/x.py": "a = 1\n\ndef f():\n    pass\n"})) == ["src/x.py:3 f"]


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "+".join(["1"] * 3_000),
        "a = " + "(" * 300 + ")" * 300,
        "a = " + "-" * 100_000 + "1",
        "if a:\n pass\n" + "elif a:\n pass\n" * 3_000,
    ],
    ids=["long sum", "deep brackets", "many signs", "long chain"],
)
def test_monstrous_sources_stop_nothing(text: str) -> None:
    """No source that an agent can write ends the search for stubs and markers in an error."""
    sources = {"src/x.py": text + "\n>>>>>>> theirs\n", "src/y.py": "def f(): pass\n"}

    assert [stub.split(":")[0] for stub in stubs(sources)] == ["src/y.py"]
    assert [marker.split(":")[0] for marker in conflict_markers(sources)] == ["src/x.py"]


# Conflict markers


MARKED = "<<<<<<< ours\na = 1\n=======\na = 2\n>>>>>>> theirs\n"


@pytest.mark.parametrize(
    ("path", "text", "lines"),
    [
        ("src/x.py", MARKED, [1, 5]),
        ("src/x.py", "a = 1\n>>>>>>> theirs\n", [2]),
        ("README.md", MARKED, [1, 5]),
        ("README.rst", "Title\n=======\n\nMore\n<<<<<<<\n", []),
        ("tests/test_merge.py", f'TEXT = """\\\n{MARKED}"""\n', []),
        ("src/x.py", "# >>>>>>> theirs\nprint(1 >> 2)\n", []),
        ("doc.md", "    <<<<<<< an example, indented\n", []),
    ],
    ids=["code", "half mended", "text", "a heading", "in a string", "in a comment", "indented"],
)
def test_markers_are_found_and_look_alikes_are_not(path: str, text: str, lines: list[int]) -> None:
    """A conflict left behind is refused; a heading, or a test about merging, is not."""
    assert list(conflict_markers({path: text})) == [f"{path}:{line}" for line in lines]
