"""Test reports in JUnit's form, read as what they are: files that untrusted code wrote."""

from dataclasses import dataclass
from xml.etree import ElementTree


@dataclass(frozen=True)
class TestRun:
    """The ids of the tests that a report names, by how they ended."""

    __test__ = False

    passed: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    fault: str | None = None
    """Why the report cannot be read, where it cannot."""

    @property
    def ran(self) -> int:
        """Return how many tests ran: passed or failed, not skipped."""
        return len(self.passed) + len(self.failed)


def read_report(xml: str | bytes) -> TestRun:
    """Return the tests of a JUnit report; an id is `file::class::name`, as the report has them.

    A test that is named twice has passed only if it passed each time; an expected failure counts as skipped. A report
    that is broken off or declares entities names no test.
    """
    cases = _Cases()
    parser = ElementTree.XMLParser(target=cases)  # noqa: S314 - a document type, which alone declares entities, is refused
    try:
        parser.feed(xml)
        parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the last for an encoding that nobody knows
        return TestRun(fault=f"the test report is no JUnit report ({error})")
    passed, failed, skipped = cases.passed, cases.failed, cases.skipped
    return TestRun(frozenset(passed - failed - skipped), frozenset(failed), frozenset(skipped - failed))


class _Cases:
    """Sort the test cases of a report as it streams by; no more than their ids is ever held."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()
        self.skipped: set[str] = set()
        self._path: list[str] = []
        self._case: dict[str, str] = {}
        self._ended: set[str] = set()

    def doctype(self, *_: object) -> None:
        raise ValueError("it declares a document type")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "testcase":
            self._case, self._ended = attributes, set()
        elif self._path[-1:] == ["testcase"]:
            self._ended.add(tag)
        self._path.append(tag)

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag == "testcase":
            failed, skipped = self._ended & {"failure", "error"}, "skipped" in self._ended
            (self.failed if failed else self.skipped if skipped else self.passed).add(_test_id(self._case))

    def close(self) -> None:
        """Do nothing more: everything is sorted."""


def _test_id(case: dict[str, str]) -> str:
    name, classname, file = (case.get(field, "") for field in ("name", "classname", "file"))
    if not file:
        return f"{classname}::{name}"
    inner = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join(part for part in (file, inner, name) if part)
