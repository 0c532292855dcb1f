"""Task keys: what changes them, what does not, and how far a change reaches."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator import plan as plans
from orchestrator import taskkey
from orchestrator.errors import InputError
from orchestrator.models import Agent, BuildTask, Component, GateCommand, JsonObject, Phase, Plan, RosterEntry
from orchestrator.settings import BUNDLED_PLAN

BUNDLED = plans.load(BUNDLED_PLAN)
EVERYTHING = {task.id for task in BUNDLED.tasks}


def agents_of(plan: Plan) -> dict[str, Agent]:
    """Return a definition for every agent of a plan."""
    return {
        entry.id: Agent(name=entry.id, description=entry.label, persona=f"You are {entry.label}.")
        for entry in plan.agents
    }


def model(task: BuildTask) -> JsonObject:
    """Return a model that thinks harder about larger tasks."""
    return {"model": "some-model", "effort": task.effort}


def keys(plan: Plan = BUNDLED, agents: Mapping[str, Agent] | None = None, prompts: str = "p") -> dict[str, str]:
    """Return the keys of a plan."""
    return taskkey.keys(plan, agents or agents_of(plan), model, prompts)


BEFORE = keys()


def changed(after: Mapping[str, str]) -> set[str]:
    """Return the tasks whose keys differ from those of the bundled plan."""
    return {task_id for task_id, key in BEFORE.items() if after[task_id] != key}


def with_task(task_id: str, **fields: object) -> Plan:
    """Return the bundled plan with one task edited."""
    tasks = tuple(task.model_copy(update=fields) if task.id == task_id else task for task in BUNDLED.tasks)
    return BUNDLED.model_copy(update={"tasks": tasks})


def with_policy(**fields: object) -> Plan:
    """Return the bundled plan with its policy edited."""
    return BUNDLED.model_copy(update={"policy": BUNDLED.policy.model_copy(update=fields)})


def with_gate(kind: str, **fields: object) -> Plan:
    """Return the bundled plan with every command of one kind's gate edited."""
    gate = tuple(command.model_copy(update=fields) for command in BUNDLED.gates[kind])
    return BUNDLED.model_copy(update={"gates": BUNDLED.gates | {kind: gate}})


def touching(chosen: Callable[[BuildTask], bool]) -> set[str]:
    """Return the tasks chosen and all that depend on them."""
    direct = {task.id for task in BUNDLED.tasks if chosen(task)}
    return direct | plans.dependents(BUNDLED, direct)


def test_every_task_has_a_key_of_its_own() -> None:
    """The keys are 64 hexadecimal digits, one a task, no two alike, and the same each time."""
    assert set(BEFORE) == EVERYTHING
    assert len(set(BEFORE.values())) == len(EVERYTHING)
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in BEFORE.values())
    assert keys() == BEFORE


def test_what_comes_first_softly_is_words_alone() -> None:
    """Naming a soft dependency changes the task that names it; editing that dependency does not."""
    named = with_task("1.2", deps=(), after=("1.1",))
    tasks = tuple(task.model_copy(update={"accept": ("else",)}) if task.id == "1.1" else task for task in named.tasks)
    before, after = keys(named), keys(named.model_copy(update={"tasks": tasks}))

    assert before["1.2"] != keys(with_task("1.2", deps=()))["1.2"]
    assert before["1.1"] != after["1.1"]
    assert before["1.2"] == after["1.2"]


@pytest.mark.parametrize("task_id", [task.id for task in BUNDLED.tasks])
def test_an_edited_task_changes_itself_and_what_depends_on_it(task_id: str) -> None:
    """A new title or accept line re-runs that task and exactly its transitive dependents."""
    expected = {task_id} | plans.dependents(BUNDLED, [task_id])

    assert changed(keys(with_task(task_id, title="Another title"))) == expected
    assert changed(keys(with_task(task_id, accept=("another line",)))) == expected


@pytest.mark.parametrize("field", ["persona", "tools", "model", "limits"])
def test_an_edited_definition_changes_all_its_work(field: str) -> None:
    """What a session sees of its agent, or of a reviewer, is part of the key."""
    agents = agents_of(BUNDLED)
    name = "mcp-filesystem-monitor"
    value = {"persona": "You are new.", "tools": ("Read",), "model": "m", "limits": {"turns": 5}}[field]
    agents[name] = Agent.model_validate(agents[name].model_dump() | {field: value})

    expected = touching(lambda task: name in (task.agent, *task.reviewers))

    assert changed(keys(agents=agents)) == expected
    assert expected != EVERYTHING


def test_who_approves_the_planning_is_part_of_the_key_of_the_designs_that_need_it() -> None:
    """The coordinator's definition touches its own work, what it reviews, and every design that it must approve."""
    agents = agents_of(BUNDLED)
    name = "mcp-project-coordinator"
    agents[name] = agents[name].model_copy(update={"persona": "You are new."})

    expected = touching(lambda task: name in (task.agent, *task.reviewers) or task.kind == "design")

    assert changed(keys(agents=agents)) == expected


def test_the_stage_that_a_task_is_shown_under_changes_no_key() -> None:
    """Where a task is shown decides nothing about its result."""
    assert changed(keys(with_task("3.3", stage="review"))) == set()


def test_a_definition_for_people_changes_nothing() -> None:
    """The description and the place of a definition reach no session, so no work is done again."""
    agents = {
        name: agent.model_copy(update={"description": "Other words", "category": "other", "source": Path("/elsewhere")})
        for name, agent in agents_of(BUNDLED).items()
    }

    assert changed(keys(agents=agents)) == set()


def test_prompts_change_everything() -> None:
    """Every session is told the prompts, so a new version of them is new work."""
    assert changed(keys(prompts="q")) == EVERYTHING


def test_a_model_parameter_changes_the_tasks_that_it_is_for() -> None:
    """Model parameters count task by task."""

    def other_model(task: BuildTask) -> JsonObject:
        return model(task) | ({"temperature": 1} if task.id == "16.2" else {})

    after = taskkey.keys(BUNDLED, agents_of(BUNDLED), other_model, "p")

    assert changed(after) == touching(lambda task: task.id == "16.2")


@pytest.mark.parametrize("fields", [{"run": ("other",)}, {"seconds": 5}, {"tests": False}], ids=["run", "time", "kind"])
def test_a_gate_changes_the_tasks_that_it_judges(fields: dict[str, Any]) -> None:
    """A changed gate of documentation re-runs the documentation, and what depends on it."""
    expected = touching(lambda task: task.kind == "doc")

    assert changed(keys(with_gate("doc", **fields))) == expected
    assert expected != EVERYTHING


@pytest.mark.parametrize(
    "plan",
    [
        with_policy(protected=()),
        with_policy(revise_rounds=1),
        with_policy(implementation_veto="mcp-testing-quality"),
        with_policy(deadlock="mcp-architecture-agent"),
        BUNDLED.model_copy(update={"environment": {"PYTHONPATH": "lib"}}),
    ],
    ids=["protected", "rounds", "veto", "deadlock", "environment"],
)
def test_how_work_is_judged_is_part_of_every_key(plan: Plan) -> None:
    """Protected paths, bounds, powers and the commands' environment count for every task."""
    assert changed(keys(plan)) == EVERYTHING


def test_what_decides_nothing_changes_no_key() -> None:
    """A workflow, a phase's name, an alias, the order of dependencies: none of them is new work."""
    backwards = tuple(task.model_copy(update={"deps": task.deps[::-1]}) for task in BUNDLED.tasks)
    plan = BUNDLED.model_copy(
        update={
            "workflows": BUNDLED.workflows[:1],
            "phases": tuple(phase.model_copy(update={"name": "Other"}) for phase in BUNDLED.phases),
            "agents": tuple(agent.model_copy(update={"aliases": ()}) for agent in BUNDLED.agents),
            "tasks": backwards,
            "playbook": None,
        }
    )

    assert changed(keys(plan)) == set()


@pytest.fixture
def copy_of_plan(tmp_path: Path) -> Path:
    """Return the bundled plan in another folder, laid out otherwise, with the files that it names."""
    path = tmp_path / "elsewhere.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(BUNDLED_PLAN.read_text()), sort_keys=True))
    for name in ("toolchain.txt", "spec.md"):
        shutil.copy(BUNDLED_PLAN.parent / name, tmp_path)
    return path


def test_place_and_layout_of_the_plan_change_no_key(copy_of_plan: Path) -> None:
    """The same plan, moved and laid out otherwise, is the same work."""
    assert changed(keys(plans.load(copy_of_plan))) == set()


def test_the_toolchain_changes_everything(copy_of_plan: Path) -> None:
    """What the work runs on is part of every key, by content."""
    path = copy_of_plan.parent / "toolchain.txt"
    path.write_text(path.read_text() + "\n")

    assert changed(keys(plans.load(copy_of_plan))) == EVERYTHING


def test_the_specification_changes_the_component_that_it_is_about(copy_of_plan: Path) -> None:
    """A component's entry in the specification re-runs that component and what depends on it, nothing else."""
    path = copy_of_plan.parent / "spec.md"
    path.write_text(path.read_text().replace("16. **Performance.**", "16. **Great performance.**"))

    expected = touching(lambda task: task.component == 16)

    assert changed(keys(plans.load(copy_of_plan))) == expected
    assert expected != EVERYTHING


def test_a_missing_definition_is_named() -> None:
    """An agent with work but without a definition ends in one line."""
    agents = agents_of(BUNDLED)
    del agents["mcp-documentation"]

    with pytest.raises(InputError, match="no definition of mcp-documentation; add one"):
        keys(agents=agents)


def test_a_file_that_went_away_is_named(copy_of_plan: Path) -> None:
    """A toolchain that is gone since the plan was read ends in one line."""
    plan = plans.load(copy_of_plan)
    (copy_of_plan.parent / "toolchain.txt").unlink()

    with pytest.raises(InputError, match=r"toolchain\.txt: cannot be read"):
        keys(plan)


def test_a_long_chain_has_keys() -> None:
    """Ten thousand tasks in one chain need no recursion, and a change of the last is a change of one."""
    chain = chain_of(10_000)
    before = taskkey.keys(chain, agents_of(chain), model, "p")
    last = chain.tasks[-1].model_copy(update={"title": "Another"})
    edited = chain.model_copy(update={"tasks": (*chain.tasks[:-1], last)})
    after = taskkey.keys(edited, agents_of(chain), model, "p")

    assert [task_id for task_id, key in before.items() if after[task_id] != key] == ["1.10000"]


def chain_of(length: int) -> Plan:
    """Return a plan in which each task waits for the one before."""
    first = BuildTask(
        id="1.1",
        phase=1,
        component=1,
        component_name="c",
        title="t",
        agent="a",
        kind="code",
        effort=1,
        accept=("works",),
    )
    steps = [first.model_copy(update={"id": f"1.{n}", "deps": (f"1.{n - 1}",)}) for n in range(2, length + 1)]
    return Plan(
        version=1,
        phases=(Phase(number=1, name="p", tasks=length),),
        components=(Component(number=1, name="c", phase=1),),
        agents=(RosterEntry(id="a", label="A", category="c"),),
        policy=BUNDLED.policy,
        gates={"code": (GateCommand(name="g", run=("true",)),)},
        tasks=(first, *steps),
    )
