"""A `tasks.md` of Spec Kit as it stands: its title, its phases and their tasks."""

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from orchestrator.models import Kind

ID = r"T[0-9]{1,9}[a-z]?"
_PATH = re.compile(
    r"`([^`\s]+)`|(?<![\w`/.])((?:[\w.-]+/)+[\w.-]*[\w/]|[\w-]+\.(?:py|md|toml|ya?ml|json|cfg|ini|txt|sh))"
)


class Line(NamedTuple):
    """One task as the file has it."""

    id: str
    number: int
    """Of its line."""
    mark: str
    """What stands in its box."""
    labels: tuple[str, ...]
    text: str
    more: tuple[str, ...]
    """What stands below it, a line each."""

    @property
    def done(self) -> bool:
        """Tell whether it is checked off."""
        return self.mark in "xX"

    @property
    def alone(self) -> bool:
        """Tell whether it waits for what stands before it in its phase."""
        return "P" not in self.labels

    @property
    def paths(self) -> tuple[str, ...]:
        """Return what looks like a file in it."""
        found = dict.fromkeys(first or second for first, second in _PATH.findall(self.text))
        return tuple(path for path in found if PurePosixPath(path).parts)

    @property
    def kind(self) -> Kind:
        """Return what kind of work it is by the files that it names."""
        places = [PurePosixPath(path) for path in self.paths]
        if places and all("test" in place.parts[0].lower() or place.name.startswith("test_") for place in places):
            return "test"
        return (
            "doc" if places and all(place.suffix == ".md" or place.parts[0] == "docs" for place in places) else "code"
        )


class Section(NamedTuple):
    """One phase as the file has it."""

    name: str
    lines: list[Line]
    test: list[str]
    """How it is to be tested on its own."""

    @property
    def is_story(self) -> bool:
        """Tell whether its tasks belong to a user story."""
        return any(label.startswith("US") for line in self.lines for label in line.labels)

    @property
    def has_code(self) -> bool:
        """Tell whether any of its tasks writes what tests can test."""
        return any(line.kind == "code" for line in self.lines)

    @property
    def has_source(self) -> bool:
        """Tell whether any of its tasks names a file of code in a folder, which setting up a project seldom does."""
        paths = (PurePosixPath(path) for line in self.lines if line.kind == "code" for path in line.paths)
        return any(path.suffix and len(path.parts) > 1 and not path.parts[0].startswith(".") for path in paths)

    @property
    def tests_first(self) -> list[Line]:
        """Return its tasks that write tests before the code that they test."""
        code = [place for place, line in enumerate(self.lines) if line.kind == "code"]
        return [line for line in self.lines[: code[-1] if code else 0] if line.kind == "test"]
