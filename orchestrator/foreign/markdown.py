"""The lines of a `tasks.md`, read one by one: each is part of a task, or it is told that it is none.

A box behind a number or a `+` is one as well. A heading of a phase's rank that names no phase begins a section that
holds no tasks, such as one of notes or examples.
"""

import re
from collections.abc import Sequence

from orchestrator.foreign import is_text, one_line
from orchestrator.foreign.notes import Notes, listed
from orchestrator.foreign.tasks_md import ID, Line, Section

_HEADING = re.compile(r"(?P<rank>#{1,6})\s+(?P<text>.*)")
_PHASE = re.compile(
    r"Phase\s+(?:(?P<label>[\w.]+)\s*(?:[:\u2013\u2014-]|\.(?!\w))\s*(?P<name>.*)|(?P<number>\d[\w.]*|N)\s*(?P<rest>.*))",
    re.IGNORECASE,
)
_BOX = re.compile(r"(?P<indent>\s*)(?:[-*+]|\d{1,9}[.)])\s+\[(?P<mark>.)\]\s*(?P<rest>.*)")
_TASK = re.compile(rf"\**(?P<id>{ID})(?!\w)\**:?\s*(?P<labels>(?:\[[^\]]*\](?!\()\s*)*)(?P<text>.*)")
_NEARLY = re.compile(rf"\s*(?P<bullet>[-*+](?=[\s\[])|\d{{1,9}}[.)])?\s*(?P<box>\[[^\]]*\])?\s*\**(?P<id>{ID})(?!\w)")
_ID = re.compile(rf"(?<!\w){ID}(?!\w)")
_LABEL = re.compile(r"\[([^\]]*)\]")
_TEST = re.compile(r"\*\*Independent Test\*\*:?\s*(?P<text>.+)", re.IGNORECASE)
_BOLD = re.compile(r"[>\s]*(?:[-*+]\s+)?\*\*[^\w*]*(?P<label>[^*:]*\w)[^*]*\*\*")
_FENCE = re.compile(r"\s*(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_COMMENT_END = "-->"
_RULE = re.compile(r"\s*([-*_])(?:\s*\1){2,}\s*$")


def sections(lines: Sequence[str], notes: Notes) -> tuple[str, list[Section], tuple[str, ...]]:
    """Return the title, the phases, and what else there is, by its kind with its lines; no task in a box is a fault."""
    reader = _Reader(lines, notes)
    for number, line in enumerate(lines, start=1):
        reader.read(number, line)
    if reader.fence:
        notes.fault(f":{reader.opened}", f"a block that no {reader.fence} ends; what is below is left out")
    rest = tuple(f"{what} ({_numbered(numbers)})" for what, numbers in reader.rest.items())
    return reader.title, reader.found, rest


class _Reader:
    """Stand at one line of the file and know what those before it began."""

    def __init__(self, lines: Sequence[str], notes: Notes) -> None:
        self.notes = notes
        self.title = ""
        self.found = [Section("Tasks", [], [])]
        self.rest: dict[str, list[int]] = {}
        self.fence = ""
        """What ends the block of code or the comment that this line is in; nothing outside of one."""
        self.opened = 0
        self._seen: dict[str, int] = {}
        self._inside = True
        self._rank = next((len(h["rank"]) for h in map(_HEADING.match, lines) if h and _PHASE.match(h["text"])), 2)

    def read(self, number: int, line: str) -> None:
        """Take in one line."""
        if not is_text(line):
            self.note("control characters", number)
        if self._passes(number, line):
            return
        if heading := _HEADING.match(line):
            self._head(number, len(heading["rank"]), one_line(heading["text"]))
        elif box := _BOX.match(line):
            self._box(number, box)
        elif self._inside and not _RULE.match(line):
            self._words(number, line)

    def note(self, what: str, number: int) -> None:
        """Note that a line is not carried over."""
        self.rest.setdefault(what, []).append(number)

    def _passes(self, number: int, line: str) -> bool:
        """Tell whether a line is blank or in a block that holds no tasks: of code, or a comment."""
        fence = _FENCE.match(line)
        if self.fence:
            if self.fence == _COMMENT_END:
                is_end = _COMMENT_END in line
            else:
                is_end = fence is not None and fence["fence"].startswith(self.fence) and not fence["info"].strip()
            self.fence = "" if is_end else self.fence
            return True
        is_comment = line.lstrip().startswith("<!--")
        if fence:
            self.fence, self.opened = fence["fence"], number
        elif is_comment and _COMMENT_END not in line:
            self.fence, self.opened = _COMMENT_END, number
        if self._inside and (fence or is_comment):
            self.note("comment" if is_comment else "code block", number)
        return bool(fence or is_comment or not line.strip())

    def _head(self, number: int, rank: int, text: str) -> None:
        phase = _PHASE.match(text) if rank == self._rank else None
        if phase:
            self._inside = True
            told = one_line(phase["name"] or phase["rest"] or "")
            name = _plain(told)
            self.found.append(Section(name or f"Phase {phase['label'] or phase['number']}", [], []))
            if name != told:
                self.note("priority or signs in a heading", number)
        elif rank == 1 and not self.title:
            self.title = text.removeprefix("Tasks:").strip()
        elif rank <= self._rank:
            self._inside = False
            self.note(f'section "{text}"', number)
        elif self._inside:
            self.note("heading", number)

    def _box(self, number: int, box: re.Match[str]) -> None:
        """Add the task of a line with a box to its phase, or say what is wrong with it."""
        section = self.found[-1]
        task = _TASK.match(box["rest"])
        if task is None and not self._inside:
            return  # what its section says
        if task is None and box["indent"] and section.lines and (told := one_line(box["rest"])):
            self._continue(f"- {told}")
        elif task is None or not one_line(task["text"]):
            what = f"{task['id']} says nothing" if task else "a task without an id such as T001"
            self.notes.fault(f":{number}", f"{what}; left out")
        elif not self._inside:
            self.notes.fault(
                f":{number}", f"{task['id']} stands under no heading such as `## Phase 1: Setup`; left out"
            )
        elif task["id"] in self._seen:
            before = self._seen[task["id"]]
            self.notes.fault(f":{number}", f"{task['id']} is in line {before} already; the first one counts")
        else:
            self._seen[task["id"]] = number
            labels = tuple(label for text in _LABEL.findall(task["labels"]) if (label := one_line(text)))
            section.lines.append(Line(task["id"], number, box["mark"], labels, one_line(task["text"]), ()))

    def _words(self, number: int, line: str) -> None:
        """Take in a line of a phase that has no box."""
        nearly = _NEARLY.match(line)
        is_indented = line.startswith((" ", "\t")) and bool(self.found[-1].lines)
        test = _TEST.match(line)
        if test and (told := one_line(test["text"])):
            self.found[-1].test.append(told)
        elif nearly and (nearly["box"] or (nearly["bullet"] and not is_indented)):
            self.notes.fault(f":{number}", f"{nearly['id']} has no box such as `- [ ]` before it; left out")
        elif is_indented:
            self._continue(line)
        elif label := _BOLD.match(line):
            self.note(one_line(label["label"]), number)
        elif "[" in line and (named := _ID.search(line)):
            self.notes.fault(f":{number}", f"{named[0]} stands in no line such as `- [ ] T001 Words`; left out")
        else:
            self.note("text", number)

    def _continue(self, text: str) -> None:
        """Add what stands indented under a task to it: a point of its own, or the rest of its sentence."""
        lines, told = self.found[-1].lines, one_line(text)
        last = lines[-1]
        if point := re.match(r"(?:[-*+]|\d{1,9}[.)])\s+(.+)", told):
            lines[-1] = last._replace(more=(*last.more, point[1]))
        elif last.more:
            lines[-1] = last._replace(more=(*last.more[:-1], f"{last.more[-1]} {told}".strip()))
        else:
            lines[-1] = last._replace(text=f"{last.text} {told}".strip())


def _numbered(numbers: Sequence[int]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {listed([str(number) for number in numbers])}"


def _plain(name: str) -> str:
    """Return the name of a phase without its priority and signs, which a plan has no place for."""
    words = re.sub(r"\((?:Priority[^)]*|P\d)\).*", "", name)
    return one_line(re.sub(r"[^\w\s&/,.()'+:\u2013\u2014-]", "", words)).strip(" -\u2013\u2014") or one_line(name)
