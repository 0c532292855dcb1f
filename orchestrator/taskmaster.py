"""Task Master's `tasks.json`: one component for each of its tasks, one task of ours for each of its subtasks.

A task that has subtasks becomes one more task behind them, which tests the whole; what waits for it waits for that.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from orchestrator import names
from orchestrator.errors import InputError
from orchestrator.foreign import Foreign, Group, Item, one_line, told
from orchestrator.models import JsonObject

TAG = "master"
DONE = ("done", "completed", "cancelled")
_READ = {"id", "title", "description", "details", "testStrategy", "acceptanceCriteria", "dependencies", "subtasks"}
_SILENT = {"status", "priority"}
"""Left out with a word about each value."""


class Entry(BaseModel):
    """A task or subtask as the file has it, of the right shape."""

    id: int | str
    title: str
    description: str | None = None
    details: str | None = None
    testStrategy: str | None = None  # noqa: N815 theirs
    acceptanceCriteria: str | list[str] | None = None  # noqa: N815 theirs
    status: str = "pending"
    priority: str | None = None
    dependencies: list[int | str] = []

    @property
    def accept(self) -> tuple[str, ...]:
        """Return what it says of itself, a line each."""
        criteria = self.acceptanceCriteria or ""
        texts = (self.description, self.details, self.testStrategy, criteria)
        said = "\n".join("\n".join(text) if isinstance(text, list) else text or "" for text in texts)
        lines = (one_line(line).removeprefix("- ") for line in said.splitlines())
        return tuple(dict.fromkeys(line for line in lines if line)) or (one_line(self.title),)


class Main(BaseModel):
    """A task of theirs with its number here and its subtasks by theirs."""

    number: int
    entry: Entry
    subtasks: dict[int, Entry]
    wanted: bool = True

    @property
    def own(self) -> str:
        """Return the id of the task that stands for the whole."""
        return f"{self.number}.{max(self.subtasks, default=0) + 1}"


def read(path: Path, tag: str | None = None, *, with_done: bool = False) -> Foreign:
    """Return what `tasks.json` asks for; what is done or cancelled only where it is asked for.

    Raises:
        InputError: it is no such file, or there is no such tag.
    """
    raw, name = _tasks(path, tag)
    faults: list[str] = []
    mains = _mains(raw, path, faults)
    left: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name, main in mains.items():
        if str(main.number) != name:
            left["id", "counted anew, in their order"].append(name)
    kept = {number: _without_done(main, left, with_done=with_done) for number, main in mains.items()}
    items = [item for main in kept.values() for item in _items(main, mains, kept, left)]
    _note_fields(raw, left)
    used = {int(item.id.partition(".")[0]) for item in items}
    groups = [Group(number=m.number, name=one_line(m.entry.title)) for m in kept.values() if m.number in used]
    left_out = tuple(told(what, ids, why) for (what, why), ids in left.items())
    return Foreign(
        name=name, phases=("Tasks",), groups=tuple(groups), items=tuple(items), left_out=left_out, faults=tuple(faults)
    )


def _tasks(path: Path, tag: str | None) -> tuple[list[Any], str]:
    """Return the list of tasks under a tag, or of a file without tags, and a name for them."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a tasks.json") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); mend it, then try again") from error
    if not isinstance(found, dict):
        raise InputError(f'{path}: not an object with "tasks" or with tags; name a tasks.json of Task Master')
    fields = cast("JsonObject", found)
    folder = next((part for part in reversed(path.absolute().parent.parts) if part not in ("tasks", ".taskmaster")), "")
    if isinstance(fields.get("tasks"), list):
        if tag is not None:
            raise InputError(f"{path}: has no tags, so that --tag {tag} means nothing; leave it out")
        return fields["tasks"], folder or "tasks"
    tags = [key for key, value in fields.items() if isinstance(value, dict) and isinstance(value.get("tasks"), list)]
    chosen = tag or (TAG if TAG in tags or len(tags) != 1 else tags[0])
    if chosen not in tags:
        there = f"it has {', '.join(tags)}" if tags else "it has none, and no list of tasks either"
        raise InputError(f"{path}: there is no tag `{chosen}`{names.hint(chosen, tags)} ({there}); name one by --tag")
    return fields[chosen]["tasks"], chosen if chosen != TAG else folder or chosen


def _mains(raw: Sequence[Any], path: Path, faults: list[str]) -> dict[str, Main]:
    """Return the well-formed tasks by their ids; each of the others is a fault."""
    entries = _entries(raw, f"{path}: tasks", faults)
    numbers = _numbers(list(entries))
    mains: dict[str, Main] = {}
    for name, (entry, index) in entries.items():
        below = _entries(raw[index].get("subtasks") or [], f"{path}: tasks[{index}].subtasks", faults)
        steps = _numbers(list(below))
        subtasks = {steps[child]: found for child, (found, _) in below.items()}
        mains[name] = Main(number=numbers[name], entry=entry, subtasks=subtasks)
    return mains


def _entries(raw: object, place: str, faults: list[str]) -> dict[str, tuple[Entry, int]]:
    """Return each well-formed entry of a list by its id, with its index."""
    found: dict[str, tuple[Entry, int]] = {}
    if not isinstance(raw, list):
        faults.append(f"{place}: must be a list")
        return found
    for index, value in enumerate(cast("list[object]", raw)):
        try:
            entry = Entry.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = "".join(f".{step}" for step in first["loc"][:1])
            faults.append(f"{place}[{index}]{where}: {first['msg']}; left out")
            continue
        if str(entry.id) in found:
            faults.append(f"{place}[{index}].id: {entry.id} is there twice; the first one counts")
        else:
            found[str(entry.id)] = entry, index
    return found


def _numbers(ids: Sequence[str]) -> dict[str, int]:
    """Return the number here of each id: its own where all are positive whole numbers, else counted in their order."""
    numbers = {name: int(name) if name.isascii() and name.isdigit() else 0 for name in ids}
    are_plain = all(numbers.values()) and len(set(numbers.values())) == len(ids)
    return numbers if are_plain else {name: count for count, name in enumerate(ids, start=1)}


def _without_done(main: Main, left: Mapping[tuple[str, str], list[str]], *, with_done: bool) -> Main:
    """Return a task without what is done of it; the others' states are left out with a word."""
    own = str(main.entry.id)
    entries = {own: main.entry} | {f"{own}.{child.id}": child for child in main.subtasks.values()}
    for name, entry in entries.items():
        if entry.status in DONE and not with_done:
            left[f"status {entry.status}", "left out; what waits for it no longer does"].append(name)
        elif entry.status != "pending":
            left[f"status {entry.status}", "every task of a plan begins anew"].append(name)
        if entry.priority:
            left[f"priority {entry.priority}", "a plan goes by its longest path"].append(name)
    if with_done:
        return main
    wanted = main.entry.status not in DONE
    rest = {step: child for step, child in main.subtasks.items() if wanted and child.status not in DONE}
    return main.model_copy(update={"subtasks": rest, "wanted": wanted})


def _items(
    main: Main, mains: Mapping[str, Main], kept: Mapping[str, Main], left: Mapping[tuple[str, str], list[str]]
) -> Iterator[Item]:
    """Yield the tasks that one of theirs becomes."""
    if not main.wanted:
        return
    whole = mains[str(main.entry.id)]
    before = list(_resolved(main.entry, None, mains, kept, left))
    for step, child in main.subtasks.items():
        deps = (*before, *_resolved(child, whole, mains, kept, left))
        yield _item(f"{main.number}.{step}", child, deps)
    own = _item(whole.own, main.entry, (*before, *(f"{main.number}.{step}" for step in main.subtasks)))
    yield own.model_copy(update={"kind": "test"}) if whole.subtasks else own


def _item(task_id: str, entry: Entry, deps: Iterable[str]) -> Item:
    return Item(id=task_id, title=one_line(entry.title), deps=tuple(dict.fromkeys(deps)), accept=entry.accept)


def _resolved(
    entry: Entry,
    parent: Main | None,
    mains: Mapping[str, Main],
    kept: Mapping[str, Main],
    left: Mapping[tuple[str, str], list[str]],
) -> Iterator[str]:
    """Yield the ids here of what an entry waits for: `2` beside a subtask is its sibling, `1.2` always a subtask."""
    name = f"{parent.entry.id}.{entry.id}" if parent else str(entry.id)
    for dependency in map(str, entry.dependencies):
        owner, _, child = dependency.partition(".")
        sibling = parent is not None and not child and any(str(c.id) == dependency for c in parent.subtasks.values())
        if sibling and parent:
            owner, child = str(parent.entry.id), dependency
        if owner not in mains or (child and _step(mains[owner], child) is None):
            left[f"dependency on {dependency}", "there is no such task"].append(name)
            continue
        main, step = kept[owner], _step(kept[owner], child)
        if child and step is not None:
            yield f"{main.number}.{step}"
        elif main.wanted and not child:
            yield mains[owner].own


def _step(main: Main, child: str) -> int | None:
    return next((step for step, entry in main.subtasks.items() if str(entry.id) == child), None)


def _note_fields(raw: Sequence[Any], left: Mapping[tuple[str, str], list[str]]) -> None:
    """Note every field that nothing here reads."""
    for entry in (cast("JsonObject", each) for each in raw if isinstance(each, dict)):
        children = entry.get("subtasks") if isinstance(entry.get("subtasks"), list) else []
        for each in (entry, *(child for child in cast("list[Any]", children) if isinstance(child, dict))):
            name = str(each.get("id")) if each is entry else f"{entry.get('id')}.{each.get('id')}"
            for field in each.keys() - _READ - _SILENT:
                left[f"field {field}", "a plan has no place for it"].append(name)
