"""A `tasks.md` of Spec Kit as it stands: its title, its phases and their tasks, and what in it is no task."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from orchestrator.foreign import one_line
from orchestrator.models import Kind

_PHASE = re.compile(r"##\s+Phase\s+[\w.]+\s*[:.\u2013\u2014-]\s*(?P<name>.+)", re.IGNORECASE)
_BOX = re.compile(r"(?P<indent>\s*)[-*]\s+\[(?P<mark>.)\]\s*(?P<rest>.*)")
_TASK = re.compile(r"\**(?P<id>T\d+[a-z]?)\**:?\s*(?P<labels>(?:\[[^\]]*\]\s*)*)(?P<text>.*)")
_LABEL = re.compile(r"\[([^\]]*)\]")
_PATH = re.compile(
    r"`([^`\s]+)`|(?<![\w`/.])((?:[\w.-]+/)+[\w.-]*[\w/]|[\w-]+\.(?:py|md|toml|ya?ml|json|cfg|ini|txt|sh))"
)
_TEST = re.compile(r"\*\*Independent Test\*\*:?\s*(?P<text>.+)")


class Line(NamedTuple):
    """One task as the file has it."""

    id: str
    number: int
    """Of its line."""
    done: bool
    labels: tuple[str, ...]
    text: str
    more: tuple[str, ...]
    """What stands below it, a line each."""

    @property
    def alone(self) -> bool:
        """Tell whether it waits for what stands before it in its phase."""
        return "P" not in self.labels

    @property
    def paths(self) -> tuple[str, ...]:
        """Return what looks like a file in it."""
        return tuple(dict.fromkeys(first or second for first, second in _PATH.findall(self.text)))

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
    def tests_first(self) -> list[Line]:
        """Return its tasks that write tests before the code that they test."""
        code = [place for place, line in enumerate(self.lines) if line.kind == "code"]
        return [line for line in self.lines[: code[-1] if code else 0] if line.kind == "test"]


def sections(lines: Sequence[str], path: Path, faults: list[str]) -> tuple[str, list[Section]]:
    """Return the title and the phases; a box that is no task is a fault."""
    title, found, seen = "", [Section("Tasks", [], [])], dict[str, int]()
    inside, fenced = True, False
    for number, line in enumerate(lines, start=1):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        if fenced:
            continue
        if line.startswith("# "):
            title = title or line[2:].strip().removeprefix("Tasks:").strip()
        elif line.startswith("## "):
            phase = _PHASE.match(line)
            inside = phase is not None
            if phase:
                found.append(Section(_plain(phase["name"]), [], []))
        elif box := _BOX.match(line):
            _add(found[-1], box, number, inside, seen, path, faults)
        elif inside and (test := _TEST.match(line)):
            found[-1].test.append(one_line(test["text"]))
        elif inside and found[-1].lines and line.startswith((" ", "\t")) and line.strip():
            _continue(found[-1].lines, line)
        elif not line.strip():
            continue
    return title, found


def _add(
    section: Section, box: re.Match[str], number: int, inside: bool, seen: dict[str, int], path: Path, faults: list[str]
) -> None:
    """Add the task of a line with a box to its phase, or say what is wrong with it."""
    if box["indent"] and section.lines and inside and not _TASK.match(box["rest"]):
        _continue(section.lines, f"  - {box['rest']}")
        return
    task = _TASK.match(box["rest"])
    if task is None or not task["text"].strip():
        what = f"{task['id']} says nothing" if task else "a task without an id such as T001"
        faults.append(f"{path}:{number}: {what}; left out")
    elif not inside:
        faults.append(f"{path}:{number}: {task['id']} stands under no heading such as `## Phase 1: Setup`; left out")
    elif task["id"] in seen:
        faults.append(f"{path}:{number}: {task['id']} is in line {seen[task['id']]} already; the first one counts")
    else:
        seen[task["id"]] = number
        labels = tuple(label.strip() for label in _LABEL.findall(task["labels"]))
        done = box["mark"] in "xX"
        section.lines.append(Line(task["id"], number, done, labels, one_line(task["text"]), ()))


def _continue(lines: list[Line], text: str) -> None:
    """Add what stands indented under a task to it: a point of its own, or the rest of its sentence."""
    last, told_ = lines[-1], one_line(text)
    if point := re.match(r"[-*+]\s+(.+)", told_):
        lines[-1] = last._replace(more=(*last.more, point[1]))
    elif last.more:
        lines[-1] = last._replace(more=(*last.more[:-1], f"{last.more[-1]} {told_}"))
    else:
        lines[-1] = last._replace(text=f"{last.text} {told_}")


def _plain(name: str) -> str:
    """Return the name of a phase without its priority and signs, which a plan has no place for."""
    words = re.sub(r"\((?:Priority[^)]*|P\d)\).*", "", name)
    return one_line(re.sub(r"[^\w\s&/,.()'+:\u2013\u2014-]", "", words)).strip(" -\u2013\u2014") or one_line(name)
