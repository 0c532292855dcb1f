"""Promises about which files are tests, what tests rest on, and whose they are."""

import pytest

from orchestrator.protection.testfiles import Known, Tests, is_test, is_test_file, module, read_known, supports_tests


@pytest.mark.parametrize(
    ("path", "file", "test", "support"),
    [
        ("tests/test_a.py", True, True, True),
        ("src/parts/test_a.py", True, True, True),
        ("src/parts/a_test.py", True, True, True),
        ("test/a.py", False, True, True),
        ("tests/data/a.json", False, True, True),
        ("src/test_data.json", False, True, True),
        ("src/parts/conftest.py", False, False, True),
        ("src/parts/a.py", False, False, False),
        ("src/tests.py", False, False, False),
        ("tests", False, False, False),
        ("src/contest.py", False, False, False),
    ],
)
def test_names_and_folders_tell_what_belongs_to_tests(path: str, file: bool, test: bool, support: bool) -> None:
    """A file holds tests by its name, belongs to them by its folder as well, and supports them if pytest reads it."""
    assert (is_test_file(path), is_test(path), supports_tests(path)) == (file, test, support)


@pytest.mark.parametrize(
    ("test", "held"),
    [
        ("tests/checks.py::test_one", True),
        ("tests/other.py::test_one", False),
        ("tests.checks::test_one", True),
        ("tests.checks.TestClass::test_one", True),
        ("tests.checks_more::test_one", False),
    ],
    ids=["its file", "another file", "without a file", "without a file, in a class", "of a similar name"],
)
@pytest.mark.parametrize("ended", ["passed", "skipped"])
def test_a_report_tells_which_files_hold_tests(test: str, held: bool, ended: str) -> None:
    """Tests that ran or were skipped make a file one that holds tests, in whichever dialect the report names them."""
    known = Known(passed={test: "2.1"}) if ended == "passed" else Known(skipped=(test,))

    assert Tests({}, known).hold("tests/checks.py") is held


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tests/helpers.py", "tests/helpers"),
        ("Tests/Helpers.py", "tests/helpers"),
        ("tests/helpers/__init__.py", "tests/helpers"),
        ("tests/helpers.abi3.so", "tests/helpers"),
        ("tests/helpers.so", "tests/helpers"),
        ("tests/helpers/more.py", "tests/helpers/more"),
        ("tests/helpers.json", "tests/helpers.json"),
        ("tests/__init__", "tests/__init__"),
    ],
)
def test_files_that_python_imports_under_one_name_are_one(path: str, name: str) -> None:
    """A package or an extension would be imported instead of a module of its name."""
    assert module(path) == name


def test_what_an_older_home_kept_is_read() -> None:
    """A kept list of the tests that passed, alone, is as good as one with those that were skipped."""
    passed = '{"tests/test_a.py::test_one": "1.1"}'

    old, new = read_known(passed), read_known(f'{{"passed": {passed}, "skipped": ["a::b"]}}')

    assert old == Known(passed={"tests/test_a.py::test_one": "1.1"})
    assert new == old.model_copy(update={"skipped": ("a::b",)})
