"""A `tasks.json` of Task Master as it stands: its tasks and their subtasks, and what in it cannot be read.

What is wrong with a field costs that field; only an entry without an id or a title is left out whole.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from orchestrator import names
from orchestrator.errors import InputError
from orchestrator.foreign import is_text, one_line
from orchestrator.foreign.notes import Notes
from orchestrator.models import JsonObject

TAG = "master"
NO_PLACE = "a plan has no place for it"
_WORDS = ("description", "details", "testStrategy", "acceptanceCriteria")
_READ = {"id", "title", *_WORDS, "status", "priority", "dependencies", "subtasks"}
_FOLDERS = ("tasks", ".taskmaster", "/")


class Need(NamedTuple):
    """What an entry says that it waits for."""

    place: str
    name: str


class Entry(NamedTuple):
    """A task or subtask of theirs."""

    name: str
    """As they call it: `3`, or `3.1` for a subtask."""
    id: str
    """Its number among its siblings."""
    title: str
    accept: tuple[str, ...]
    """What it says of itself, a line each."""
    status: str
    priority: str
    needs: tuple[Need, ...]
    subtasks: tuple["Entry", ...] = ()


def load(path: Path, tag: str | None, notes: Notes) -> tuple[list[object], str]:
    """Return the list of tasks under a tag, or of a file without tags, and a name for them.

    Raises:
        InputError: it is no such file, or there is no such tag.
    """
    fields = _object(path)
    folder = next((part for part in reversed(path.absolute().parent.parts) if part not in _FOLDERS), "")
    if isinstance(fields.get("tasks"), list):
        if tag is not None:
            raise InputError(f"{path}: has no tags, so that --tag {tag} means nothing; leave it out")
        _note_fields(fields, {"tasks"}, "the file", notes)
        return fields["tasks"], one_line(folder) or "tasks"
    tags = {key: value["tasks"] for key, value in fields.items() if _is_list(value)}
    if not tags:
        raise InputError(f"{path}: holds no list of tasks; name a tasks.json of Task Master")
    chosen = tag or (TAG if TAG in tags or len(tags) != 1 else next(iter(tags)))
    if chosen not in tags:
        hint = f"{names.hint(chosen, tags)} (it has {', '.join(map(one_line, tags))})"
        raise InputError(f"{path}: there is no tag `{chosen}`{hint}; name one by --tag")
    for other, tasks in tags.items():
        if other != chosen:
            notes.leave("list", f"tag {other} ({len(tasks)})", "left out; --tag takes another one")
    _note_fields(fields, tags, "the file", notes)
    _note_fields(fields[chosen], {"tasks"}, f"tag {chosen}", notes)
    return tags[chosen], one_line(folder if chosen == TAG else chosen) or "tasks"


def entries(raw: object, notes: Notes) -> list[Entry]:
    """Return the tasks of a list that can be read, each once by its name; each of the others is a fault."""
    return list(_entries(raw, "tasks", notes, "", set()))


def _entries(raw: object, place: str, notes: Notes, parent: str, seen: set[str]) -> Iterator[Entry]:
    if raw is not None and not isinstance(raw, list):
        notes.fault(f": {place}", "is no list; left out")
    for index, value in enumerate(cast("list[object]", raw) if isinstance(raw, list) else ()):
        entry = _entry(value, f"{place}[{index}]", notes, parent, seen)
        if entry:
            yield entry


def _object(path: Path) -> JsonObject:
    """Return what a file holds, its numbers as they are written."""
    try:
        found = json.loads(path.read_bytes(), parse_int=str, parse_float=str, parse_constant=str)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a tasks.json") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); mend it, then try again") from error
    if not isinstance(found, dict):
        raise InputError(f'{path}: not an object with "tasks" or with tags; name a tasks.json of Task Master')
    return cast("JsonObject", found)


def _is_list(tag: object) -> bool:
    return isinstance(tag, dict) and isinstance(cast("JsonObject", tag).get("tasks"), list)


def _entry(raw: object, place: str, notes: Notes, parent: str, seen: set[str]) -> Entry | None:
    if not isinstance(raw, dict):
        notes.fault(f": {place}", f"is {_kind(raw)}, no task; left out")
        return None
    fields = cast("JsonObject", raw)
    for key in ("id", "title"):
        if not (isinstance(fields.get(key), str) and one_line(fields[key])):
            told = f"is {_kind(fields[key])}" if key in fields else "is missing"
            notes.fault(f": {place}.{key}", f"{told}; the whole entry is left out")
            return None
    own, title = _word(fields, "id", place, notes), _word(fields, "title", place, notes)
    prefix = f"{parent}." if parent else ""
    name = own if parent and own.startswith(prefix) and own != prefix else prefix + own
    if name in seen:
        notes.fault(f": {place}.id", f"{name} is there twice; the first one counts")
        return None
    seen.add(name)
    _note_fields(fields, _READ, name, notes)
    below = fields.get("subtasks")
    if parent and below:
        notes.leave("subtasks", name, "a plan has no place for a third level")
    return Entry(
        name=name,
        id=name.removeprefix(prefix),
        title=title,
        accept=_accept(fields, place, name, notes) or (title,),
        status=(_word(fields, "status", place, notes) or "pending").casefold(),
        priority=_word(fields, "priority", place, notes),
        needs=tuple(_needs(fields.get("dependencies"), f"{place}.dependencies", notes)),
        subtasks=() if parent else tuple(_entries(below, f"{place}.subtasks", notes, name, seen)),
    )


def _word(fields: JsonObject, key: str, place: str, notes: Notes) -> str:
    """Return a field as one line; what is no text is a fault, and an empty line."""
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        notes.fault(f": {place}.{key}", f"is {_kind(value)}, not text; left out")
    return _clean(value, f"{place}.{key}", notes) if isinstance(value, str) else ""


def _accept(fields: JsonObject, place: str, name: str, notes: Notes) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for key in _WORDS:
        value = fields.get(key)
        for index, text in enumerate(cast("list[object]", value) if isinstance(value, list) else [value]):
            where = f"{place}.{key}" + (f"[{index}]" if isinstance(value, list) else "")
            if isinstance(text, str):
                lines = (_clean(line, where, notes).removeprefix("- ") for line in text.splitlines())
                found |= dict.fromkeys(line for line in lines if line)
            elif text is not None:
                notes.fault(f": {where}", f"is {_kind(text)}, not text; {name} comes without it")
    return tuple(found)


def _needs(value: object, place: str, notes: Notes) -> Iterator[Need]:
    """Yield what an entry waits for, given as a list, as one id, or as ids with commas between them."""
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if value is not None and not isinstance(value, list):
        notes.fault(f": {place}", f"is {_kind(value)}, no list of ids; left out")
    for index, name in enumerate(cast("list[object]", value) if isinstance(value, list) else ()):
        if isinstance(name, str) and one_line(name):
            yield Need(f"{place}[{index}]", one_line(name))
        else:
            notes.fault(f": {place}[{index}]", f"is {_kind(name)}, no id of a task; left out")


def _clean(text: str, place: str, notes: Notes) -> str:
    if not is_text(text):
        notes.leave("control characters", place, "left out")
    return one_line(text)


def _kind(value: object) -> str:
    """Return in words what a value is that is no text."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "null" if value is None else "blank"


def _note_fields(fields: JsonObject, read: Sequence[str] | set[str] | JsonObject, name: str, notes: Notes) -> None:
    """Note every field that nothing here reads and that says something."""
    for field, value in fields.items():
        if field not in read and value not in (None, "", [], {}):
            notes.leave(f"field {field}", name, NO_PLACE)
