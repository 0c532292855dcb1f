"""Spec Kit's `tasks.md`: each phase becomes a phase with one component, each line with a box and an id a task.

Within a phase, `[P]` tasks run side by side and all others in their order. A phase of a user story waits for the newest
phase before it that is none, every other phase for all before it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from orchestrator.errors import InputError
from orchestrator.foreign import Foreign, Group, Item, one_line
from orchestrator.foreign.markdown import sections
from orchestrator.foreign.notes import Notes
from orchestrator.foreign.tasks_md import ID, Line, Section

_WAITS = re.compile(
    rf"depends? on (?P<ids>{ID}(?:(?:\s*[,\u2013-]\s*|\s+and\s+|\s*,\s*and\s+){ID})*)(?!\w)", re.IGNORECASE
)
_SPAN = re.compile(rf"({ID})(?:\s*[\u2013-]\s*({ID}))?")


def read(path: Path, *, with_done: bool = False) -> Foreign:
    """Return what `tasks.md` asks for; what is checked off only where it is asked for.

    Raises:
        InputError: there is no such file, or it is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a tasks.md") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8, then try again") from error
    notes = Notes(path)
    title, found, rest = sections(text.split("\n"), notes)
    numbered = [section for section in found if section.lines]
    wanted = [[line for line in section.lines if with_done or not line.done] for section in numbered]
    ids = {
        line.id: f"{number}.{step}"
        for number, section in enumerate(numbered, start=1)
        for step, line in enumerate(section.lines, start=1)
        if line in wanted[number - 1]
    }
    _note(numbered, ids, notes)
    for section in found[1:]:
        if not section.lines:
            notes.leave("phase", section.name, "it holds no task")
    items = _items(numbered, wanted, ids, notes)
    groups = (Group(number=n, name=section.name, phase=n) for n, section in enumerate(numbered, start=1))
    return Foreign(
        file=str(path),
        name=title or one_line(path.absolute().parent.name) or "tasks",
        phases=tuple(section.name for section in numbered),
        groups=tuple(groups),
        items=tuple(items),
        are_done=len(ids) < sum(len(section.lines) for section in numbered),
        left_out=(*notes.left_out, *([f"not carried over: {', '.join(rest)}"] if rest else [])),
        faults=tuple(notes.faults),
    )


def _items(
    phases: Sequence[Section], wanted: Sequence[Sequence[Line]], ids: dict[str, str], notes: Notes
) -> list[Item]:
    """Return the tasks, each with what it waits for, and note each dependency that cannot be."""
    items: list[Item] = []
    earlier: dict[str, None] = {}
    for place, section in enumerate(phases):
        before = _ends_before(phases, wanted, place)
        waits = {line.id: waits for line, waits in _in_phase(wanted[place])}
        for line in section.lines:
            if line.id in ids:
                named = list(dict.fromkeys(_named(line, earlier)))
                for name in named:
                    if name not in earlier:
                        notes.leave(f"dependency on {name}", line.id, "no task before it is that")
                deps = [*(waits[line.id] or before), *(name for name in named if name in ids and name in earlier)]
                items.append(_item(line, ids, deps, section.test if line is wanted[place][-1] else []))
            earlier[line.id] = None
    return items


def _item(line: Line, ids: dict[str, str], deps: Sequence[str], test: Sequence[str]) -> Item:
    return Item(
        id=ids[line.id],
        title=f"{line.id} {line.text}",
        kind=line.kind,
        deps=tuple(dict.fromkeys(ids[name] for name in deps)),
        accept=tuple(dict.fromkeys((line.text, *line.more, *test))),
        paths=line.paths,
    )


def _in_phase(lines: Sequence[Line]) -> Iterator[tuple[Line, list[str]]]:
    """Yield each task with those of its phase that it waits for."""
    last: list[str] = []
    beside: list[str] = []
    for line in lines:
        if line.alone:
            yield line, beside or last
            last, beside = [line.id], []
        else:
            yield line, last
            beside.append(line.id)


def _ends(lines: Sequence[Line]) -> list[str]:
    """Return the tasks of a phase that none of it waits for."""
    awaited = {name for _, waits in _in_phase(lines) for name in waits}
    return [line.id for line in lines if line.id not in awaited]


def _ends_before(phases: Sequence[Section], wanted: Sequence[Sequence[Line]], place: int) -> list[str]:
    """Return the tasks that the first ones of a phase wait for."""
    earlier = [number for number in range(place) if wanted[number]]
    shared = [number for number in earlier if not phases[number].is_story]
    awaited = shared[-1:] if phases[place].is_story else [number for number in earlier if number >= max(shared or [0])]
    return [name for number in awaited for name in _ends(wanted[number])]


def _named(line: Line, known: Iterable[str]) -> Iterator[str]:
    """Yield the tasks that a task says it depends on; of a range such as T008-T015 both ends and all known between."""
    for waits in _WAITS.finditer(" ".join((line.text, *line.more))):
        for first, last in _SPAN.findall(waits["ids"]):
            yield first
            if last:
                yield from (name for name in known if _number(first) < _number(name) < _number(last))
                yield last


def _number(name: str) -> int:
    return int("".join(sign for sign in name if sign.isdigit()))


def _note(phases: Sequence[Section], ids: dict[str, str], notes: Notes) -> None:
    """Note what of the tasks has no place in a plan."""
    lines = [line for section in phases for line in section.lines]
    for line in lines:
        if line.id not in ids:
            notes.leave("check mark", line.id, "left out as done; what waits for it no longer does")
        elif line.done:
            notes.leave("check mark", line.id, "every task of a plan begins anew")
        elif line.mark != " ":
            notes.leave(f'mark "{line.mark}"', line.id, "taken as not done")
    why = "a gate is red while tests fail; let them wait for what they test, or make one task of the two"
    for name in (line.id for line in _tests_first(phases) if line.id in ids):
        notes.leave("order tests first", name, why)
    for line in lines:
        for label in dict.fromkeys(line.labels):
            if label != "P":
                notes.leave(f"label {label}", line.id, "a plan has no place for it")


def _tests_first(phases: Sequence[Section]) -> Iterator[Line]:
    """Yield the tasks that write tests before the code: earlier in their phase, or in a phase of tests before it."""
    for place, section in enumerate(phases):
        is_before = any(later.has_code for later in phases[place + 1 :])
        is_behind = any(earlier.has_source for earlier in phases[:place])
        if section.has_code or is_behind or not is_before:
            yield from section.tests_first
        else:
            yield from (line for line in section.lines if line.kind == "test")
