"""Plans from elsewhere: what a reader of a foreign format finds, and the plan of ours that it becomes."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from orchestrator import protection
from orchestrator.errors import InputError
from orchestrator.models import Frozen, GateCommand, JsonObject, Kind, Plan
from orchestrator.plan import agent as agent_of

AGENT = "mcp-functional-server"
"""Who does everything where nobody is named."""
EFFORT = 2
GATE = GateCommand(
    name="tests",
    run=(
        *("{python}", "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider"),
        *("-o", "junit_family=xunit1", "-q", "--junitxml={report}", "tests"),
    ),
    tests=True,
)


class Group(Frozen):
    """What becomes a component: its number, its name and the number of its phase."""

    number: int
    name: str
    phase: int = 1


class Item(Frozen):
    """What becomes a task."""

    id: str
    title: str
    kind: Kind = "code"
    deps: tuple[str, ...] = ()
    accept: tuple[str, ...]
    paths: tuple[str, ...] = ()
    """Files that it is said to change."""


class Foreign(Frozen):
    """What a file from elsewhere holds, in our words."""

    file: str
    name: str
    phases: tuple[str, ...]
    groups: tuple[Group, ...]
    items: tuple[Item, ...]
    are_done: bool = False
    """Whether tasks were left out because they are done."""
    left_out: tuple[str, ...] = ()
    """What a plan has no place for, a line each."""
    faults: tuple[str, ...] = ()
    """What could not be read, a line each: file, place and fault."""


def plan(found: Foreign, model: Plan, agent: str = AGENT) -> JsonObject:
    """Return the plan that a foreign file becomes, with the roster and policy of `model`, as its YAML has it.

    Raises:
        InputError: there is no such agent, or nothing to do.
    """
    if not found.items:
        why = "every task is done; --with-done takes them in" if found.are_done else "there is no task to take from it"
        raise InputError(f"{found.file}: {why}")
    owner = agent_of(model, agent)
    reviewer = model.policy.release_block
    reviewers = [reviewer] if reviewer != owner else []
    phase_of = {group.number: group.phase for group in found.groups}
    counts = Counter(phase_of[int(item.id.partition(".")[0])] for item in found.items)
    return {
        "version": 1,
        "name": found.name,
        "phases": [
            {"number": number, "name": name, "tasks": counts[number]}
            for number, name in enumerate(found.phases, start=1)
        ],
        "components": [group.model_dump() for group in found.groups],
        "agents": [entry.model_dump(mode="json") for entry in model.agents],
        "ambiguous_aliases": {alias: list(ids) for alias, ids in model.ambiguous_aliases.items()},
        "policy": model.policy.model_dump(mode="json", exclude={"release_gates"}),
        "environment": {"PYTHONPATH": "src"},
        "gates": {kind: [GATE.model_dump(mode="json")] for kind in ("design", "code", "test", "doc")},
        "tasks": [_task(item, owner, reviewers, model.policy.protected) for item in found.items],
    }


def one_line(text: str) -> str:
    """Return a text on one line, without what is no sign to read: control characters, halves of a pair."""
    kept = text if text.isprintable() else "".join(filter(_is_text, text))
    return " ".join(kept.split())


def is_text(text: str) -> bool:
    """Tell whether all of a text is signs to read."""
    return text.isprintable() or all(map(_is_text, text))


def _is_text(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) not in ("Cc", "Cs")


def _task(item: Item, owner: str, reviewers: list[str], protected: Sequence[str]) -> JsonObject:
    fields = item.model_dump(mode="json", exclude={"paths"}) | {"agent": owner, "effort": EFFORT}
    writes = [path for path in item.paths if protection.needs_exception(path, protected)]
    return {**fields, "reviewers": [*reviewers]} | ({"writes": list(writes)} if writes else {})
