"""Why a task is where it is: all that happened to it and around it, in the order of time, each in words."""

from collections.abc import Iterator, Mapping, Sequence

from orchestrator import holds
from orchestrator.models import BuildTask, Frozen, JsonObject
from orchestrator.status.entries import Entry, entry, freed, held, retold
from orchestrator.status.standing import Board
from orchestrator.status.standing import Standing as Stand


class Dep(Frozen):
    """A task that this one waits for, or did."""

    task: str
    state: str
    is_soft: bool
    reason: str


class Chronicle(Frozen):
    """The whole answer about one task; the first thing that a reader wants is `state` and `reason`."""

    task: str
    title: str
    agent: str
    reviewers: tuple[str, ...]
    state: str
    reason: str
    since: str
    lifted_by: str
    deps: tuple[Dep, ...]
    entries: tuple[Entry, ...]


def chronicle(events: Sequence[JsonObject], board: Board, task: BuildTask) -> Chronicle:
    """Return all about one task."""
    stands = {item.task: item for item in board.tasks}
    own = stands[task.id]
    return Chronicle(
        task=task.id,
        title=task.title,
        agent=task.agent,
        reviewers=task.reviewers,
        state=own.state,
        reason=own.reason,
        since=own.since,
        lifted_by=own.lifted_by,
        deps=(*_deps(task.deps, stands, is_soft=False), *_deps(task.after, stands, is_soft=True)),
        entries=tuple(_entries(events, task)),
    )


def _deps(names: Sequence[str], stands: Mapping[str, Stand], *, is_soft: bool) -> Iterator[Dep]:
    for name in names:
        yield Dep(task=name, state=stands[name].state, is_soft=is_soft, reason=stands[name].reason)


def _entries(events: Sequence[JsonObject], task: BuildTask) -> Iterator[Entry]:
    key = ""
    on_component = _holds(events, task.component)
    for event in events:
        if event["id"] in on_component:
            yield on_component[event["id"]]
        if not _concerns(event, task):
            continue
        changed = event.get("key", key)
        if event.get("task") == task.id and key and changed != key and event["kind"] in ("task_started", "merged"):
            yield entry(event, "changed", "the task, or what it builds on, has changed: it is done anew")
        key = changed if event.get("task") == task.id else key
        told = retold(event)
        if told:
            yield told


def _holds(events: Sequence[JsonObject], component: int) -> Mapping[str, Entry]:
    """Return in words the holds of a component and their ends, each by the id of the verdict that told it."""
    verdicts = {event["id"]: event for event in events if event["kind"] == "verdict"}
    own = [put for put in holds.history(events) if put.hold.component == component]
    lifted = {end["id"]: freed(end, hold) for hold, end in own if end and end["id"] in verdicts}
    return lifted | {hold.id: held(verdicts[hold.id], hold) for hold, _ in own}  # a veto may follow upon a veto


def _concerns(event: JsonObject, task: BuildTask) -> bool:
    """Tell whether an event is about a task: its own, one that names it, or a waiver of its component's holds."""
    data = event.get("data", {})
    if event["kind"] == "waiver" and data.get("component") == task.component:
        return True
    named = data.get("tasks") if event["kind"] in ("deadlock", "breaker") else ()
    sides = data["sides"] if event["kind"] == "contradiction" else ()
    return event.get("task") == task.id or task.id in (named or ()) or any(s.get("task") == task.id for s in sides)
