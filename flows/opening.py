"""Opening a run: what is asked for, what already stands, and everything the steps need, held for one run."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from agents import brief, roster
from agents.models.playbook import Playbook
from orchestrator import plan as plans
from orchestrator import sandbox as sandboxes
from orchestrator import selftest, settings, taskkey, toolchain
from orchestrator.errors import InputError, UnsupportedError
from orchestrator.home import Home, exclusive, read_json
from orchestrator.models import Agent, Frozen, Plan, now
from orchestrator.sandbox import Sandbox
from orchestrator.workspace import Repository
from tasks.record import reconcile
from tasks.run import Run


class Order(Frozen):
    """What a command asks a run to work with."""

    home: Path
    plan: Path | None = None
    """The plan's file; none means the one that the home was made for."""
    playbook: Path | None = None
    """The folder of scripted turns; none means the plan's own."""
    slots: int = 4
    """How many tasks are under way at once."""
    barrier: bool = False
    """Whether a phase begins only when the one before it has ended."""
    without_sandbox: bool = False
    agents: dict[str, str] = {}
    """Tasks that another agent than the plan's is to do, and that agent, by any of its names."""


class Prepared(Frozen):
    """What stands before a run begins: all of it read, none of it locked."""

    model_config = {"arbitrary_types_allowed": True}

    order: Order
    home: Home
    project: Path
    plan: Plan
    agents: dict[str, Agent]
    keys: dict[str, str]
    model: Playbook
    chosen: dict[str, str]
    """Who is to do a task instead of the agent that the plan names."""
    merged: frozenset[str]
    """The tasks whose present key has landed."""


def prepare(order: Order) -> Prepared:
    """Read the home, plan, agents and history that a run would work with.

    Raises:
        InputError: one of them is missing or wrong.
    """
    home = Home(order.home)
    record = read_json(home.project_file)
    if record is None:
        raise InputError(
            f"{home.root}: no project here yet; run `mbo init --project-path DIR --home {home.root}` first"
        )
    plan = plans.load(order.plan or Path(record["plan"]))
    project = Path(record["project"])
    names = [entry.id for entry in plan.agents]
    agents = roster.load(names, project)
    model = _model(order, plan)
    keys = taskkey.keys(plan, agents, model.parameters, brief.version())
    landed = Repository(home).landed()
    merged = frozenset(task for task, key in keys.items() if key in landed)
    return Prepared(
        order=order,
        home=home,
        project=project,
        plan=plan,
        agents=agents,
        keys=keys,
        model=model,
        chosen=_chosen(order, plan),
        merged=merged,
    )


def require_turns(prepared: Prepared, tasks: Collection[str]) -> None:
    """Refuse a run whose playbook has no turns for some of its tasks.

    Raises:
        InputError: names those tasks.
    """
    uncovered = [t.id for t in prepared.plan.tasks if t.id in tasks and not prepared.model.covers(t.id)]
    if uncovered:
        shown = ", ".join(uncovered[:8]) + (f" and {len(uncovered) - 8} more" if len(uncovered) > 8 else "")
        raise InputError(
            f"{prepared.model.folder}: the playbook has no turns for {shown}; add them or select other tasks"
        )


@asynccontextmanager
async def opened(order: Order, command: str, say: Callable[[str], None]) -> AsyncIterator[tuple[Prepared, Run]]:
    """Hold the home and give what the steps of one run share; everything is closed at the end.

    Raises:
        HomeBusyError: another run holds the home.
        UnsupportedError: there is no sandbox, or the toolchain cannot be built.
    """
    with exclusive(Home(order.home), command):
        prepared = prepare(order)
        repository = Repository(prepared.home)
        await asyncio.to_thread(repository.sweep)
        sandbox, tools = await asyncio.gather(_sandbox(prepared), _toolchain(prepared.plan, say))
        run = Run(
            name=f"{now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
            home=prepared.home,
            plan=prepared.plan,
            agents=prepared.agents,
            keys=prepared.keys,
            model=prepared.model,
            repository=repository,
            sandbox=sandbox,
            toolchain=tools,
            project=prepared.project,
            chosen=prepared.chosen,
        )
        try:
            reconcile(run)
            yield prepared, run
        finally:
            run.close()


def _chosen(order: Order, plan: Plan) -> dict[str, str]:
    """Return who is to do a task instead of the plan's agent; like a backup, it does the same work under the same key."""
    chosen = {plans.task(plan, task_id).id: plans.agent(plan, name) for task_id, name in order.agents.items()}
    for task_id, name in chosen.items():
        if name in plans.task(plan, task_id).reviewers:
            raise InputError(f"{name} reviews task {task_id}, so it cannot do it; choose another agent")
    return chosen


def _model(order: Order, plan: Plan) -> Playbook:
    folder = order.playbook or (plan.source.parent / plan.playbook if plan.playbook else None)
    if folder is None:
        raise InputError(f"{plan.source}: the plan names no playbook; add `playbook: DIR` or give --playbook DIR")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such playbook folder; give another with --playbook DIR")
    return Playbook(folder.absolute())


async def _sandbox(prepared: Prepared) -> Sandbox:
    """Return the sandbox to work in, tested; none at all only by choice, or for the turns that come with the product."""
    if prepared.order.without_sandbox:
        return sandboxes.without()
    try:
        found = await asyncio.to_thread(sandboxes.detect)
        await selftest.self_test(found)
    except UnsupportedError:
        if prepared.model.folder != (settings.BUNDLED_PLAN.parent / "playbook").absolute():
            raise
        return sandboxes.without()
    return found


async def _toolchain(plan: Plan, say: Callable[[str], None]) -> toolchain.Toolchain:
    if plan.toolchain is None:
        python = Path(sys.base_prefix) / "bin" / "python3"
        return toolchain.Toolchain(python, toolchain.interpreter(), "none")
    return await toolchain.prepare(plan.source.parent / plan.toolchain, settings.cache_folder(), say)
