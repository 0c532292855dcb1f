"""Test reports in JUnit's form, read as what they are: files that untrusted code wrote."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
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
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    """How long each test took by its report, where it says so."""

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
    ended = frozenset(passed - failed - skipped), frozenset(failed), frozenset(skipped - failed)
    return TestRun(*ended, seconds=cases.seconds)


class _Cases:
    """Sort the test cases of a report as it streams by; no more than their ids and times is ever held."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()
        self.skipped: set[str] = set()
        self.seconds: dict[str, float] = {}
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
            self._time(_test_id(self._case), self._case.get("time", ""))

    def _time(self, test: str, told: str) -> None:
        with suppress(ValueError):
            seconds = float(told)
            if math.isfinite(seconds):
                self.seconds[test] = self.seconds.get(test, 0.0) + seconds

    def close(self) -> None:
        """Do nothing more: everything is sorted."""


def _test_id(case: dict[str, str]) -> str:
    name, classname, file = (case.get(field, "") for field in ("name", "classname", "file"))
    if not file:
        return f"{classname}::{name}"
    inner = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join(part for part in (file, inner, name) if part)
