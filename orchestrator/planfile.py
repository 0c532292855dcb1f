"""A plan's file read into its parts, each part checked by itself; what holds between parts is in `planrules`."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator import names
from orchestrator.errors import InputError, PlanError
from orchestrator.models import (
    BuildTask,
    Component,
    Frozen,
    GateCommand,
    JsonObject,
    Phase,
    Plan,
    Policy,
    RosterEntry,
    Stage,
    Workflow,
)

Item = TypeVar("Item", bound=Frozen)

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, where it was built
_LISTS = ("phases", "components", "agents", "workflows", "tasks")
_MODELS = (Plan, Phase, Component, RosterEntry, GateCommand, BuildTask, Stage, Workflow, Policy)
_SUBJECT = re.compile(r"^(Input|String|Tuple|List|Dictionary) should")


@dataclass(frozen=True)
class Part(Generic[Item]):
    """One list of a plan: the items whose shape is right, and the ids of all items, misshapen ones too."""

    items: tuple[Item, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A plan whose parts have been read, but not yet held against each other."""

    head: Plan
    """Everything but the lists; a field whose shape is wrong has its default."""
    wrong: frozenset[str]
    """The fields of the head whose shape is wrong."""
    phases: Part[Phase]
    components: Part[Component]
    agents: Part[RosterEntry]
    workflows: Part[Workflow]
    tasks: Part[BuildTask]


class _PlanLoader(_Loader):
    """Read the YAML that plans are written in: text stays text, so that 3.10 is an id and not a number."""

    def __init__(self, text: str) -> None:
        """Read `text`; `problems` fills while it is read."""
        super().__init__(text)
        self.problems: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Note every key that is there twice, of which YAML lets the last one win without a word."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                self.problems.append(f"line {key.start_mark.line + 1}: `{key.value}` stands here twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_PlanLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    ("merge", r"<<$", ["<"]),
):
    _PlanLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read(path: Path, text: str | None = None) -> tuple[JsonObject, list[str]]:
    """Return the mapping that the plan file at `path` holds, or is to hold, and a problem for each doubled key.

    Raises:
        InputError: there is no such file, it cannot be read, or it holds no mapping.
        PlanError: it is not YAML; the problem names line and column.
    """
    try:
        text = path.read_text(encoding="utf-8") if text is None else text
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name the plan's YAML file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text; name the plan's YAML file") from error
    try:
        loader = _PlanLoader(text)
        raw = loader.get_single_data()
    except yaml.YAMLError as error:
        raise PlanError(str(path), [_syntax(error)]) from error
    except (ValueError, KeyError, AttributeError) as error:  # what PyYAML raises for `!!int x` and the like
        raise PlanError(str(path), ["a tag such as !!int does not fit its value; leave the tag out"]) from error
    if not isinstance(raw, dict):
        what = "empty" if raw is None else "not a mapping"
        raise InputError(f"{path}: {what}; a plan has phases, components, agents, policy and tasks")
    return {str(name): value for name, value in cast(dict[object, Any], raw).items()}, loader.problems


def shape(raw: JsonObject) -> tuple[Draft, list[str]]:
    """Return the parts of a plan with every problem of their shape, each with its place in words."""
    problems: list[str] = []
    head, wrong = _head(raw, problems)
    components = _mappings(raw.get("components"))
    by_number = {item["number"]: item for item in components if isinstance(item.get("number"), int)}
    draft = Draft(
        head=head,
        wrong=wrong,
        phases=_part(Phase, "phase", raw.get("phases"), problems),
        components=_part(Component, "component", raw.get("components"), problems),
        agents=_part(RosterEntry, "agent", raw.get("agents"), problems),
        workflows=_part(Workflow, "workflow", _each(raw.get("workflows", []), _with_path), problems),
        tasks=_part(BuildTask, "task", _each(raw.get("tasks"), partial(_with_component, by_number)), problems),
    )
    return draft, problems


def _head(raw: JsonObject, problems: list[str]) -> tuple[Plan, frozenset[str]]:
    head = {name: value for name, value in raw.items() if name not in _LISTS}
    empty = dict.fromkeys(_LISTS, ())
    try:
        return Plan.model_validate(head | empty), frozenset()
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems += [_sentence("", detail) for detail in details]
    wrong = frozenset(str(detail["loc"][0]) for detail in details)
    right = {name: value for name, value in head.items() if name not in wrong}
    nobody = {"policy": Policy.model_construct()} if "policy" in wrong else {}
    return Plan.model_validate({"version": 1, **right, **nobody, **empty}), wrong


def _part(model: type[Item], noun: str, raw: object, problems: list[str]) -> Part[Item]:
    if not isinstance(raw, list):
        problems.append(f"{noun}s: {'is missing' if raw is None else 'must be a list'}")
        return Part((), ())
    items: list[Item] = []
    ids: list[str] = []
    for number, entry in enumerate(cast(list[object], raw), start=1):
        name = _name(entry)
        ids += [name] if name else []
        try:
            items.append(model.model_validate(entry))
        except ValidationError as error:
            place = f"{noun} {name}" if name else f"{noun} no. {number} in the file"
            problems += [_sentence(place, detail) for detail in error.errors(include_url=False)]
    return Part(tuple(items), tuple(ids))


def _name(entry: object) -> str | None:
    """Return what an item is called by: its id, number or name."""
    fields = cast(JsonObject, entry) if isinstance(entry, dict) else {}
    found = fields.get("id", fields.get("number", fields.get("name")))
    return str(found) if isinstance(found, str | int) else None


def _mappings(raw: object) -> Iterator[JsonObject]:
    entries = cast(list[object], raw) if isinstance(raw, list) else []
    return (cast(JsonObject, entry) for entry in entries if isinstance(entry, dict))


def _each(raw: object, change: Callable[[JsonObject], JsonObject]) -> object:
    """Return the list `raw` with every mapping in it changed; anything else as it is."""
    if not isinstance(raw, list):
        return raw
    entries = cast(list[object], raw)
    return [change(cast(JsonObject, entry)) if isinstance(entry, dict) else entry for entry in entries]


def _with_component(components: Mapping[int, JsonObject], task: JsonObject) -> JsonObject:
    """Return a task with what its id and its component tell of it, where it leaves that out."""
    step = re.match(r"(\d+)\.", str(task.get("id")))
    number = task.get("component", int(step[1]) if step else None)
    component = components.get(number, {}) if isinstance(number, int) else {}
    # With an unknown component the fillers keep the shape right, so that the one problem told is the component.
    told = {"component": number, "component_name": component.get("name", "?"), "phase": component.get("phase", 0)}
    return told | task


def _with_path(workflow: JsonObject) -> JsonObject:
    """Return a workflow with the path that its stages make, where it has none."""
    stages = _mappings(workflow.get("stages"))
    steps = [step for stage in stages for step in (stage["tasks"] if isinstance(stage.get("tasks"), list) else [])]
    return {"path": steps} | workflow


def _sentence(place: str, detail: ErrorDetails) -> str:
    where = [place] if place else []
    for step in detail["loc"]:
        where.append(f"item {step + 1}" if isinstance(step, int) else str(step))
    return f"{': '.join(where)}: {_fault(detail)}" if where else _fault(detail)


def _fault(detail: ErrorDetails) -> str:
    given = detail["input"]
    match detail["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            fields = (field for model in _MODELS for field in model.model_fields)
            return f"is not a field that plans have{names.hint(str(detail['loc'][-1]), fields)}"
        case "string_pattern_mismatch":
            return f"must look like 3.2, component and step; is {given!r}"
        case "string_type" if isinstance(given, bool | int):
            return f"must be text; put {str(given).lower()} in quotes"
        case "model_type" | "dict_type":
            return f"must be a mapping; is {given!r}" if isinstance(given, str | int) else "must be a mapping"
        case _:
            told = _SUBJECT.sub("must", detail["msg"])
            return f"{told}; is {given!r}" if isinstance(given, str | int | None) else told


def _syntax(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else f"not YAML: {what}"
