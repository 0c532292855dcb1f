"""Task Master's `tasks.json`: one component for each of its tasks, one task of ours for each of its subtasks.

A task that has subtasks becomes one more task behind them, which tests the whole; what waits for it waits for that.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.foreign import Foreign, Group, Item
from orchestrator.foreign.notes import Notes
from orchestrator.foreign.tasks_json import Entry, entries, load
from orchestrator.foreign.waits import Edge, without_circles

DONE = ("done", "complete", "completed", "cancelled", "canceled", "deferred")


def read(path: Path, tag: str | None = None, *, with_done: bool = False) -> Foreign:
    """Return what `tasks.json` asks for; what is done, cancelled or deferred only where it is asked for.

    Raises:
        InputError: it is no such file, or there is no such tag.
    """
    notes = Notes(path)
    raw, title = load(path, tag, notes)
    mains = entries(raw, notes)
    wanted = {main.name: _wanted(main, notes, with_done=with_done) for main in mains}
    numbers = _numbers(mains, notes)
    ids = dict(_ids(mains, wanted, numbers, notes))
    edges = without_circles(list(_edges(mains, ids, notes)), _parts(mains, ids), notes)
    waits: dict[str, list[str]] = {}
    for edge in edges:
        waits.setdefault(edge.waiting, []).append(edge.awaited)
    items = [item for main in mains for item in _items(main, ids, waits)]
    used = {item.id.partition(".")[0] for item in items}
    groups = (Group(number=numbers[main.name], name=main.title) for main in mains if str(numbers[main.name]) in used)
    return Foreign(
        file=str(path),
        name=title,
        phases=("Tasks",),
        groups=tuple(groups),
        items=tuple(items),
        are_done=len(ids) < sum(1 + len(main.subtasks) for main in mains),
        left_out=notes.left_out,
        faults=tuple(notes.faults),
    )


def _wanted(main: Entry, notes: Notes, *, with_done: bool) -> frozenset[str]:
    """Return which of a task and its subtasks are to be done, and note each state and priority."""
    wanted: set[str] = set()
    for entry in (main, *main.subtasks):
        if entry.status in DONE and not with_done:
            notes.leave(f"status {entry.status}", entry.name, "left out; what waits for it no longer does")
        elif entry is not main and main.name not in wanted:
            notes.leave("work", entry.name, f"left out with {main.name}, which is {main.status}")
        else:
            wanted.add(entry.name)
            if entry.status != "pending":
                notes.leave(f"status {entry.status}", entry.name, "every task of a plan begins anew")
            if entry.priority:
                notes.leave(f"priority {entry.priority}", entry.name, "a plan goes by its longest path")
    return frozenset(wanted)


def _numbers(siblings: Sequence[Entry], notes: Notes) -> dict[str, int]:
    """Return the number of each: its own where all are positive whole numbers, else counted in their order."""
    own = [int(entry.id) if re.fullmatch(r"[0-9]{1,9}", entry.id) else 0 for entry in siblings]
    if not all(own) or len(set(own)) < len(own):
        own = list(range(1, len(own) + 1))
    for entry, number in zip(siblings, own, strict=True):
        if entry.id != str(number):
            notes.leave("id", entry.name, "counted anew, in their order")
    return {entry.name: number for entry, number in zip(siblings, own, strict=True)}


def _ids(
    mains: Sequence[Entry], wanted: Mapping[str, frozenset[str]], numbers: Mapping[str, int], notes: Notes
) -> Iterator[tuple[str, str]]:
    """Yield the name of each entry that is wanted and the id of its task here."""
    for main in mains:
        steps = _numbers(main.subtasks, notes)
        own = {main.name: max(steps.values(), default=0) + 1} if main.name in wanted[main.name] else {}
        for name, step in (steps | own).items():
            if name in wanted[main.name]:
                yield name, f"{numbers[main.name]}.{step}"


def _parts(mains: Sequence[Entry], ids: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the subtasks of each task that has any left."""
    return {main.name: [child.name for child in main.subtasks if child.name in ids] for main in mains}


def _edges(mains: Sequence[Entry], ids: Mapping[str, str], notes: Notes) -> Iterator[Edge]:
    """Yield what each entry says that it waits for: `2` beside a subtask is its sibling, `1.2` always a subtask."""
    known = {entry.name for main in mains for entry in (main, *main.subtasks)}
    for main in mains:
        for entry in (main, *main.subtasks):
            for need in entry.needs:
                sibling = f"{main.name}.{need.name}"
                target = sibling if entry is not main and sibling in known else need.name
                if target not in known:
                    notes.leave(f"dependency on {need.name}", entry.name, "no such task could be read")
                elif target in ids and entry.name in ids:
                    yield Edge(entry.name, target, need.place)


def _items(main: Entry, ids: Mapping[str, str], waits: Mapping[str, Sequence[str]]) -> Iterator[Item]:
    """Yield the tasks that one of theirs becomes."""
    before = waits.get(main.name, [])
    children = [child for child in main.subtasks if child.name in ids]
    for child in children:
        yield _item(child, ids, [*before, *waits.get(child.name, [])])
    if main.name in ids:
        own = _item(main, ids, [*before, *(child.name for child in children)])
        yield own.model_copy(update={"kind": "test"}) if main.subtasks else own


def _item(entry: Entry, ids: Mapping[str, str], waits: Sequence[str]) -> Item:
    deps = dict.fromkeys(ids[name] for name in waits)
    return Item(id=ids[entry.name], title=entry.title, deps=tuple(deps), accept=entry.accept)
