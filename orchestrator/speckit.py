"""Spec Kit's `tasks.md`: each phase becomes a phase with one component, each line with a box and an id a task.

Within a phase, `[P]` tasks run side by side and all others in their order. A phase of a user story waits for the newest
phase before it that is none, every other phase for all before it.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.errors import InputError
from orchestrator.foreign import Foreign, Group, Item, told
from orchestrator.tasks_md import Line, Section, sections

_WAITS = re.compile(
    r"depends? on (?P<ids>T\d+[a-z]?(?:(?:\s*[,\u2013-]\s*|\s+and\s+|\s*,\s*and\s+)T\d+[a-z]?)*)", re.IGNORECASE
)


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
    faults: list[str] = []
    title, found = sections(text.splitlines(), path, faults)
    numbered = [section for section in found if section.lines]
    wanted = [[line for line in section.lines if with_done or not line.done] for section in numbered]
    ids = {
        line.id: f"{number}.{step}"
        for number, section in enumerate(numbered, start=1)
        for step, line in enumerate(section.lines, start=1)
        if line in wanted[number - 1]
    }
    items, lost = _items(numbered, wanted, ids)
    groups = (Group(number=n, name=section.name, phase=n) for n, section in enumerate(numbered, start=1))
    return Foreign(
        name=title or path.absolute().parent.name or "tasks",
        phases=tuple(section.name for section in numbered),
        groups=tuple(groups),
        items=tuple(items),
        left_out=(*_left_out(numbered, ids), *lost),
        faults=tuple(faults),
    )


def _items(
    phases: Sequence[Section], wanted: Sequence[Sequence[Line]], ids: dict[str, str]
) -> tuple[list[Item], list[str]]:
    """Return the tasks, each with what it waits for, and a line for each dependency that cannot be."""
    items: list[Item] = []
    lost: list[str] = []
    known = [line.id for section in phases for line in section.lines]
    for place, lines in enumerate(wanted):
        before = _ends_before(phases, wanted, place)
        for line, waits in _in_phase(lines):
            named = list(_named(line))
            earlier = known[: known.index(line.id)]
            late = [name for name in named if name not in earlier]
            lost += [f"dependency of {line.id} on {name}: no task before {line.id} is that" for name in late]
            deps = [*(waits or before), *(name for name in named if name in ids and name not in late)]
            test = phases[place].test if line is lines[-1] else []
            items.append(_item(line, ids, deps, test))
    return items, lost


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


def _named(line: Line) -> Iterator[str]:
    """Yield the tasks that a task says it depends on, each of a range such as T008-T015."""
    for waits in _WAITS.finditer(" ".join((line.text, *line.more))):
        for part in re.findall(r"T\d+[a-z]?(?:\s*[\u2013-]\s*T\d+)?", waits["ids"]):
            first, *rest = re.findall(r"T(\d+)", part)
            if rest:
                yield from (f"T{number:0{len(first)}}" for number in range(int(first), int(rest[0]) + 1))
            else:
                yield part.strip()


def _left_out(phases: Sequence[Section], ids: dict[str, str]) -> Iterator[str]:
    lines = [line for section in phases for line in section.lines]
    done = [line.id for line in lines if line.id not in ids]
    if done:
        yield told("check mark", done, "left out as done; what waits for them no longer does")
    again = [line.id for line in lines if line.done and line.id in ids]
    if again:
        yield told("check mark", again, "every task of a plan begins anew")
    first = [line.id for section in phases for line in section.tests_first if line.id in ids]
    if first:
        why = "a gate is red while tests fail; let them wait for what they test, or make one task of the two"
        yield told("order tests first", first, why)
    for label in dict.fromkeys(label for line in lines for label in line.labels if label != "P"):
        yield told(f"label {label}", [line.id for line in lines if label in line.labels], "a plan has no place for it")
