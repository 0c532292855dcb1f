"""Promises of every import: whatever stands in the file, a plan that loads comes of it, or one line says why not."""

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator import foreign
from orchestrator import plan as plans
from orchestrator.cli.importing import as_yaml
from orchestrator.errors import InputError
from orchestrator.foreign import speckit, taskmaster
from orchestrator.models import Plan
from orchestrator.planrules import POWERS
from orchestrator.settings import BUNDLED_PLAN

SEEDS = range(300)
WORDS = (
    *(
        "Do it",
        "",
        " ",
        "\t\n",
        "a: b",
        "- c\n- d",
        "#",
        "3.10",
        "null",
        "<<",
        "%",
        "---",
        "'\"",
        "{x",
        "*",
        "&a",
        "!t",
    ),
    *("\x1b[2J", "\ud800", "\x00", "\u2028", "\ufeff", "\uffff", "😀", "é" * 200, "`.` ./ / // `..`", "src/a.py"),
    *("tests/test_a.py", ".git/x `pyproject.toml`", "{report}", "depends on T1-T999999999, T002 and T1a"),
)
IDS = ("1", "2", "3", "1.1", "1.2", "2.1", "01", "0", "-1", "x", "9" * 5000, "1.", ".", "1,2", " 2 ", "\x07")
STRANGE = (None, True, 0, 1, 2, 3, 1.5, -1, 10**30, float("nan"), [], {}, [None], {"id": 1}, [[1]], *IDS, *WORDS)
LINES = (
    *("# Tasks: {}", "## Phase 1: {}", "## Phase {}", "### Phase 2 - {}", "## {}", "### {}", "**Goal**: {}", "{}", ""),
    *("- [ ] {} {}", "- [x] {} [P] {}", "- [ ] {} [P] [US1] {}", "* [~] **{}** {}", "1. [ ] {} {}", "  - [ ] {} {}"),
    *("- [] {} {}", "-[ ] {} {}", "- [ ] {}", "  - {}", "    {}", "```", "~~~~", "<!-- {}", "--> {}", "---", "| {} |"),
    *("**Independent Test**: {}", "> **NOTE: {}**", "- {}: depends on {}", "[{}] {}"),
)
TASKS = ("T001", "T002", "T003", "T1", "T002a", "T" + "9" * 5000, "T٣", "T00")

Read = Callable[..., foreign.Foreign]


@pytest.fixture(scope="module")
def model() -> Plan:
    """Return what an imported plan takes over, cut down to those agents who hold a power."""
    plan = plans.load(BUNDLED_PLAN)
    named = {foreign.AGENT, *plan.policy.model_dump(include={*POWERS}).values()}
    agents = tuple(entry for entry in plan.agents if entry.id in named)
    policy = plan.policy.model_copy(update={"default_reviewers": {}})
    return plan.model_copy(update={"agents": agents, "policy": policy, "ambiguous_aliases": {}})


def strange_json(chance: random.Random) -> str:
    """Return a tasks.json with anything anywhere, more often what belongs there."""
    tasks = [_entry(chance, depth=2) for _ in range(chance.randint(0, 6))]
    if chance.random() < 0.7:
        return json.dumps({"tasks": tasks, **_odd(chance)})
    tags = {chance.choice(WORDS): {"tasks": tasks, **_odd(chance)} for _ in range(chance.randint(1, 2))}
    return json.dumps({**tags, **_odd(chance)})


def _entry(chance: random.Random, depth: int) -> object:
    pick: Callable[[Any], Any] = chance.choice
    if chance.random() < 0.1:
        return pick(STRANGE)
    needs = [pick(IDS) if chance.random() < 0.5 else chance.randint(1, 5) for _ in range(chance.randint(0, 3))]
    made: dict[str, Any] = {
        "id": pick(IDS) if chance.random() < 0.3 else chance.randint(1, 5),
        "title": pick(WORDS) if chance.random() < 0.5 else "Do it",
        "dependencies": needs,
        "status": pick(("pending", "pending", "done", "deferred", "odd", None)),
    }
    for field in ("description", "details", "testStrategy", "acceptanceCriteria", "priority", "dependencies", "status"):
        if chance.random() < 0.25:
            made[field] = pick(STRANGE)
    if depth and chance.random() < 0.5:
        made["subtasks"] = [_entry(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    return made | _odd(chance)


def _odd(chance: random.Random) -> dict[str, Any]:
    return {chance.choice((*WORDS, "subtasks", "metadata")): chance.choice(STRANGE)} if chance.random() < 0.15 else {}


def strange_lines(chance: random.Random) -> str:
    """Return a tasks.md of lines in any order."""
    made = ["## Phase 1: Setup"] if chance.random() < 0.8 else []
    for _ in range(chance.randint(1, 20)):
        holes = iter((chance.choice(TASKS) if chance.random() < 0.9 else chance.choice(WORDS), chance.choice(WORDS)))
        line = chance.choice(LINES)
        made.append(line.format(*(next(holes) for _ in range(line.count("{}")))))
    return "\n".join(made)


@pytest.mark.parametrize(
    ("name", "strange", "read"),
    [
        ("tasks.json", strange_json, partial(taskmaster.read, tag=None)),
        ("tasks.md", strange_lines, speckit.read),
    ],
    ids=["json", "md"],
)
def test_whatever_stands_there_becomes_a_plan_or_one_line(
    tmp_path: Path,
    model: Plan,
    name: str,
    strange: Callable[[random.Random], str],
    read: Read,
) -> None:
    """No content leads to an error that nobody foresaw, or to a plan that does not load; all that is told is lines."""
    file, output = tmp_path / name, tmp_path / "plan.yaml"
    loaded = 0
    for seed in SEEDS:
        chance = random.Random(seed)
        file.write_text(strange(chance), encoding="utf-8", errors="surrogatepass" if seed % 20 == 0 else "replace")
        told, found = _read(file, read, with_done=chance.random() < 0.3)
        if found and found.items:
            output.write_text(as_yaml(foreign.plan(found, model), name), encoding="utf-8")
            loaded += 1

            assert [task.id for task in plans.load(output).tasks] == [item.id for item in found.items], seed
        assert [line for line in told if len(line.splitlines()) > 1 or not foreign.is_text(line)] == [], seed

    assert loaded > len(SEEDS) / 4


def _read(file: Path, read: Read, *, with_done: bool) -> tuple[list[str], foreign.Foreign | None]:
    """Return what is told of a file, and what is found in it, if anything is."""
    try:
        found = read(file, with_done=with_done)
    except InputError as error:
        return [str(error)], None
    return [*found.left_out, *found.faults], found
